//! How the crawls of adaptive products are spread.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::{CrawlAllocation, CrawlBudget, IntervalBounds, TenantId};

/// What the crawls of a tenant's adaptive products are spread by. Claims and products show the resulting intervals.
#[async_trait]
pub trait CrawlAllocations: Send + Sync {
    /// The tenants that have active adaptive products, with the names of their plans.
    async fn tenants_with_adaptive_products(&self) -> StoreResult<Vec<(TenantId, String)>>;

    /// The listings of a tenant's active adaptive products. Reads them in pages: memory depends on the number of different rates
    /// alone. A product that this version cannot read is left out and logged.
    async fn crawl_budget(&self, tenant_id: TenantId, bounds: IntervalBounds) -> StoreResult<CrawlBudget>;

    /// Stores the allocation of a tenant; `None`: its adaptive products are crawled at their average intervals.
    async fn set_crawl_allocation(&self, tenant_id: TenantId, allocation: Option<CrawlAllocation>) -> StoreResult<()>;
}

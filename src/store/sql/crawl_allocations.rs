//! How the crawls of adaptive products are spread.

use async_trait::async_trait;
use sqlx::types::Json;
use uuid::Uuid;

use super::Backend;
use crate::domain::{ChangeRate, CrawlAllocation, CrawlBudget, IntervalBounds, TenantId};
use crate::store::error::or_report;
use crate::store::rows::interval;
use crate::store::tenant_scope::TenantScope;
use crate::store::{CrawlAllocations, StoreResult};

/// Products that are read at once.
const PAGE: i64 = 1000;

#[async_trait]
impl CrawlAllocations for Backend {
    async fn tenants_with_adaptive_products(&self) -> StoreResult<Vec<(TenantId, String)>> {
        const TENANTS: &str = "SELECT t.id, t.plan FROM tenant t WHERE EXISTS ( \
             SELECT 1 FROM product p WHERE p.tenant_id = t.id AND p.is_adaptive AND p.status = 'active') ORDER BY t.id";
        let query = sqlx::query_as(TENANTS);
        let rows: Vec<(Uuid, String)> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(rows.into_iter().map(|(id, plan)| (TenantId(id), plan)).collect())
    }

    async fn crawl_budget(&self, tenant_id: TenantId, bounds: IntervalBounds) -> StoreResult<CrawlBudget> {
        // No column: only one product in so many crawls needs it. An id is never zero.
        const PRODUCTS: &str = "SELECT p.id, p.interval_secs, l.state -> 'change_rate' \
             FROM product p JOIN listing l ON l.id = p.listing_id \
             WHERE p.tenant_id = $1 AND p.is_adaptive AND p.status = 'active' AND p.id > $2 ORDER BY p.id LIMIT $3";
        let mut budget = CrawlBudget::new(bounds);
        let mut last = Uuid::nil();
        loop {
            let query = sqlx::query_as(PRODUCTS).bind(tenant_id.0).bind(last).bind(PAGE);
            let rows: Vec<(Uuid, i32, Option<Json<ChangeRate>>)> =
                query.fetch_all(&mut *self.reader(tenant_id).await?).await?;
            let Some((id, ..)) = rows.last() else { return Ok(budget) };
            last = *id;
            for (_, interval_secs, rate) in rows {
                if let (Some(average), Some(rate)) = (or_report(interval(interval_secs)), rate) {
                    budget.add(rate.0, average);
                }
            }
        }
    }

    async fn set_crawl_allocation(&self, tenant_id: TenantId, allocation: Option<CrawlAllocation>) -> StoreResult<()> {
        const SET: &str = "UPDATE tenant SET crawl_allocation = $2 WHERE id = $1";
        let query = sqlx::query(SET).bind(tenant_id.0).bind(allocation.map(Json));
        query.execute(&mut *self.writer(tenant_id).await?).await?;
        Ok(())
    }
}

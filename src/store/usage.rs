//! What tenants have of what they may have.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::TenantId;

/// What a tenant has, and has used today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// Products.
    pub products: u32,
    /// People.
    pub users: u32,
    /// Alerts.
    pub alerts: u32,
    /// Looks that were asked for today (UTC).
    pub crawls_today: u32,
    /// When the day ends.
    pub day_ends_at: Timestamp,
}

/// Whether there was enough left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrawlQuota {
    /// There was.
    Within,
    /// There was not; nothing was spent.
    Exceeded {
        /// When there is again.
        day_ends_at: Timestamp,
    },
}

/// Quotas.
#[async_trait]
pub trait Usage: Send + Sync {
    /// What a tenant has.
    async fn usage(&self, tenant_id: TenantId) -> StoreResult<UsageRow>;

    /// Spends some of the looks that a tenant may ask for today, all or none of them.
    async fn consume_crawls(&self, tenant_id: TenantId, crawls: u32, quota: u32) -> StoreResult<CrawlQuota>;

    /// Gives back what was spent for nothing.
    async fn refund_crawls(&self, tenant_id: TenantId, crawls: u32) -> StoreResult<()>;
}

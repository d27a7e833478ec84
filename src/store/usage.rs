//! Quotas and usage of tenants.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::TenantId;

/// How much a tenant has, and has used today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// Products.
    pub products: u32,
    /// Users.
    pub users: u32,
    /// Alerts.
    pub alerts: u32,
    /// Crawls requested today (UTC).
    pub crawls_today: u32,
    /// When the day ends.
    pub day_ends_at: Timestamp,
}

/// The result of consuming crawls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrawlQuota {
    /// Within the quota.
    Within,
    /// Over the quota; nothing was consumed.
    Exceeded {
        /// When the quota is reset.
        day_ends_at: Timestamp,
    },
}

/// Quotas.
#[async_trait]
pub trait Usage: Send + Sync {
    /// The usage of a tenant.
    async fn usage(&self, tenant_id: TenantId) -> StoreResult<UsageRow>;

    /// Consumes some of the crawls that a tenant may request today, all or none of them.
    async fn consume_crawls(&self, tenant_id: TenantId, crawls: u32, quota: u32) -> StoreResult<CrawlQuota>;

    /// Returns crawls that were consumed and not requested.
    async fn refund_crawls(&self, tenant_id: TenantId, crawls: u32) -> StoreResult<()>;
}

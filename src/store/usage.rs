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
    /// Channels.
    pub channels: u32,
    /// Messages to channels today.
    pub messages_today: u32,
    /// Crawls requested today (UTC).
    pub crawls_today: u32,
    /// When the day ends.
    pub day_ends_at: Timestamp,
}

/// Quotas.
#[async_trait]
pub trait Usage: Send + Sync {
    /// The usage of a tenant.
    async fn usage(&self, tenant_id: TenantId) -> StoreResult<UsageRow>;
}

//! Tenants: their names, plans, usage and deletion.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreResult};
use crate::domain::{SellerId, Tenant, TenantId};

/// Changes to a tenant; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TenantPatch {
    /// The name.
    pub name: Option<String>,
    /// The plan.
    pub plan: Option<String>,
    /// The ids under which it sells itself.
    pub seller_ids: Option<Vec<SellerId>>,
    /// When it is deleted; `Some(None)` cancels the deletion.
    pub deletion_scheduled_at: Option<Option<Timestamp>>,
    /// Only if the row still has this version: otherwise [`Changed`](super::StoreError::Changed).
    pub expected_version: Option<i64>,
}

/// The usage of a tenant on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyUsage {
    /// When the day began (UTC).
    pub day: Timestamp,
    /// Crawls that were requested.
    pub crawls: u32,
}

/// The tenants.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// One tenant.
    async fn tenant(&self, id: TenantId) -> StoreResult<Tenant>;

    /// Changes a tenant. A deletion that is due cannot be cancelled: then there is no such tenant any more.
    async fn update_tenant(&self, id: TenantId, patch: &TenantPatch) -> StoreResult<Tenant>;

    /// A page of all tenants, newest first.
    async fn tenants(&self, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Tenant>>;

    /// The tenants whose scheduled deletion is due.
    async fn tenants_due_for_deletion(&self) -> StoreResult<Vec<TenantId>>;

    /// Deletes a tenant and all of its data, users and keys first. Listings and their history belong to all tenants and stay. A
    /// deletion that was interrupted can be continued, also on another replica, and several may run at the same time. False: its
    /// deletion is not due.
    async fn remove_tenant(&self, id: TenantId) -> StoreResult<bool>;

    /// The usage of a tenant on each stored day, in order.
    async fn daily_usage(&self, tenant_id: TenantId) -> StoreResult<Vec<DailyUsage>>;
}

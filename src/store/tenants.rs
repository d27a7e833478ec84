//! Tenants as a whole: what they are called and may have, how they leave, and everything of theirs.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreResult};
use crate::domain::{Tenant, TenantId};

/// Changes to a tenant; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TenantPatch {
    /// How it calls itself.
    pub name: Option<String>,
    /// What it may have.
    pub plan: Option<String>,
    /// When it is deleted, if it leaves.
    pub deletion_scheduled_at: Option<Option<Timestamp>>,
    /// Only if the row still has this version: otherwise [`Changed`](super::StoreError::Changed).
    pub expected_version: Option<i64>,
}

/// What a tenant has used of its plan on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyUsage {
    /// When the day began (UTC).
    pub day: Timestamp,
    /// Looks that were asked for.
    pub crawls: u32,
}

/// The tenants.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// One tenant.
    async fn tenant(&self, id: TenantId) -> StoreResult<Tenant>;

    /// Changes a tenant.
    async fn update_tenant(&self, id: TenantId, patch: &TenantPatch) -> StoreResult<Tenant>;

    /// A page of all tenants, the newest first.
    async fn tenants(&self, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Tenant>>;

    /// Those whose time to leave has come.
    async fn tenants_due_for_deletion(&self) -> StoreResult<Vec<TenantId>>;

    /// Deletes a tenant with everything of it and nothing else: what is known of listings is everyone's and stays. Its people
    /// and keys go first. Whoever is interrupted may begin again, also on another replica.
    async fn remove_tenant(&self, id: TenantId) -> StoreResult<()>;

    /// What a tenant has used on each day that is remembered, in order.
    async fn daily_usage(&self, tenant_id: TenantId) -> StoreResult<Vec<DailyUsage>>;
}

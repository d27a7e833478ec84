//! The tenant scope of a connection: which rows its statements may see.
//!
//! Every statement names its tenant. On PostgreSQL row-level security enforces it once more: a connection sees the rows of one
//! tenant, or of all, and without a scope it sees nothing.

use crate::domain::TenantId;

/// Which rows a connection sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TenantScope {
    /// The rows of one tenant.
    Tenant(TenantId),
    /// All rows: for crawls, authentication and maintenance.
    All,
}

impl From<TenantId> for TenantScope {
    fn from(id: TenantId) -> Self {
        Self::Tenant(id)
    }
}

impl TenantScope {
    /// The value of the setting `tracker.tenant_id` on PostgreSQL.
    pub(super) fn as_setting(self) -> String {
        match self {
            Self::Tenant(id) => id.0.to_string(),
            Self::All => ALL_TENANTS.to_owned(),
        }
    }
}

/// See [`TenantScope::as_setting`].
pub(super) const ALL_TENANTS: &str = "*";

//! Whose rows a statement may see.
//!
//! Every statement names its tenant by itself. On PostgreSQL row-level security holds it to that once more: a
//! connection is lent to one tenant, or to everyone, and outside of that it sees nothing.

use crate::domain::TenantId;

/// Whose rows a connection is lent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TenantScope {
    /// One tenant's.
    Tenant(TenantId),
    /// All: what serves the crawl, finds out who somebody is, or looks after the whole.
    All,
}

impl From<TenantId> for TenantScope {
    fn from(id: TenantId) -> Self {
        Self::Tenant(id)
    }
}

impl TenantScope {
    /// How it is told to PostgreSQL (`tracker.tenant_id`).
    pub(super) fn as_setting(self) -> String {
        match self {
            Self::Tenant(id) => id.0.to_string(),
            Self::All => ALL_TENANTS.to_owned(),
        }
    }
}

/// See [`TenantScope::as_setting`].
pub(super) const ALL_TENANTS: &str = "*";

//! Who did what to which resource, from where. Append-only.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Page, StoreResult};
use crate::domain::{ApiKeyId, TenantId, UserId};

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditActor {
    /// A person.
    User(UserId),
    /// A machine.
    Key(ApiKeyId),
    /// The installation itself, or whoever has its command line.
    System,
    /// Somebody who had not signed in.
    Nobody,
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::System => f.write_str("system"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
}

/// One event, to be noted.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// Who.
    pub actor: AuditActor,
    /// What: `product.add`.
    pub action: &'static str,
    /// To what: `product:UUID`.
    pub resource: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// In which request.
    pub request_id: Option<String>,
    /// What else is worth knowing; never a secret.
    pub facts: serde_json::Value,
}

/// One event, as it was noted.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Identity.
    pub id: Uuid,
    /// Who, in words.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub resource: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What else.
    pub facts: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Notes an event.
    async fn record(&self, event: AuditEvent) -> StoreResult<()>;

    /// A page of a tenant's acts, the latest first.
    async fn audit_entries(
        &self,
        tenant_id: TenantId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<AuditEntry>>;
}

//! The audit log: who did what to which resource, from where. Entries are added, and deleted when their retention ends.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Page, StoreResult};
use crate::domain::{ApiKeyId, TenantId, UserId};

/// The author of an audit event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditActor {
    /// A user.
    User(UserId),
    /// An API key.
    Key(ApiKeyId),
    /// The installation itself, or its command line.
    System,
    /// A request without a credential.
    Anonymous,
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// An event to be recorded.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The author.
    pub actor: AuditActor,
    /// The action: `product.add`.
    pub action: &'static str,
    /// To what: `product:UUID`.
    pub resource: Option<String>,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The request.
    pub request_id: Option<String>,
    /// More facts; never a secret.
    pub facts: serde_json::Value,
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Identity.
    pub id: Uuid,
    /// The author, as text.
    pub actor: String,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: Option<String>,
    /// The address of the client.
    pub address: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// More facts.
    pub facts: serde_json::Value,
    /// The time.
    pub at: Timestamp,
}

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// The author, as text.
    pub actor: Option<String>,
    /// The action, or what is before its dot: `product.add`, `product`.
    pub action: Option<String>,
    /// At or after this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Records an event.
    async fn record(&self, event: AuditEvent) -> StoreResult<()>;

    /// A page of a tenant's entries, latest first.
    async fn audit_entries(
        &self,
        tenant_id: TenantId,
        filter: &AuditFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<AuditEntry>>;
}

//! IdempotencyStore that are kept, so that a request that comes again is not carried out again.

use async_trait::async_trait;

use super::StoreResult;
use super::audit::AuditActor;
use crate::domain::{TenantId, TokenHash};

/// A request that must not be carried out twice.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// Whose: keys of two callers never meet.
    pub caller: AuditActor,
    /// As the client chose it.
    pub key: String,
    /// Of method, path and body.
    pub fingerprint: TokenHash,
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// JSON.
    pub body: String,
}

/// Whether a request came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyState {
    /// Never: carry it out, and keep the answer under the number of this beginning.
    First(i64),
    /// It did: this was the answer.
    Completed(StoredResponse),
    /// It did, and is still under way.
    InProgress,
    /// Another request came under this key.
    KeyReused,
}

/// IdempotencyStore that are kept for a day.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Begins a request. One that was begun and never ended may begin again after a minute.
    async fn begin_idempotent(&self, key: &IdempotencyKey) -> StoreResult<IdempotencyState>;

    /// Keeps the answer of one beginning, unless the request has begun again since.
    async fn store_response(&self, key: &IdempotencyKey, begun: i64, answer: &StoredResponse) -> StoreResult<()>;

    /// It failed by our fault, or came too early: it may be tried again under the same key.
    async fn release_idempotency_key(&self, key: &IdempotencyKey, begun: i64) -> StoreResult<()>;
}

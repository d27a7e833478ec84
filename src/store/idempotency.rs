//! Idempotency keys: a request that is repeated is not carried out again.

use async_trait::async_trait;

use super::StoreResult;
use super::audit::AuditActor;
use crate::domain::{TenantId, TokenHash};

/// A request with an idempotency key.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The caller: each caller has keys of its own.
    pub caller: AuditActor,
    /// The key that the client chose.
    pub key: String,
    /// The hash of method, path and body.
    pub fingerprint: TokenHash,
}

/// A stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The body (JSON).
    pub body: String,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyState {
    /// It is new: carry it out, and store the response with this number.
    First(i64),
    /// It was carried out: this was the response.
    Completed(StoredResponse),
    /// It is in progress.
    InProgress,
    /// The key was used for another request.
    KeyReused,
}

/// Idempotency keys, valid for one day.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Begins a request. A request that never ended may begin again after a minute.
    async fn begin_idempotent(&self, key: &IdempotencyKey) -> StoreResult<IdempotencyState>;

    /// Stores the response, unless the request has begun again since.
    async fn store_response(&self, key: &IdempotencyKey, begun: i64, answer: &StoredResponse) -> StoreResult<()>;

    /// Releases the key of a request that failed on the server's side: it may be retried with the same key.
    async fn release_idempotency_key(&self, key: &IdempotencyKey, begun: i64) -> StoreResult<()>;
}

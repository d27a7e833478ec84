//! Requests that must not be carried out twice (`Idempotency-Key`).

use std::sync::Arc;

use super::access::Caller;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::auth::hash_of;
use crate::store::{IdempotencyKey, IdempotencyState, StoredResponse};

const MAX_KEY_CHARS: usize = 255;

/// A request that has started.
pub struct IdempotentRequest {
    key: IdempotencyKey,
    number: i64,
}

/// Whether a request that came with a key is carried out.
pub enum IdempotentStart {
    /// For the first time.
    First(IdempotentRequest),
    /// It was already: this was the answer.
    Completed(StoredResponse),
}

impl Service {
    /// Begins a request under the key that its client chose. `what` is method, path and body.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a key that is none, or that another request came under;
    /// [`ServiceError::InProgress`].
    pub async fn begin_idempotent(&self, caller: &Caller, key: &str, what: &str) -> ServiceResult<IdempotentStart> {
        if key.is_empty() || key.len() > MAX_KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("has 1 to {MAX_KEY_CHARS} visible ASCII characters");
            return Err(ServiceError::invalid("Idempotency-Key", message));
        }
        let (tenant_id, caller) = (caller.tenant_id, caller.actor());
        let key = IdempotencyKey { tenant_id, caller, key: key.to_owned(), fingerprint: hash_of(what) };
        self.run(async move |deps: Arc<Dependencies>| match deps.store.begin_idempotent(&key).await? {
            IdempotencyState::First(number) => Ok(IdempotentStart::First(IdempotentRequest { key, number })),
            IdempotencyState::Completed(answer) => Ok(IdempotentStart::Completed(answer)),
            IdempotencyState::InProgress => Err(ServiceError::InProgress),
            IdempotencyState::KeyReused => {
                Err(ServiceError::invalid("Idempotency-Key", "came with another request before"))
            }
        })
        .await
    }

    /// Ends it: the answer is kept, or, without one, the request may come again.
    pub async fn end_idempotent(&self, started: IdempotentRequest, answer: Option<StoredResponse>) {
        let ended = self.run(async move |deps: Arc<Dependencies>| {
            let written = match &answer {
                Some(answer) => deps.store.store_response(&started.key, started.number, answer).await,
                None => deps.store.release_idempotency_key(&started.key, started.number).await,
            };
            Ok(written?)
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "an answer could not be kept: its key is busy for a minute");
        }
    }
}

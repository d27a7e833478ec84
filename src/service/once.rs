//! Requests that must not be carried out twice (`Idempotency-Key`).

use std::sync::Arc;

use super::access::Caller;
use super::{Parts, Service, ServiceError, ServiceResult};
use crate::auth::hash_of;
use crate::store::{KeptAnswer, Once, OnceKey};

const LONGEST_KEY_CHARS: usize = 255;

/// A request that has begun.
pub struct Begun {
    key: OnceKey,
    number: i64,
}

/// Whether a request that came with a key is carried out.
pub enum Beginning {
    /// For the first time.
    First(Begun),
    /// It was already: this was the answer.
    Again(KeptAnswer),
}

impl Service {
    /// Begins a request under the key that its client chose. `what` is method, path and body.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a key that is none, or that another request came under;
    /// [`ServiceError::UnderWay`].
    pub async fn begin_once(&self, caller: &Caller, key: &str, what: &str) -> ServiceResult<Beginning> {
        if key.is_empty() || key.len() > LONGEST_KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("has 1 to {LONGEST_KEY_CHARS} visible ASCII characters");
            return Err(ServiceError::invalid("Idempotency-Key", message));
        }
        let (tenant_id, caller) = (caller.tenant_id, caller.actor());
        let key = OnceKey { tenant_id, caller, key: key.to_owned(), fingerprint: hash_of(what) };
        self.run(async move |parts: Arc<Parts>| {
            match parts.store.begin_once(&key).await.map_err(|error| ServiceError::of(error, "answer"))? {
                Once::First(number) => Ok(Beginning::First(Begun { key, number })),
                Once::Again(answer) => Ok(Beginning::Again(answer)),
                Once::UnderWay => Err(ServiceError::UnderWay),
                Once::Another => Err(ServiceError::invalid("Idempotency-Key", "came with another request before")),
            }
        })
        .await
    }

    /// Ends it: the answer is kept, or, without one, the request may come again.
    pub async fn end_once(&self, begun: Begun, answer: Option<KeptAnswer>) {
        let ended = self.run(async move |parts: Arc<Parts>| {
            let written = match &answer {
                Some(answer) => parts.store.keep_answer(&begun.key, begun.number, answer).await,
                None => parts.store.forget_once(&begun.key, begun.number).await,
            };
            written.map_err(|error| ServiceError::of(error, "answer"))
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "an answer could not be kept: its key is busy for a minute");
        }
    }
}

//! Idempotent requests (`Idempotency-Key`).

use std::sync::Arc;

use super::access::Caller;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::auth::hash_of;
use crate::store::{IdempotencyKey, StoredResponse};

const MAX_KEY_CHARS: usize = 255;

/// A request with an idempotency key.
pub enum KeyedRequest {
    /// No request with this key has succeeded.
    New(IdempotencyKey),
    /// It repeats an earlier one, which got this response.
    Repeated(StoredResponse),
}

impl Service {
    /// Looks up the response to an earlier request with this key. `request`: method, path and body.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a key that is malformed, or was used for another request.
    pub async fn keyed_request(&self, caller: &Caller, key: &str, request: &[u8]) -> ServiceResult<KeyedRequest> {
        if key.is_empty() || key.len() > MAX_KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("must have 1 to {MAX_KEY_CHARS} visible ASCII characters");
            return Err(ServiceError::invalid("Idempotency-Key", message));
        }
        let (tenant_id, caller) = (caller.tenant_id, caller.actor());
        let key = IdempotencyKey { tenant_id, caller, key: key.to_owned(), fingerprint: hash_of(request) };
        self.run(async move |deps: Arc<Dependencies>| {
            let stored = deps.store.stored_response(&key).await?;
            Ok(stored.map_or(KeyedRequest::New(key), KeyedRequest::Repeated))
        })
        .await
    }
}

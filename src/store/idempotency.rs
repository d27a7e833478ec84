//! `Idempotency-Key`: what a request creates and the response to it are written in one transaction.
//!
//! [`idempotently`] hands the key down to the transaction that creates the `T`: a task-local value, so that the methods of the
//! store that create something need no parameter for the few callers who have a key. The transaction inserts the row of the
//! key first. Of two requests under one key the second waits for that row, and finds the response of the first.

use std::any::Any;
use std::cell::RefCell;

use async_trait::async_trait;

use super::audit::AuditActor;
use super::stored_response::StoredResponse;
use super::{StoreError, StoreResult};
use crate::domain::{TenantId, TokenHash};

/// A request that must not be carried out twice.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The caller: keys of two callers never meet.
    pub caller: AuditActor,
    /// As the client chose it.
    pub key: String,
    /// Of the bytes of method, path and body.
    pub fingerprint: TokenHash,
}

/// What became of a request that creates something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation<T> {
    /// It was carried out.
    Created(T),
    /// It had been carried out before: this was the response.
    Replayed(StoredResponse),
}

/// A key, with how the response is made from what is created.
pub struct IdempotencyClaim<T> {
    /// The key.
    pub key: IdempotencyKey,
    /// Makes the response that is stored.
    pub render: Box<dyn FnOnce(&T) -> StoredResponse + Send>,
}

tokio::task_local! {
    /// The claim of the request that is carried out, until its transaction takes it.
    static CLAIM: RefCell<Option<Box<dyn Any + Send>>>;
}

/// Runs `create`, a call of a store's method that creates a `T` in one transaction. With a claim that transaction writes the
/// response too, or finds the one that was stored before and creates nothing.
///
/// # Errors
/// Those of `create`, in which case nothing is stored; [`StoreError::IdempotencyKeyReused`].
pub async fn idempotently<T: Send + 'static>(
    claim: Option<IdempotencyClaim<T>>,
    create: impl Future<Output = StoreResult<T>>,
) -> StoreResult<Creation<T>> {
    let created = match claim {
        None => create.await,
        Some(claim) => CLAIM.scope(RefCell::new(Some(Box::new(claim))), create).await,
    };
    match created {
        Ok(created) => Ok(Creation::Created(created)),
        Err(StoreError::Replayed(response)) => Ok(Creation::Replayed(*response)),
        Err(error) => Err(error),
    }
}

/// The claim for the transaction that is about to create a `T`.
pub(super) fn take_claim<T: 'static>() -> Option<IdempotencyClaim<T>> {
    let take = |claim: &RefCell<Option<Box<dyn Any + Send>>>| {
        let claim = claim.borrow_mut().take_if(|claim| claim.is::<IdempotencyClaim<T>>())?;
        claim.downcast().ok().map(|claim| *claim)
    };
    CLAIM.try_with(take).ok().flatten()
}

/// Stored responses. They are replayed for a day.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// The response to the request that came under this key before, if one did.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyKeyReused`] when that was another request.
    async fn stored_response(&self, key: &IdempotencyKey) -> StoreResult<Option<StoredResponse>>;
}

//! `Idempotency-Key`: the effect of a request and its response are written in one transaction.
//!
//! [`idempotently`] passes the key to the transaction that creates the `T` as a task-local value, so that the creating methods of
//! the store need no parameter for it. The transaction inserts the row of the key first. Of two requests with one key the second
//! waits for that row, and replays the response of the first.

use std::any::Any;
use std::cell::RefCell;

use async_trait::async_trait;

use super::audit::AuditActor;
use super::stored_response::StoredResponse;
use super::{StoreError, StoreResult};
use crate::domain::{TenantId, TokenHash};

/// The key of a request that must not be carried out twice.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The caller: keys of two callers never meet.
    pub caller: AuditActor,
    /// The key that the client chose.
    pub key: String,
    /// Of the bytes of method, path and body.
    pub fingerprint: TokenHash,
}

/// The result of an idempotent creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation<T> {
    /// It was created.
    Created(T),
    /// A request with the same key had created it before, with this response.
    Replayed(StoredResponse),
}

/// A key, and how to render the response.
pub struct IdempotencyClaim<T> {
    /// The key.
    pub key: IdempotencyKey,
    /// Renders the response that is stored.
    pub render: Box<dyn FnOnce(&T) -> StoredResponse + Send>,
}

tokio::task_local! {
    /// The claim of the current request, until its transaction takes it.
    static CLAIM: RefCell<Option<Box<dyn Any + Send>>>;
}

/// Runs `create`, a call of a store method that creates a `T` in one transaction. With a claim, that transaction also stores the
/// response, or finds an earlier one and creates nothing.
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
    /// The response to an earlier request with this key.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyKeyReused`] when that request was a different one.
    async fn stored_response(&self, key: &IdempotencyKey) -> StoreResult<Option<StoredResponse>>;
}

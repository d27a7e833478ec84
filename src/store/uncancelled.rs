//! Work that ends even when nobody waits for it any more.

use super::{StoreError, StoreResult};

/// Runs `work` on a task of its own: whoever waits for it may go away, it still ends.
pub(super) async fn uncancelled<T: Send + 'static>(
    work: impl Future<Output = StoreResult<T>> + Send + 'static,
) -> StoreResult<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(StoreError::Unavailable(sqlx::Error::PoolClosed)),
        },
    }
}

//! Work that ends even when its caller is cancelled.

use tracing::Instrument;

use super::{StoreError, StoreResult};

/// Runs `work` on a task of its own, in the span of the caller: it ends even when the caller is cancelled.
pub(super) async fn uncancelled<T: Send + 'static>(
    work: impl Future<Output = StoreResult<T>> + Send + 'static,
) -> StoreResult<T> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(StoreError::Unavailable(sqlx::Error::PoolClosed)),
        },
    }
}

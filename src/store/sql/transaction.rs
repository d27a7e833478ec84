//! Transactions that nobody cancels.

use futures_util::future::BoxFuture;

use super::{BEGIN, Backend, Conn};
use crate::store::{StoreError, StoreResult};

impl Backend {
    /// Runs `work` in one transaction on a task of its own: whoever waits for it may go away, the transaction still ends.
    /// A cancelled `begin` would leave an open transaction in a pooled connection (sqlx 0.9.0).
    pub(super) async fn transaction<T, W>(&self, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, StoreResult<T>> + Send + 'static,
    {
        let pool = self.writer.clone();
        let task = tokio::spawn(async move {
            let mut transaction = pool.begin_with(BEGIN).await?;
            // On an error the transaction is dropped, which rolls it back.
            let result = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(result)
        });
        match task.await {
            Ok(result) => result,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => Err(StoreError::Unavailable(sqlx::Error::PoolClosed)),
            },
        }
    }
}

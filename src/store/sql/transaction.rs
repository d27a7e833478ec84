//! Transactions that nobody cancels.

use futures_util::future::BoxFuture;

use super::{BEGIN, Backend, Conn};
use crate::store::StoreResult;
use crate::store::uncancelled::uncancelled;

impl Backend {
    /// Runs `work` in one transaction that ends even when nobody waits for it any more: a cancelled `begin` would leave an
    /// open transaction in a pooled connection (sqlx 0.9.0).
    pub(super) async fn transaction<T, W>(&self, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, StoreResult<T>> + Send + 'static,
    {
        let pool = self.writer.clone();
        uncancelled(async move {
            let mut transaction = pool.begin_with(BEGIN).await?;
            // On an error the transaction is dropped, which rolls it back.
            let result = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(result)
        })
        .await
    }
}

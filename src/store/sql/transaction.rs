//! Transactions that nobody cancels.

use futures_util::future::BoxFuture;
use sqlx::{Pool, Transaction};

use super::{Backend, Conn, Db, reach};
use crate::store::StoreResult;
use crate::store::reach::Reach;
use crate::store::uncancelled::uncancelled;

impl Backend {
    /// Runs `work` in one transaction that ends even when nobody waits for it any more: a cancelled `begin` would leave an
    /// open transaction in a pooled connection (sqlx 0.9.0).
    pub(super) async fn transaction<T, W>(&self, reach: impl Into<Reach>, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, StoreResult<T>> + Send + 'static,
    {
        let (pool, reach) = (self.writer.clone(), reach.into());
        self.wrote(reach);
        let done = uncancelled(async move {
            let mut transaction = begin(&pool, reach).await?;
            // On an error the transaction is dropped, which rolls it back.
            let result = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(result)
        })
        .await;
        // It may have taken a while.
        self.wrote(reach);
        done
    }
}

/// An engine that ends a transaction by itself (SQLite, when the disk is full) leaves a connection that still counts it as
/// open (sqlx 0.9.0) and can begin no other. Such a connection is closed, and a new one begins.
async fn begin(pool: &Pool<Db>, reach: Reach) -> sqlx::Result<Transaction<'static, Db>> {
    match pool.begin_with(reach::begin(reach)).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            pool.acquire().await?.close().await?;
            pool.begin_with(reach::begin(reach)).await
        }
        begun => begun,
    }
}

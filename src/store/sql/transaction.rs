//! Transactions that end even when their caller is cancelled.

use futures_util::future::BoxFuture;
use sqlx::{Pool, Transaction};

use super::{Backend, Conn, Db, idempotency, tenant_scope};
use crate::store::StoreResult;
use crate::store::idempotency::take_claim;
use crate::store::tenant_scope::TenantScope;
use crate::store::uncancelled::uncancelled;

impl Backend {
    /// Runs `work` in one transaction that ends even when the caller is cancelled: a cancelled `begin` would leave an open
    /// transaction in a pooled connection (sqlx 0.9.0). If the request that creates the `T` has an idempotency key, its
    /// response is stored in the same transaction.
    pub(in crate::store) async fn transaction<T, W>(&self, scope: impl Into<TenantScope>, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, StoreResult<T>> + Send + 'static,
    {
        let (pool, scope) = (self.writer.clone(), scope.into());
        self.note_write(scope);
        let (claim, clock) = (take_claim::<T>(), self.clock_param());
        let done = uncancelled(async move {
            let mut transaction = begin(&pool, scope).await?;
            // On an error the transaction is dropped, which rolls it back.
            if let Some(claim) = &claim {
                idempotency::claim(&mut transaction, &claim.key, clock).await?;
            }
            let result = work(&mut transaction).await?;
            if let Some(claim) = claim {
                let response = (claim.render)(&result);
                idempotency::store_response(&mut transaction, &claim.key, response).await?;
            }
            transaction.commit().await?;
            Ok(result)
        })
        .await;
        // Again, because the transaction may have taken a while.
        self.note_write(scope);
        done
    }
}

/// When an engine ends a transaction by itself (SQLite, when the disk is full), sqlx 0.9.0 still counts it as open, and the
/// connection can begin no other. Such a connection is closed, and a new one is used.
async fn begin(pool: &Pool<Db>, scope: TenantScope) -> sqlx::Result<Transaction<'static, Db>> {
    match pool.begin_with(tenant_scope::begin(scope)).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            pool.acquire().await?.close().await?;
            pool.begin_with(tenant_scope::begin(scope)).await
        }
        begun => begun,
    }
}

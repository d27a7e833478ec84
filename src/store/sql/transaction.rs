//! Transactions that nobody cancels.

use futures_util::future::BoxFuture;
use sqlx::{Pool, Transaction};

use super::{Backend, Conn, Db, idempotency, tenant_scope};
use crate::store::StoreResult;
use crate::store::idempotency::take_claim;
use crate::store::tenant_scope::TenantScope;
use crate::store::uncancelled::uncancelled;

impl Backend {
    /// Runs `work` in one transaction that ends even when nobody waits for it any more: a cancelled `begin` would leave an
    /// open transaction in a pooled connection (sqlx 0.9.0). If the request that creates the `T` has an idempotency key, its
    /// response is stored in the same transaction.
    pub(super) async fn transaction<T, W>(&self, scope: impl Into<TenantScope>, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, StoreResult<T>> + Send + 'static,
    {
        let (pool, scope) = (self.writer.clone(), scope.into());
        self.note_write(scope);
        let claim = match take_claim::<T>() {
            Some(claim) => Some((claim, self.now_ms().await?)),
            None => None,
        };
        let done = uncancelled(async move {
            let mut transaction = begin(&pool, scope).await?;
            // On an error the transaction is dropped, which rolls it back.
            if let Some((claim, now_ms)) = &claim {
                idempotency::claim(&mut transaction, &claim.key, *now_ms).await?;
            }
            let result = work(&mut transaction).await?;
            if let Some((claim, _)) = claim {
                let response = (claim.render)(&result);
                idempotency::store_response(&mut transaction, &claim.key, response).await?;
            }
            transaction.commit().await?;
            Ok(result)
        })
        .await;
        // It may have taken a while.
        self.note_write(scope);
        done
    }
}

/// An engine that ends a transaction by itself (SQLite, when the disk is full) leaves a connection that still counts it as
/// open (sqlx 0.9.0) and can begin no other. Such a connection is closed, and a new one begins.
async fn begin(pool: &Pool<Db>, scope: TenantScope) -> sqlx::Result<Transaction<'static, Db>> {
    match pool.begin_with(tenant_scope::begin(scope)).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            pool.acquire().await?.close().await?;
            pool.begin_with(tenant_scope::begin(scope)).await
        }
        begun => begun,
    }
}

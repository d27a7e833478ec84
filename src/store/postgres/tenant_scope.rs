//! Connections with a tenant scope: row-level security shows a connection the rows of the tenant that the setting
//! `tracker.tenant_id` names.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool};

use super::replica::Replica;
use super::{Backend, Conn, Db};
use crate::domain::TenantId;
use crate::store::tenant_scope::TenantScope;
use crate::store::{OnWrite, StoreError, StoreResult};
use crate::telemetry::Metrics;

impl Backend {
    /// A connection that reads, with a tenant scope.
    pub(super) async fn reader(&self, scope: impl Into<TenantScope>) -> StoreResult<PoolConnection<Db>> {
        acquire_scoped(&self.readers, scope.into()).await
    }

    /// A connection for reads that may be slightly old: to the standby, if there is one and its lag is small enough.
    pub(super) async fn replica_reader(&self, scope: impl Into<TenantScope>) -> StoreResult<PoolConnection<Db>> {
        let scope = scope.into();
        if let Some(replica) = &self.replica
            && let Some(conn) = replica.reader(scope).await
        {
            return Ok(conn);
        }
        self.reader(scope).await
    }

    /// Runs a read from a [`Backend::replica_reader`]. If the standby fails, or cancels a read that takes too long, the read runs
    /// once more on the primary.
    pub(super) async fn with_replica_fallback<'r, T>(
        &self,
        read: impl Fn() -> BoxFuture<'r, StoreResult<T>> + Send + Sync,
    ) -> StoreResult<T> {
        match (read().await, &self.replica) {
            (Err(StoreError::Unavailable(_)), Some(replica)) if replica.mark_unusable() => read().await,
            (answer, _) => answer,
        }
    }

    /// The same for tables that belong to no tenant: without a standby there is no scope to set.
    pub(super) async fn shared_reader(&self) -> StoreResult<PoolConnection<Db>> {
        match &self.replica {
            Some(_) => self.replica_reader(TenantScope::All).await,
            None => Ok(self.readers.acquire().await?),
        }
    }

    /// A connection that writes.
    pub(super) async fn writer(&self, scope: impl Into<TenantScope>) -> StoreResult<PoolConnection<Db>> {
        let scope = scope.into();
        self.note_write(scope);
        acquire_scoped(&self.writer, scope).await
    }

    /// Something is written: the next read must show it.
    pub(super) fn note_write(&self, scope: TenantScope) {
        if let Some(replica) = &self.replica {
            replica.note_write(scope);
        }
    }

    pub(super) fn start_replica_monitor(&self, metrics: Arc<Metrics>, on_write: OnWrite) {
        if let Some(replica) = &self.replica {
            replica.start_replica_monitor(metrics, on_write);
        }
    }

    pub(super) fn note_remote_write(&self, tenant_id: TenantId) {
        if let Some(replica) = &self.replica {
            replica.note_remote_write(tenant_id);
        }
    }

    pub(super) fn max_staleness(&self) -> Duration {
        self.replica.as_ref().map_or(Duration::ZERO, Replica::max_staleness)
    }

    pub(super) async fn close_standby(&self) {
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
    }
}

/// A connection that sees the rows of a scope. The scope stays with the connection when it returns to the pool, which costs one
/// round trip less than resetting it: every statement about rows of tenants runs on a connection from here or in a
/// transaction, and both set their scope first.
pub(super) async fn acquire_scoped(pool: &PgPool, scope: TenantScope) -> StoreResult<PoolConnection<Db>> {
    const SET_SCOPE: &str = "SELECT set_config('tracker.tenant_id', $1, false)";
    let mut conn = pool.acquire().await?;
    sqlx::query(SET_SCOPE).bind(scope.as_setting()).execute(&mut *conn).await?;
    Ok(conn)
}

/// The statement that begins a transaction with this scope.
pub(super) fn begin(scope: TenantScope) -> AssertSqlSafe<String> {
    // The value is a UUID or a star.
    AssertSqlSafe(format!("BEGIN; SET LOCAL tracker.tenant_id = '{}'", scope.as_setting()))
}

/// Changes the scope of the current transaction.
pub(super) async fn set_scope(conn: &mut Conn, scope: TenantScope) -> StoreResult<()> {
    const CHANGE: &str = "SELECT set_config('tracker.tenant_id', $1, true)";
    sqlx::query(CHANGE).bind(scope.as_setting()).execute(conn).await?;
    Ok(())
}

//! Connections of the store, each with a tenant scope: to the primary, or to the standby.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;

use super::replica::Replica;
use super::scoped::acquire_scoped;
pub(super) use super::scoped::{begin, set_scope};
use super::{Backend, Db};
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

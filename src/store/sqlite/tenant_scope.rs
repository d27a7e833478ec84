//! SQLite has no row-level security: every connection sees all rows, and each statement names its tenant.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::AssertSqlSafe;
use sqlx::pool::PoolConnection;

use super::{Backend, Conn, Db};
use crate::domain::TenantId;
use crate::store::tenant_scope::TenantScope;
use crate::store::{OnWrite, StoreResult};
use crate::telemetry::Metrics;

/// Takes the write lock at once: after a plain `BEGIN` that reads first, a write fails without waiting if another connection has
/// written in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

impl Backend {
    /// A connection that reads.
    pub(super) async fn reader(&self, _scope: impl Into<TenantScope>) -> StoreResult<PoolConnection<Db>> {
        Ok(self.readers.acquire().await?)
    }

    /// A connection that reads: there is no standby.
    pub(super) async fn replica_reader(&self, scope: impl Into<TenantScope>) -> StoreResult<PoolConnection<Db>> {
        self.reader(scope).await
    }

    /// Runs a read.
    pub(super) async fn with_replica_fallback<'r, T>(
        &self,
        read: impl Fn() -> BoxFuture<'r, StoreResult<T>> + Send + Sync,
    ) -> StoreResult<T> {
        read().await
    }

    /// A connection that reads what belongs to no tenant.
    pub(super) async fn shared_reader(&self) -> StoreResult<PoolConnection<Db>> {
        Ok(self.readers.acquire().await?)
    }

    /// There is no standby.
    pub(super) fn start_replica_monitor(&self, _metrics: Arc<Metrics>, _on_wrote: OnWrite) {}

    /// There are no other replicas.
    pub(super) fn note_remote_write(&self, _tenant_id: TenantId) {}

    /// Reads are never old.
    pub(super) fn max_staleness(&self) -> Duration {
        Duration::ZERO
    }

    /// Nothing to mark.
    pub(super) fn note_write(&self, _scope: TenantScope) {}

    /// Nothing to close.
    #[expect(clippy::unused_async, reason = "the PostgreSQL implementation closes a pool")]
    pub(super) async fn close_standby(&self) {}

    /// The connection that writes.
    pub(super) async fn writer(&self, _scope: impl Into<TenantScope>) -> StoreResult<PoolConnection<Db>> {
        Ok(self.writer.acquire().await?)
    }
}

/// The statement that begins a transaction.
pub(super) fn begin(_scope: TenantScope) -> AssertSqlSafe<String> {
    AssertSqlSafe(BEGIN.to_owned())
}

/// Changes nothing.
#[expect(clippy::unused_async, reason = "the PostgreSQL implementation tells the server")]
pub(super) async fn set_scope(_conn: &mut Conn, _scope: TenantScope) -> StoreResult<()> {
    Ok(())
}

//! SQLite has no row-level security: every connection sees everything, and each statement's own tenant is what counts.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::AssertSqlSafe;
use sqlx::pool::PoolConnection;

use super::{Backend, Conn, Db};
use crate::domain::TenantId;
use crate::store::reach::Reach;
use crate::store::{OnWrote, StoreResult};
use crate::telemetry::Metrics;

/// Takes the write lock at once: a plain `BEGIN` that reads first and writes then fails without waiting when another
/// has written in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

impl Backend {
    /// A connection that reads.
    pub(super) async fn reader(&self, _reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        Ok(self.readers.acquire().await?)
    }

    /// A connection that reads: what is read is as it is.
    pub(super) async fn tolerant_reader(&self, reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        self.reader(reach).await
    }

    /// Runs what reads.
    pub(super) async fn tolerantly<'r, T>(
        &self,
        read: impl Fn() -> BoxFuture<'r, StoreResult<T>> + Send + Sync,
    ) -> StoreResult<T> {
        read().await
    }

    /// A connection that reads what belongs to no tenant.
    pub(super) async fn reader_of_everyones(&self) -> StoreResult<PoolConnection<Db>> {
        Ok(self.readers.acquire().await?)
    }

    /// There is no standby.
    pub(super) fn begin_watch(&self, _metrics: Arc<Metrics>, _on_wrote: OnWrote) {}

    /// There are no others.
    pub(super) fn wrote_elsewhere(&self, _tenant_id: TenantId) {}

    /// What is read is as it is.
    pub(super) fn longest_lag(&self) -> Duration {
        Duration::ZERO
    }

    /// Nothing to mark.
    pub(super) fn wrote(&self, _reach: Reach) {}

    /// Nothing to close.
    #[expect(clippy::unused_async, reason = "PostgreSQL's twin closes a pool")]
    pub(super) async fn close_standby(&self) {}

    /// The connection that writes.
    pub(super) async fn writer(&self, _reach: impl Into<Reach>) -> StoreResult<PoolConnection<Db>> {
        Ok(self.writer.acquire().await?)
    }
}

/// What begins a transaction.
pub(super) fn begin(_reach: Reach) -> AssertSqlSafe<String> {
    AssertSqlSafe(BEGIN.to_owned())
}

/// Changes nothing.
#[expect(clippy::unused_async, reason = "PostgreSQL's twin tells the server")]
pub(super) async fn change(_conn: &mut Conn, _reach: Reach) -> StoreResult<()> {
    Ok(())
}

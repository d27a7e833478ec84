//! What a store needs done from time to time.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use std::sync::Arc;

use super::StoreResult;
use crate::domain::TenantId;
use crate::telemetry::Metrics;

/// Hears of a tenant for which something is written, where a standby is read from.
pub type OnWrite = Arc<dyn Fn(TenantId) + Send + Sync>;

/// How the database is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseStats {
    /// Messages that were given up and are still there.
    pub dead_deliveries: i64,
    /// Dead rows of the lease table.
    pub lease_dead_tuples: i64,
    /// Transactions since the oldest snapshot that is still needed.
    pub oldest_snapshot_age: i64,
}

/// StoreMaintenance. Every method may run on any replica at any time, also on several at once.
#[async_trait]
pub trait StoreMaintenance: Send + Sync {
    /// Brings the schema up to date. One migrator at a time.
    async fn migrate(&self) -> StoreResult<()>;

    /// [`Schema`](super::StoreError::Schema) when the schema is older or newer than this version can work with.
    async fn check_schema(&self) -> StoreResult<()>;

    /// Succeeds when the database can be reached and takes writes: for the readiness probe. Writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable), also when the database is read-only.
    async fn ping(&self) -> StoreResult<()>;

    /// Makes room for points from `from` to `to` (monthly partitions; nothing to do on SQLite).
    async fn ensure_partitions(&self, from: Timestamp, to: Timestamp) -> StoreResult<()>;

    /// Forgets history before `before`, but never the last point of a series: it still holds. Returns how many points or
    /// partitions went.
    async fn prune_history(&self, before: Timestamp) -> StoreResult<u64>;

    /// Forgets who has left and what is over: sign-ins, links, refresh tokens and kept answers that nobody can use any more, and tasks and
    /// usage of long ago.
    async fn purge_expired(&self) -> StoreResult<()>;

    /// Takes on work that is due by the clock. False: it is not due, or another replica does it. Unless its end is told, it is due
    /// again after `lease`.
    async fn acquire_job_lease(&self, name: &str, owner: &str, lease: Duration) -> StoreResult<bool>;

    /// The work is done, and due again after `pause`.
    async fn release_job_lease(&self, name: &str, owner: &str, pause: Duration) -> StoreResult<()>;

    /// What shows that the database is well.
    async fn database_stats(&self) -> StoreResult<DatabaseStats>;

    /// How many connections the server lets ordinary roles have; `None`: as many as anybody wants.
    async fn max_connections(&self) -> StoreResult<Option<u32>>;

    /// Watches from now on over the standby that is read from, if there is one. On the shared runtime.
    fn start_replica_monitor(&self, metrics: Arc<Metrics>, on_write: OnWrite);

    /// Another replica wrote for a tenant: what is read for it next must show it.
    fn note_remote_write(&self, tenant_id: TenantId);

    /// How long ago that may have been true which is read from a standby; nothing without one.
    fn max_staleness(&self) -> Duration;

    /// Closes every connection.
    async fn close(&self);
}

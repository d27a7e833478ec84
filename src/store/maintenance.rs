//! Schema, periodic jobs and statistics of a store.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use std::sync::Arc;

use super::StoreResult;
use crate::config::RetentionSettings;
use crate::domain::TenantId;
use crate::telemetry::Metrics;

/// Called with each tenant for which something is written, where a standby is read from.
pub type OnWrite = Arc<dyn Fn(TenantId) + Send + Sync>;

/// Statistics of the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct DatabaseStats {
    /// Deliveries that were given up and not yet deleted.
    pub dead_deliveries: i64,
    /// Dead rows of the lease table.
    pub lease_dead_tuples: i64,
    /// Transactions since the oldest snapshot that is still in use.
    pub oldest_snapshot_age: i64,
}

/// Maintenance of a store. Every method may run on any replica at any time, also on several at once.
#[async_trait]
pub trait StoreMaintenance: Send + Sync {
    /// Brings the schema up to date. One migrator at a time.
    async fn migrate(&self) -> StoreResult<()>;

    /// [`Schema`](super::StoreError::Schema) when the schema is older or newer than this version can work with.
    async fn check_schema(&self) -> StoreResult<()>;

    /// Succeeds when the database can be reached and takes writes: for the readiness probe. Writes a row of its own, every few
    /// seconds at most.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](super::StoreError::Unavailable), also when the database is read-only.
    async fn ping(&self) -> StoreResult<()>;

    /// Creates the monthly partitions for points from `from` to `to`. Nothing to do on SQLite.
    async fn ensure_partitions(&self, from: Timestamp, to: Timestamp) -> StoreResult<()>;

    /// Deletes what is older than its retention, and accounts whose deletion is due. At most 10,000 rows of each kind, in batches;
    /// the next call continues. The last point of each series stays: it is in effect. Returns how many rows (and partitions of
    /// history) were deleted.
    async fn prune(&self, retention: &RetentionSettings) -> StoreResult<u64>;

    /// Takes or renews the lease of a job. False: the job is not due, or another owner holds its lease. A lease that is not released
    /// expires after `lease`.
    async fn acquire_job_lease(&self, name: &str, owner: &str, lease: Duration) -> StoreResult<bool>;

    /// Ends the lease of a job. The job is due again after `pause`.
    async fn release_job_lease(&self, name: &str, owner: &str, pause: Duration) -> StoreResult<()>;

    /// Statistics for the metrics, each from an index or the server's own statistics.
    async fn database_stats(&self) -> StoreResult<DatabaseStats>;

    /// How many connections the server allows to ordinary roles; `None`: no limit.
    async fn max_connections(&self) -> StoreResult<Option<u32>>;

    /// Starts to monitor the standby that is read from, if there is one. On the shared runtime.
    fn start_replica_monitor(&self, metrics: Arc<Metrics>, on_write: OnWrite);

    /// Another replica wrote for a tenant: the next read for it must show that.
    fn note_remote_write(&self, tenant_id: TenantId);

    /// How old data from the standby may be; zero without one.
    fn max_staleness(&self) -> Duration;

    /// Closes every connection.
    async fn close(&self);
}

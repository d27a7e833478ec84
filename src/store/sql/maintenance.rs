//! Schema, job leases and statistics.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrate;

use super::{
    Backend, Conn, HAS_LEDGER, IS_READ_ONLY, LEASE_DEAD_TUPLES, MAX_CONNECTIONS, MIGRATOR, OLDEST_SNAPSHOT_AGE,
    partitions, retention,
};
use crate::config::RetentionSettings;
use crate::domain::TenantId;
use crate::store::clock::millis;
use crate::store::error::{RUN_MIGRATE, newer};
use crate::store::tenant_scope::TenantScope;
use crate::store::uncancelled::uncancelled;
use crate::store::{DatabaseStats, OnWrite, StoreError, StoreMaintenance, StoreResult};
use crate::telemetry::Metrics;

/// Longer waits for the one writer of SQLite, or for a connection, are load and no defect.
const WRITE_PATIENCE: Duration = Duration::from_millis(200);

/// Writes a row of its own: a full disk is noticed by writing alone.
async fn try_write(store: &Backend) -> StoreResult<()> {
    const WRITE: &str = concat!(
        "INSERT INTO job_lease (name, ready_at, owner) VALUES ('probe', ",
        now!(1),
        ", '') ON CONFLICT (name) DO UPDATE SET ready_at = excluded.ready_at"
    );
    let write = async {
        let query = sqlx::query(WRITE).bind(store.clock_param());
        query.execute(&mut *store.writer(TenantScope::All).await?).await?;
        Ok(())
    };
    let written = tokio::time::timeout(WRITE_PATIENCE, write).await.unwrap_or(Ok(()));
    store.write_probe.tried(written.is_ok());
    written
}

#[async_trait]
impl StoreMaintenance for Backend {
    async fn migrate(&self) -> StoreResult<()> {
        let mut conn = self.migration_connection().await?;
        Self::check_server(&conn)?;
        if let Some(unknown) = newest_unknown(&mut conn).await? {
            return check_support(&mut conn, unknown).await;
        }
        uncancelled(async move { Ok(MIGRATOR.run_direct(None, &mut *conn, false).await?) }).await
    }

    async fn check_schema(&self) -> StoreResult<()> {
        let mut conn = self.readers.acquire().await?;
        Self::check_server(&conn)?;
        Self::check_role(&mut conn).await?;
        if !sqlx::query_scalar::<_, bool>(HAS_LEDGER).fetch_one(&mut *conn).await? {
            return Err(StoreError::Schema(format!("there is none yet: {RUN_MIGRATE}")));
        }
        let ledger = &MIGRATOR.table_name;
        if let Some(version) = conn.dirty_version(ledger).await? {
            return Err(StoreError::Schema(format!("step {version} was applied by half: restore a backup")));
        }
        let applied = conn.list_applied_migrations(ledger).await?;
        if let Some(unknown) = newest_unknown(&mut conn).await? {
            check_support(&mut conn, unknown).await?;
        }
        match MIGRATOR.iter().find(|step| !applied.iter().any(|applied| applied.version == step.version)) {
            Some(missing) => Err(StoreError::Schema(format!("step {} is missing: {RUN_MIGRATE}", missing.version))),
            None => Ok(()),
        }
    }

    async fn ping(&self) -> StoreResult<()> {
        self.check_file().await?;
        // On PostgreSQL these are the connections that write too.
        let mut conn = self.readers.acquire().await?;
        let is_read_only: bool = sqlx::query_scalar(IS_READ_ONLY).fetch_one(&mut *conn).await?;
        let read_only = || sqlx::Error::Protocol("the database is read-only".to_owned());
        drop(conn);
        if is_read_only {
            return Err(StoreError::Unavailable(read_only()));
        }
        if self.write_probe.is_due() { try_write(self).await } else { Ok(()) }
    }

    async fn ensure_partitions(&self, from: Timestamp, to: Timestamp) -> StoreResult<()> {
        partitions::ensure(self, from, to).await
    }

    async fn prune(&self, retention: &RetentionSettings) -> StoreResult<u64> {
        retention::prune(self, retention).await
    }

    async fn acquire_job_lease(&self, name: &str, owner: &str, lease: Duration) -> StoreResult<bool> {
        const ACQUIRE: &str = concat!(
            "INSERT INTO job_lease (name, ready_at, owner) VALUES ($1, ",
            now!(2),
            " + $3, $4) ON CONFLICT (name) DO UPDATE SET ready_at = excluded.ready_at, owner = excluded.owner \
             WHERE job_lease.owner = excluded.owner OR job_lease.ready_at <= ",
            now!(2),
            " RETURNING name"
        );
        let query = sqlx::query(ACQUIRE).bind(name).bind(self.clock_param()).bind(millis(lease)).bind(owner);
        Ok(query.fetch_optional(&mut *self.writer(TenantScope::All).await?).await?.is_some())
    }

    async fn release_job_lease(&self, name: &str, owner: &str, pause: Duration) -> StoreResult<()> {
        const RELEASE: &str =
            concat!("UPDATE job_lease SET ready_at = ", now!(2), " + $3, owner = NULL WHERE name = $1 AND owner = $4");
        let query = sqlx::query(RELEASE).bind(name).bind(self.clock_param()).bind(millis(pause)).bind(owner);
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn database_stats(&self) -> StoreResult<DatabaseStats> {
        let stats = AssertSqlSafe(format!(
            "SELECT (SELECT count(*) FROM delivery WHERE status = 'dead') AS dead_deliveries, \
               ({LEASE_DEAD_TUPLES}) AS lease_dead_tuples, ({OLDEST_SNAPSHOT_AGE}) AS oldest_snapshot_age"
        ));
        Ok(sqlx::query_as(stats).fetch_one(&mut *self.reader(TenantScope::All).await?).await?)
    }

    async fn max_connections(&self) -> StoreResult<Option<u32>> {
        let most: Option<i64> =
            sqlx::query_scalar(MAX_CONNECTIONS).fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(most.map(|most| u32::try_from(most).unwrap_or_default()))
    }

    fn start_replica_monitor(&self, metrics: Arc<Metrics>, on_write: OnWrite) {
        Backend::start_replica_monitor(self, metrics, on_write);
    }

    fn note_remote_write(&self, tenant_id: TenantId) {
        Backend::note_remote_write(self, tenant_id);
    }

    fn max_staleness(&self) -> Duration {
        Backend::max_staleness(self)
    }

    async fn close(&self) {
        self.close_standby().await;
        self.claims.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The newest step that was made and that this version does not know.
async fn newest_unknown(conn: &mut Conn) -> StoreResult<Option<i64>> {
    if !sqlx::query_scalar::<_, bool>(HAS_LEDGER).fetch_one(&mut *conn).await? {
        return Ok(None);
    }
    let applied = conn.list_applied_migrations(&MIGRATOR.table_name).await?;
    Ok(applied.iter().map(|step| step.version).filter(|version| !MIGRATOR.version_exists(*version)).max())
}

/// A step that this version does not know may have been made by a later one while this one still runs, or when that one was
/// taken back: the schema says whether this one can work with it.
async fn check_support(conn: &mut Conn, unknown: i64) -> StoreResult<()> {
    const OLDEST: &str = "SELECT max(oldest_step) FROM schema_support";
    let newest = MIGRATOR.iter().map(|step| step.version).max();
    let oldest: Option<i64> = match sqlx::query_scalar(OLDEST).fetch_one(conn).await {
        Ok(oldest) => oldest,
        Err(sqlx::Error::Database(_)) => None,
        Err(error) => return Err(error.into()),
    };
    match oldest.zip(newest) {
        Some((oldest, newest)) if newest >= oldest => {
            tracing::warn!(step = unknown, "the schema is newer than this version, but supports it");
            Ok(())
        }
        _ => Err(StoreError::Schema(newer(unknown))),
    }
}

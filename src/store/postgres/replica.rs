//! A standby that is read from when it is close enough behind the primary.
//!
//! A tenant that wrote a moment ago reads from the primary for as long as the standby may not have the write yet. Other reads
//! may be slightly old: history, lists and exports.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::sync::Cache;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use tokio::task::AbortHandle;

use super::Db;
use super::scoped::acquire_scoped;
use crate::domain::TenantId;
use crate::store::tenant_scope::TenantScope;
use crate::store::{OnWrite, StoreResult};
use crate::telemetry::Metrics;

/// How often the lag of the standby is measured.
const MEASURED_EVERY: Duration = Duration::from_millis(500);
/// A server that does not answer within this time counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(1);
/// The lag is unknown: the standby is not read from.
const UNKNOWN: u64 = u64::MAX;

/// The standby and its lag.
pub(super) struct Replica {
    pool: PgPool,
    /// One connection to the primary, for the measurements: they neither wait for requests nor delay claims.
    primary: PgPool,
    lag_ms: Arc<AtomicU64>,
    max_lag_ms: u64,
    max_staleness: Duration,
    /// Tenants that wrote a moment ago.
    writers: Cache<TenantId, ()>,
    monitor: OnceLock<Monitor>,
}

struct Monitor {
    metrics: Arc<Metrics>,
    on_write: OnWrite,
    measuring: AbortHandle,
}

impl Replica {
    /// Not read from before its monitor is started.
    pub fn new(pool: PgPool, primary: PgPool, max_lag: Duration) -> Self {
        // What is read may be older than the greatest lag: by the time since it was measured.
        let max_staleness = max_lag + MEASURED_EVERY + 2 * PATIENCE;
        let writers = Cache::builder().time_to_live(max_staleness).build();
        let max_lag_ms = u64::try_from(max_lag.as_millis()).unwrap_or(UNKNOWN - 1);
        let lag_ms = Arc::new(AtomicU64::new(UNKNOWN));
        Self { pool, primary, lag_ms, max_lag_ms, max_staleness, writers, monitor: OnceLock::new() }
    }

    /// Starts to measure how far it is behind.
    pub fn start_replica_monitor(&self, metrics: Arc<Metrics>, on_write: OnWrite) {
        let measuring = tokio::spawn(keep_measuring(
            self.primary.clone(),
            self.pool.clone(),
            Arc::clone(&self.lag_ms),
            self.max_lag_ms,
            Arc::clone(&metrics),
        ));
        let monitor = Monitor { metrics, on_write, measuring: measuring.abort_handle() };
        if let Err(second) = self.monitor.set(monitor) {
            second.measuring.abort();
        }
    }

    /// A connection to it, if it is close enough for this reader.
    pub async fn reader(&self, scope: TenantScope) -> Option<PoolConnection<Db>> {
        let monitor = self.monitor.get()?;
        let wrote = matches!(scope, TenantScope::Tenant(id) if self.writers.contains_key(&id));
        let lent = if wrote || self.lag_ms.load(Ordering::Relaxed) > self.max_lag_ms {
            None
        } else {
            self.try_acquire(scope).await
        };
        let from = if lent.is_some() { "replica" } else { "primary" };
        monitor.metrics.reads.with_label_values(&[from]).inc();
        lent
    }

    async fn try_acquire(&self, scope: TenantScope) -> Option<PoolConnection<Db>> {
        match tokio::time::timeout(PATIENCE, acquire_scoped(&self.pool, scope)).await {
            Ok(Ok(conn)) => Some(conn),
            _ => {
                self.mark_unusable();
                None
            }
        }
    }

    /// Not read from until it is measured again. False: it was not.
    pub fn mark_unusable(&self) -> bool {
        self.lag_ms.swap(UNKNOWN, Ordering::Relaxed) <= self.max_lag_ms
    }

    /// A tenant is written for here: its next read must show it.
    pub fn note_write(&self, scope: TenantScope) {
        if let TenantScope::Tenant(id) = scope {
            self.note_remote_write(id);
            if let Some(monitor) = self.monitor.get() {
                (monitor.on_write)(id);
            }
        }
    }

    /// The same on another replica of the daemon.
    pub fn note_remote_write(&self, id: TenantId) {
        self.writers.insert(id, ());
    }

    /// See [`StoreMaintenance::max_staleness`](crate::store::StoreMaintenance::max_staleness).
    pub fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    pub async fn close(&self) {
        if let Some(monitor) = self.monitor.get() {
            monitor.measuring.abort();
        }
        self.primary.close().await;
        self.pool.close().await;
    }
}

async fn keep_measuring(
    primary: PgPool,
    standby: PgPool,
    lag_ms: Arc<AtomicU64>,
    max_lag_ms: u64,
    metrics: Arc<Metrics>,
) {
    let mut was_usable = None;
    loop {
        let measured = tokio::time::timeout(2 * PATIENCE, try_measure(&primary, &standby)).await;
        let lag = match measured {
            Ok(Ok(lag)) => lag,
            _ => UNKNOWN,
        };
        lag_ms.store(lag, Ordering::Relaxed);
        metrics.replica_lag_seconds.set(if lag == UNKNOWN { f64::INFINITY } else { lag as f64 / 1000.0 });
        let is_usable = lag <= max_lag_ms;
        if was_usable.replace(is_usable) != Some(is_usable) {
            match is_usable {
                true => tracing::info!(lag_ms = lag, "reading from the standby"),
                false => {
                    tracing::warn!("the standby is unavailable or too far behind; reading from the primary")
                }
            }
        }
        tokio::time::sleep(MEASURED_EVERY).await;
    }
}

/// How far the standby is behind, in milliseconds: not at all if it has replayed what the primary had a moment ago, otherwise
/// as long as the last thing that it has replayed is ago. What is no standby is of no use.
async fn try_measure(primary: &PgPool, standby: &PgPool) -> StoreResult<u64> {
    const WRITTEN: &str = "SELECT pg_current_wal_lsn()::text, extract(epoch FROM clock_timestamp())::float8";
    // By the primary's clock, from which the times in its log come: the standby's may be another.
    const BEHIND: &str = "SELECT CASE WHEN pg_last_wal_replay_lsn() >= $1::pg_lsn THEN 0 \
         ELSE (($2 - extract(epoch FROM pg_last_xact_replay_timestamp())) * 1000)::bigint END";
    let (written, now): (String, f64) = sqlx::query_as(WRITTEN).fetch_one(primary).await?;
    let behind_ms: Option<i64> = sqlx::query_scalar(BEHIND).bind(written).bind(now).fetch_one(standby).await?;
    Ok(behind_ms.and_then(|ms| u64::try_from(ms.max(0)).ok()).unwrap_or(UNKNOWN))
}

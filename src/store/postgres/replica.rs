//! A standby that is read from when it is close enough behind the primary.
//!
//! Whoever wrote a moment ago reads from the primary for as long as the standby may not have it yet. Everybody else may be
//! shown what was true a moment ago: history, lists and exports.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::sync::Cache;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use tokio::task::AbortHandle;

use super::Db;
use super::reach::lend;
use crate::domain::TenantId;
use crate::store::reach::Reach;
use crate::store::{OnWrote, StoreResult};
use crate::telemetry::Metrics;

/// How often is looked how far the standby is behind.
const MEASURED_EVERY: Duration = Duration::from_millis(500);
/// A server that does not answer within this time is of no use.
const PATIENCE: Duration = Duration::from_secs(1);
/// Nobody knows how far it is behind: it is not read from.
const UNKNOWN: u64 = u64::MAX;

/// The standby, and what is known of it.
pub(super) struct Replica {
    pool: PgPool,
    lag_ms: Arc<AtomicU64>,
    max_lag_ms: u64,
    longest_lag: Duration,
    /// Tenants that wrote a moment ago.
    writers: Cache<TenantId, ()>,
    watch: OnceLock<Watch>,
}

struct Watch {
    metrics: Arc<Metrics>,
    on_wrote: OnWrote,
    measuring: AbortHandle,
}

impl Replica {
    /// Not read from before somebody has begun to watch it.
    pub fn new(pool: PgPool, max_lag: Duration) -> Self {
        // What is read may be older than the greatest lag: by the time since it was measured.
        let longest_lag = max_lag + MEASURED_EVERY + 2 * PATIENCE;
        let writers = Cache::builder().time_to_live(longest_lag).build();
        let max_lag_ms = u64::try_from(max_lag.as_millis()).unwrap_or(UNKNOWN - 1);
        let lag_ms = Arc::new(AtomicU64::new(UNKNOWN));
        Self { pool, lag_ms, max_lag_ms, longest_lag, writers, watch: OnceLock::new() }
    }

    /// Measures from now on how far it is behind.
    pub fn begin_watch(&self, primary: &PgPool, metrics: Arc<Metrics>, on_wrote: OnWrote) {
        let measuring = tokio::spawn(keep_measuring(
            primary.clone(),
            self.pool.clone(),
            Arc::clone(&self.lag_ms),
            self.max_lag_ms,
            Arc::clone(&metrics),
        ));
        let watch = Watch { metrics, on_wrote, measuring: measuring.abort_handle() };
        if let Err(second) = self.watch.set(watch) {
            second.measuring.abort();
        }
    }

    /// A connection to it, if it is close enough for this reader.
    pub async fn reader(&self, reach: Reach) -> Option<PoolConnection<Db>> {
        let watch = self.watch.get()?;
        let wrote = matches!(reach, Reach::Tenant(id) if self.writers.contains_key(&id));
        let lent = if wrote || self.lag_ms.load(Ordering::Relaxed) > self.max_lag_ms {
            None
        } else {
            self.try_lend(reach).await
        };
        let from = if lent.is_some() { "replica" } else { "primary" };
        watch.metrics.reads.with_label_values(&[from]).inc();
        lent
    }

    async fn try_lend(&self, reach: Reach) -> Option<PoolConnection<Db>> {
        match tokio::time::timeout(PATIENCE, lend(&self.pool, reach)).await {
            Ok(Ok(conn)) => Some(conn),
            _ => {
                self.distrust();
                None
            }
        }
    }

    /// Not read from until it is measured again. False: it was not.
    pub fn distrust(&self) -> bool {
        self.lag_ms.swap(UNKNOWN, Ordering::Relaxed) <= self.max_lag_ms
    }

    /// Somebody writes here: what they read next must show it.
    pub fn wrote(&self, reach: Reach) {
        if let Reach::Tenant(id) = reach {
            self.wrote_elsewhere(id);
            if let Some(watch) = self.watch.get() {
                (watch.on_wrote)(id);
            }
        }
    }

    /// The same on another replica of ours.
    pub fn wrote_elsewhere(&self, id: TenantId) {
        self.writers.insert(id, ());
    }

    /// See [`Upkeep::longest_lag`](crate::store::Upkeep::longest_lag).
    pub fn longest_lag(&self) -> Duration {
        self.longest_lag
    }

    pub async fn close(&self) {
        if let Some(watch) = self.watch.get() {
            watch.measuring.abort();
        }
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
                true => tracing::info!(lag_ms = lag, "the read replica is read from"),
                false => {
                    tracing::warn!("the read replica is away or too far behind: everything is read from the primary")
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

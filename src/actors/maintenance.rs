//! Periodic work: the jobs (parking poison, partitions, retention) and the gauges about the database.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};

use super::kernel::{Actor, Cx};
use crate::config::RetentionSettings;
use crate::store::{Backlog, DatabaseStats, SharedStore, StoreError, StoreResult};
use crate::telemetry::Metrics;

const ROUND_EVERY: Duration = Duration::from_secs(5);
/// The jobs run once for all replicas, with this pause.
const JOBS_EVERY: Duration = Duration::from_secs(60);
/// Longer than they take. When a replica dies during the jobs, another one runs them after this time.
const JOBS_LEASE: Duration = Duration::from_secs(600);
const JOBS: &str = "maintenance";
/// The gauges are read by one replica, which renews its lease in every round. The lease of the jobs is too long for this: after a
/// crash the gauges would be missing for ten minutes.
const GAUGES: &str = "gauges";
const GAUGES_LEASE: Duration = Duration::from_secs(20);
const MAX_PARKED: u32 = 500;
const PARTITIONS_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 62);

/// What the Maintenance understands.
pub enum MaintenanceMessage {
    /// Time for a round.
    Round,
    /// A round has ended.
    Done,
}

/// The jobs and their settings.
#[derive(Debug, Clone)]
pub struct MaintenanceJobs {
    /// Listings are parked after so many claims without an end.
    pub max_attempts: u16,
    /// When rows are deleted.
    pub retention: RetentionSettings,
}

/// See the module.
pub struct Maintenance {
    /// The name of this replica.
    owner: String,
    store: SharedStore,
    metrics: Arc<Metrics>,
    jobs: Option<Arc<MaintenanceJobs>>,
}

impl Maintenance {
    /// A maintenance that reads the gauges, and runs the jobs if there are any.
    pub fn new(owner: String, store: SharedStore, metrics: Arc<Metrics>, jobs: Option<Arc<MaintenanceJobs>>) -> Self {
        Self { owner, store, metrics, jobs }
    }

    fn round(&mut self, cx: &mut Cx<'_, Self>) {
        let (store, metrics, jobs) = (self.store.clone(), Arc::clone(&self.metrics), self.jobs.clone());
        let owner = self.owner.clone();
        let work = async move {
            if let Some(jobs) = jobs {
                let result = match try_run_jobs(&store, &owner, &jobs).await {
                    Ok(true) => "done",
                    Ok(false) => "elsewhere",
                    Err(error) => failed(&metrics, &error),
                };
                metrics.maintenance_runs.with_label_values(&[result]).inc();
            }
            let read = update_gauges(&store, &owner, &metrics).await;
            metrics.database_up.set(read.is_ok().into());
            if let Err(error) = read {
                failed(&metrics, &error);
            }
            MaintenanceMessage::Done
        };
        cx.work("round", work, || MaintenanceMessage::Done);
    }
}

fn failed(metrics: &Metrics, error: &StoreError) -> &'static str {
    metrics.store_errors.with_label_values(&["maintenance"]).inc();
    tracing::debug!(%error, "maintenance failed");
    "failed"
}

/// False: they are not due, or another replica runs them.
async fn try_run_jobs(store: &SharedStore, owner: &str, jobs: &MaintenanceJobs) -> StoreResult<bool> {
    if !store.acquire_job_lease(JOBS, owner, JOBS_LEASE).await? {
        return Ok(false);
    }
    let done = AssertUnwindSafe(run_jobs(store, jobs)).catch_unwind().await;
    // Also after a panic, or no replica would run them until the lease expires.
    store.release_job_lease(JOBS, owner, JOBS_EVERY).await?;
    done.unwrap_or_else(|panic| resume_unwind(panic)).map(|()| true)
}

async fn run_jobs(store: &SharedStore, jobs: &MaintenanceJobs) -> StoreResult<()> {
    let parked = store.park_poison(jobs.max_attempts, MAX_PARKED).await?;
    if parked > 0 {
        tracing::warn!(listings = parked, "parked {parked} listings whose crawls never ended");
    }
    let deleted = store.prune(&jobs.retention).await?;
    tracing::debug!(deleted, "deleted rows whose retention has ended");
    for tenant_id in store.tenants_due_for_deletion().await? {
        store.remove_tenant(tenant_id).await?;
        tracing::info!(%tenant_id, "deleted tenant {tenant_id} and all of its data");
    }
    let now = store.now().await?;
    store.ensure_partitions(now, now.saturating_add(PARTITIONS_AHEAD).unwrap_or(Timestamp::MAX)).await
}

/// Reads the gauges if this replica holds their lease. On the other replicas they are 0: the largest value of all replicas is the
/// right one. Trying to get the lease also shows that the database is up.
async fn update_gauges(store: &SharedStore, owner: &str, metrics: &Metrics) -> StoreResult<()> {
    if store.acquire_job_lease(GAUGES, owner, GAUGES_LEASE).await? {
        return read_gauges(store, metrics).await;
    }
    set_backlog(metrics, &Backlog::default());
    metrics.products.set(0);
    set_stats(metrics, &DatabaseStats::default());
    Ok(())
}

async fn read_gauges(store: &SharedStore, metrics: &Metrics) -> StoreResult<()> {
    set_backlog(metrics, &store.backlog().await?);
    metrics.products.set(gauge(store.count_products().await?));
    set_stats(metrics, &store.database_stats().await?);
    Ok(())
}

fn set_backlog(metrics: &Metrics, backlog: &Backlog) {
    metrics.due_listings.set(gauge(backlog.due));
    metrics.oldest_due_seconds.set(backlog.oldest_due.as_secs_f64());
    metrics.parked_listings.set(gauge(backlog.parked));
}

fn set_stats(metrics: &Metrics, stats: &DatabaseStats) {
    metrics.dead_deliveries.set(stats.dead_deliveries);
    metrics.lease_dead_tuples.set(stats.lease_dead_tuples);
    metrics.oldest_snapshot_age.set(stats.oldest_snapshot_age);
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Actor for Maintenance {
    type Message = MaintenanceMessage;
    const KIND: &'static str = "maintenance";
    /// It sends its messages to itself.
    const CAPACITY: usize = 4;
    const MESSAGES: &'static [&'static str] = &["round", "done"];

    fn name_of(message: &MaintenanceMessage) -> &'static str {
        match message {
            MaintenanceMessage::Round => "round",
            MaintenanceMessage::Done => "done",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.round(cx);
    }

    fn handle(&mut self, message: MaintenanceMessage, cx: &mut Cx<'_, Self>) {
        match message {
            MaintenanceMessage::Round => self.round(cx),
            MaintenanceMessage::Done => cx.after(ROUND_EVERY, MaintenanceMessage::Round),
        }
    }
}

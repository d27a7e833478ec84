//! The Maintenance does what is due now and then: parks poison, makes room for history and reads the gauges.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::kernel::{Actor, Cx};
use crate::store::{SharedStore, StoreError, StoreResult};
use crate::telemetry::Metrics;

const ROUND_EVERY: Duration = Duration::from_secs(5);
/// The jobs are done once for all replicas, with such a pause.
const JOBS_EVERY: Duration = Duration::from_secs(60);
/// Longer than they take; whoever dies over them leaves them to another replica after this time.
const JOBS_LEASE: Duration = Duration::from_secs(600);
const JOB_NAME: &str = "maintenance";
const PARK_AT_MOST: u32 = 500;
const PARTITIONS_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 62);

/// What the Maintenance understands.
pub enum MaintenanceMessage {
    /// Time for a round.
    Round,
    /// A round is over.
    Done,
}

/// What needs to be done now and then.
#[derive(Debug, Clone)]
pub struct MaintenanceJobs {
    /// The name of this replica.
    pub owner: String,
    /// Listings are parked after so many claims without an end.
    pub max_attempts: u16,
    /// So many days of history are kept; all when it is 0.
    pub keep_history_days: u32,
}

/// See the module.
pub struct Maintenance {
    store: SharedStore,
    metrics: Arc<Metrics>,
    jobs: Option<Arc<MaintenanceJobs>>,
}

impl Maintenance {
    /// A maintenance that reads the gauges, and does the jobs if there are any for it.
    pub fn new(store: SharedStore, metrics: Arc<Metrics>, jobs: Option<Arc<MaintenanceJobs>>) -> Self {
        Self { store, metrics, jobs }
    }

    fn round(&mut self, cx: &mut Cx<'_, Self>) {
        let (store, metrics, jobs) = (self.store.clone(), Arc::clone(&self.metrics), self.jobs.clone());
        let work = async move {
            if let Some(jobs) = jobs {
                let result = match try_run_jobs(&store, &jobs).await {
                    Ok(true) => "done",
                    Ok(false) => "elsewhere",
                    Err(error) => failed(&metrics, &error),
                };
                metrics.maintenance_runs.with_label_values(&[result]).inc();
            }
            let read = read_gauges(&store, &metrics).await;
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
    tracing::debug!(%error, "upkeep could not be done");
    "failed"
}

/// False: they are not due, or another replica does them.
async fn try_run_jobs(store: &SharedStore, jobs: &MaintenanceJobs) -> StoreResult<bool> {
    if !store.acquire_job_lease(JOB_NAME, &jobs.owner, JOBS_LEASE).await? {
        return Ok(false);
    }
    let done = run_jobs(store, jobs.max_attempts, jobs.keep_history_days).await;
    store.release_job_lease(JOB_NAME, &jobs.owner, JOBS_EVERY).await?;
    done.map(|()| true)
}

async fn run_jobs(store: &SharedStore, max_attempts: u16, keep_history_days: u32) -> StoreResult<()> {
    let parked = store.park_poison(max_attempts, PARK_AT_MOST).await?;
    if parked > 0 {
        tracing::warn!(listings = parked, "parked {parked} listings whose looks never ended");
    }
    store.purge_expired().await?;
    for tenant_id in store.tenants_due_for_deletion().await? {
        store.remove_tenant(tenant_id).await?;
        tracing::info!(%tenant_id, "deleted tenant {tenant_id} with everything of it");
    }
    let now = store.now().await?;
    store.ensure_partitions(now, now.saturating_add(PARTITIONS_AHEAD).unwrap_or(Timestamp::MAX)).await?;
    if keep_history_days > 0 {
        let kept = SignedDuration::from_hours(24 * i64::from(keep_history_days));
        store.prune_history(now.saturating_sub(kept).unwrap_or(Timestamp::MIN)).await?;
    }
    Ok(())
}

async fn read_gauges(store: &SharedStore, metrics: &Metrics) -> StoreResult<()> {
    let backlog = store.backlog().await?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.due_listings.set(number(backlog.due));
    metrics.oldest_due_seconds.set(backlog.oldest_due.as_secs_f64());
    metrics.parked_listings.set(number(backlog.parked));
    metrics.products.set(number(store.count_products().await?));
    let signs = store.database_stats().await?;
    metrics.dead_deliveries.set(signs.dead_deliveries);
    metrics.lease_dead_tuples.set(signs.lease_dead_tuples);
    metrics.oldest_snapshot_age.set(signs.oldest_snapshot_age);
    Ok(())
}

impl Actor for Maintenance {
    type Message = MaintenanceMessage;
    const KIND: &'static str = "maintenance";
    /// It gets no mail but its own.
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

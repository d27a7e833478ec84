//! Periodic work: the jobs (parking listings whose crawls never end, spreading crawls of adaptive products, settling runs and questions to models, partitions, retention) and the gauges about the database.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::crawl_allocation::{AllocationSettings, allocate_crawls};
use super::crawl_counts::CountsHandedOn;
use super::crawl_slots::CrawlSlots;
use super::drift_sentinel;
use super::kernel::{Actor, Cx};
use crate::config::RetentionSettings;
use crate::domain::{AdviceFailureCode, FieldDrift, Listing};
use crate::sources::SettleRuns;
use crate::store::{Backlog, DatabaseStats, SharedStore, StoreError, StoreResult};
use crate::telemetry::Metrics;

const ROUND_EVERY: Duration = Duration::from_secs(5);
/// Once a minute.
const ROUNDS_PER_COUNTS: u32 = 12;
/// The jobs run once for all replicas, with this pause.
const JOBS_EVERY: Duration = Duration::from_secs(60);
/// Longer than they take. When a replica dies during the jobs, another one runs them after this time.
const JOBS_LEASE: Duration = Duration::from_secs(600);
const JOBS: &str = "maintenance";
/// Reads the adaptive products of all tenants, so it is done more seldom than the other jobs.
const ALLOCATION: &str = "crawl_allocation";
const ALLOCATION_EVERY: Duration = Duration::from_secs(300);
/// The gauges are read by one replica, which renews its lease in every round. The lease of the jobs is too long for this: after a
/// crash the gauges would be missing for ten minutes.
const GAUGES: &str = "gauges";
const GAUGES_LEASE: Duration = Duration::from_secs(20);
/// A larger step back is a clock that was set, not one that is corrected.
const MAX_CLOCK_ERROR: SignedDuration = SignedDuration::from_secs(60);
/// The counts of crawls are compared with the usual ones by one replica, with this pause.
const DRIFT: &str = "drift";
const DRIFT_EVERY: Duration = Duration::from_secs(300);
const DRIFT_LEASE: Duration = Duration::from_secs(600);
/// Canaries are made due by one replica, with this pause.
const CANARIES: &str = "canaries";
const CANARIES_EVERY: Duration = Duration::from_secs(3600);
const CANARIES_LEASE: Duration = Duration::from_secs(60);
/// Runs of paid sources that nobody follows are settled by one replica, with this pause.
const RUNS: &str = "source_runs";
const RUNS_EVERY: Duration = Duration::from_secs(600);
/// Longer than they take.
const RUNS_LEASE: Duration = Duration::from_secs(300);
const MAX_SETTLING: Duration = Duration::from_secs(120);
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
#[derive(Clone)]
pub struct MaintenanceJobs {
    /// Listings are parked after so many claims without an end.
    pub max_attempts: u16,
    /// Listings that are crawled every hour, whatever is watched.
    pub canaries: Vec<Listing>,
    /// When rows are deleted.
    pub retention: RetentionSettings,
    /// How crawls of adaptive products are spread.
    pub allocation: AllocationSettings,
    /// Settles runs of paid sources.
    pub runs: Option<Arc<dyn SettleRuns>>,
}

/// What the Maintenance works with.
pub struct MaintenanceTools {
    /// The name of this replica.
    owner: String,
    store: SharedStore,
    metrics: Arc<Metrics>,
    jobs: Option<MaintenanceJobs>,
    stopped: CancellationToken,
    /// One permit, held by the round that is under way.
    round: Semaphore,
    counts: CountsHandedOn,
    /// Of a process that crawls.
    slots: Option<Arc<CrawlSlots>>,
    /// Rounds until the counts are handed on.
    rounds_to_counts: AtomicU32,
    /// The database's time at the last run of the jobs.
    last_time: Mutex<Option<(Timestamp, Instant)>>,
}

impl MaintenanceTools {
    /// For a maintenance that reads the gauges, and runs the jobs if there are any.
    pub fn new(
        owner: String,
        store: SharedStore,
        metrics: Arc<Metrics>,
        jobs: Option<MaintenanceJobs>,
        slots: Option<Arc<CrawlSlots>>,
    ) -> Self {
        Self {
            owner,
            store,
            metrics,
            jobs,
            stopped: CancellationToken::new(),
            round: Semaphore::new(1),
            counts: CountsHandedOn::default(),
            slots,
            rounds_to_counts: AtomicU32::new(ROUNDS_PER_COUNTS),
            last_time: Mutex::default(),
        }
    }

    /// Begins no further job, waits for the one that runs, and gives the leases back, so that another replica goes on at
    /// once.
    pub async fn drain(&self, within: Duration) {
        self.stopped.cancel();
        let drained = tokio::time::timeout(within, async {
            let _round = self.round.acquire().await;
            let counts = self.hand_counts_on().await;
            self.store.release_job_lease(GAUGES, &self.owner, Duration::ZERO).await.and(counts)
        });
        match drained.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot release the job lease or store the last counts of crawls"),
            Err(_) => tracing::warn!("a maintenance job did not end in time; its lease expires"),
        }
    }

    async fn round(&self) {
        let _round = self.round.acquire().await;
        if self.stopped.is_cancelled() {
            return;
        }
        let jobs = match &self.jobs {
            Some(jobs) => Some(AssertUnwindSafe(self.try_run_jobs(jobs)).catch_unwind().await),
            None => None,
        };
        let result = match &jobs {
            None => None,
            Some(Ok(Ok(true))) => Some("done"),
            Some(Ok(Ok(false))) => Some("elsewhere"),
            Some(Ok(Err(error))) => Some(self.failed(error)),
            Some(Err(_)) => Some("failed"),
        };
        if let Some(result) = result {
            self.metrics.maintenance_runs.with_label_values(&[result]).inc();
        }
        if let Err(error) = self.hand_counts_on_in_time().await {
            self.failed(&error);
        }
        let read = self.update_gauges().await;
        self.metrics.database_up.set(read.is_ok().into());
        if let Err(error) = read {
            self.failed(&error);
        }
        if let Some(Err(panic)) = jobs {
            resume_unwind(panic);
        }
    }

    /// What this process has counted, and which marketplaces it cannot crawl, once a minute.
    async fn hand_counts_on_in_time(&self) -> StoreResult<()> {
        if self.rounds_to_counts.fetch_sub(1, Ordering::Relaxed) > 1 {
            return Ok(());
        }
        self.rounds_to_counts.store(ROUNDS_PER_COUNTS, Ordering::Relaxed);
        if let Some(slots) = &self.slots {
            self.store.report_outages(&slots.failing()).await?;
        }
        self.hand_counts_on().await
    }

    /// What crawls of this process brought, for all replicas to see. What cannot be written now is written with the next.
    async fn hand_counts_on(&self) -> StoreResult<()> {
        let counts = self.counts.pending(&self.metrics);
        self.store.add_crawl_counts(&counts).await?;
        self.counts.add(counts);
        Ok(())
    }

    fn failed(&self, error: &StoreError) -> &'static str {
        self.metrics.store_errors.with_label_values(&["maintenance"]).inc();
        tracing::debug!(%error, "maintenance failed");
        "failed"
    }

    /// False: they are not due, or another replica runs them.
    async fn try_run_jobs(&self, jobs: &MaintenanceJobs) -> StoreResult<bool> {
        if !self.store.acquire_job_lease(JOBS, &self.owner, JOBS_LEASE).await? {
            return Ok(false);
        }
        let done = AssertUnwindSafe(self.run_jobs(jobs)).catch_unwind().await;
        // Jobs that were left out are due at once, on another replica.
        let pause = if self.stopped.is_cancelled() { Duration::ZERO } else { JOBS_EVERY };
        // Also after a panic, or no replica would run them until the lease expires.
        self.store.release_job_lease(JOBS, &self.owner, pause).await?;
        done.unwrap_or_else(|panic| resume_unwind(panic)).map(|()| true)
    }

    async fn run_jobs(&self, jobs: &MaintenanceJobs) -> StoreResult<()> {
        let store = &self.store;
        if self.clock_jumped().await? {
            let clamped = store.clamp_due_times().await?;
            if clamped > 0 {
                self.metrics.clock_set_back.set(store.now().await?.as_second());
                tracing::warn!(listings = clamped, "the clock was set back; {clamped} listings are due now");
            }
        }
        let parked = store.park_failing(jobs.max_attempts, MAX_PARKED).await?;
        if parked > 0 {
            tracing::warn!(listings = parked, "parked {parked} listings whose crawls never ended");
        }
        store.tell_outages().await?;
        if self.stopped.is_cancelled() {
            return Ok(());
        }
        if store.acquire_job_lease(ALLOCATION, &self.owner, JOBS_LEASE).await? {
            let allocated = allocate_crawls(store, &jobs.allocation, &self.stopped).await;
            store.release_job_lease(ALLOCATION, &self.owner, ALLOCATION_EVERY).await?;
            allocated?;
        }
        if self.stopped.is_cancelled() {
            return Ok(());
        }
        let lost = store.settle_lost_advice().await?;
        if lost > 0 {
            self.metrics.advice_requests.with_label_values(&[AdviceFailureCode::Lost.as_str()]).inc_by(lost);
            tracing::warn!(lost, "settled {lost} questions to models whose process ended");
        }
        let joined = store.join_pasts().await?;
        tracing::debug!(joined, "joined imported pasts to the first crawls");
        let deleted = store.prune(&jobs.retention).await?;
        tracing::debug!(deleted, "deleted rows whose retention has ended");
        for tenant_id in store.tenants_due_for_deletion().await? {
            if self.stopped.is_cancelled() {
                return Ok(());
            }
            if store.remove_tenant(tenant_id).await? {
                tracing::info!(%tenant_id, "deleted tenant {tenant_id} and all of its data");
            }
        }
        let now = store.now().await?;
        store.ensure_partitions(now, now.saturating_add(PARTITIONS_AHEAD).unwrap_or(Timestamp::MAX)).await?;
        self.schedule_canaries(jobs).await?;
        self.settle_runs(jobs).await?;
        self.check_drift().await
    }

    /// Settles runs of paid sources that nobody follows, if it is time.
    async fn settle_runs(&self, jobs: &MaintenanceJobs) -> StoreResult<()> {
        let Some(runs) = &jobs.runs else { return Ok(()) };
        if !self.store.acquire_job_lease(RUNS, &self.owner, RUNS_LEASE).await? {
            return Ok(());
        }
        let settled = tokio::time::timeout(MAX_SETTLING, runs.settle_unfollowed());
        tokio::select! {
            settled = settled => match settled {
                Ok(0) => {}
                Ok(runs) => tracing::info!(runs, "settled {runs} runs that nobody followed"),
                Err(_) => tracing::warn!("settling runs takes too long; the next round goes on"),
            },
            () = self.stopped.cancelled() => {}
        }
        let pause = if self.stopped.is_cancelled() { Duration::ZERO } else { RUNS_EVERY };
        self.store.release_job_lease(RUNS, &self.owner, pause).await
    }

    /// Makes the canaries due, if it is time.
    async fn schedule_canaries(&self, jobs: &MaintenanceJobs) -> StoreResult<()> {
        let store = &self.store;
        if jobs.canaries.is_empty() || !store.acquire_job_lease(CANARIES, &self.owner, CANARIES_LEASE).await? {
            return Ok(());
        }
        // After a failure, its lease expires within a minute.
        store.schedule_unwatched(&jobs.canaries, jobs.max_attempts).await?;
        store.release_job_lease(CANARIES, &self.owner, CANARIES_EVERY).await
    }

    /// Looks for fields that pages lack more often than usual, if it is time.
    async fn check_drift(&self) -> StoreResult<()> {
        if !self.store.acquire_job_lease(DRIFT, &self.owner, DRIFT_LEASE).await? {
            return Ok(());
        }
        let checked = drift_sentinel::check(&self.store).await;
        self.store.release_job_lease(DRIFT, &self.owner, DRIFT_EVERY).await?;
        checked
    }

    /// True at the first call, and when the database's clock went back against the monotonic one since the last call.
    async fn clock_jumped(&self) -> StoreResult<bool> {
        let (now, seen_at) = (self.store.now().await?, Instant::now());
        let mut last = self.last_time.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.replace((now, seen_at));
        Ok(before.is_none_or(|(time, at)| {
            let expected = time.saturating_add(seen_at.duration_since(at)).unwrap_or(Timestamp::MAX);
            expected.duration_since(now) > MAX_CLOCK_ERROR
        }))
    }

    /// Reads the gauges if this replica holds their lease. On the other replicas they are 0: the largest value of all replicas
    /// is the right one. Trying to get the lease also shows that the database is up.
    async fn update_gauges(&self) -> StoreResult<()> {
        let (store, metrics) = (&self.store, &self.metrics);
        if store.acquire_job_lease(GAUGES, &self.owner, GAUGES_LEASE).await? {
            return read_gauges(store, metrics).await;
        }
        set_backlog(metrics, &Backlog::default());
        metrics.products.set(0);
        metrics.field_missing_drift.reset();
        set_stats(metrics, &DatabaseStats::default());
        Ok(())
    }
}

/// See the module.
pub struct Maintenance {
    tools: Arc<MaintenanceTools>,
}

impl Maintenance {
    /// A maintenance whose first round begins as soon as it is started.
    pub fn new(tools: Arc<MaintenanceTools>) -> Self {
        Self { tools }
    }

    fn round(&mut self, cx: &mut Cx<'_, Self>) {
        let tools = Arc::clone(&self.tools);
        let work = async move {
            tools.round().await;
            MaintenanceMessage::Done
        };
        cx.work("round", work, || MaintenanceMessage::Done);
    }
}

async fn read_gauges(store: &SharedStore, metrics: &Metrics) -> StoreResult<()> {
    set_backlog(metrics, &store.backlog().await?);
    metrics.products.set(gauge(store.count_products().await?));
    set_stats(metrics, &store.database_stats().await?);
    set_drifts(metrics, &store.field_drifts(Timestamp::MAX).await?);
    Ok(())
}

/// Those that last.
fn set_drifts(metrics: &Metrics, drifts: &[FieldDrift]) {
    metrics.field_missing_drift.reset();
    for drift in drifts {
        let labels = [drift.source.as_str(), drift.marketplace.code(), drift.field.as_str()];
        metrics.field_missing_drift.with_label_values(&labels).set(drift.rise());
    }
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

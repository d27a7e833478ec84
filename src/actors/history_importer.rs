//! The HistoryImporter fetches the past of listings, each once, from a service that has watched them before us. Every replica with the
//! role `scheduler` has one, where such a service is configured. Listings are claimed under a token, so each is fetched by one of them.
//!
//! What a call may cost is reserved with the claim, and settled after it. A budget in money would hook in there: see `room`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::kernel::{Actor, Cx};
use super::poll_loop::{PAUSE_AFTER_ERROR, PollLoop};
use crate::domain::{Backoff, Past};
use crate::sources::past::{PastError, PastSource};
use crate::store::{HistoryClaim, HistoryLease, HistoryRetry, SharedStore, StoreResult};
use crate::telemetry::Metrics;

/// Longer than a call and its imports take. When a replica dies, another one fetches the listings after this time.
const LEASE: Duration = Duration::from_secs(600);
/// How often listings are looked for whose past was never imported.
const ENQUEUE_EVERY: Duration = Duration::from_secs(30);
/// Listings that are enqueued at a time.
const MAX_ENQUEUED: u32 = 1000;
/// Until claims are tried again while nothing is due.
const IDLE_SLEEP: Duration = Duration::from_secs(5);
/// The longest sleep: what changes meanwhile is seen after it.
const MAX_SLEEP: Duration = Duration::from_secs(60);
/// After a refusal of the account, or while the tokens of the day are spent.
const REFUSED_SLEEP: Duration = Duration::from_secs(60);
/// Until a listing is fetched again after failed attempts. There is no hurry: the past stays.
const RETRY: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(24 * 3600));

/// What the HistoryImporter understands.
pub enum HistoryImporterMessage {
    /// The time of a plan has come.
    Step(u64),
    /// A step is over; how long to sleep.
    Stepped(StoreResult<((), Duration)>),
    /// A step panicked. Its leases expire.
    Panicked,
}

/// How much is fetched, and what of it is stored.
#[derive(Debug, Clone, Copy)]
pub struct HistoryImportPolicy {
    /// What all replicas may spend within 24 hours, in units of the source; `None`: what the account has.
    pub max_per_day: Option<u32>,
    /// Points are stored for so long; `None`: for ever.
    pub history_days: Option<u32>,
}

/// What the HistoryImporter works with.
pub struct HistoryImporterTools {
    store: SharedStore,
    source: Arc<dyn PastSource>,
    policy: HistoryImportPolicy,
    owner: String,
    metrics: Arc<Metrics>,
    stopped: CancellationToken,
    /// One permit, held by the step that is under way.
    step: Semaphore,
    enqueue_at: Mutex<Instant>,
    /// Of refusals in a row, only the first is logged.
    is_refused: Mutex<bool>,
}

impl HistoryImporterTools {
    /// With the name of this replica.
    pub fn new(
        store: SharedStore,
        source: Arc<dyn PastSource>,
        policy: HistoryImportPolicy,
        owner: String,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            source,
            policy,
            owner,
            metrics,
            stopped: CancellationToken::new(),
            step: Semaphore::new(1),
            enqueue_at: Mutex::new(Instant::now()),
            is_refused: Mutex::new(false),
        }
    }

    /// Claims nothing more, and waits for the call that is under way. One that takes longer is made again by another replica.
    pub async fn drain(&self, within: Duration) {
        self.stopped.cancel();
        if tokio::time::timeout(within, self.step.acquire()).await.is_err() {
            tracing::warn!("the past of some listings was not imported in time; it is fetched again");
        }
    }

    /// Fetches the past of listings once, as many as there are tokens for. Returns how long to sleep.
    ///
    /// # Errors
    /// Those of the store. Listings that were claimed are claimed again when their lease has expired.
    pub async fn take_step(&self) -> StoreResult<Duration> {
        let _step = self.step.acquire().await;
        if self.stopped.is_cancelled() {
            return Ok(MAX_SLEEP);
        }
        self.enqueue().await?;
        let limit = match self.room().await? {
            Ok(limit) => limit,
            Err(sleep) => return Ok(sleep),
        };
        let charge = self.source.cost_of_listing();
        let claim = HistoryClaim { limit, lease: LEASE, owner: &self.owner, charge };
        let leases = self.store.claim_history_imports(&claim).await?;
        if leases.is_empty() {
            return Ok(IDLE_SLEEP);
        }
        let listings: Vec<_> = leases.iter().map(|lease| lease.listing).collect();
        match self.source.pasts(&listings).await {
            Ok(told) => {
                self.note_refusal(None);
                let cost = told.cost.div_ceil(u32::try_from(leases.len()).unwrap_or(u32::MAX));
                self.store.settle_history_charge(&leases, charge, cost).await?;
                self.import(&leases, told.pasts).await?;
                Ok(Duration::ZERO)
            }
            Err(error) => self.failed(&leases, charge, error).await,
        }
    }

    /// Records which listings are to be fetched, every now and then.
    async fn enqueue(&self) -> StoreResult<()> {
        let now = Instant::now();
        if *self.enqueue_at.lock().unwrap_or_else(PoisonError::into_inner) > now {
            return Ok(());
        }
        let new = self.store.enqueue_history_imports(self.source.marketplaces(), MAX_ENQUEUED).await?;
        // More are waiting.
        let pause = if new < u64::from(MAX_ENQUEUED) { ENQUEUE_EVERY } else { Duration::ZERO };
        *self.enqueue_at.lock().unwrap_or_else(PoisonError::into_inner) = now + pause;
        Ok(())
    }

    /// How many listings may be fetched now, by the tokens of the account and by what may be spent; otherwise, how long to sleep. This
    /// is where another budget would have its say.
    async fn room(&self) -> StoreResult<Result<u32, Duration>> {
        let mut limit = match self.source.allowance().await {
            Ok(limit) => limit,
            Err(PastError::Later(wait)) => return Ok(Err(wait.clamp(IDLE_SLEEP, MAX_SLEEP))),
            Err(error) => {
                self.note_refusal(Some(&error));
                return Ok(Err(REFUSED_SLEEP));
            }
        };
        if let Some(max_per_day) = self.policy.max_per_day {
            let left = u64::from(max_per_day).saturating_sub(self.store.history_charge().await?);
            let listings = left / u64::from(self.source.cost_of_listing().max(1));
            limit = limit.min(u32::try_from(listings).unwrap_or(u32::MAX));
        }
        if limit > 0 {
            return Ok(Ok(limit));
        }
        tracing::debug!("the tokens for the past of listings are spent for today");
        Ok(Err(REFUSED_SLEEP))
    }

    async fn import(&self, leases: &[HistoryLease], pasts: Vec<Past>) -> StoreResult<()> {
        let keep_from = match self.policy.history_days {
            Some(days) => self.store.now().await?.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).ok(),
            None => None,
        };
        for past in pasts {
            let Some(lease) = leases.iter().find(|lease| lease.listing == past.listing) else { continue };
            let imported = self.store.import_past(lease.listing_id, &past, self.source.name(), keep_from).await;
            let result = match imported {
                Ok(imported) if imported.added > 0 => "imported",
                Ok(_) => "empty",
                // The next ones may be written; this one is claimed again.
                Err(error) => {
                    tracing::warn!(listing = %lease.listing, %error, "the past of {} cannot be stored", lease.listing);
                    let retry = HistoryRetry { after: pause_after(lease), error: Some("it cannot be stored") };
                    self.store.retry_history_imports(std::slice::from_ref(lease), retry).await?;
                    "failed"
                }
            };
            self.metrics.history_imports.with_label_values(&[result]).inc();
        }
        Ok(())
    }

    async fn failed(&self, leases: &[HistoryLease], charge: u32, error: PastError) -> StoreResult<Duration> {
        let count = leases.len() as u64;
        if let PastError::Later(wait) = error {
            self.metrics.history_imports.with_label_values(&["postponed"]).inc_by(count);
            self.store.settle_history_charge(leases, charge, 0).await?;
            self.store.retry_history_imports(leases, HistoryRetry { after: wait, error: None }).await?;
            return Ok(wait.clamp(PAUSE_AFTER_ERROR, MAX_SLEEP));
        }
        self.metrics.history_imports.with_label_values(&["failed"]).inc_by(count);
        self.note_refusal(Some(&error));
        if matches!(error, PastError::Refused { .. }) {
            self.store.settle_history_charge(leases, charge, 0).await?;
        }
        let reason = error.to_string();
        for lease in leases {
            let retry = HistoryRetry { after: pause_after(lease), error: Some(&reason) };
            self.store.retry_history_imports(std::slice::from_ref(lease), retry).await?;
        }
        Ok(PAUSE_AFTER_ERROR)
    }

    /// Logs the first of several failures in a row.
    fn note_refusal(&self, error: Option<&PastError>) {
        let was_refused =
            std::mem::replace(&mut *self.is_refused.lock().unwrap_or_else(PoisonError::into_inner), error.is_some());
        let source = self.source.name();
        match error {
            Some(error) if !was_refused => {
                tracing::warn!(source, %error, "the past of listings cannot be fetched from {source}: {error}");
            }
            None if was_refused => tracing::info!(source, "the past of listings is fetched from {source} again"),
            _ => {}
        }
    }
}

/// Until a listing is fetched again after a failed attempt.
fn pause_after(lease: &HistoryLease) -> Duration {
    RETRY.after(u32::from(lease.attempt.saturating_sub(1))).mul_f64(rand::random_range(1.0..1.25))
}

/// See the module.
pub struct HistoryImporter {
    tools: Arc<HistoryImporterTools>,
    poll_loop: PollLoop,
}

impl HistoryImporter {
    /// An importer that begins as soon as it is started.
    pub fn new(tools: Arc<HistoryImporterTools>) -> Self {
        Self { tools, poll_loop: PollLoop::default() }
    }

    fn step(&mut self, plan: u64, cx: &mut Cx<'_, Self>) {
        if !self.tools.stopped.is_cancelled() && self.poll_loop.begin(plan) {
            let tools = Arc::clone(&self.tools);
            let step = async move { HistoryImporterMessage::Stepped(tools.take_step().await.map(|sleep| ((), sleep))) };
            cx.work("step", step, || HistoryImporterMessage::Panicked);
        }
    }
}

impl Actor for HistoryImporter {
    type Message = HistoryImporterMessage;
    const KIND: &'static str = "history_importer";
    /// It sends its messages to itself.
    const CAPACITY: usize = 4;
    const MESSAGES: &'static [&'static str] = &["step", "stepped", "panicked"];

    fn name_of(message: &HistoryImporterMessage) -> &'static str {
        match message {
            HistoryImporterMessage::Step(_) => "step",
            HistoryImporterMessage::Stepped(_) => "stepped",
            HistoryImporterMessage::Panicked => "panicked",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        self.step(self.poll_loop.first(), cx);
    }

    fn handle(&mut self, message: HistoryImporterMessage, cx: &mut Cx<'_, Self>) {
        match message {
            HistoryImporterMessage::Step(plan) => self.step(plan, cx),
            HistoryImporterMessage::Stepped(result) => {
                let (_, sleep) = self.poll_loop.finish(result, "history_import", &self.tools.metrics);
                self.poll_loop.plan_next(sleep, cx, HistoryImporterMessage::Step);
            }
            HistoryImporterMessage::Panicked => {
                self.poll_loop.plan_next(MAX_SLEEP, cx, HistoryImporterMessage::Step);
            }
        }
    }
}

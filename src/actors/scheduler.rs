//! The Scheduler claims due listings, as many as there are free crawl slots, and gives each to the CrawlerPool.
//!
//! It polls: work is due by time, so it sleeps until the next listing is due, for a second at most, and claims again at
//! once while batches come back full. "Check now" wakes it; replicas that were not woken see the row within a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::Span;
use tracing::field::Empty;

use super::crawl_slots::{CrawlSlots, FreeSlots};
use super::crawler_pool::{CrawlerPool, PoolMessage};
use super::held_lease::HeldLease;
use super::kernel::{Actor, Cx, Inbox};
use super::poll_loop::{PAUSE_AFTER_ERROR, PollLoop};
use super::recorder::CommitQueue;
use crate::config::CrawlSettings;
use crate::store::{Claim, ClaimRequest, Lane, LeaseQueue, StoreResult};
use crate::telemetry::{Metrics, TRACE, precede};

/// What another replica has locked is due and cannot be claimed: without a least sleep the loop would spin.
const MIN_SLEEP: Duration = Duration::from_millis(20);
const MAX_SLEEP: Duration = Duration::from_secs(1);
/// Of the slots of one step, those that the lane of requested crawls may take before the scheduled lane gets its turn.
const REQUESTED_SHARE: f64 = 0.7;

/// What the Scheduler understands.
pub enum SchedulerMessage {
    /// The time of a plan has come.
    Step(u64),
    /// A step is over.
    Stepped(StoreResult<(Vec<HeldLease>, Duration)>),
    /// Something may be due.
    Wake,
    /// A step panicked.
    Panicked,
}

/// What the Scheduler works with.
pub struct SchedulerTools {
    store: Arc<dyn LeaseQueue>,
    pool: Inbox<CrawlerPool>,
    /// Where leases are given back.
    commits: CommitQueue,
    slots: Arc<CrawlSlots>,
    /// The name of this replica, for people.
    owner: String,
    lease: Duration,
    max_attempts: u16,
    metrics: Arc<Metrics>,
    stopped: CancellationToken,
}

impl SchedulerTools {
    /// With the numbers of the settings.
    pub fn new(
        store: Arc<dyn LeaseQueue>,
        pool: Inbox<CrawlerPool>,
        commits: CommitQueue,
        slots: Arc<CrawlSlots>,
        owner: String,
        settings: &CrawlSettings,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            pool,
            commits,
            slots,
            owner,
            lease: Duration::from_secs(settings.lease_secs),
            max_attempts: settings.max_attempts,
            metrics,
            stopped: CancellationToken::new(),
        }
    }

    /// Claims nothing more, whatever happens to the Scheduler. What is being claimed at this moment goes to the pool.
    pub fn stop(&self) {
        self.stopped.cancel();
    }

    /// One step: waits for a free slot, claims for all that are free, and says how long to sleep.
    async fn try_claim(&self) -> StoreResult<(Vec<HeldLease>, Duration)> {
        let mut free = self.slots.free().await;
        // The wait may have been long.
        if self.stopped.is_cancelled() {
            return Ok((Vec::new(), MAX_SLEEP));
        }
        let mut leases = Vec::new();
        for slots in &mut free {
            match self.claim_lanes(slots).await {
                Ok(claimed) => leases.extend(claimed),
                Err(error) if leases.is_empty() => return Err(error),
                Err(error) => tracing::debug!(%error, "not every source could be claimed for"),
            }
        }
        if free.iter().all(FreeSlots::has_room_everywhere) {
            self.slots.had_room();
        }
        // What was claimed is crawled, whatever the second question brings.
        let is_full = free.iter().any(|slots| slots.limit() == 0);
        let sleep = if is_full { Duration::ZERO } else { self.sleep(&free).await.unwrap_or(MAX_SLEEP) };
        Ok((leases, sleep))
    }

    /// Two claims with a share each, rather than one order of both: strict priority would starve the scheduled lane.
    async fn claim_lanes(&self, slots: &mut FreeSlots) -> StoreResult<Vec<HeldLease>> {
        let mut leases = self.claim(Lane::Requested, REQUESTED_SHARE, slots).await?;
        match self.claim(Lane::Scheduled, 1.0, slots).await {
            Ok(scheduled) => leases.extend(scheduled),
            Err(error) if leases.is_empty() => return Err(error),
            Err(error) => tracing::debug!(%error, "the scheduled lane could not be claimed from"),
        }
        Ok(leases)
    }

    /// Claims listings of a lane for a share of the slots of each marketplace.
    async fn claim(&self, lane: Lane, share: f64, slots: &mut FreeSlots) -> StoreResult<Vec<HeldLease>> {
        let (limit, rooms) = slots.share(share);
        let request = ClaimRequest {
            lane,
            limit,
            rooms: &rooms,
            lease: self.lease,
            owner: &self.owner,
            max_attempts: self.max_attempts,
        };
        let claimed_before = Instant::now();
        let claims = self.store.claim(request).await;
        self.metrics.store_seconds.with_label_values(&["claim"]).observe(claimed_before.elapsed().as_secs_f64());
        let held = |claim: Claim| {
            let slot = slots.take(claim.listing.marketplace)?;
            let span = span_of(&claim, claimed_before);
            Some(HeldLease::new(claim, slot, claimed_before, span, self.commits.clone()))
        };
        Ok(claims?.into_iter().filter_map(held).collect())
    }

    async fn sleep(&self, free: &[FreeSlots]) -> StoreResult<Duration> {
        let open: Vec<_> = free.iter().flat_map(FreeSlots::open_marketplaces).collect();
        let due_in = self.store.next_due_in(&open, self.max_attempts).await?.unwrap_or(MAX_SLEEP);
        Ok(due_in.clamp(MIN_SLEEP, MAX_SLEEP).mul_f64(rand::random_range(0.8..1.2)))
    }
}

/// A trace begins with a claim: what comes of it, up to the commit, is in this span.
fn span_of(claim: &Claim, claimed_before: Instant) -> Span {
    let span = tracing::info_span!(
        target: TRACE,
        parent: None,
        "crawl",
        tracker.listing = %claim.listing,
        tracker.lease.lane = ?claim.lane,
        tracker.lease.token = claim.token,
        tracker.lease.attempt = claim.attempt,
        tracker.outcome = Empty,
    );
    precede(&span, "claim", claimed_before);
    span
}

/// See the module.
pub struct Scheduler {
    tools: Arc<SchedulerTools>,
    poll_loop: PollLoop,
}

impl Scheduler {
    /// A scheduler that starts to claim as soon as it is started.
    pub fn new(tools: Arc<SchedulerTools>) -> Self {
        Self { tools, poll_loop: PollLoop::default() }
    }

    fn step(&mut self, plan: u64, cx: &mut Cx<'_, Self>) {
        if !self.tools.stopped.is_cancelled() && self.poll_loop.begin(plan) {
            let tools = Arc::clone(&self.tools);
            let claim = async move { SchedulerMessage::Stepped(tools.try_claim().await) };
            cx.work("claim", claim, || SchedulerMessage::Panicked);
        }
    }

    fn stepped(&mut self, result: StoreResult<(Vec<HeldLease>, Duration)>, cx: &mut Cx<'_, Self>) {
        let (leases, sleep) = self.poll_loop.finish(result, "claim", &self.tools.metrics);
        for lease in leases.into_iter().flatten() {
            lease.span.clone().in_scope(|| self.tools.pool.send_control(PoolMessage::Work(Box::new(lease))));
        }
        self.poll_loop.plan_next(sleep, cx, SchedulerMessage::Step);
    }
}

impl Actor for Scheduler {
    type Message = SchedulerMessage;
    const KIND: &'static str = "scheduler";
    /// Nudges are all alike: that one was refused means that another is in the queue.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["step", "stepped", "wake", "panicked"];

    fn name_of(message: &SchedulerMessage) -> &'static str {
        match message {
            SchedulerMessage::Step(_) => "step",
            SchedulerMessage::Stepped(_) => "stepped",
            SchedulerMessage::Wake => "wake",
            SchedulerMessage::Panicked => "panicked",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        let myself = cx.inbox().clone();
        // Refused: another wake-up waits in the queue.
        self.tools.slots.when_freed(move || drop(myself.try_send(SchedulerMessage::Wake)));
        self.step(self.poll_loop.first(), cx);
    }

    fn handle(&mut self, message: SchedulerMessage, cx: &mut Cx<'_, Self>) {
        match message {
            SchedulerMessage::Step(plan) => self.step(plan, cx),
            SchedulerMessage::Stepped(result) => self.stepped(result, cx),
            SchedulerMessage::Panicked => self.poll_loop.plan_next(PAUSE_AFTER_ERROR, cx, SchedulerMessage::Step),
            SchedulerMessage::Wake => {
                if let Some(plan) = self.poll_loop.wake() {
                    self.step(plan, cx);
                }
            }
        }
    }
}

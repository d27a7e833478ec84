//! The CrawlerPool hands leases to their sources, and starts a task for each call of a source on the shared runtime.
//!
//! Work comes with the slot it occupies, so nothing is ever claimed that there is no room for. Before a crawl the gate of the
//! source is asked: while its circuit breaker is open, the next source of the marketplace is asked, and in the end the listing
//! is given back without counting the attempt. A source that takes many listings at once gets them together.
//!
//! A crawl owns its lease, in its task and in the message that reports its end. So a pool that is rebuilt takes nothing over and
//! mixes nothing up: running crawls report to the next incarnation, and leases that waited in the last one give themselves back.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use prometheus::IntCounterVec;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::crawl_slots::{CrawlSlots, CrawlSource};
use super::held_lease::HeldLease;
use super::kernel::{Actor, Cx, Inbox};
use super::tracker::{TrackerMessage, Trackers};
use crate::domain::{Failure, Listing, Marketplace, Outcome, OutcomeClass};
use crate::limits::Candidate;
use crate::sources::Wanted;
use crate::store::{Claim, Lane, LeaseQueue};
use crate::telemetry::{Metrics, TRACE};

/// What the pool understands.
pub enum PoolMessage {
    /// Crawl this.
    Work(Box<HeldLease>),
    /// More listings were waited for long enough: call the source.
    Gathered(Group),
    /// A crawl has ended.
    Fetched(Box<Fetched>),
    /// A task has ended. What it held and did not report has given itself back.
    TaskEnded,
    /// [`PoolTools::drain`] was called: give back what waits.
    Drain,
}

/// A crawl that has ended.
pub struct Fetched {
    lease: HeldLease,
    /// `None`: nothing was attempted in time, or the drain gave it up.
    outcome: Option<Outcome>,
}

/// Listings that are crawled by one call: of one source and one marketplace.
type Group = (&'static str, Marketplace);

/// What the pool works with.
pub struct PoolTools {
    slots: Arc<CrawlSlots>,
    store: Arc<dyn LeaseQueue>,
    trackers: Trackers,
    metrics: Arc<Metrics>,
    /// The length of a lease.
    lease: Duration,
    /// How long a lease may wait for the rate limit: what its length leaves beside the crawl.
    max_wait: Duration,
    /// Listings that are crawled to see whether crawling works.
    canaries: HashSet<Listing>,
    /// Starts nothing more.
    is_draining: AtomicBool,
    cancel: CancellationToken,
}

impl PoolTools {
    /// A pool that crawls by the sources of the slots. A lease waits for at most `max_wait` of its length.
    pub fn new(
        slots: Arc<CrawlSlots>,
        store: Arc<dyn LeaseQueue>,
        trackers: Trackers,
        metrics: Arc<Metrics>,
        lease: Duration,
        max_wait: Duration,
    ) -> Self {
        let (is_draining, cancel) = (AtomicBool::new(false), CancellationToken::new());
        let canaries = HashSet::new();
        Self { slots, store, trackers, metrics, lease, max_wait, canaries, is_draining, cancel }
    }

    /// The same tools, which count the crawls of these listings on their own as well.
    #[must_use]
    pub fn with_canaries(self, canaries: impl Iterator<Item = Listing>) -> Self {
        Self { canaries: canaries.collect(), ..self }
    }

    fn count(&self, source: &str, listing: Listing, outcome: &Outcome) {
        let count = |crawls: &IntCounterVec, missing_fields: &IntCounterVec| {
            let marketplace = listing.marketplace.code();
            crawls.with_label_values(&[source, marketplace, outcome.as_str()]).inc();
            if let Outcome::Observed(observation) = outcome {
                for field in observation.missing_fields() {
                    missing_fields.with_label_values(&[source, field, marketplace]).inc();
                }
            }
        };
        count(&self.metrics.crawls, &self.metrics.missing_fields);
        if self.canaries.contains(&listing) {
            count(&self.metrics.canary_crawls, &self.metrics.canary_missing_fields);
        }
    }

    /// Starts nothing more, and gives up what still runs after this time. In effect before a message could be, and whatever
    /// happens to the pool.
    pub fn drain(&self, within: Duration) {
        self.is_draining.store(true, Ordering::Relaxed);
        let cancel = self.cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(within).await;
            cancel.cancel();
        });
    }
}

/// One call of a source. What is dropped with it gives itself back.
struct Call {
    tools: Arc<PoolTools>,
    source: Arc<CrawlSource>,
    marketplace: Marketplace,
    leases: HashMap<Listing, HeldLease>,
    pool: Inbox<CrawlerPool>,
}

impl Call {
    /// Waits for the rate limit, calls the source, and passes on each outcome. A panic of the source is an outcome.
    async fn run(mut self) {
        let cancel = self.tools.cancel.clone();
        let panicked = tokio::select! {
            panicked = self.crawl() => panicked,
            () = cancel.cancelled() => false,
        };
        let outcome = panicked.then_some(Outcome::Failed(Failure::Panicked));
        for (_, lease) in std::mem::take(&mut self.leases) {
            self.fetched(lease, outcome.clone());
        }
    }

    /// True: the source panicked.
    async fn crawl(&mut self) -> bool {
        if !self.is_ready().await {
            return false;
        }
        let source = Arc::clone(&self.source);
        let wanted: Vec<Wanted> = self.leases.values().map(|lease| wanted_of(lease.claim())).collect();
        let started_at = Instant::now();
        let (report, mut outcomes) = unbounded_channel();
        let crawl = AssertUnwindSafe(source.source.crawl(&wanted, &report)).catch_unwind();
        tokio::pin!(crawl);
        // Counted from the claim: the wait for others and for the rate limit has taken its part of the lease.
        let mut extension = interval_at((self.claimed_before() + self.tools.lease / 2).into(), self.tools.lease / 3);
        extension.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = loop {
            tokio::select! {
                biased;
                Some((listing, outcome)) = outcomes.recv() => self.report(listing, outcome),
                ended = &mut crawl => break ended,
                _ = extension.tick() => self.extend().await,
            }
        };
        while let Ok((listing, outcome)) = outcomes.try_recv() {
            self.report(listing, outcome);
        }
        let crawl_seconds = self.tools.metrics.crawl_seconds.with_label_values(&[source.source.name()]);
        crawl_seconds.observe(started_at.elapsed().as_secs_f64());
        ended.is_err()
    }

    /// False: the rate limit did not allow it in time.
    async fn is_ready(&self) -> bool {
        let start_by = self.claimed_before() + self.tools.max_wait;
        let wait = tracing::info_span!(target: TRACE, "wait for the rate limit");
        let ready = self.source.gate.ready(self.marketplace).instrument(wait);
        tokio::time::timeout_at(start_by.into(), ready).await.is_ok()
    }

    /// Before the first of its leases was claimed.
    fn claimed_before(&self) -> Instant {
        self.leases.values().map(|lease| lease.claimed_before).min().unwrap_or_else(Instant::now)
    }

    fn report(&mut self, listing: Listing, outcome: Outcome) {
        if let Some(lease) = self.leases.remove(&listing) {
            self.fetched(lease, Some(outcome));
        }
    }

    fn fetched(&self, lease: HeldLease, outcome: Option<Outcome>) {
        self.pool.send_control(PoolMessage::Fetched(Box::new(Fetched { lease, outcome })));
    }

    /// The call takes long: extends its leases, and forgets those that were lost.
    async fn extend(&mut self) {
        let key = |lease: &HeldLease| (lease.claim().listing_id, lease.claim().token);
        let keys: Vec<_> = self.leases.values().map(key).collect();
        match self.tools.store.extend(&keys, self.tools.lease).await {
            Ok(held) => self.leases.retain(|_, lease| held.contains(&lease.claim().listing_id)),
            Err(error) => tracing::warn!(%error, "leases of a long crawl could not be extended; retrying"),
        }
    }
}

/// See the module.
pub struct CrawlerPool {
    tools: Arc<PoolTools>,
    waiting: HashMap<Group, Vec<HeldLease>>,
}

impl CrawlerPool {
    /// A pool without work.
    pub fn new(tools: Arc<PoolTools>) -> Self {
        Self { tools, waiting: HashMap::new() }
    }

    fn take(&mut self, mut lease: HeldLease, cx: &mut Cx<'_, Self>) {
        if self.tools.is_draining.load(Ordering::Relaxed) || lease.claimed_before.elapsed() > self.tools.max_wait {
            return lease.give_back(Duration::ZERO);
        }
        let marketplace = lease.claim().listing.marketplace;
        if let Some(pause) = lease.source().gate.defer(marketplace, candidate(lease.claim())) {
            return lease.give_back(pause.mul_f64(rand::random_range(1.0..1.2)));
        }
        self.have_confirmed_by_another(&mut lease);
        if let Err(pause) = self.admit(&mut lease) {
            return lease.give_back(pause.mul_f64(rand::random_range(1.0..1.2)));
        }
        let group = (lease.source().source.name(), lease.claim().listing.marketplace);
        let size = lease.source().source.batch();
        let waiting = self.waiting.entry(group).or_default();
        waiting.push(lease);
        if waiting.len() >= size.listings {
            self.call(group, cx);
        } else if waiting.len() == 1 {
            cx.after(size.gather, PoolMessage::Gathered(group));
        }
    }

    /// A surprising offer is confirmed by another source than the one that saw it, if there is one: one that misreads a page would
    /// misread it again.
    fn have_confirmed_by_another(&self, lease: &mut HeldLease) {
        let state = &lease.claim().state;
        let saw_it = state.held.is_some() && state.source.as_deref() == Some(lease.source().source.name());
        if saw_it && let Some(slot) = self.tools.slots.other_than(lease.slot()) {
            lease.move_to(slot);
        }
    }

    /// Moves the lease to the first source of its marketplace that admits it. `Err`: none does before this time has passed.
    fn admit(&self, lease: &mut HeldLease) -> Result<(), Duration> {
        let (marketplace, candidate) = (lease.claim().listing.marketplace, candidate(lease.claim()));
        let mut shortest = Duration::MAX;
        loop {
            match lease.source().gate.admit(marketplace, candidate) {
                Ok(()) => return Ok(()),
                Err(pause) => shortest = shortest.min(pause),
            }
            match self.tools.slots.after(lease.slot()) {
                Some(slot) => lease.move_to(slot),
                // It waits for a slot, not for the end of the others' pauses.
                None if self.tools.slots.is_open_after(lease.slot()) => return Err(shortest.min(PAUSE_FOR_ROOM)),
                None => return Err(shortest),
            }
        }
    }

    /// Calls the source with what waits.
    fn call(&mut self, group: Group, cx: &mut Cx<'_, Self>) {
        let leases = self.waiting.remove(&group).unwrap_or_default();
        let Some(first) = leases.first() else { return };
        let (span, source, marketplace) = (first.span.clone(), Arc::clone(first.source()), group.1);
        let logged = tracing::info_span!("crawl", listing = %first.claim().listing, token = first.claim().token);
        // Of two leases of one listing the earlier has expired. It gives itself back, which changes nothing.
        let leases = leases.into_iter().map(|lease| (lease.claim().listing, lease)).collect();
        let (tools, pool) = (Arc::clone(&self.tools), cx.inbox().clone());
        let call = Call { tools, source, marketplace, leases, pool };
        let work = async move {
            call.run().await;
            PoolMessage::TaskEnded
        };
        cx.work("fetch", work.instrument(span).instrument(logged), || PoolMessage::TaskEnded);
    }

    fn fetched(&self, fetched: Fetched) {
        let Fetched { lease, outcome } = fetched;
        let (marketplace, candidate) = (lease.claim().listing.marketplace, candidate(lease.claim()));
        lease.source().gate.report(marketplace, candidate, outcome.as_ref());
        match outcome {
            Some(outcome) => self.hand_on(lease, outcome),
            None => lease.give_back(Duration::ZERO),
        }
    }

    fn hand_on(&self, lease: HeldLease, outcome: Outcome) {
        let span = lease.span.clone();
        let _entered = span.clone().entered();
        span.record("tracker.outcome", outcome.as_str());
        let (listing, listing_id) = (lease.claim().listing, lease.claim().listing_id);
        self.tools.count(lease.source().source.name(), listing, &outcome);
        match outcome.class() {
            OutcomeClass::Defect => {
                tracing::warn!(%listing, outcome = outcome.as_str(), "cannot use the page of {listing}; report it if it persists");
            }
            _ => tracing::debug!(%listing, outcome = outcome.as_str(), "crawled {listing}"),
        }
        let is_fruitless = !matches!(outcome, Outcome::Observed(_));
        let crawl = lease.crawled(outcome, is_fruitless && self.tools.slots.is_failing(listing.marketplace));
        self.tools.trackers.send_control(listing_id, TrackerMessage::Crawled(Box::new(crawl)));
    }

    fn drain(&mut self) {
        for lease in self.waiting.drain().flat_map(|(_, waiting)| waiting) {
            lease.give_back(Duration::ZERO);
        }
    }
}

/// Before a listing is claimed again whose next source had no room.
const PAUSE_FOR_ROOM: Duration = Duration::from_secs(1);

/// A listing whose last crawls gave nothing may be what fails, not its marketplace.
const MAX_FAILURES_OF_PROVEN: u16 = 3;

/// Who requests a crawl wants offers that are as new as the rest.
fn wanted_of(claim: &Claim) -> Wanted {
    let (state, at) = (&claim.state, claim.claimed_at);
    let wants_offers = |interval| claim.lane == Lane::Requested || state.wants_offers(interval, at);
    Wanted {
        listing: claim.listing,
        offers: claim.offers_interval.is_some_and(wants_offers),
        content: state.wants_content(at),
        is_requested: claim.lane == Lane::Requested,
    }
}

fn candidate(claim: &Claim) -> Candidate {
    let state = &claim.state;
    Candidate {
        listing_id: claim.listing_id,
        is_proven: state.checked_at.is_some() && state.consecutive_failures < MAX_FAILURES_OF_PROVEN,
        is_requested: claim.lane == Lane::Requested,
    }
}

impl Actor for CrawlerPool {
    type Message = PoolMessage;
    const KIND: &'static str = "crawler_pool";
    /// For orders from outside; work comes past the bound, bounded by its slots.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["work", "gathered", "fetched", "task_ended", "drain"];

    fn name_of(message: &PoolMessage) -> &'static str {
        match message {
            PoolMessage::Work(_) => "work",
            PoolMessage::Gathered(_) => "gathered",
            PoolMessage::Fetched(_) => "fetched",
            PoolMessage::TaskEnded => "task_ended",
            PoolMessage::Drain => "drain",
        }
    }

    fn handle(&mut self, message: PoolMessage, cx: &mut Cx<'_, Self>) {
        match message {
            PoolMessage::Work(lease) => self.take(*lease, cx),
            PoolMessage::Gathered(group) => self.call(group, cx),
            PoolMessage::Fetched(fetched) => self.fetched(*fetched),
            PoolMessage::TaskEnded => {}
            PoolMessage::Drain => self.drain(),
        }
    }
}

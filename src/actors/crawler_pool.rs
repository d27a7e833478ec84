//! The CrawlerPool lets leases wait for their turn and starts a task for each crawl on the shared runtime.
//!
//! Work comes with the slot it occupies, so nothing is ever claimed that there is no room for. Before a crawl the gate is
//! asked: while a source's circuit breaker is open, its listings are given back without counting the attempt.
//!
//! A crawl owns its lease and its turn on the marketplace, in its task and in the message that reports its end. So a pool
//! that is rebuilt takes nothing over and mixes nothing up: running crawls report to the next incarnation, and leases that
//! waited in the last one give themselves back.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::held_lease::HeldLease;
use super::kernel::{Actor, Cx};
use super::tracker::{TrackerMessage, Trackers};
use crate::domain::{Failure, Listing, Marketplace, Outcome, OutcomeClass};
use crate::limits::{Candidate, CrawlGate};
use crate::sources::Source;
use crate::store::{Claim, Lane};
use crate::telemetry::{Metrics, TRACE};

/// What the pool understands.
pub enum PoolMessage {
    /// Crawl this.
    Work(Box<HeldLease>),
    /// A crawl has ended.
    Fetched(Box<Fetched>),
    /// A task ended without a result: its turn is free, and its lease has given itself back.
    TurnFree(Marketplace),
    /// [`PoolTools::drain`] was called: give back what waits.
    Drain,
}

/// A crawl that has ended.
pub struct Fetched {
    lease: HeldLease,
    /// `None`: no request was sent in time, or the drain gave it up.
    outcome: Option<Outcome>,
    /// Free for the next when dropped.
    turn: OwnedSemaphorePermit,
}

/// What the pool works with.
pub struct PoolTools {
    source: Arc<dyn Source>,
    gate: Arc<dyn CrawlGate>,
    trackers: Trackers,
    metrics: Arc<Metrics>,
    turns: Turns,
    /// How long a lease may wait for its turn and for the rate limit: what its length leaves beside the crawl.
    max_wait: Duration,
    /// Starts nothing more.
    is_draining: AtomicBool,
    cancel: CancellationToken,
}

impl PoolTools {
    /// A pool that crawls by `source` when `gate` allows it, `concurrency` crawls at once on each marketplace.
    pub fn new(
        source: Arc<dyn Source>,
        gate: Arc<dyn CrawlGate>,
        trackers: Trackers,
        metrics: Arc<Metrics>,
        concurrency: usize,
        max_wait: Duration,
    ) -> Self {
        let turns = Turns { concurrency, marketplaces: Mutex::default() };
        let (is_draining, cancel) = (AtomicBool::new(false), CancellationToken::new());
        Self { source, gate, trackers, metrics, turns, max_wait, is_draining, cancel }
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

    /// Crawls once. A panic of the source is an outcome. `None`: the rate limit did not allow it by `start_by`.
    async fn fetch(&self, listing: Listing, start_by: Instant) -> Option<Outcome> {
        let wait = tracing::info_span!(target: TRACE, "wait for the rate limit");
        let ready = self.gate.ready(listing.marketplace).instrument(wait);
        tokio::time::timeout_at(start_by.into(), ready).await.ok()?;
        let started_at = Instant::now();
        let fetch = AssertUnwindSafe(self.source.fetch(listing)).catch_unwind();
        let outcome = fetch.await.unwrap_or(Outcome::Failed(Failure::Panicked));
        let crawl_seconds = self.metrics.crawl_seconds.with_label_values(&[self.source.name()]);
        crawl_seconds.observe(started_at.elapsed().as_secs_f64());
        Some(outcome)
    }
}

/// Turns on each marketplace, held by running crawls: they are counted right whatever happens to the pool.
struct Turns {
    concurrency: usize,
    marketplaces: Mutex<HashMap<Marketplace, Arc<Semaphore>>>,
}

impl Turns {
    fn try_take(&self, marketplace: Marketplace) -> Option<OwnedSemaphorePermit> {
        let mut marketplaces = self.marketplaces.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = marketplaces.entry(marketplace).or_insert_with(|| Arc::new(Semaphore::new(self.concurrency)));
        Arc::clone(turns).try_acquire_owned().ok()
    }
}

/// See the module.
pub struct CrawlerPool {
    tools: Arc<PoolTools>,
    waiting: HashMap<Marketplace, VecDeque<HeldLease>>,
}

impl CrawlerPool {
    /// A pool without work.
    pub fn new(tools: Arc<PoolTools>) -> Self {
        Self { tools, waiting: HashMap::new() }
    }

    fn take(&mut self, lease: HeldLease, cx: &mut Cx<'_, Self>) {
        if self.tools.is_draining.load(Ordering::Relaxed) {
            return lease.give_back(Duration::ZERO);
        }
        let marketplace = lease.claim().listing.marketplace;
        self.waiting.entry(marketplace).or_default().push_back(lease);
        self.start_waiting(marketplace, cx);
    }

    /// Starts as many of those that wait as there are turns.
    fn start_waiting(&mut self, marketplace: Marketplace, cx: &mut Cx<'_, Self>) {
        let Some(waiting) = self.waiting.get_mut(&marketplace) else { return };
        while !waiting.is_empty()
            && let Some(turn) = self.tools.turns.try_take(marketplace)
            && let Some(lease) = waiting.pop_front()
        {
            if lease.claimed_before.elapsed() > self.tools.max_wait {
                lease.give_back(Duration::ZERO);
                continue;
            }
            match self.tools.gate.admit(marketplace, candidate(lease.claim())) {
                Ok(()) => start(&self.tools, lease, turn, cx),
                Err(pause) => lease.give_back(pause.mul_f64(rand::random_range(1.0..1.2))),
            }
        }
    }

    fn fetched(&mut self, fetched: Fetched, cx: &mut Cx<'_, Self>) {
        let Fetched { lease, outcome, turn } = fetched;
        let marketplace = lease.claim().listing.marketplace;
        drop(turn);
        self.tools.gate.report(marketplace, candidate(lease.claim()), outcome.as_ref());
        match outcome {
            Some(outcome) => self.hand_on(lease, outcome),
            None => lease.give_back(Duration::ZERO),
        }
        self.start_waiting(marketplace, cx);
    }

    fn hand_on(&self, lease: HeldLease, outcome: Outcome) {
        let span = lease.span.clone();
        let _entered = span.clone().entered();
        span.record("tracker.outcome", outcome.as_str());
        let (listing, listing_id) = (lease.claim().listing, lease.claim().listing_id);
        let (source, marketplace) = (self.tools.source.name(), listing.marketplace.code());
        self.tools.metrics.crawls.with_label_values(&[source, marketplace, outcome.as_str()]).inc();
        match outcome.class() {
            OutcomeClass::Defect => {
                tracing::warn!(%listing, outcome = outcome.as_str(), "cannot use the page of {listing}; report it if it persists");
            }
            _ => tracing::debug!(%listing, outcome = outcome.as_str(), "crawled {listing}"),
        }
        self.tools.trackers.send_control(listing_id, TrackerMessage::Crawled(Box::new(lease.crawled(outcome))));
    }

    fn drain(&mut self) {
        for lease in self.waiting.drain().flat_map(|(_, waiting)| waiting) {
            lease.give_back(Duration::ZERO);
        }
    }
}

/// A listing whose last crawls gave nothing may be what fails, not its marketplace.
const MAX_FAILURES_OF_PROVEN: u16 = 3;

fn candidate(claim: &Claim) -> Candidate {
    let state = &claim.state;
    Candidate {
        listing_id: claim.listing_id,
        is_proven: state.checked_at.is_some() && state.consecutive_failures < MAX_FAILURES_OF_PROVEN,
        is_requested: claim.lane == Lane::Requested,
    }
}

fn start(tools: &Arc<PoolTools>, lease: HeldLease, turn: OwnedSemaphorePermit, cx: &mut Cx<'_, CrawlerPool>) {
    let (tools, listing, start_by) = (Arc::clone(tools), lease.claim().listing, lease.claimed_before + tools.max_wait);
    let logged = tracing::info_span!("crawl", %listing, token = lease.claim().token);
    let span = lease.span.clone();
    let work = async move {
        let outcome = tokio::select! {
            outcome = tools.fetch(listing, start_by) => outcome,
            () = tools.cancel.cancelled() => None,
        };
        PoolMessage::Fetched(Box::new(Fetched { lease, outcome, turn }))
    };
    cx.work("fetch", work.instrument(span).instrument(logged), move || PoolMessage::TurnFree(listing.marketplace));
}

impl Actor for CrawlerPool {
    type Message = PoolMessage;
    const KIND: &'static str = "crawler_pool";
    /// For orders from outside; work comes past the bound, bounded by its slots.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["work", "fetched", "turn_free", "drain"];

    fn name_of(message: &PoolMessage) -> &'static str {
        match message {
            PoolMessage::Work(_) => "work",
            PoolMessage::Fetched(_) => "fetched",
            PoolMessage::TurnFree(_) => "turn_free",
            PoolMessage::Drain => "drain",
        }
    }

    fn handle(&mut self, message: PoolMessage, cx: &mut Cx<'_, Self>) {
        match message {
            PoolMessage::Work(lease) => self.take(*lease, cx),
            PoolMessage::Fetched(fetched) => self.fetched(*fetched, cx),
            PoolMessage::TurnFree(marketplace) => self.start_waiting(marketplace, cx),
            PoolMessage::Drain => self.drain(),
        }
    }
}

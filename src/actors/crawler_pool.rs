//! The CrawlerPool owns counters and queues; each fetch is a task of its own on the shared runtime.
//!
//! Work comes with the slot it occupies, so nothing is ever claimed that there is no room for. Before a fetch the gate is
//! asked: while a source rests, its listings are given back for later without burning an attempt.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::decide::give_back;
use super::kernel::{Actor, Cx, Inbox, Reply};
use super::recorder::{Recorder, RecorderMessage};
use super::tracker::{FinishedCrawl, TrackerMessage, Trackers};
use crate::domain::{Failure, ListingId, Marketplace, Outcome};
use crate::limits::CrawlGate;
use crate::sources::Source;
use crate::store::Claim;
use crate::telemetry::{Metrics, TRACE};

/// A place for one crawl, from the claim to the commit. Free when dropped.
pub type CrawlSlot = OwnedSemaphorePermit;

/// A claimed listing with its slot.
pub struct Crawl {
    /// The claim.
    pub claim: Claim,
    /// Its slot.
    pub slot: CrawlSlot,
    /// Taken by a monotonic clock *before* the claim was sent: the lease ends no earlier than this plus its length.
    pub claimed_before: Instant,
    /// What is done about it, in its trace.
    pub span: Span,
}

/// What the pool understands.
pub enum PoolMessage {
    /// FinishedCrawl at this.
    Work(Box<Crawl>),
    /// A fetch has ended; without an outcome it was given up at the drain.
    Fetched {
        /// The number of the crawl in this pool.
        number: u64,
        /// How it ended.
        outcome: Option<Outcome>,
    },
    /// Take nothing more; answer when the running crawls have ended, with the leases of those that had to be given up.
    Drain {
        /// After this time running crawls are given up.
        patience: Duration,
        /// Gets the leases to release.
        reply: Reply<Vec<(ListingId, i64)>>,
    },
    /// The patience of the drain is over.
    GiveUp,
}

/// What the pool works with.
pub struct PoolTools {
    /// Who looks.
    pub source: Arc<dyn Source>,
    /// Who says when.
    pub gate: Arc<dyn CrawlGate>,
    /// Who judges.
    pub trackers: Trackers,
    /// Who writes what is given back.
    pub recorder: Inbox<Recorder>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// Crawls at once on one marketplace.
    pub concurrency_per_marketplace: usize,
    /// How long a claim may wait in the queue: what the lease leaves beside the crawl.
    pub queue_patience: Duration,
}

/// See the module.
pub struct CrawlerPool {
    tools: Arc<PoolTools>,
    numbers: u64,
    running: HashMap<u64, Running>,
    marketplaces: HashMap<Marketplace, Line>,
    cancel: CancellationToken,
    /// Takes no more work.
    closed: bool,
    draining: Option<Draining>,
}

struct Running {
    crawl: Crawl,
    started_at: Instant,
}

#[derive(Default)]
struct Line {
    running: usize,
    waiting: VecDeque<Crawl>,
}

struct Draining {
    reply: Reply<Vec<(ListingId, i64)>>,
    orphans: Vec<(ListingId, i64)>,
}

impl CrawlerPool {
    /// A pool without work.
    pub fn new(tools: Arc<PoolTools>) -> Self {
        Self {
            tools,
            numbers: 0,
            running: HashMap::new(),
            marketplaces: HashMap::new(),
            cancel: CancellationToken::new(),
            closed: false,
            draining: None,
        }
    }

    fn take(&mut self, crawl: Crawl, cx: &mut Cx<'_, Self>) {
        if self.closed {
            return self.give_back(crawl, Duration::ZERO);
        }
        let line = self.marketplaces.entry(crawl.claim.listing.marketplace).or_default();
        if line.running >= self.tools.concurrency_per_marketplace {
            line.waiting.push_back(crawl);
            return;
        }
        self.admit(crawl, cx);
    }

    fn admit(&mut self, crawl: Crawl, cx: &mut Cx<'_, Self>) {
        match self.tools.gate.admit(crawl.claim.listing.marketplace) {
            Ok(()) => self.start(crawl, cx),
            Err(pause) => self.give_back(crawl, pause.mul_f64(rand::random_range(1.0..1.2))),
        }
    }

    fn start(&mut self, crawl: Crawl, cx: &mut Cx<'_, Self>) {
        self.numbers += 1;
        let (number, listing) = (self.numbers, crawl.claim.listing);
        self.marketplaces.entry(listing.marketplace).or_default().running += 1;
        let logged = tracing::info_span!("crawl", %listing, token = crawl.claim.token);
        let (tools, cancel) = (Arc::clone(&self.tools), self.cancel.clone());
        let fetch = async move {
            let turn = tracing::info_span!(target: TRACE, "wait for a turn");
            tools.gate.ready(listing.marketplace).instrument(turn).await;
            tools.source.fetch(listing).await
        };
        let work = async move {
            let outcome = tokio::select! {
                outcome = fetch => Some(outcome),
                () = cancel.cancelled() => None,
            };
            PoolMessage::Fetched { number, outcome }
        };
        let work = work.instrument(crawl.span.clone()).instrument(logged);
        self.running.insert(number, Running { crawl, started_at: Instant::now() });
        let panicked = move || PoolMessage::Fetched { number, outcome: Some(Outcome::Failed(Failure::Panicked)) };
        cx.work(work, panicked);
    }

    fn fetched(&mut self, number: u64, outcome: Option<Outcome>, cx: &mut Cx<'_, Self>) {
        let Some(Running { crawl, started_at }) = self.running.remove(&number) else { return };
        let marketplace = crawl.claim.listing.marketplace;
        self.tools.gate.report(marketplace, outcome.as_ref());
        match (outcome, &mut self.draining) {
            (Some(outcome), _) => self.hand_on(crawl, outcome, started_at),
            (None, Some(draining)) => draining.orphans.push((crawl.claim.listing_id, crawl.claim.token)),
            (None, None) => self.give_back(crawl, Duration::ZERO),
        }
        self.start_waiting(marketplace, cx);
        self.answer_drain();
    }

    fn hand_on(&self, crawl: Crawl, outcome: Outcome, started_at: Instant) {
        let Crawl { claim, slot, claimed_before, span } = crawl;
        span.record("tracker.outcome", outcome.as_str());
        let _entered = span.clone().entered();
        let (source, marketplace) = (self.tools.source.name(), claim.listing.marketplace.code());
        self.tools.metrics.crawls.with_label_values(&[source, marketplace, outcome.as_str()]).inc();
        self.tools.metrics.crawl_seconds.with_label_values(&[source]).observe(started_at.elapsed().as_secs_f64());
        tracing::debug!(listing = %claim.listing, outcome = outcome.as_str(), "looked at {}", claim.listing);
        // The database's clock, carried on by ours: the two may differ, but both run at the same speed.
        let since_claim = SignedDuration::try_from(claimed_before.elapsed()).unwrap_or_default();
        let at = to_the_millisecond(claim.claimed_at.saturating_add(since_claim).unwrap_or(claim.claimed_at));
        let listing_id = claim.listing_id;
        let finished = FinishedCrawl { claim, outcome, at, slot, span };
        self.tools.trackers.send_control(listing_id, TrackerMessage::Crawled(Box::new(finished)));
    }

    fn start_waiting(&mut self, marketplace: Marketplace, cx: &mut Cx<'_, Self>) {
        let line = self.marketplaces.entry(marketplace).or_default();
        line.running -= 1;
        while let Some(crawl) = self.next_waiting(marketplace) {
            if crawl.claimed_before.elapsed() > self.tools.queue_patience {
                self.give_back(crawl, Duration::ZERO);
            } else {
                self.admit(crawl, cx);
            }
        }
    }

    fn next_waiting(&mut self, marketplace: Marketplace) -> Option<Crawl> {
        let line = self.marketplaces.get_mut(&marketplace)?;
        if line.running < self.tools.concurrency_per_marketplace { line.waiting.pop_front() } else { None }
    }

    /// Back into the queue, for later, without counting.
    fn give_back(&self, crawl: Crawl, after: Duration) {
        let commit = give_back(&crawl.claim, after);
        let Crawl { slot, span, .. } = crawl;
        span.record("tracker.outcome", "given_back");
        let _entered = span.clone().entered();
        let when = Box::new(move |_| span.in_scope(|| drop(slot)));
        self.tools.recorder.send_control(RecorderMessage::Record(Box::new(commit), when));
    }

    fn drain(&mut self, patience: Duration, reply: Reply<Vec<(ListingId, i64)>>, cx: &mut Cx<'_, Self>) {
        let waiting = self.marketplaces.values_mut().flat_map(|line| line.waiting.drain(..));
        let orphans = waiting.map(|crawl| (crawl.claim.listing_id, crawl.claim.token)).collect();
        self.closed = true;
        self.draining = Some(Draining { reply, orphans });
        cx.after(patience, PoolMessage::GiveUp);
        self.answer_drain();
    }

    fn answer_drain(&mut self) {
        if self.running.is_empty()
            && let Some(Draining { reply, orphans }) = self.draining.take()
        {
            reply.send(orphans);
        }
    }
}

/// The store keeps milliseconds: what is remembered and what is read back must be the same.
fn to_the_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

impl Actor for CrawlerPool {
    type Message = PoolMessage;
    const KIND: &'static str = "crawler_pool";
    /// Only for orders from outside; work comes past the bound, bounded by its slots.
    const CAPACITY: usize = 64;
    const MESSAGES: &'static [&'static str] = &["work", "fetched", "drain", "give_up"];

    fn name_of(message: &PoolMessage) -> &'static str {
        match message {
            PoolMessage::Work(_) => "work",
            PoolMessage::Fetched { .. } => "fetched",
            PoolMessage::Drain { .. } => "drain",
            PoolMessage::GiveUp => "give_up",
        }
    }

    fn handle(&mut self, message: PoolMessage, cx: &mut Cx<'_, Self>) {
        match message {
            PoolMessage::Work(crawl) => self.take(*crawl, cx),
            PoolMessage::Fetched { number, outcome } => self.fetched(number, outcome, cx),
            PoolMessage::Drain { patience, reply } => self.drain(patience, reply, cx),
            PoolMessage::GiveUp => self.cancel.cancel(),
        }
    }
}

//! A ProductTracker judges the crawls at one hot listing, one after another.
//!
//! It is a cache and a serialiser; the row is the truth. Each claim brings the state the row had, so a tracker that was
//! just started judges as well as one that has been there for hours. What it adds is memory for those who ask, and the
//! waiters it tells as soon as a crawl is recorded.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tracing::Span;

use super::crawler_pool::CrawlSlot;
use super::decide::{CrawlPolicy, decide};
use super::kernel::{Actor, Cx, Entity, Inbox, Reply, Shards};
use super::recorder::{Recorder, RecorderMessage};
use crate::domain::{ListingId, ListingState, Outcome, Verdict};
use crate::store::Claim;
use crate::telemetry::{Metrics, TRACE, TracePoint};

/// Every tracker, in memory or not.
pub type Trackers = Shards<ProductTracker>;

/// One finished crawl.
pub struct FinishedCrawl {
    /// Under which claim.
    pub claim: Claim,
    /// How it ended.
    pub outcome: Outcome,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// Free again when the crawl is recorded.
    pub slot: CrawlSlot,
    /// Ends when the crawl is recorded.
    pub span: Span,
}

/// How a crawl ended, for those who wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrawlEnd {
    /// The word of its outcome.
    pub outcome: &'static str,
    /// False: another replica was faster, and nothing was written.
    pub recorded: bool,
}

/// What a tracker remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackerView {
    /// Looks judged by this incarnation.
    pub crawls: u64,
    /// The state after the latest that was recorded.
    pub state: Option<ListingState>,
}

/// What a tracker understands.
pub enum TrackerMessage {
    /// A crawl of the listing has ended.
    Crawled(Box<FinishedCrawl>),
    /// The commit of a crawl is written, or was refused.
    Recorded(CrawlEnd, Option<Box<ListingState>>),
    /// Answer when the next crawl has been recorded.
    AwaitCrawl(Reply<CrawlEnd>),
    /// Answer with what is remembered.
    Peek(Reply<TrackerView>),
}

/// What every tracker works with.
pub struct TrackerTools {
    /// Who writes.
    pub recorder: Inbox<Recorder>,
    /// How soon to crawl again.
    pub policy: CrawlPolicy,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// See the module.
pub struct ProductTracker {
    tools: Arc<TrackerTools>,
    crawls: u64,
    state: Option<ListingState>,
    waiters: Vec<Waiter>,
}

/// Somebody who waits for a crawl, and in which trace.
type Waiter = (Reply<CrawlEnd>, Option<TracePoint>);

impl ProductTracker {
    /// A tracker that remembers nothing yet.
    pub fn new(tools: Arc<TrackerTools>) -> Self {
        Self { tools, crawls: 0, state: None, waiters: Vec::new() }
    }

    fn crawled(&mut self, crawl: FinishedCrawl, cx: &Cx<'_, Self>) {
        let FinishedCrawl { claim, outcome, at, slot, span } = crawl;
        self.crawls += 1;
        self.waiters.iter().filter_map(|(_, asked)| asked.as_ref()).for_each(|asked| asked.link_from(&span));
        let decision = tracing::info_span!(target: TRACE, "decide")
            .in_scope(|| decide(&claim, &outcome, at, self.tools.policy, rand::random()));
        if decision.verdict == Some(Verdict::Held) {
            self.tools.metrics.held_offers.inc();
        }
        let (myself, state) = (cx.inbox().clone(), decision.commit.state.clone().map(Box::new));
        let when = Box::new(move |recorded| {
            let _entered = span.entered();
            drop(slot);
            myself.send_control(TrackerMessage::Recorded(CrawlEnd { outcome: outcome.as_str(), recorded }, state));
        });
        self.tools.recorder.send_control(RecorderMessage::Record(Box::new(decision.commit), when));
    }

    fn recorded(&mut self, end: CrawlEnd, state: Option<Box<ListingState>>) {
        if end.recorded
            && let Some(state) = state
        {
            self.state = Some(*state);
        }
        for (waiter, _) in self.waiters.drain(..) {
            waiter.send(end);
        }
    }
}

impl Actor for ProductTracker {
    type Message = TrackerMessage;
    const KIND: &'static str = "tracker";
    /// One crawl at a time by the lease; the rest is for people who ask.
    const CAPACITY: usize = 32;
    const MESSAGES: &'static [&'static str] = &["crawled", "recorded", "await_crawl", "peek"];

    fn name_of(message: &TrackerMessage) -> &'static str {
        match message {
            TrackerMessage::Crawled(_) => "crawled",
            TrackerMessage::Recorded(..) => "recorded",
            TrackerMessage::AwaitCrawl(_) => "await_crawl",
            TrackerMessage::Peek(_) => "peek",
        }
    }

    fn handle(&mut self, message: TrackerMessage, cx: &mut Cx<'_, Self>) {
        match message {
            TrackerMessage::Crawled(crawl) => self.crawled(*crawl, cx),
            TrackerMessage::Recorded(end, state) => self.recorded(end, state),
            TrackerMessage::AwaitCrawl(reply) => {
                self.waiters.retain(|(waiter, _)| !waiter.is_abandoned());
                self.waiters.push((reply, TracePoint::here()));
            }
            TrackerMessage::Peek(reply) => reply.send(TrackerView { crawls: self.crawls, state: self.state.clone() }),
        }
    }
}

impl Entity for ProductTracker {
    type Key = ListingId;
    const SHARD_KIND: &'static str = "tracker_shard";
}

//! A ProductTracker judges the crawls of one hot listing, one after another.
//!
//! It is a cache and a serialiser; the row is the truth. Each claim brings the state that the row had, so a tracker that was
//! just started judges as well as one that has been there for hours. It adds the last state
//! in memory, and answers waiters as soon as a crawl is recorded.

use std::sync::Arc;

use serde::Serialize;

use super::decide::{CrawlMade, CrawlPolicy, decide};
use super::held_lease::FinishedCrawl;
use super::kernel::{Actor, Cx, Entity, Reply, Shards};
use crate::domain::{ListingId, ListingState, Verdict};
use crate::telemetry::{Metrics, TRACE, TracePoint};

/// Every tracker, in memory or not.
pub type Trackers = Shards<ProductTracker>;

/// How a crawl ended, for its waiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrawlEnd {
    /// The name of its outcome.
    pub outcome: &'static str,
    /// False: another replica was faster, and nothing was written.
    pub recorded: bool,
}

/// What a tracker remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackerView {
    /// Crawls judged by this incarnation.
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
    /// How soon to crawl again.
    pub policy: CrawlPolicy,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// See the module.
pub struct ProductTracker {
    tools: Arc<TrackerTools>,
    crawls: u64,
    state: Option<Box<ListingState>>,
    waiters: Vec<Waiter>,
}

/// A waiter for the next crawl, and its trace.
type Waiter = (Reply<CrawlEnd>, Option<TracePoint>);

impl ProductTracker {
    /// A tracker that remembers nothing yet.
    pub fn new(tools: Arc<TrackerTools>) -> Self {
        Self { tools, crawls: 0, state: None, waiters: Vec::new() }
    }

    fn crawled(&mut self, crawl: FinishedCrawl, cx: &Cx<'_, Self>) {
        self.crawls += 1;
        let FinishedCrawl { lease, outcome, at, is_marketplace_failing } = crawl;
        self.waiters.iter().filter_map(|(_, asked)| asked.as_ref()).for_each(|asked| asked.link_from(&lease.span));
        let crawl = CrawlMade { source: lease.source().source.name(), at, is_marketplace_failing };
        let decision = tracing::info_span!(target: TRACE, "decide")
            .in_scope(|| decide(lease.claim(), &outcome, crawl, self.tools.policy, rand::random()));
        if decision.verdict == Some(Verdict::Held) {
            self.tools.metrics.held_offers.inc();
        }
        let (myself, state) = (cx.inbox().clone(), decision.commit.state.clone().map(Box::new));
        lease.commit(decision.commit, move |recorded| {
            myself.send_control(TrackerMessage::Recorded(CrawlEnd { outcome: outcome.as_str(), recorded }, state));
        });
    }

    fn recorded(&mut self, end: CrawlEnd, state: Option<Box<ListingState>>) {
        if end.recorded && state.is_some() {
            self.state = state;
        }
        for (waiter, _) in std::mem::take(&mut self.waiters) {
            waiter.send(end);
        }
    }
}

impl Actor for ProductTracker {
    type Message = TrackerMessage;
    const KIND: &'static str = "tracker";
    /// The lease allows one crawl at a time; the rest is for requests.
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
            TrackerMessage::Peek(reply) => {
                reply.send(TrackerView { crawls: self.crawls, state: self.state.as_deref().cloned() });
            }
        }
    }
}

impl Entity for ProductTracker {
    type Key = ListingId;
    const SHARD_KIND: &'static str = "tracker_shard";
}

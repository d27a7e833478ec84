//! The lease queue: claims of due listings, and the fenced commit of their crawls.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::StoreResult;
use super::clock::millis;
use crate::domain::rule::{Competitors, Windows};
use crate::domain::{
    Asin, ContentChange, CrawlDemand, Event, Interval, ItemStatus, Listing, ListingId, ListingState, Marketplace,
    OfferList, Point, ProductId, Rule, RuleId, RuleState,
};

/// The two lanes. Each is claimed on its own, so that neither can starve the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Requested by a user.
    Requested,
    /// Due by its interval.
    Scheduled,
}

impl Lane {
    /// The number in the store.
    pub fn number(self) -> i16 {
        match self {
            Self::Requested => 0,
            Self::Scheduled => 1,
        }
    }
}

/// The right to crawl one listing until the lease expires, with everything that a decision about the crawl needs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The listing's row.
    pub listing_id: ListingId,
    /// The listing.
    pub listing: Listing,
    /// Fencing token: one higher at each claim. Every write about this crawl carries it.
    pub token: i64,
    /// When it was claimed, by the database's clock.
    pub claimed_at: Timestamp,
    /// Claims since the last success, including this one.
    pub attempt: u16,
    /// The lane that it came from.
    pub lane: Lane,
    /// The current state.
    pub state: ListingState,
    /// How often the active products want it crawled; not at all when no active product watches the listing.
    pub demand: CrawlDemand,
    /// The shortest interval of the active products that watch its offers; `None` when none does.
    pub offers_interval: Option<Interval>,
    /// The rules of all products that watch the listing.
    pub rules: Vec<Rule>,
    /// The parts of history that they compare with.
    pub windows: Windows,
    /// The competitors of the sets that they name.
    pub competitors: Competitors,
}

impl Claim {
    /// The interval of the listing as it was last crawled; `None` when no active product watches it.
    pub fn interval(&self) -> Option<Interval> {
        self.demand.interval(self.state.change_rate)
    }
}

/// What becomes of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The crawl succeeded: due again after this time, attempts reset.
    Due(Duration),
    /// Crawl again after this time in the same lane; the attempt counts.
    Retry(Duration),
    /// Crawl again after this time; the source was the cause, so the attempt does not count.
    Postponed(Duration),
    /// Not claimable until a crawl is requested.
    Parked,
}

/// The same as a value of the statements.
pub(super) struct LeaseEnd {
    /// The name of the variant.
    pub word: &'static str,
    /// Milliseconds until the next crawl; 0 for a parked listing.
    pub after_ms: i64,
}

impl From<Next> for LeaseEnd {
    fn from(next: Next) -> Self {
        match next {
            Next::Due(after) => Self { word: "due", after_ms: millis(after) },
            Next::Retry(after) => Self { word: "retry", after_ms: millis(after) },
            Next::Postponed(after) => Self { word: "postponed", after_ms: millis(after) },
            Next::Parked => Self { word: "parked", after_ms: 0 },
        }
    }
}

/// What becomes of the pending job items of the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemsEnd {
    /// They stay pending.
    Keep,
    /// They are done.
    Done,
    /// They have failed.
    Failed,
}

impl ItemsEnd {
    /// Their new status, unless they stay pending.
    pub(super) fn status(self) -> Option<ItemStatus> {
        match self {
            Self::Keep => None,
            Self::Done => Some(ItemStatus::Done),
            Self::Failed => Some(ItemStatus::Failed),
        }
    }
}

/// One step of one rule about one product, applied only if neither its condition nor its state have changed since they were read.
#[derive(Debug, Clone)]
pub struct RuleStep {
    /// The rule.
    pub rule_id: RuleId,
    /// The version of its condition when it was read.
    pub condition_version: i64,
    /// The product.
    pub product_id: ProductId,
    /// The revision of its state when it was read.
    pub revision: i64,
    /// Its new state.
    pub after: RuleState,
    /// The event, if it fired: it is stored with its deliveries.
    pub event: Option<Event>,
}

/// A new version of a listing's content.
#[derive(Debug, Clone)]
pub struct ContentVersion {
    /// From when on it holds.
    pub at: Timestamp,
    /// What differs from the version before.
    pub change: ContentChange,
}

/// An offer list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOffers {
    /// When.
    pub at: Timestamp,
    /// The offers.
    pub list: OfferList,
}

/// The result of one crawl, written as a whole or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The listing's row.
    pub listing_id: ListingId,
    /// The token of the claim; when it is stale nothing is written.
    pub token: i64,
    /// The ASIN that the page itself states: the commit is refused unless it is the listing's. `None` when there is none.
    pub asin: Option<Asin>,
    /// The name of the outcome; `None` when nothing was crawled.
    pub outcome: Option<&'static str>,
    /// What becomes of the lease.
    pub next: Next,
    /// The new state; `None` leaves it as it is.
    pub state: Option<ListingState>,
    /// The changes.
    pub points: Vec<Point>,
    /// The rules that moved.
    pub rule_steps: Vec<RuleStep>,
    /// The new version of the content, if it changed.
    pub content: Option<ContentVersion>,
    /// The offer list, if it was read: it replaces the last one.
    pub offers: Option<ReadOffers>,
    /// What becomes of the pending job items.
    pub job_items: ItemsEnd,
    /// The trace of the crawl, for the deliveries of its events (`traceparent`); `None`: the trace is not exported.
    pub trace_context: Option<String>,
}

/// The result of one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The listing's row.
    pub listing_id: ListingId,
    /// The token of the commit.
    pub token: i64,
    /// False: the lease was lost, and nothing was written.
    pub recorded: bool,
}

/// How far behind the queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Listings that are due and not parked.
    pub due: u64,
    /// How long the oldest of them has been due.
    pub oldest_due: Duration,
    /// Parked listings that an active product watches.
    pub parked: u64,
}

/// How many listings of a marketplace may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Room {
    /// The marketplace.
    pub marketplace: Marketplace,
    /// How many at most.
    pub places: u32,
}

impl Room {
    /// The same on every marketplace.
    pub fn everywhere(places: u32) -> Vec<Self> {
        Marketplace::ALL.iter().map(|marketplace| Self { marketplace: *marketplace, places }).collect()
    }
}

/// A claim: which listings, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest<'c> {
    /// The lane.
    pub lane: Lane,
    /// How many at most.
    pub limit: u32,
    /// How many of each marketplace; of others none.
    pub rooms: &'c [Room],
    /// The length of the leases.
    pub lease: Duration,
    /// Who claims; informational.
    pub owner: &'c str,
    /// Listings that were claimed so many times without success are not claimed again.
    pub max_attempts: u16,
}

/// The queue of listings.
#[async_trait]
pub trait LeaseQueue: Send + Sync {
    /// Claims due listings, the oldest first. Never a listing whose lease is held or that is parked.
    async fn claim(&self, request: ClaimRequest<'_>) -> StoreResult<Vec<Claim>>;

    /// Writes the results of some crawls in one fenced statement. Returns one entry per commit, in the same order.
    ///
    /// A commit may be written again when its response was lost: it is recorded, and nothing happens twice. A commit that the
    /// database refuses is logged and not recorded; the others are. Of two with the same token the first is recorded.
    async fn commit(&self, commits: &[Commit]) -> StoreResult<Vec<Committed>>;

    /// Releases unused leases: claimable at once, the attempt not counted. Stale tokens change nothing. Returns how many were
    /// released.
    async fn release(&self, leases: &[(ListingId, i64)]) -> StoreResult<u64>;

    /// Extends leases, from now. Returns those that are held: the others were lost, and their crawls should stop.
    async fn extend(&self, leases: &[(ListingId, i64)], lease: Duration) -> StoreResult<Vec<ListingId>>;

    /// How long until the next listing of any lane on some marketplaces can be claimed. Zero when some are due now; `None` when there
    /// are none. A listing with `max_attempts` claims is never claimed.
    async fn next_due_in(&self, marketplaces: &[Marketplace], max_attempts: u16) -> StoreResult<Option<Duration>>;

    /// Makes listings due whose next crawl lies further ahead than their interval allows, or whose lease lasts longer than an hour:
    /// the clock was set back since. Looks at every lease, so it is for the start and for a clock that was seen to jump. Returns how
    /// many.
    async fn clamp_due_times(&self) -> StoreResult<u64>;

    /// Parks at most `limit` listings whose lease expired after `max_attempts` claims: a crawl that kills its process never reaches
    /// the code that counts failures. Their pending job items fail. Returns how many.
    async fn park_failing(&self, max_attempts: u16, limit: u32) -> StoreResult<u64>;

    /// Puts a parked listing back into the scheduled lane, due now, attempts reset. False: it is not parked, or
    /// no active product watches it.
    async fn unpark(&self, listing_id: ListingId) -> StoreResult<bool>;

    /// Makes listings due in the scheduled lane although no product may watch them; listings that are new are added. Those that are
    /// parked after `max_attempts` claims stay parked. A listing that nobody watches is parked again when it was crawled.
    async fn schedule_unwatched(&self, listings: &[Listing], max_attempts: u16) -> StoreResult<()>;

    /// For the metrics.
    async fn backlog(&self) -> StoreResult<Backlog>;

    /// The time by the database's clock.
    async fn now(&self) -> StoreResult<Timestamp>;
}

//! The lease queue: who may look at which listing now, and the fenced commit of what was seen.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use super::clock::millis;
use crate::domain::{Arming, Event, Frequency, Listing, ListingId, ListingState, Point, Rule, RuleId, TaskStatus};

/// The two queues. Each is claimed on its own, so that neither can starve the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Somebody is waiting for it.
    Requested,
    /// Its time has come.
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

/// The right to look at one listing until the lease runs out, with all that judging the look takes.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The listing's row.
    pub listing_id: ListingId,
    /// The listing.
    pub listing: Listing,
    /// Fencing token: one higher at each claim. Every write about this look carries it.
    pub token: i64,
    /// When it was claimed, by the database's clock.
    pub claimed_at: Timestamp,
    /// Claims since the last success, this one included.
    pub attempt: u16,
    /// The queue it came from.
    pub lane: Lane,
    /// What is believed so far.
    pub state: ListingState,
    /// The shortest interval that any active product wants; `None` when nobody watches any more.
    pub frequency: Option<Frequency>,
    /// The rules of everyone who watches.
    pub rules: Vec<Rule>,
}

/// What becomes of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The look succeeded: due again after this time, attempts forgotten.
    Due(Duration),
    /// Look again after this time in the same lane; the attempt counts.
    Retry(Duration),
    /// Look again after this time; the source was to blame, so the attempt does not count.
    Postponed(Duration),
    /// Not claimable until somebody asks.
    Parked,
}

/// The same as the store's statements know it.
pub(super) struct LeaseEnd {
    /// Which of the four.
    pub word: &'static str,
    /// Milliseconds to the next look; none for a parked listing.
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

/// What becomes of the tasks that wait for the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// They go on waiting.
    Keep,
    /// They are done.
    Done,
    /// They have failed.
    Failed,
}

impl TaskEnd {
    /// The status they get, unless they go on waiting.
    pub(super) fn status(self) -> Option<TaskStatus> {
        match self {
            Self::Keep => None,
            Self::Done => Some(TaskStatus::Done),
            Self::Failed => Some(TaskStatus::Failed),
        }
    }
}

/// One step of one rule, applied only if the rule still stands where it stood when it was read.
#[derive(Debug, Clone)]
pub struct RuleStep {
    /// The rule.
    pub rule_id: RuleId,
    /// Where it stood.
    pub before: Arming,
    /// Where it stands now.
    pub after: Arming,
    /// What to tell, if it fired: the store keeps the event and one delivery for the rule's channel.
    pub event: Option<Event>,
}

/// The end of one look, written as a whole or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The listing's row.
    pub listing_id: ListingId,
    /// The token of the claim; when it is stale nothing is written.
    pub token: i64,
    /// The word of the outcome; `None` when nobody looked.
    pub outcome: Option<&'static str>,
    /// What becomes of the lease.
    pub next: Next,
    /// What is believed from now on; `None` leaves it as it is.
    pub state: Option<ListingState>,
    /// The changes.
    pub points: Vec<Point>,
    /// The rules that moved.
    pub rule_steps: Vec<RuleStep>,
    /// What becomes of the tasks that wait.
    pub tasks: TaskEnd,
    /// How its trace goes on where its events are delivered (`traceparent`); `None`: the trace is not told.
    pub trace_context: Option<String>,
}

/// What became of one commit.
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
    /// For how long the oldest of them has been due.
    pub oldest_due: Duration,
    /// Listings that nobody may claim.
    pub parked: u64,
}

/// The queue of listings.
#[async_trait]
pub trait LeaseQueue: Send + Sync {
    /// Claims at most `limit` listings of a lane that are due, oldest first, for `lease`. Never more than `limit`; never one that
    /// another holds, is parked, or has been claimed `max_attempts` times without success. `owner` is for people only.
    async fn claim(
        &self,
        lane: Lane,
        limit: u32,
        lease: Duration,
        owner: &str,
        max_attempts: u16,
    ) -> StoreResult<Vec<Claim>>;

    /// Writes the ends of some looks in one fenced statement. The answer has one entry for each commit, in their order.
    ///
    /// A commit may be written again when its answer was lost: it is recorded, and nothing happens twice. A commit that the
    /// database refuses is logged and not recorded; its neighbours are. Of two under one token the first is recorded.
    async fn commit(&self, commits: &[Commit]) -> StoreResult<Vec<Committed>>;

    /// Gives leases back unused: claimable at once, the attempt not counted. Stale tokens change nothing.
    async fn release(&self, leases: &[(ListingId, i64)]) -> StoreResult<u64>;

    /// Prolongs a lease from now on. False: it was lost, stop working.
    async fn extend(&self, listing_id: ListingId, token: i64, lease: Duration) -> StoreResult<bool>;

    /// How long until the next listing of any lane is due; `None` when none ever is. Zero when some are due now.
    async fn next_due_in(&self) -> StoreResult<Option<Duration>>;

    /// Parks at most `limit` listings whose lease ran out after `max_attempts` claims: a look that kills its process never reaches
    /// the code that counts failures. Their waiting tasks fail. Returns how many.
    async fn park_poison(&self, max_attempts: u16, limit: u32) -> StoreResult<u64>;

    /// Puts a parked or idle listing back into the scheduled lane, due now, attempts forgotten.
    async fn unpark(&self, listing_id: ListingId) -> StoreResult<bool>;

    /// For the metrics.
    async fn backlog(&self) -> StoreResult<Backlog>;

    /// The time that counts: the database's.
    async fn now(&self) -> StoreResult<Timestamp>;
}

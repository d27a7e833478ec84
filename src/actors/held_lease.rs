//! The right to crawl a listing on its way through the actors, from the claim to the commit.
//!
//! Lease and crawl slot travel together, and neither can get lost: a lease that is dropped before its end was recorded,
//! because an actor or a task panicked or a message was lost with it, is given back by the [`Recorder`](super::recorder),
//! and only then is the slot free again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tracing::Span;

use super::crawl_slots::{CrawlSlot, CrawlSource};
use super::decide::{crawl_lost, give_back};
use super::recorder::CommitQueue;
use crate::domain::Outcome;
use crate::store::{Claim, Commit};

/// See the module. Known by `(listing_id, token)`, never by a number of this process.
pub struct HeldLease {
    /// Always there until the lease ends.
    held: Option<Held>,
    /// Taken by a monotonic clock *before* the claim was sent: the lease ends no earlier than this plus its length.
    pub claimed_before: Instant,
    /// Taken when the claim had returned: the database's clock has gone on by at least as much as passes from now on.
    claimed: Instant,
    /// Covers the crawl in its trace.
    pub span: Span,
    commits: CommitQueue,
}

struct Held {
    claim: Claim,
    slot: CrawlSlot,
    /// Its page was fetched. If judging it panics, the attempt counts, or the page would be fetched for ever.
    is_fetched: bool,
}

impl HeldLease {
    /// A lease that was just claimed.
    pub fn new(claim: Claim, slot: CrawlSlot, claimed_before: Instant, span: Span, commits: CommitQueue) -> Self {
        Self {
            held: Some(Held { claim, slot, is_fetched: false }),
            claimed_before,
            claimed: Instant::now(),
            span,
            commits,
        }
    }

    /// What was claimed.
    pub fn claim(&self) -> &Claim {
        &self.held.as_ref().expect("a lease that has ended was consumed").claim
    }

    /// The source that is to be asked.
    pub fn source(&self) -> &Arc<CrawlSource> {
        &self.slot().source
    }

    /// The place that it occupies.
    pub fn slot(&self) -> &CrawlSlot {
        &self.held.as_ref().expect("a lease that has ended was consumed").slot
    }

    /// Moves it to a slot of another source.
    pub fn move_to(&mut self, slot: CrawlSlot) {
        if let Some(held) = &mut self.held {
            held.slot = slot;
        }
    }

    /// The crawl has ended with this outcome: it is to be judged.
    pub fn crawled(mut self, outcome: Outcome, is_marketplace_failing: bool) -> FinishedCrawl {
        if let Some(held) = &mut self.held {
            held.is_fetched = true;
        }
        // The database's clock, carried on by ours: the two may differ, but both run at the same speed. Without the time that the claim
        // waited: it would make points of the future.
        let since_claim = SignedDuration::try_from(self.claimed.elapsed()).unwrap_or_default();
        let claimed_at = self.claim().claimed_at;
        let at = to_the_millisecond(claimed_at.saturating_add(since_claim).unwrap_or(claimed_at));
        FinishedCrawl { lease: self, outcome, at, is_marketplace_failing }
    }

    /// Ends the lease by a commit. `when` is called with whether it was recorded, after the slot is free.
    pub fn commit(mut self, commit: Commit, when: impl FnOnce(bool) + Send + 'static) {
        if let Some(held) = self.held.take() {
            self.send(commit, held.slot, when);
        }
    }

    fn send(&self, commit: Commit, slot: CrawlSlot, when: impl FnOnce(bool) + Send + 'static) {
        let span = self.span.clone();
        let when = move |recorded| {
            let _entered = span.entered();
            drop(slot);
            when(recorded);
        };
        self.commits.push(commit, Box::new(when));
    }

    /// Gives the lease back: the listing is claimable again after this time, and the attempt does not count.
    pub fn give_back(mut self, after: Duration) {
        if let Some(held) = self.held.take() {
            self.span.record("tracker.outcome", "given_back");
            let commit = give_back(&held.claim, after);
            self.span.clone().in_scope(|| self.send(commit, held.slot, |_| {}));
        }
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        if let Some(Held { claim, slot, is_fetched }) = self.held.take() {
            tracing::warn!(listing = %claim.listing, token = claim.token, "lease of {} dropped; giving it back", claim.listing);
            let commit = if is_fetched { crawl_lost(&claim) } else { give_back(&claim, Duration::ZERO) };
            self.span.clone().in_scope(|| self.send(commit, slot, |_| {}));
        }
    }
}

/// A crawl that has ended and is to be judged.
pub struct FinishedCrawl {
    /// The lease under which it was made.
    pub lease: HeldLease,
    /// How it ended.
    pub outcome: Outcome,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// The marketplace cannot be crawled.
    pub is_marketplace_failing: bool,
}

/// The store holds milliseconds: a time in memory and the same time read back must be equal.
fn to_the_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

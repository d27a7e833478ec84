//! A circuit breaker: after some failures in a row the source is not asked for a while; then one probe decides.
//!
//! All tenants share it, so one tenant's listings must not open it for the others: a listing that never could be read may be what
//! fails. Listings that could be read lately are *proven*, and their failures count for more; if none of them has failed, they are
//! crawled on.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::domain::{Backoff, ListingId};

/// A shorter `Retry-After` is a failure like any other.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(5);
/// No pause is longer, whatever `Retry-After` or doubling ask for.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
/// While the probe is running, others try again after this time.
const RETRY_DURING_PROBE: Duration = Duration::from_secs(5);
/// Distinct proven listings that must have failed.
const MIN_LISTINGS: usize = 3;
/// Failures in a row of any listings that open the breaker, as a multiple of those of proven ones.
const ANY_LISTING_FACTOR: u32 = 4;
/// After the pause: how long a scheduled crawl of a proven listing is waited for as the probe, and then any scheduled crawl or
/// proven listing.
const PROBE_GRACE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];

/// What asks to be crawled, as far as the breaker cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The listing.
    pub listing_id: ListingId,
    /// It could be read lately: if it fails now, the source is at fault.
    pub is_proven: bool,
    /// A user asked for the crawl. It is never the first choice for a probe: anybody can ask.
    pub is_requested: bool,
}

/// The breaker of one source on one marketplace. The time is given, so it can be tested without waiting.
pub(super) struct Breaker {
    max_failures: u32,
    backoff: Backoff,
    /// A probe that has not reported within this time never will: another one goes.
    probe_timeout: Duration,
    state: State,
    /// Since the last success.
    failures: Failures,
    /// Times in a row that it opened without a success in between; each doubles the pause.
    openings: u32,
}

enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { until: Instant },
}

#[derive(Default)]
struct Failures {
    all: u32,
    proven: u32,
    proven_listings: HashSet<ListingId>,
    /// The source asked for a pause.
    asked_to_rest: bool,
}

impl Failures {
    fn add(&mut self, candidate: Candidate) {
        self.all += 1;
        if candidate.is_proven {
            self.proven += 1;
            if self.proven_listings.len() < MIN_LISTINGS {
                self.proven_listings.insert(candidate.listing_id);
            }
        }
    }

    fn are_enough(&self, max_failures: u32) -> bool {
        let listings = MIN_LISTINGS.min(max_failures as usize);
        let of_proven = self.proven >= max_failures && self.proven_listings.len() >= listings;
        of_proven || self.all >= max_failures.saturating_mul(ANY_LISTING_FACTOR)
    }
}

impl Breaker {
    pub fn new(max_failures: u32, first_pause: Duration, probe_timeout: Duration) -> Self {
        let backoff = Backoff::doubling(first_pause, MAX_PAUSE);
        let (max_failures, failures) = (max_failures.max(1), Failures::default());
        Self { max_failures, backoff, probe_timeout, state: State::Closed, failures, openings: 0 }
    }

    /// `Err`: not before this time has passed. One after a pause is the probe.
    pub fn admit(&mut self, candidate: Candidate, now: Instant) -> Result<(), Duration> {
        if candidate.is_proven && self.failures.proven == 0 && !self.failures.asked_to_rest {
            return Ok(());
        }
        match self.state {
            State::Closed => Ok(()),
            State::Open { until } if until > now => Err(until - now),
            State::HalfOpen { until } if until > now => Err(RETRY_DURING_PROBE.min(until - now)),
            State::Open { until } if now - until < grace(candidate) => Err(RETRY_DURING_PROBE),
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { until: now + self.probe_timeout };
                Ok(())
            }
        }
    }

    pub fn succeeded(&mut self) {
        // The end of a crawl that was admitted before it opened, unless only unproven listings have failed.
        if matches!(self.state, State::Open { .. }) && self.is_failing() {
            return;
        }
        self.state = State::Closed;
        self.failures = Failures::default();
        self.openings = 0;
    }

    pub fn failed(&mut self, candidate: Candidate, now: Instant) {
        // While it is open, only the end of a crawl that was admitted before, or a proven listing that was let through.
        self.failures.add(candidate);
        match self.state {
            State::Closed if !self.failures.are_enough(self.max_failures) => {}
            State::Closed | State::HalfOpen { .. } => {
                let pause = self.backoff.after(self.openings);
                self.openings += 1;
                self.open(pause, now);
            }
            State::Open { .. } => {}
        }
    }

    /// The source refused, and asked for a pause. A short one does not replace the breaker's own.
    pub fn rest(&mut self, candidate: Candidate, pause: Duration, now: Instant) {
        self.failed(candidate, now);
        if pause < MIN_RETRY_AFTER {
            return;
        }
        self.failures.asked_to_rest = true;
        let open_for = match self.state {
            State::Open { until } => until.saturating_duration_since(now),
            _ => Duration::ZERO,
        };
        self.open(pause.max(open_for), now);
    }

    /// An admitted crawl ended without telling anything: if it was the probe, another may go.
    pub fn abandoned(&mut self, now: Instant) {
        if matches!(self.state, State::HalfOpen { .. }) {
            self.state = State::Open { until: now };
        }
    }

    /// Its pause has not passed yet.
    pub fn is_open(&self, now: Instant) -> bool {
        matches!(self.state, State::Open { until } if until > now)
    }

    /// It opened, no crawl has succeeded since, and the source is at fault: not only listings that never could be read.
    pub fn is_failing(&self) -> bool {
        !matches!(self.state, State::Closed) && (self.failures.proven > 0 || self.failures.asked_to_rest)
    }

    /// For the metric: 0 closed, 1 half open, 2 open.
    pub fn number(&self) -> i64 {
        match self.state {
            State::Closed => 0,
            State::HalfOpen { .. } => 1,
            State::Open { .. } => 2,
        }
    }

    fn open(&mut self, pause: Duration, now: Instant) {
        self.state = State::Open { until: now + pause.min(MAX_PAUSE) };
    }
}

/// How long after the pause a candidate may be the probe.
fn grace(candidate: Candidate) -> Duration {
    match (candidate.is_proven, candidate.is_requested) {
        (true, false) => Duration::ZERO,
        (false, false) | (true, true) => PROBE_GRACE[0],
        (false, true) => PROBE_GRACE[1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);
    const PROBE_TIMEOUT: Duration = Duration::from_secs(90);

    fn proven(listing: i64) -> Candidate {
        Candidate { listing_id: ListingId(listing), is_proven: true, is_requested: false }
    }

    fn unproven(listing: i64) -> Candidate {
        Candidate { is_proven: false, ..proven(listing) }
    }

    fn broken(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        (0..3).for_each(|listing| breaker.failed(proven(listing), now));
        breaker
    }

    #[test]
    fn opens_at_the_last_failure_in_a_row_and_a_success_in_between_forgives() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        breaker.failed(proven(1), now);
        breaker.failed(proven(2), now);
        breaker.succeeded();
        breaker.failed(proven(1), now);
        breaker.failed(proven(2), now);
        assert_eq!(breaker.admit(proven(4), now), Ok(()));
        breaker.failed(proven(3), now);
        assert_eq!(breaker.admit(proven(4), now), Err(PAUSE));
    }

    #[test]
    fn one_listing_alone_does_not_open_it_soon() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        (0..11).for_each(|_| breaker.failed(proven(1), now));
        assert_eq!(breaker.admit(proven(2), now), Ok(()));
        breaker.failed(proven(1), now);
        assert_eq!(breaker.admit(proven(2), now), Err(PAUSE), "a site with one listing may refuse all, too");
    }

    #[test]
    fn listings_that_never_could_be_read_stop_themselves_and_nobody_else() {
        let now = Instant::now();
        let mut breaker = Breaker::new(5, PAUSE, PROBE_TIMEOUT);
        for n in 0..40 {
            breaker.failed(unproven(n % 8), now);
        }
        assert_eq!(breaker.admit(unproven(9), now), Err(PAUSE), "a site that refuses all is not asked for ever");
        assert_eq!(breaker.admit(proven(10), now), Ok(()));
        breaker.succeeded();
        assert_eq!(breaker.admit(unproven(9), now), Ok(()), "it was not the site");
    }

    #[test]
    fn lets_one_probe_through_and_closes_when_it_succeeds() {
        let now = Instant::now();
        let mut breaker = broken(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(proven(1), later), Ok(()));
        assert!(breaker.admit(proven(2), later).is_err(), "one probe at a time");
        breaker.succeeded();
        assert_eq!(breaker.admit(proven(2), later), Ok(()));
    }

    #[test]
    fn the_probe_is_a_proven_listing_while_there_may_be_one() {
        let now = Instant::now();
        let requested = |candidate: Candidate| Candidate { is_requested: true, ..candidate };
        for (candidate, grace_secs) in
            [(proven(1), 0), (unproven(1), 60), (requested(proven(1)), 60), (requested(unproven(1)), 300)]
        {
            let (mut breaker, grace) = (broken(now), Duration::from_secs(grace_secs));
            if grace_secs > 0 {
                let early = now + PAUSE + grace - Duration::from_millis(1);
                assert_eq!(breaker.admit(candidate, early), Err(RETRY_DURING_PROBE), "{candidate:?}");
            }
            assert_eq!(breaker.admit(candidate, now + PAUSE + grace), Ok(()), "{candidate:?}");
        }
    }

    #[test]
    fn a_source_is_failing_from_the_opening_to_a_success_if_proven_listings_fail() {
        let now = Instant::now();
        let mut breaker = broken(now);
        assert!(breaker.is_failing());
        breaker.admit(proven(1), now + PAUSE).unwrap();
        assert!(breaker.is_failing(), "the probe has not succeeded yet");
        breaker.succeeded();
        assert!(!breaker.is_failing());
        (0..40).for_each(|listing| breaker.failed(unproven(listing), now));
        assert!(!breaker.is_failing());
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_an_hour() {
        let mut now = Instant::now();
        let mut breaker = broken(now);
        for expected_secs in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert_eq!(breaker.admit(proven(1), now), Err(Duration::from_secs(expected_secs)));
            now += Duration::from_secs(expected_secs);
            assert_eq!(breaker.admit(proven(1), now), Ok(()));
            breaker.failed(proven(1), now);
        }
    }

    #[test]
    fn a_pause_that_the_source_asks_for_is_kept() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        breaker.rest(unproven(1), Duration::from_secs(120), now);
        assert_eq!(breaker.admit(proven(2), now), Err(Duration::from_secs(120)));
    }

    #[test]
    fn a_probe_that_was_given_up_makes_room_for_another() {
        let now = Instant::now();
        let mut breaker = broken(now);
        assert_eq!(breaker.admit(proven(1), now + PAUSE), Ok(()));
        breaker.abandoned(now + PAUSE);
        assert_eq!(breaker.admit(proven(2), now + PAUSE), Ok(()));
    }

    #[test]
    fn a_probe_that_never_reports_makes_room_for_another_after_its_timeout() {
        let now = Instant::now();
        let mut breaker = broken(now);
        let probed_at = now + PAUSE;
        assert_eq!(breaker.admit(proven(1), probed_at), Ok(()));
        assert!(breaker.admit(proven(1), probed_at + PROBE_TIMEOUT - Duration::from_secs(1)).is_err());
        assert_eq!(breaker.admit(proven(1), probed_at + PROBE_TIMEOUT), Ok(()));
        assert!(breaker.admit(proven(1), probed_at + PROBE_TIMEOUT).is_err(), "one probe at a time");
        breaker.succeeded();
        assert_eq!(breaker.admit(proven(1), probed_at + PROBE_TIMEOUT), Ok(()));
    }

    #[test]
    fn a_success_from_before_the_opening_does_not_close_it() {
        let now = Instant::now();
        let mut breaker = broken(now);
        breaker.succeeded();
        assert!(breaker.admit(proven(1), now).is_err());
        breaker.admit(proven(1), now + PAUSE).unwrap();
        breaker.succeeded();
        assert!(breaker.admit(proven(1), now + PAUSE).is_ok(), "the probe's success does");
    }
}

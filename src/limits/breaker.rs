//! A circuit breaker: after some failures in a row the source is not asked for a while; then one probe decides.

use std::time::{Duration, Instant};

use crate::domain::Backoff;

/// A shorter `Retry-After` is a failure like any other.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(5);
/// No pause is longer, whatever `Retry-After` or doubling ask for.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
/// While the probe is running, others try again after this time.
const RETRY_DURING_PROBE: Duration = Duration::from_secs(5);

/// The breaker of one source on one marketplace. The time is given, so it can be tested without waiting.
pub(super) struct Breaker {
    max_failures: u32,
    backoff: Backoff,
    /// A probe that has not reported within this time never will: another one goes.
    probe_timeout: Duration,
    state: State,
    /// Times in a row that it opened without a success in between; each doubles the pause.
    openings: u32,
}

enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { until: Instant },
}

impl Breaker {
    pub fn new(max_failures: u32, first_pause: Duration, probe_timeout: Duration) -> Self {
        let (max_failures, state) = (max_failures.max(1), State::Closed { failures: 0 });
        let backoff = Backoff::doubling(first_pause, MAX_PAUSE);
        Self { max_failures, backoff, probe_timeout, state, openings: 0 }
    }

    /// `Err`: not before this time has passed. The first one after a pause is the probe.
    pub fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if until > now => Err(until - now),
            State::HalfOpen { until } if until > now => Err(RETRY_DURING_PROBE.min(until - now)),
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { until: now + self.probe_timeout };
                Ok(())
            }
        }
    }

    pub fn succeeded(&mut self) {
        // The end of a crawl that was admitted before it opened.
        if matches!(self.state, State::Open { .. }) {
            return;
        }
        self.state = State::Closed { failures: 0 };
        self.openings = 0;
    }

    pub fn failed(&mut self, now: Instant) {
        match &mut self.state {
            State::Closed { failures } if *failures + 1 < self.max_failures => *failures += 1,
            State::Closed { .. } | State::HalfOpen { .. } => {
                let pause = self.backoff.after(self.openings);
                self.openings += 1;
                self.open(pause, now);
            }
            // The end of a crawl that was admitted before it opened.
            State::Open { .. } => {}
        }
    }

    /// The source refused, and asked for a pause. A short one does not replace the breaker's own.
    pub fn rest(&mut self, pause: Duration, now: Instant) {
        self.failed(now);
        if pause < MIN_RETRY_AFTER {
            return;
        }
        let open_for = match self.state {
            State::Open { until } => until.saturating_duration_since(now),
            _ => Duration::ZERO,
        };
        self.open(pause.max(open_for), now);
    }

    /// An admitted crawl ended without telling anything: if it was the probe, another may go.
    pub fn abandoned(&mut self) {
        if matches!(self.state, State::HalfOpen { .. }) {
            self.state = State::Open { until: Instant::now() };
        }
    }

    /// For the metric: 0 closed, 1 half open, 2 open.
    pub fn number(&self) -> i64 {
        match self.state {
            State::Closed { .. } => 0,
            State::HalfOpen { .. } => 1,
            State::Open { .. } => 2,
        }
    }

    fn open(&mut self, pause: Duration, now: Instant) {
        self.state = State::Open { until: now + pause.min(MAX_PAUSE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);
    const PROBE_TIMEOUT: Duration = Duration::from_secs(90);

    fn broken(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        (0..3).for_each(|_| breaker.failed(now));
        breaker
    }

    #[test]
    fn opens_at_the_last_failure_in_a_row_and_a_success_in_between_forgives() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        breaker.failed(now);
        breaker.failed(now);
        breaker.succeeded();
        breaker.failed(now);
        breaker.failed(now);
        assert_eq!(breaker.admit(now), Ok(()));
        breaker.failed(now);
        assert_eq!(breaker.admit(now), Err(PAUSE));
    }

    #[test]
    fn lets_one_probe_through_and_closes_when_it_succeeds() {
        let now = Instant::now();
        let mut breaker = broken(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(()));
        assert!(breaker.admit(later).is_err(), "one probe at a time");
        breaker.succeeded();
        assert_eq!(breaker.admit(later), Ok(()));
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_an_hour() {
        let mut now = Instant::now();
        let mut breaker = broken(now);
        for expected_secs in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert_eq!(breaker.admit(now), Err(Duration::from_secs(expected_secs)));
            now += Duration::from_secs(expected_secs);
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.failed(now);
        }
    }

    #[test]
    fn a_pause_that_the_source_asks_for_is_kept() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE, PROBE_TIMEOUT);
        breaker.rest(Duration::from_secs(120), now);
        assert_eq!(breaker.admit(now), Err(Duration::from_secs(120)));
    }

    #[test]
    fn a_probe_that_was_given_up_makes_room_for_another() {
        let now = Instant::now();
        let mut breaker = broken(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        breaker.abandoned();
        assert_eq!(breaker.admit(Instant::now() + PAUSE), Ok(()));
    }

    #[test]
    fn a_probe_that_never_reports_makes_room_for_another_after_its_timeout() {
        let now = Instant::now();
        let mut breaker = broken(now);
        let probed_at = now + PAUSE;
        assert_eq!(breaker.admit(probed_at), Ok(()));
        assert!(breaker.admit(probed_at + PROBE_TIMEOUT - Duration::from_secs(1)).is_err());
        assert_eq!(breaker.admit(probed_at + PROBE_TIMEOUT), Ok(()));
        assert!(breaker.admit(probed_at + PROBE_TIMEOUT).is_err(), "one probe at a time");
        breaker.succeeded();
        assert_eq!(breaker.admit(probed_at + PROBE_TIMEOUT), Ok(()));
    }

    #[test]
    fn a_success_from_before_the_opening_does_not_close_it() {
        let now = Instant::now();
        let mut breaker = broken(now);
        breaker.succeeded();
        assert!(breaker.admit(now).is_err());
        breaker.admit(now + PAUSE).unwrap();
        breaker.succeeded();
        assert!(breaker.admit(now + PAUSE).is_ok(), "the probe's success does");
    }
}

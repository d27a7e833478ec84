//! Exponential back-off.

use std::time::Duration;

use jiff::Timestamp;

/// A delay that grows by a factor with each attempt, up to a maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    factor: u32,
    max: Duration,
}

impl Backoff {
    /// Doubles from `first` up to `max`.
    pub const fn doubling(first: Duration, max: Duration) -> Self {
        Self::new(first, 2, max)
    }

    /// Grows by `factor` from `first` up to `max`.
    pub const fn new(first: Duration, factor: u32, max: Duration) -> Self {
        Self { first, factor, max }
    }

    /// The delay after a number of earlier failures in a row: the first delay after none.
    pub fn after(self, earlier_failures: u32) -> Duration {
        self.first.saturating_mul(self.factor.saturating_pow(earlier_failures)).min(self.max)
    }
}

/// Parses the value of `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3). Some servers send fractions of a second; a
/// date in the past is no pause.
pub fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_up_to_its_maximum_and_never_overflows() {
        let backoff = Backoff::new(Duration::from_secs(5), 5, Duration::from_secs(600));
        let delays: Vec<u64> = [0, 1, 2, 3, 1000, u32::MAX].map(|n| backoff.after(n).as_secs()).into();
        assert_eq!(delays, [5, 25, 125, 600, 600, 600]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let parsed = |text| parse_retry_after(text, now);
        assert_eq!(parsed(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(parsed("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(parsed("Sat, 28 Nov 2026 12:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(parsed("Sat, 28 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO));
        for never in ["", "soon", "-5", "1e400", "12h"] {
            assert_eq!(parsed(never), None, "{never}");
        }
    }
}

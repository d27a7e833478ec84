//! Whether a request is made again, and after which pause: as the official clients of OpenAI do.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::domain::{Backoff, parse_retry_after};

/// Attempts after the first one.
pub(super) const MAX_RETRIES: u32 = 2;
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(8));
/// A longer pause is not waited for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// Codes and types of errors that no pause ends: the account has no money.
const NO_MONEY: &[&str] = &[
    "insufficient_quota",
    "insufficient_credits",
    "insufficient_balance",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_limit_exceeded",
    "spend_limit_exceeded",
    "spending_limit_exceeded",
    "quota_exceeded",
];

/// True when an error says that there is no money.
pub(super) fn is_without_money(status: u16, names: &[&str]) -> bool {
    status == 402 || names.iter().any(|name| NO_MONEY.contains(name))
}

/// The longest that a request with all its attempts can take.
pub(super) fn longest_exchange(attempt_timeout: Duration) -> Duration {
    attempt_timeout.saturating_mul(MAX_RETRIES + 1).saturating_add(MAX_RETRY_AFTER.saturating_mul(MAX_RETRIES))
}

/// What a refusal says about another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hints {
    pub(super) status: u16,
    /// `x-should-retry`.
    pub(super) should_retry: Option<bool>,
    /// `retry-after-ms`, or else `retry-after`.
    pub(super) retry_after: Option<Duration>,
}

impl Hints {
    pub(super) fn of(status: u16, headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let millis = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok());
        let millis = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
        Self {
            status,
            should_retry: match text("x-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
            retry_after: millis.or_else(|| text(RETRY_AFTER.as_str()).and_then(|value| parse_retry_after(value, now))),
        }
    }

    /// True when another attempt may help. Whether there is money is asked before.
    pub(super) fn is_worth_retrying(self) -> bool {
        self.should_retry.unwrap_or(matches!(self.status, 408 | 409 | 429 | 500..))
    }
}

/// The pause before another attempt, after so many. `jitter`: from 0 to 1.
pub(super) fn pause(retry_after: Option<Duration>, earlier_retries: u32, jitter: f64) -> Duration {
    match retry_after {
        Some(pause) if !pause.is_zero() && pause <= MAX_RETRY_AFTER => pause,
        _ => BACKOFF.after(earlier_retries).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(status: u16, headers: &[(&'static str, &'static str)]) -> Hints {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Hints::of(status, &headers, "2026-11-28T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_may_pass_is_retried_unless_the_endpoint_says_otherwise() {
        for status in [408, 409, 429, 500, 502, 503, 529] {
            assert!(hints(status, &[]).is_worth_retrying(), "{status}");
            assert!(!hints(status, &[("x-should-retry", "false")]).is_worth_retrying(), "{status}");
        }
        for status in [400, 401, 403, 404, 413, 422] {
            assert!(!hints(status, &[]).is_worth_retrying(), "{status}");
            assert!(hints(status, &[("x-should-retry", "true")]).is_worth_retrying(), "{status}");
        }
        assert!(is_without_money(429, &["insufficient_quota"]) && is_without_money(402, &[]));
        assert!(!is_without_money(429, &["rate_limit_exceeded", "requests"]));
    }

    #[test]
    fn the_endpoint_says_how_long_to_wait_up_to_two_minutes() {
        let wait = |headers: &[(&'static str, &'static str)]| pause(hints(429, headers).retry_after, 0, 0.0);
        let default = Duration::from_millis(500);
        for (headers, expected) in [
            (&[("retry-after-ms", "20.5"), ("retry-after", "9")][..], Duration::from_micros(20_500)),
            (&[("retry-after", "9")], Duration::from_secs(9)),
            (&[("retry-after", "Sat, 28 Nov 2026 12:01:00 GMT")], Duration::from_secs(60)),
            (&[("retry-after", "120")], Duration::from_secs(120)),
            (&[("retry-after", "121")], default),
            (&[("retry-after", "0")], default),
            (&[("retry-after", "soon")], default),
            (&[("retry-after-ms", "-5")], default),
            (&[("retry-after-ms", "NaN")], default),
        ] {
            assert_eq!(wait(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn pauses_grow_to_eight_seconds_and_are_shortened_by_at_most_a_quarter() {
        let pauses = [0, 1, 2, 3, 4, 5].map(|retries| pause(None, retries, 0.0).as_millis());
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(pause(None, 0, 1.0), Duration::from_millis(375));
    }
}

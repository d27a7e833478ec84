//! A rate, and what is left of it.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many a minute, and so many at once after a quiet time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Evenly.
    pub per_minute: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A whole minute's worth may come at once.
    pub fn per_minute(per_minute: u32) -> Self {
        Self::new(per_minute, per_minute)
    }

    /// At least one of each.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { per_minute: at_least_one(per_minute), burst: at_least_one(burst) }
    }

    /// The time that one request takes up, in microseconds.
    pub(super) fn interval_us(self) -> i64 {
        (60_000_000 / i64::from(self.per_minute.get())).max(1)
    }
}

/// What is left of a caller's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Requests a minute.
    pub per_minute: u32,
    /// Requests that may come at once now.
    pub remaining: u32,
    /// This one may not come before so long; `None`: it is admitted.
    pub wait: Option<Duration>,
}

impl RateLimitStatus {
    /// The status of a request that another limit counts too: the limit that refuses it, or what both leave.
    pub fn within(self, other: Self) -> Self {
        match other.wait {
            Some(_) => other,
            None => Self { remaining: self.remaining.min(other.remaining), ..self },
        }
    }
}

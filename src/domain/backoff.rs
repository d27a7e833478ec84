//! Exponential back-off.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_up_to_its_maximum_and_never_overflows() {
        let backoff = Backoff::new(Duration::from_secs(5), 5, Duration::from_secs(600));
        let delays: Vec<u64> = [0, 1, 2, 3, 1000, u32::MAX].map(|n| backoff.after(n).as_secs()).into();
        assert_eq!(delays, [5, 25, 125, 600, 600, 600]);
    }
}

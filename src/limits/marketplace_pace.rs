//! Scheduled crawls at the hours at which a marketplace is busy.

use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};
use jiff::Timestamp;

use super::distributed_limiter::DistributedLimiter;
use super::local_limiter::LocalLimiter;
use super::rate::Rate;
use crate::config::MarketplaceLimits;
use crate::domain::{Marketplace, PeakHours};

/// A crawl that is deferred waits at least so long: due listings are not claimed again and again for one turn a minute.
const MIN_PAUSE: Duration = Duration::from_secs(60);

/// The pace of scheduled crawls at peak hours. Each replica applies its share: leases are given back and not held while they wait, so that
/// requested crawls find free slots.
pub(super) struct PeakPace {
    marketplace: Marketplace,
    hours: Vec<PeakHours>,
    limiter: LocalLimiter<DefaultDirectRateLimiter>,
}

impl PeakPace {
    /// `None`: the marketplace has no peak hours.
    pub fn new(marketplace: Marketplace, limits: MarketplaceLimits) -> Option<Self> {
        let per_minute = limits.peak_requests_per_minute.filter(|_| !limits.peak_hours.is_empty())?;
        let limiter = LocalLimiter::new(Rate::new(per_minute, 1), RateLimiter::direct);
        Some(Self { marketplace, hours: limits.peak_hours, limiter })
    }

    /// How long a scheduled crawl must wait; `None`: it may be made.
    pub fn defer(&self, now: Timestamp, shares: &DistributedLimiter) -> Option<Duration> {
        if !self.hours.iter().any(|hours| hours.is_now(self.marketplace, now)) {
            return None;
        }
        let (_, limiter) = self.limiter.limiter(shares);
        let refused = limiter.check().err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()).max(MIN_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::telemetry::Metrics;

    #[test]
    fn at_peak_hours_scheduled_crawls_are_deferred_beyond_their_rate() {
        let shares = DistributedLimiter::local_only(Arc::new(Metrics::new()));
        let limits = MarketplaceLimits {
            peak_hours: vec!["07:00-23:00".parse().unwrap()],
            peak_requests_per_minute: Some(1),
            ..MarketplaceLimits::default()
        };
        let pace = PeakPace::new(Marketplace::De, limits).unwrap();
        let (noon, night): (Timestamp, Timestamp) =
            ("2026-11-29T11:00:00Z".parse().unwrap(), "2026-11-29T02:00:00Z".parse().unwrap());
        assert_eq!(pace.defer(noon, &shares), None, "the first of this minute");
        assert_eq!(pace.defer(noon, &shares), Some(MIN_PAUSE));
        assert_eq!(pace.defer(night, &shares), None);
        assert_eq!(pace.defer(night, &shares), None);
        assert!(PeakPace::new(Marketplace::De, MarketplaceLimits::default()).is_none());
    }
}

//! How many requests a caller may make.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::distributed_limiter::{DistributedLimiter, Taken};
use super::local_limiter::LocalLimiter;
use super::rate::{Rate, RateLimitStatus};

type One = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;
type ByAddress = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// The requests of one caller. A caller that was quiet for a minute may make a whole minute's requests at once.
pub struct RequestBudget {
    limiter: DistributedLimiter,
    local: LocalLimiter<One>,
}

impl RequestBudget {
    /// So many requests a minute, at least one, on all replicas together.
    pub fn new(per_minute: u32, limiter: DistributedLimiter) -> Self {
        let make = |quota| RateLimiter::direct(quota).with_middleware();
        Self { limiter, local: LocalLimiter::new(Rate::per_minute(per_minute), make) }
    }

    /// The limit it was made with.
    pub fn per_minute(&self) -> u32 {
        self.local.whole().per_minute.get()
    }

    /// Takes the cost of one request from what this process keeps local, if there is so much left. A request that costs more than a
    /// minute's worth costs that; one that costs nothing is always admitted.
    pub fn take_local(&self, cost: u32) -> RateLimitStatus {
        let (part, limiter) = self.local.limiter(&self.limiter);
        let per_minute = part.per_minute.get();
        let Some(cost) = NonZeroU32::new(cost.min(per_minute)) else {
            return RateLimitStatus { per_minute, remaining: per_minute, wait: None };
        };
        let refused = |wait| RateLimitStatus { per_minute, remaining: 0, wait: Some(wait) };
        match limiter.check_n(cost) {
            Ok(Ok(left)) => RateLimitStatus { per_minute, remaining: left.remaining_burst_capacity(), wait: None },
            Ok(Err(not_yet)) => refused(not_yet.wait_time_from(DefaultClock::default().now())),
            // Never: the cost was cut to what there can be.
            Err(_) => refused(Duration::from_secs(60)),
        }
    }

    /// Takes it for all replicas; see [`DistributedLimiter::take`]. While they cannot be asked, local.
    pub async fn take(&self, subject: &str, cost: u32, generation: i64) -> Taken {
        let taken = self.limiter.take(subject, self.local.whole(), cost, generation).await;
        taken.unwrap_or_else(|_| Taken::Decided(self.take_local(cost)))
    }
}

/// Attempts from one address, for doors that anybody may knock at.
pub struct AttemptsByAddress {
    limiter: DistributedLimiter,
    local: LocalLimiter<ByAddress>,
}

/// More addresses than this are not remembered without looking for those that have become irrelevant.
const PRUNE_ABOVE: usize = 10_000;

impl AttemptsByAddress {
    /// So many attempts a minute from each address, at least one, on all replicas together.
    pub fn new(per_minute: u32, limiter: DistributedLimiter) -> Self {
        let make = |quota: Quota| RateLimiter::keyed(quota).with_middleware();
        Self { limiter, local: LocalLimiter::new(Rate::per_minute(per_minute), make) }
    }

    /// Takes one attempt, if there is one left.
    pub async fn take(&self, address: IpAddr) -> RateLimitStatus {
        let address = block_of(address);
        if self.limiter.is_shared() {
            let subject = format!("address:{address}");
            if let Ok(Taken::Decided(rate_limit)) = self.limiter.take(&subject, self.local.whole(), 1, 0).await {
                return rate_limit;
            }
        }
        self.take_local(address)
    }

    fn take_local(&self, address: IpAddr) -> RateLimitStatus {
        let (part, limiter) = self.local.limiter(&self.limiter);
        if limiter.len() > PRUNE_ABOVE {
            limiter.retain_recent();
        }
        let per_minute = part.per_minute.get();
        match limiter.check_key(&address) {
            Ok(left) => RateLimitStatus { per_minute, remaining: left.remaining_burst_capacity(), wait: None },
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(DefaultClock::default().now());
                RateLimitStatus { per_minute, remaining: 0, wait: Some(wait) }
            }
        }
    }
}

/// Whoever has one IPv6 address has a whole block of them: the block counts.
fn block_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::replicas::ReplicaCount;
    use crate::telemetry::Metrics;

    fn budget(per_minute: u32) -> RequestBudget {
        RequestBudget::new(per_minute, DistributedLimiter::local_only(Arc::new(Metrics::new())))
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_what_is_left_is_told() {
        let budget = budget(10);
        assert_eq!(budget.take_local(1), RateLimitStatus { per_minute: 10, remaining: 9, wait: None });
        assert_eq!(budget.take_local(8).remaining, 1);
        let refused = budget.take_local(5);
        assert!(refused.remaining == 0 && refused.wait.unwrap() > Duration::from_secs(20));
        assert!(budget.take_local(1).wait.is_none(), "a cheaper one is still admitted");
    }

    #[test]
    fn what_costs_more_than_there_can_be_is_admitted_when_nothing_was_used() {
        assert!(budget(3).take_local(100).wait.is_none());
        assert!(budget(0).take_local(1).wait.is_none());
    }

    #[test]
    fn without_redis_each_replica_keeps_its_part() {
        let limiter = DistributedLimiter::new(None, ReplicaCount::new(3), Arc::new(Metrics::new()));
        assert_eq!(RequestBudget::new(10, limiter.clone()).take_local(1).per_minute, 3);
        assert_eq!(RequestBudget::new(2, limiter).take_local(1).per_minute, 1, "but at least one");
    }

    #[tokio::test]
    async fn each_address_has_attempts_of_its_own_and_a_block_of_addresses_is_one() {
        let attempts = AttemptsByAddress::new(1, DistributedLimiter::local_only(Arc::new(Metrics::new())));
        let take = async |address: &str| attempts.take(address.parse().unwrap()).await.wait;
        assert!(take("192.0.2.1").await.is_none());
        assert!(take("192.0.2.2").await.is_none());
        assert!(take("2001:db8::1").await.is_none());
        assert!(take("192.0.2.1").await.is_some() && take("::ffff:192.0.2.1").await.is_some());
        assert!(take("2001:db8::2").await.is_some() && take("2001:db8:1::1").await.is_none());
    }
}

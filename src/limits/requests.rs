//! How many requests a caller may make, in this process.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// What is left of a caller's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute.
    pub per_minute: u32,
    /// Requests that may come at once now.
    pub remaining: u32,
    /// This one may not come before so long; `None`: it is admitted.
    pub wait: Option<Duration>,
}

/// The requests of one caller. A caller that was quiet for a minute may make a whole minute's requests at once.
pub struct RequestBudget {
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    per_minute: NonZeroU32,
}

impl RequestBudget {
    /// So many requests a minute, at least one.
    pub fn new(per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_minute(per_minute));
        Self { limiter: limiter.with_middleware(), per_minute }
    }

    /// The limit it was made with.
    pub fn per_minute(&self) -> u32 {
        self.per_minute.get()
    }

    /// Takes the cost of one request, if there is so much left. A request that costs more than a minute's worth costs that; one that
    /// costs nothing is always admitted.
    pub fn take(&self, cost: u32) -> Allowance {
        let per_minute = self.per_minute.get();
        if cost == 0 {
            return Allowance { per_minute, remaining: per_minute, wait: None };
        }
        let cost = NonZeroU32::new(cost.min(per_minute)).unwrap_or(NonZeroU32::MIN);
        let refused = |wait| Allowance { per_minute, remaining: 0, wait: Some(wait) };
        match self.limiter.check_n(cost) {
            Ok(Ok(left)) => Allowance { per_minute, remaining: left.remaining_burst_capacity(), wait: None },
            Ok(Err(not_yet)) => refused(not_yet.wait_time_from(DefaultClock::default().now())),
            // Never: the cost was cut to what there can be.
            Err(_) => refused(Duration::from_secs(60)),
        }
    }
}

/// Attempts from one address, for doors that anybody may knock at.
pub struct AttemptsByAddress {
    limiter: RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>,
    per_minute: NonZeroU32,
}

/// More addresses than this are not remembered without looking for those that have become irrelevant.
const TIDY_ABOVE: usize = 10_000;

impl AttemptsByAddress {
    /// So many attempts a minute from each address, at least one.
    pub fn new(per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::keyed(Quota::per_minute(per_minute));
        Self { limiter: limiter.with_middleware(), per_minute }
    }

    /// Takes one attempt, if there is one left.
    pub fn take(&self, address: IpAddr) -> Allowance {
        if self.limiter.len() > TIDY_ABOVE {
            self.limiter.retain_recent();
        }
        let per_minute = self.per_minute.get();
        match self.limiter.check_key(&block_of(address)) {
            Ok(left) => Allowance { per_minute, remaining: left.remaining_burst_capacity(), wait: None },
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(DefaultClock::default().now());
                Allowance { per_minute, remaining: 0, wait: Some(wait) }
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
    use super::*;

    #[test]
    fn a_minutes_worth_may_come_at_once_and_what_is_left_is_told() {
        let budget = RequestBudget::new(10);
        assert_eq!(budget.take(1), Allowance { per_minute: 10, remaining: 9, wait: None });
        assert_eq!(budget.take(8).remaining, 1);
        let refused = budget.take(5);
        assert!(refused.remaining == 0 && refused.wait.unwrap() > Duration::from_secs(20));
        assert!(budget.take(1).wait.is_none(), "a cheaper one is still admitted");
    }

    #[test]
    fn what_costs_more_than_there_can_be_is_admitted_when_nothing_was_used() {
        assert!(RequestBudget::new(3).take(100).wait.is_none());
        assert!(RequestBudget::new(0).take(1).wait.is_none());
    }

    #[test]
    fn each_address_has_attempts_of_its_own_and_a_block_of_addresses_is_one() {
        let attempts = AttemptsByAddress::new(1);
        let take = |address: &str| attempts.take(address.parse().unwrap()).wait;
        assert!(take("192.0.2.1").is_none() && take("192.0.2.2").is_none() && take("2001:db8::1").is_none());
        assert!(take("192.0.2.1").is_some() && take("::ffff:192.0.2.1").is_some());
        assert!(take("2001:db8::2").is_some() && take("2001:db8:1::1").is_none());
    }
}

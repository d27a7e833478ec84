//! Rate limits of callers.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;

use super::distributed_limiter::{DistributedLimiter, Taken};
use super::local_limiter::LocalLimiter;
use super::rate::{Rate, RateLimitStatus};
use crate::domain::TenantId;

type Unkeyed = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;
type ByAddress = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// The rate limit of one caller. After an idle minute, a whole minute's requests may be made at once.
pub struct RequestBudget {
    limiter: DistributedLimiter,
    local: LocalLimiter<Unkeyed>,
}

impl RequestBudget {
    /// A limit of requests per minute, at least 1, for all replicas together.
    pub fn new(per_minute: u32, limiter: DistributedLimiter) -> Self {
        let build = |quota| RateLimiter::direct(quota).with_middleware();
        Self { limiter, local: LocalLimiter::new(Rate::per_minute(per_minute), build) }
    }

    /// The configured limit.
    pub fn per_minute(&self) -> u32 {
        self.local.total().per_minute.get()
    }

    /// Takes the cost of one request from this process's share. A cost above a minute's worth is reduced to that; a
    /// cost of zero is always admitted.
    pub fn take_local(&self, cost: u32) -> RateLimitStatus {
        let (share, limiter) = self.local.limiter(&self.limiter);
        let per_minute = share.per_minute.get();
        let Some(cost) = NonZeroU32::new(cost.min(per_minute)) else {
            return RateLimitStatus { per_minute, remaining: per_minute, wait: None };
        };
        let refused = |wait| RateLimitStatus { per_minute, remaining: 0, wait: Some(wait) };
        match limiter.check_n(cost) {
            Ok(Ok(left)) => RateLimitStatus { per_minute, remaining: left.remaining_burst_capacity(), wait: None },
            Ok(Err(not_yet)) => refused(not_yet.wait_time_from(DefaultClock::default().now())),
            // Unreachable: the cost was reduced to the burst.
            Err(_) => refused(Duration::from_secs(60)),
        }
    }

    /// Takes the cost for all replicas; see [`DistributedLimiter::take`]. Falls back to the local share while Redis is
    /// unavailable.
    pub async fn take(&self, subject: &str, cost: u32, generation: i64) -> Taken {
        let taken = self.limiter.take(subject, self.local.total(), cost, generation).await;
        taken.unwrap_or_else(|_| Taken::Decided(self.take_local(cost)))
    }
}

/// The rate limits of tenants, each for all of its users and API keys together.
pub struct TenantBudgets {
    limiter: DistributedLimiter,
    budgets: Cache<TenantId, Arc<RequestBudget>>,
}

impl TenantBudgets {
    /// Budgets that are full.
    pub fn new(limiter: DistributedLimiter) -> Self {
        // A budget that was idle for a minute is full again, as a new one is.
        let budgets = Cache::builder().time_to_idle(Duration::from_secs(120)).build();
        Self { limiter, budgets }
    }

    /// The budget of a tenant.
    pub fn of(&self, tenant_id: TenantId, per_minute: u32) -> Arc<RequestBudget> {
        let known = self.budgets.get(&tenant_id).filter(|budget| budget.per_minute() == per_minute.max(1));
        known.unwrap_or_else(|| {
            let budget = Arc::new(RequestBudget::new(per_minute, self.limiter.clone()));
            self.budgets.insert(tenant_id, Arc::clone(&budget));
            budget
        })
    }
}

/// Attempts per address, for endpoints without authentication.
pub struct AttemptsByAddress {
    limiter: DistributedLimiter,
    /// What is attempted: each has counters of its own.
    what: &'static str,
    /// IPv4 addresses, and /64 blocks of IPv6.
    blocks: LocalLimiter<ByAddress>,
    /// /48 blocks of IPv6.
    sites: LocalLimiter<ByAddress>,
}

/// Above this number of addresses, entries that no longer matter are removed.
const PRUNE_ABOVE: usize = 10_000;

/// An IPv6 client usually controls a whole /64 block, so the block is limited as one address.
const BLOCK_BITS: u32 = 64;
/// A hosting customer or a company is given up to a /48: 65,536 blocks that could be used in turn.
const SITE_BITS: u32 = 48;
/// How many blocks' attempts a site has.
const BLOCKS_PER_SITE: u32 = 8;

impl AttemptsByAddress {
    /// A limit of attempts per minute from each address, at least 1, for all replicas together.
    pub fn new(per_minute: u32, limiter: DistributedLimiter) -> Self {
        let build = |quota: Quota| RateLimiter::keyed(quota).with_middleware();
        let limit = |per_minute| LocalLimiter::new(Rate::per_minute(per_minute), build);
        let of_site = per_minute.max(1).saturating_mul(BLOCKS_PER_SITE);
        Self { limiter, what: "", blocks: limit(per_minute), sites: limit(of_site) }
    }

    /// The same limit for something else, which is counted apart: its name, with a separator at its end.
    pub fn of(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    /// Takes one attempt.
    pub async fn take(&self, address: IpAddr) -> RateLimitStatus {
        let block = block_of(address, BLOCK_BITS);
        let taken = self.take_from(&self.blocks, "address", block).await;
        if taken.wait.is_some() || block.is_ipv4() {
            return taken;
        }
        let of_site = self.take_from(&self.sites, "site", block_of(address, SITE_BITS)).await;
        if of_site.wait.is_some() { of_site } else { taken }
    }

    async fn take_from(&self, local: &LocalLimiter<ByAddress>, kind: &str, block: IpAddr) -> RateLimitStatus {
        if self.limiter.is_shared() {
            let subject = format!("{}{kind}:{block}", self.what);
            if let Ok(Taken::Decided(rate_limit)) = self.limiter.take(&subject, local.total(), 1, 0).await {
                return rate_limit;
            }
        }
        self.take_local(local, block)
    }

    fn take_local(&self, local: &LocalLimiter<ByAddress>, block: IpAddr) -> RateLimitStatus {
        let (share, limiter) = local.limiter(&self.limiter);
        if limiter.len() > PRUNE_ABOVE {
            limiter.retain_recent();
        }
        let per_minute = share.per_minute.get();
        match limiter.check_key(&block) {
            Ok(left) => RateLimitStatus { per_minute, remaining: left.remaining_burst_capacity(), wait: None },
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(DefaultClock::default().now());
                RateLimitStatus { per_minute, remaining: 0, wait: Some(wait) }
            }
        }
    }
}

/// The block of an IPv6 address, by its first bits; an IPv4 address is one by itself.
fn block_of(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << (128 - bits))).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicas::ReplicaCount;
    use crate::telemetry::Metrics;

    fn budget(per_minute: u32) -> RequestBudget {
        RequestBudget::new(per_minute, DistributedLimiter::local_only(Arc::new(Metrics::new())))
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_the_rest_is_reported() {
        let budget = budget(10);
        assert_eq!(budget.take_local(1), RateLimitStatus { per_minute: 10, remaining: 9, wait: None });
        assert_eq!(budget.take_local(8).remaining, 1);
        let refused = budget.take_local(5);
        assert!(refused.remaining == 0 && refused.wait.unwrap() > Duration::from_secs(20));
        assert!(budget.take_local(1).wait.is_none(), "a cheaper request is still admitted");
    }

    #[test]
    fn a_cost_above_the_limit_is_admitted_when_nothing_was_used() {
        assert!(budget(3).take_local(100).wait.is_none());
        assert!(budget(0).take_local(1).wait.is_none());
    }

    #[test]
    fn without_redis_each_replica_applies_its_share() {
        let limiter = DistributedLimiter::new(None, ReplicaCount::new(3), Arc::new(Metrics::new()));
        assert_eq!(RequestBudget::new(10, limiter.clone()).take_local(1).per_minute, 3);
        assert_eq!(RequestBudget::new(2, limiter).take_local(1).per_minute, 1, "but at least one");
    }

    #[tokio::test]
    async fn attempts_are_limited_by_ipv4_address_and_by_ipv6_block() {
        let attempts = AttemptsByAddress::new(1, DistributedLimiter::local_only(Arc::new(Metrics::new())));
        let take = async |address: &str| attempts.take(address.parse().unwrap()).await.wait;
        assert!(take("192.0.2.1").await.is_none());
        assert!(take("192.0.2.2").await.is_none());
        assert!(take("2001:db8::1").await.is_none());
        assert!(take("192.0.2.1").await.is_some() && take("::ffff:192.0.2.1").await.is_some());
        assert!(take("2001:db8::2").await.is_some() && take("2001:db8:1::1").await.is_none());
    }
    #[tokio::test]
    async fn a_site_that_uses_its_blocks_in_turn_has_the_attempts_of_eight() {
        let attempts = AttemptsByAddress::new(2, DistributedLimiter::local_only(Arc::new(Metrics::new())));
        let take = async |block: u32| attempts.take(format!("2001:db8:1:{block:x}::1").parse().unwrap()).await;
        for block in 0..16 {
            assert!(take(block).await.wait.is_none(), "{block}");
        }
        let refused = take(16).await;
        assert!(refused.wait.is_some() && refused.remaining == 0);
        assert!(attempts.take("2001:db8:2::1".parse().unwrap()).await.wait.is_none(), "another site");
    }
}

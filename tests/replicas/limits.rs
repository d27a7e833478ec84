//! Rate limits shared by all replicas.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use amazon_tracker::limits::{AttemptsByAddress, Rate, RequestBudget, Taken};
use governor::clock::FakeRelativeClock;
use governor::middleware::StateInformationMiddleware;
use governor::{Quota, RateLimiter};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::redis::Redis;
use crate::shared::{Process, until};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// An arbitrary time, in microseconds since 1970.
const START_US: i64 = 1_790_000_000_000_000;

#[tokio::test]
async fn the_redis_script_decides_like_governor() {
    let redis = Redis::start();
    let process = Process::at(&redis.url());
    let mut random = StdRng::seed_from_u64(4);
    for (n, (per_minute, burst)) in [(60, 1), (60, 5), (600, 600), (1000, 3), (12_000, 12_000)].into_iter().enumerate()
    {
        let rate = Rate::new(per_minute, burst);
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        let governor =
            RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware::<StateInformationMiddleware>();
        let mut now_us = START_US;
        for step in 0..300 {
            let cost = random.random_range(1..=burst.min(4));
            let answer = process.limiter.take_at(now_us, &format!("user:{n}"), rate, cost, 0).await.unwrap();
            let Taken::Decided(rate_limit) = answer else { panic!("the generation did not change") };
            let expected = match governor.check_n(cost.try_into().unwrap()).unwrap() {
                Ok(left) => (true, left.remaining_burst_capacity()),
                Err(_) => (false, 0),
            };
            let what = format!("{per_minute} per minute, burst {burst}: step {step}");
            assert_eq!((rate_limit.wait.is_none(), rate_limit.remaining), expected, "{what}");
            // Whole microseconds, avoiding moments at which rounding decides.
            let pause_us = random.random_range(0..=2) * (60_000_000 / u64::from(per_minute)) / 2 + 7;
            clock.advance(Duration::from_micros(pause_us));
            now_us += i64::try_from(pause_us).unwrap();
        }
    }
}

#[tokio::test]
async fn the_reported_wait_is_exact() {
    let redis = Redis::start();
    let process = Process::at(&redis.url());
    let rate = Rate::new(60, 2);
    let take = async |now_us| match process.limiter.take_at(now_us, "user:1", rate, 1, 0).await.unwrap() {
        Taken::Decided(rate_limit) => rate_limit.wait,
        Taken::StaleGeneration => panic!("the generation did not change"),
    };
    assert_eq!((take(START_US).await, take(START_US).await), (None, None));
    let wait = take(START_US).await.unwrap();
    assert_eq!(wait, Duration::from_secs(1));
    let wait_us = i64::try_from(wait.as_micros()).unwrap();
    assert!(take(START_US + wait_us - 1).await.is_some());
    assert!(take(START_US + wait_us).await.is_none());
}

#[tokio::test]
async fn concurrent_requests_on_several_replicas_do_not_exceed_the_limit() {
    let redis = Redis::start();
    let replicas = [Process::at(&redis.url()), Process::at(&redis.url()), Process::at(&redis.url())];
    let attempts = replicas.each_ref().map(|process| AttemptsByAddress::new(30, process.limiter.clone()));
    let requests = (0..40).flat_map(|_| attempts.iter().map(|attempts| attempts.take(HERE)));
    let answers = futures_util::future::join_all(requests).await;
    let admitted = answers.iter().filter(|rate_limit| rate_limit.wait.is_none()).count();
    // One more is admitted every two seconds.
    assert!((30..=32).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn a_new_generation_invalidates_cached_data_on_every_replica() {
    let redis = Redis::start();
    let (here, there) = (Process::at(&redis.url()), Process::at(&redis.url()));
    let budget = RequestBudget::new(60, here.limiter.clone());
    let generation = here.limiter.generation("user:1").await;
    let taken = budget.take("user:1", 1, generation).await;
    assert!(matches!(taken, Taken::Decided(rate_limit) if rate_limit.remaining == 59), "{taken:?}");
    there.limiter.bump_generation("user:1").await;
    assert_eq!(budget.take("user:1", 1, generation).await, Taken::StaleGeneration);
    let generation = here.limiter.generation("user:1").await;
    let taken = budget.take("user:1", 1, generation).await;
    assert!(matches!(taken, Taken::Decided(rate_limit) if rate_limit.remaining == 58), "nothing was taken in between");
    assert_eq!(budget.take("user:2", 0, 0).await, Taken::Decided(budget.take_local(0)).with_total(60));
}

trait WithTotal {
    fn with_total(self, per_minute: u32) -> Self;
}

impl WithTotal for Taken {
    /// A cost of zero takes nothing.
    fn with_total(self, per_minute: u32) -> Self {
        match self {
            Self::Decided(rate_limit) => Self::Decided(amazon_tracker::limits::RateLimitStatus {
                per_minute,
                remaining: per_minute,
                ..rate_limit
            }),
            Self::StaleGeneration => Self::StaleGeneration,
        }
    }
}

#[tokio::test]
async fn without_redis_each_replica_applies_its_share_until_redis_is_available_again() {
    let redis = Redis::start();
    let process = Process::at(&redis.url());
    let attempts = AttemptsByAddress::new(30, process.limiter.clone());
    assert_eq!(attempts.take(HERE).await.per_minute, 30);
    redis.kill();
    assert_eq!(attempts.take(HERE).await.per_minute, 10, "a third of it");
    assert!(!process.redis.is_there());
    assert_eq!(process.metrics.redis_fallback.get(), 1);
    let started_at = Instant::now();
    for _ in 0..9 {
        assert!(attempts.take(HERE).await.wait.is_none());
    }
    assert!(attempts.take(HERE).await.wait.is_some(), "the local share is used up");
    assert!(started_at.elapsed() < Duration::from_millis(200), "no request waits for an unavailable Redis");
    assert_eq!(process.metrics.redis_fallbacks.get(), 11);
    redis.resume();
    until("Redis is available again", || process.redis.is_there()).await;
    assert_eq!(process.metrics.redis_fallback.get(), 0);
    assert_eq!(attempts.take(HERE).await.per_minute, 30);
}

#[tokio::test]
async fn a_redis_that_hangs_delays_requests_only_once() {
    let redis = Redis::start();
    let process = Process::at(&redis.url());
    let attempts = AttemptsByAddress::new(30, process.limiter.clone());
    attempts.take(HERE).await;
    redis.freeze();
    let started_at = Instant::now();
    // More than there are connections: waiting for a connection is bounded too.
    let answers = futures_util::future::join_all((0..100).map(|_| attempts.take(HERE))).await;
    assert!(answers.iter().all(|rate_limit| rate_limit.per_minute == 10));
    assert!(started_at.elapsed() < Duration::from_secs(1), "{:?}", started_at.elapsed());
    redis.thaw();
    until("Redis is available again", || process.redis.is_there()).await;
    assert_eq!(attempts.take(HERE).await.per_minute, 30);
}

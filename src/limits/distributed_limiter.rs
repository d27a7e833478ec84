//! Rate limits shared by all replicas: counted in Redis, or split evenly between the replicas without it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::rate::{Rate, RateLimitStatus};
use crate::replicas::{Redis, RedisUnavailable, ReplicaCount, Script};
use crate::telemetry::Metrics;

/// The generic cell rate algorithm (GCRA), as implemented by governor, in microseconds.
///
/// The first key holds the theoretical arrival time of the next cell, the second key the generation of the subject.
/// Returns whether the request is admitted (0), must wait (1) or has a stale generation (2), the remaining burst, the
/// time to wait, and the generation.
const TAKE: &str = "
local now, interval, tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local generation = tonumber(redis.call('GET', KEYS[2]) or 0)
if generation ~= tonumber(ARGV[5]) then return {2, 0, 0, generation} end
local capacity = tolerance + interval
-- At most one full bucket ahead: after a failover, the new server's clock may be behind.
local expected = math.min(tonumber(redis.call('GET', KEYS[1]) or now), now + capacity)
local further = interval * (cost - 1)
local earliest = math.max(expected + further - tolerance, 0)
if cost > 0 and now < earliest then return {1, 0, earliest - now, generation} end
local after = expected
if cost > 0 then
  after = math.max(expected, now) + interval + further
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
end
return {0, math.floor(math.max(math.min(now + capacity - after, capacity), 0) / interval), 0, generation}";

/// Sets a generation that the subject never had, which invalidates everything cached for it on any replica.
const BUMP_GENERATION: &str = "
local time = redis.call('TIME')
local generation = string.format('%.0f', time[1] * 1000000 + time[2])
return redis.call('SET', KEYS[1], generation, 'EX', ARGV[1])";

/// Longer than any replica caches anything.
const GENERATION_TTL_SECS: &str = "60";

/// The result of taking from a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Admitted, or told to wait.
    Decided(RateLimitStatus),
    /// Nothing was taken: the caller's cached data is stale.
    StaleGeneration,
}

/// Limits shared by replicas. Cheap to clone.
#[derive(Clone)]
pub struct DistributedLimiter(Arc<Inner>);

struct Inner {
    redis: Option<Redis>,
    replica_count: ReplicaCount,
    take: Script,
    generation: Script,
    metrics: Arc<Metrics>,
}

impl DistributedLimiter {
    /// A limiter that uses Redis, if given. Without Redis, and while it is unavailable, each replica applies its share.
    pub fn new(redis: Option<Redis>, replica_count: ReplicaCount, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            redis,
            replica_count,
            take: Script::new(TAKE),
            generation: Script::new(BUMP_GENERATION),
            metrics,
        }))
    }

    /// A limiter for a single process.
    pub fn local_only(metrics: Arc<Metrics>) -> Self {
        Self::new(None, ReplicaCount::new(1), metrics)
    }

    /// True when limits are shared through Redis.
    pub fn is_shared(&self) -> bool {
        self.0.redis.is_some()
    }

    /// The share of a limit that this process applies locally.
    pub fn local_share(&self, rate: Rate) -> Rate {
        let share = |number: NonZeroU32| number.get() / self.0.replica_count.replicas();
        Rate::new(share(rate.per_minute), share(rate.burst))
    }

    /// Takes `cost` from the limit of `subject`, for all replicas. `generation` is what
    /// [`DistributedLimiter::generation`] returned when the caller's cached data was read. A cost above the burst is
    /// reduced to the burst.
    ///
    /// # Errors
    /// [`RedisUnavailable`]: apply the limit locally.
    pub async fn take(&self, subject: &str, rate: Rate, cost: u32, generation: i64) -> Result<Taken, RedisUnavailable> {
        self.take_at(0, subject, rate, cost, generation).await
    }

    /// Like [`DistributedLimiter::take`], at a time chosen by the caller (microseconds, above 0) in place of Redis's
    /// clock.
    ///
    /// # Errors
    /// [`RedisUnavailable`]
    pub async fn take_at(
        &self,
        now_us: i64,
        subject: &str,
        rate: Rate,
        cost: u32,
        generation: i64,
    ) -> Result<Taken, RedisUnavailable> {
        let redis = self.0.redis.as_ref().ok_or(RedisUnavailable)?;
        let interval_us = rate.interval_us();
        let tolerance_us = interval_us * i64::from(rate.burst.get() - 1);
        let cost = cost.min(rate.burst.get());
        let numbers = [now_us, interval_us, tolerance_us, i64::from(cost), generation].map(|number| number.to_string());
        let answer: Result<(i64, u32, u64, i64), RedisUnavailable> = redis
            .run(
                &self.0.take,
                &[&taken_key(redis, subject), &generation_key(redis, subject)],
                &numbers.each_ref().map(String::as_str),
            )
            .await;
        let per_minute = rate.per_minute.get();
        match answer {
            Ok((0, remaining, ..)) => Ok(Taken::Decided(RateLimitStatus { per_minute, remaining, wait: None })),
            Ok((1, _, wait_us, _)) => {
                let wait = Some(Duration::from_micros(wait_us));
                Ok(Taken::Decided(RateLimitStatus { per_minute, remaining: 0, wait }))
            }
            Ok(_) => Ok(Taken::StaleGeneration),
            Err(unavailable) => {
                self.0.metrics.redis_fallbacks.inc();
                Err(unavailable)
            }
        }
    }

    /// The current generation of a subject. Read it before the data to cache; [`UNKNOWN_GENERATION`] while Redis is
    /// unavailable.
    pub async fn generation(&self, subject: &str) -> i64 {
        match &self.0.redis {
            Some(redis) => redis
                .get::<i64>(&generation_key(redis, subject))
                .await
                .map_or(UNKNOWN_GENERATION, Option::unwrap_or_default),
            None => UNKNOWN_GENERATION,
        }
    }

    /// Invalidates what all replicas have cached for a subject, so that a revocation takes effect everywhere. While
    /// Redis is unavailable, the other replicas notice when their caches expire, within seconds.
    pub async fn bump_generation(&self, subject: &str) {
        if let Some(redis) = &self.0.redis {
            let _ =
                redis.run::<()>(&self.0.generation, &[&generation_key(redis, subject)], &[GENERATION_TTL_SECS]).await;
        }
    }
}

/// A generation that no subject ever has.
pub const UNKNOWN_GENERATION: i64 = -1;

fn taken_key(redis: &Redis, subject: &str) -> String {
    redis.key(&format!("{{{subject}}}:taken"))
}

fn generation_key(redis: &Redis, subject: &str) -> String {
    redis.key(&format!("{{{subject}}}:generation"))
}

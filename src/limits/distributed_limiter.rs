//! Limits that hold for all replicas together: counted in Redis, or, without it, by each replica for its part.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::rate::{Rate, RateLimitStatus};
use crate::replicas::{Redis, RedisUnavailable, ReplicaCount, Script};
use crate::telemetry::Metrics;

/// The generic cell rate algorithm, as governor has it, in microseconds; what is taken is taken for everybody at once.
///
/// Under the first key stands when the next cell is expected ("theoretical arrival time"), under the second the generation of whoever
/// asks. Answers whether it is admitted (0), not yet (1), or asked under an old generation (2); how many more may come at once; how
/// long to wait; and the generation.
const TAKE: &str = "
local now, interval, tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local generation = tonumber(redis.call('GET', KEYS[2]) or 0)
if generation ~= tonumber(ARGV[5]) then return {2, 0, 0, generation} end
local capacity = tolerance + interval
-- Never later than what a full bucket leaves: after a fail-over the clock may be another one, and behind.
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

/// Gives somebody a generation that they never had: whatever is remembered of them anywhere is void.
const BUMP_GENERATION: &str = "
local time = redis.call('TIME')
local generation = string.format('%.0f', time[1] * 1000000 + time[2])
return redis.call('SET', KEYS[1], generation, 'EX', ARGV[1])";

/// Longer than anybody remembers anything.
const GENERATION_TTL_SECS: &str = "60";

/// What Redis said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Admitted, or to wait.
    Decided(RateLimitStatus),
    /// Nothing was taken: what is remembered of whoever asks was made void.
    StaleGeneration,
}

/// How limits are shared. Cheap to clone.
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
    /// Through Redis, if there is one; otherwise, and while it is away, each of so many replicas keeps its part.
    pub fn new(redis: Option<Redis>, replica_count: ReplicaCount, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            redis,
            replica_count,
            take: Script::new(TAKE),
            generation: Script::new(BUMP_GENERATION),
            metrics,
        }))
    }

    /// With nobody.
    pub fn local_only(metrics: Arc<Metrics>) -> Self {
        Self::new(None, ReplicaCount::new(1), metrics)
    }

    /// True when others count too.
    pub fn is_shared(&self) -> bool {
        self.0.redis.is_some()
    }

    /// What this process keeps of a limit when it keeps it alone.
    pub fn local_share(&self, rate: Rate) -> Rate {
        let part = |number: NonZeroU32| number.get() / self.0.replica_count.replicas();
        Rate::new(part(rate.per_minute), part(rate.burst))
    }

    /// Takes the cost of something from what somebody may do, for all replicas. `generation` is what [`DistributedLimiter::generation`] said when that
    /// which is remembered of them was read. A cost beyond what there can ever be is cut to that.
    ///
    /// # Errors
    /// [`RedisUnavailable`]: decide alone.
    pub async fn take(&self, subject: &str, rate: Rate, cost: u32, generation: i64) -> Result<Taken, RedisUnavailable> {
        self.take_at(0, subject, rate, cost, generation).await
    }

    /// As [`DistributedLimiter::take`], at a time of the caller's (microseconds, above 0) instead of Redis's own.
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
            Err(away) => {
                self.0.metrics.redis_fallbacks.inc();
                Err(away)
            }
        }
    }

    /// The present generation of somebody. Read it before what is remembered of them; [`UNKNOWN_GENERATION`] while Redis is away.
    pub async fn generation(&self, subject: &str) -> i64 {
        match &self.0.redis {
            Some(redis) => redis
                .get::<i64>(&generation_key(redis, subject))
                .await
                .map_or(UNKNOWN_GENERATION, Option::unwrap_or_default),
            None => UNKNOWN_GENERATION,
        }
    }

    /// Makes void what any replica remembers of somebody: who was signed out on one is out on all of them. While Redis is away
    /// the others find out when their memory is too old, within seconds.
    pub async fn bump_generation(&self, subject: &str) {
        if let Some(redis) = &self.0.redis {
            let _ =
                redis.run::<()>(&self.0.generation, &[&generation_key(redis, subject)], &[GENERATION_TTL_SECS]).await;
        }
    }
}

/// Differs from every generation there is.
pub const UNKNOWN_GENERATION: i64 = -1;

fn taken_key(redis: &Redis, subject: &str) -> String {
    redis.named(&format!("{{{subject}}}:taken"))
}

fn generation_key(redis: &Redis, subject: &str) -> String {
    redis.named(&format!("{{{subject}}}:generation"))
}

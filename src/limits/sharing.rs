//! Limits that hold for all replicas together: counted in Redis, or, without it, by each replica for its part.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::Allowance;
use crate::replicas::{Away, Census, Redis, Script};
use crate::telemetry::Metrics;

/// The generic cell rate algorithm, as governor has it, in microseconds; what is taken is taken for everybody at once.
///
/// Under the first key stands when the next cell is expected ("theoretical arrival time"), under the second the mark of whoever
/// asks. Answers whether it is admitted (0), not yet (1), or asked under an old mark (2); how many more may come at once; how
/// long to wait; and the mark.
const TAKE: &str = "
local now, interval, tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local mark = tonumber(redis.call('GET', KEYS[2]) or 0)
if mark ~= tonumber(ARGV[5]) then return {2, 0, 0, mark} end
local capacity = tolerance + interval
-- Never later than what a full bucket leaves: after a fail-over the clock may be another one, and behind.
local expected = math.min(tonumber(redis.call('GET', KEYS[1]) or now), now + capacity)
local further = interval * (cost - 1)
local earliest = math.max(expected + further - tolerance, 0)
if cost > 0 and now < earliest then return {1, 0, earliest - now, mark} end
local after = expected
if cost > 0 then
  after = math.max(expected, now) + interval + further
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
end
return {0, math.floor(math.max(math.min(now + capacity - after, capacity), 0) / interval), 0, mark}";

/// Gives somebody a mark that they never had: whatever is remembered of them anywhere is void.
const MARK: &str = "
local time = redis.call('TIME')
local mark = string.format('%.0f', time[1] * 1000000 + time[2])
return redis.call('SET', KEYS[1], mark, 'EX', ARGV[1])";

/// Longer than anybody remembers anything.
const MARK_LASTS_SECS: &str = "60";

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

    fn interval_us(self) -> i64 {
        (60_000_000 / i64::from(self.per_minute.get())).max(1)
    }
}

/// What Redis said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Admitted, or to wait.
    Decided(Allowance),
    /// Nothing was taken: what is remembered of whoever asks was made void.
    Void,
}

/// How limits are shared. Cheap to clone.
#[derive(Clone)]
pub struct Sharing(Arc<Inner>);

struct Inner {
    redis: Option<Redis>,
    census: Census,
    take: Script,
    mark: Script,
    metrics: Arc<Metrics>,
}

impl Sharing {
    /// Through Redis, if there is one; otherwise, and while it is away, each of so many replicas keeps its part.
    pub fn new(redis: Option<Redis>, census: Census, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner { redis, census, take: Script::new(TAKE), mark: Script::new(MARK), metrics }))
    }

    /// With nobody.
    pub fn with_nobody(metrics: Arc<Metrics>) -> Self {
        Self::new(None, Census::new(1), metrics)
    }

    /// True when others count too.
    pub fn is_shared(&self) -> bool {
        self.0.redis.is_some()
    }

    /// What this process keeps of a limit when it keeps it alone.
    pub fn part_of(&self, rate: Rate) -> Rate {
        let part = |number: NonZeroU32| number.get() / self.0.census.replicas();
        Rate::new(part(rate.per_minute), part(rate.burst))
    }

    /// Takes the cost of something from what somebody may do, for all replicas. `mark` is what [`Sharing::mark`] said when that
    /// which is remembered of them was read. A cost beyond what there can ever be is cut to that.
    ///
    /// # Errors
    /// [`Away`]: decide alone.
    pub async fn take(&self, whose: &str, rate: Rate, cost: u32, mark: i64) -> Result<Taken, Away> {
        self.take_at(0, whose, rate, cost, mark).await
    }

    /// As [`Sharing::take`], at a time of the caller's (microseconds, above 0) instead of Redis's own.
    ///
    /// # Errors
    /// [`Away`]
    pub async fn take_at(&self, now_us: i64, whose: &str, rate: Rate, cost: u32, mark: i64) -> Result<Taken, Away> {
        let redis = self.0.redis.as_ref().ok_or(Away)?;
        let interval_us = rate.interval_us();
        let tolerance_us = interval_us * i64::from(rate.burst.get() - 1);
        let cost = cost.min(rate.burst.get());
        let numbers = [now_us, interval_us, tolerance_us, i64::from(cost), mark].map(|number| number.to_string());
        let answer: Result<(i64, u32, u64, i64), Away> = redis
            .run(
                &self.0.take,
                &[&taken_key(redis, whose), &mark_key(redis, whose)],
                &numbers.each_ref().map(String::as_str),
            )
            .await;
        let per_minute = rate.per_minute.get();
        match answer {
            Ok((0, remaining, ..)) => Ok(Taken::Decided(Allowance { per_minute, remaining, wait: None })),
            Ok((1, _, wait_us, _)) => {
                let wait = Some(Duration::from_micros(wait_us));
                Ok(Taken::Decided(Allowance { per_minute, remaining: 0, wait }))
            }
            Ok(_) => Ok(Taken::Void),
            Err(away) => {
                self.0.metrics.redis_fallbacks.inc();
                Err(away)
            }
        }
    }

    /// The present mark of somebody. Read it before what is remembered of them; [`UNKNOWN_MARK`] while Redis is away.
    pub async fn mark(&self, whose: &str) -> i64 {
        match &self.0.redis {
            Some(redis) => {
                redis.get::<i64>(&mark_key(redis, whose)).await.map_or(UNKNOWN_MARK, Option::unwrap_or_default)
            }
            None => UNKNOWN_MARK,
        }
    }

    /// Makes void what any replica remembers of somebody: who was signed out on one is out on all of them. While Redis is away
    /// the others find out when their memory is too old, within seconds.
    pub async fn make_void(&self, whose: &str) {
        if let Some(redis) = &self.0.redis {
            let _ = redis.run::<()>(&self.0.mark, &[&mark_key(redis, whose)], &[MARK_LASTS_SECS]).await;
        }
    }
}

/// Differs from every mark there is.
pub const UNKNOWN_MARK: i64 = -1;

fn taken_key(redis: &Redis, whose: &str) -> String {
    redis.named(&format!("{{{whose}}}:taken"))
}

fn mark_key(redis: &Redis, whose: &str) -> String {
    redis.named(&format!("{{{whose}}}:mark"))
}

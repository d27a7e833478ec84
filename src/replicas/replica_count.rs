//! How many replicas there are: each says every few seconds that it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::redis::{Redis, RedisUnavailable, Script};

const REPORT_EVERY: Duration = Duration::from_secs(2);
/// Whoever has not said so for this long is gone.
const EXPIRES_AFTER_MS: &str = "10000";
const KEY: &str = "replicas";

/// Notes a replica as there, forgets those that are gone, and counts the rest. By Redis's own clock.
const REPORT: &str = "
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms - ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZCARD', KEYS[1])";

/// The number of replicas, as far as is known.
#[derive(Clone)]
pub struct ReplicaCount {
    /// As the settings say: never less.
    at_least: u32,
    counted: Arc<AtomicU32>,
}

impl ReplicaCount {
    /// So many, until more have been counted.
    pub fn new(at_least: u32) -> Self {
        Self { at_least: at_least.max(1), counted: Arc::default() }
    }

    /// Says from now on that this process is there, and counts.
    pub fn start_counting(&self, redis: &Redis) {
        let (replica_count, redis) = (self.clone(), redis.clone());
        redis.runtime().clone().spawn(async move {
            let (script, name) = (Script::new(REPORT), Uuid::now_v7().to_string());
            loop {
                if let Ok(counted) = replica_count.try_count(&redis, &script, &name).await {
                    replica_count.counted.store(counted, Ordering::Relaxed);
                }
                tokio::time::sleep(REPORT_EVERY).await;
            }
        });
    }

    async fn try_count(&self, redis: &Redis, script: &Script, name: &str) -> Result<u32, RedisUnavailable> {
        redis.run(script, &[&redis.named(KEY)], &[EXPIRES_AFTER_MS, name]).await
    }

    /// How many share every limit.
    pub fn replicas(&self) -> u32 {
        self.counted.load(Ordering::Relaxed).max(self.at_least)
    }
}

//! The number of replicas: each replica reports itself every few seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::redis::{Redis, RedisUnavailable, Script};

const REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// A replica that has not reported for this long is not counted.
const EXPIRES_AFTER_MS: &str = "10000";
const KEY: &str = "replicas";

/// Records a replica, removes expired ones, and returns the number of the rest. Uses Redis's clock.
const REPORT: &str = "
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms - ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('ZCARD', KEYS[1])";

/// The number of replicas, as far as known.
#[derive(Clone)]
pub struct ReplicaCount {
    /// The configured number; the count never falls below it.
    at_least: u32,
    counted: Arc<AtomicU32>,
}

impl ReplicaCount {
    /// Starts at `at_least`, until more replicas are counted.
    pub fn new(at_least: u32) -> Self {
        Self { at_least: at_least.max(1), counted: Arc::default() }
    }

    /// Starts to report this process and to count.
    pub fn start_counting(&self, redis: &Redis) {
        let (replica_count, redis) = (self.clone(), redis.clone());
        redis.runtime().clone().spawn(async move {
            let (script, name) = (Script::new(REPORT), Uuid::now_v7().to_string());
            loop {
                if let Ok(counted) = replica_count.try_count(&redis, &script, &name).await {
                    replica_count.counted.store(counted, Ordering::Relaxed);
                }
                tokio::time::sleep(REPORT_INTERVAL).await;
            }
        });
    }

    async fn try_count(&self, redis: &Redis, script: &Script, name: &str) -> Result<u32, RedisUnavailable> {
        redis.run(script, &[&redis.key(KEY)], &[EXPIRES_AFTER_MS, name]).await
    }

    /// The number of replicas that share every limit.
    pub fn replicas(&self) -> u32 {
        self.counted.load(Ordering::Relaxed).max(self.at_least)
    }
}

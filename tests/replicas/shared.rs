//! The shared components of one process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_tracker::config::{RedisSettings, Secret};
use amazon_tracker::limits::DistributedLimiter;
use amazon_tracker::replicas::{Redis, ReplicaCount};
use amazon_tracker::telemetry::Metrics;
use tokio::runtime::Handle;

/// Nothing here takes this long; it only keeps a broken test from hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One process.
pub struct Process {
    pub redis: Redis,
    pub limiter: DistributedLimiter,
    pub replica_count: ReplicaCount,
    pub metrics: Arc<Metrics>,
}

impl Process {
    /// Of three replicas at most.
    pub fn at(url: &str) -> Self {
        let metrics = Arc::new(Metrics::new());
        let settings = RedisSettings { url: Some(Secret::from(url)), ..RedisSettings::default() };
        let redis = Redis::new(&settings, &Handle::current(), Arc::clone(&metrics)).unwrap().unwrap();
        let replica_count = ReplicaCount::new(3);
        let limiter = DistributedLimiter::new(Some(redis.clone()), replica_count.clone(), Arc::clone(&metrics));
        Self { redis, limiter, replica_count, metrics }
    }
}

/// Waits until it is so.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

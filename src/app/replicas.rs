//! What this process shares with other replicas.

use std::sync::Arc;

use super::error::AppError;
use super::roles::{Actors, on_bus_message};
use crate::actors::kernel::Threads;
use crate::actors::revocations::Revocations;
use crate::config::Settings;
use crate::limits::DistributedLimiter;
use crate::replicas::{Bus, Redis, ReplicaCount};
use crate::store::SharedStore;
use crate::telemetry::Metrics;

/// The connection to Redis, if one is configured, and what is built on it.
pub(super) struct Replicas {
    pub redis: Option<Redis>,
    pub bus: Bus,
    pub count: ReplicaCount,
    pub limiter: DistributedLimiter,
    pub revocations: Revocations,
}

impl Replicas {
    /// Connects in the background: Redis may be unavailable.
    pub fn connect(settings: &Settings, threads: &Threads, metrics: &Arc<Metrics>) -> Result<Self, AppError> {
        let redis = Redis::new(&settings.redis, threads.runtime(), Arc::clone(metrics))?;
        let (bus, count) = (Bus::through(redis.as_ref()), ReplicaCount::new(settings.limits.replicas));
        if let Some(redis) = &redis {
            count.start_counting(redis);
        }
        let limiter = DistributedLimiter::new(redis.clone(), count.clone(), Arc::clone(metrics));
        let revocations = Revocations::new(bus.clone());
        Ok(Self { redis, bus, count, limiter, revocations })
    }

    /// Subscribes to the messages of other replicas.
    pub fn listen(&self, actors: &Actors, store: &SharedStore) {
        if let Some(redis) = &self.redis {
            let Actors { invalidation, live, scheduler_wake, notifier_wake, job_wake, .. } = actors;
            self.bus.listen(redis, on_bus_message(invalidation, live, scheduler_wake, notifier_wake, job_wake, store));
        }
    }
}

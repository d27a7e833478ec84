//! Liveness and readiness of this process.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Dependencies, Service, ServiceResult};
use crate::replicas::Redis;
#[cfg(doc)]
use crate::store::StoreError;

/// A thread whose event loop has not run for this long counts as frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(10);

/// The health of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// No thread is frozen.
    pub alive: bool,
    /// What keeps the database from serving: see [`StoreError::problem`]. `None`: it can be read and written.
    pub database_problem: Option<&'static str>,
    /// Redis can be reached; `None`: none is configured. Readiness does not depend on it.
    pub redis: Option<bool>,
    /// The process is stopping.
    pub draining: bool,
    /// When this process last found the database's clock set back, so that listings waited for a time that was past already. They were
    /// made due. Readiness does not depend on it.
    pub clock_set_back_at: Option<Timestamp>,
}

impl Health {
    /// True when the process accepts requests.
    pub fn is_ready(&self) -> bool {
        self.alive && self.database_problem.is_none() && !self.draining
    }
}

impl Service {
    /// True when no thread is frozen. Uses no other service.
    pub fn is_alive(&self) -> bool {
        self.deps.threads.worst_lag() < FROZEN_AFTER
    }

    /// The whole health, including the database.
    pub async fn health(&self) -> ServiceResult<Health> {
        let alive = self.is_alive();
        self.run(async move |deps: Arc<Dependencies>| {
            let database_problem = deps.store.ping().await.err().map(|error| error.problem());
            let redis = deps.redis.as_ref().map(Redis::is_there);
            let clock_set_back_at = Some(deps.metrics.clock_set_back.get()).filter(|seconds| *seconds > 0);
            let clock_set_back_at = clock_set_back_at.and_then(|seconds| Timestamp::from_second(seconds).ok());
            Ok(Health { alive, database_problem, redis, draining: *deps.draining.borrow(), clock_set_back_at })
        })
        .await
    }
}

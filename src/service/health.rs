//! Whether this process is alive, and whether it should be given work.

use std::sync::Arc;
use std::time::Duration;

use super::{Dependencies, Service, ServiceResult};
use crate::replicas::Redis;

/// A thread that has not come round for this long is taken for frozen.
const FROZEN_AFTER: Duration = Duration::from_secs(10);

/// The state of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// No thread is frozen.
    pub alive: bool,
    /// The database answers.
    pub database: bool,
    /// Redis answers; `None`: there is none. Nobody is unready without it.
    pub redis: Option<bool>,
    /// The process was told to stop.
    pub draining: bool,
}

impl Health {
    /// True when requests may be sent here.
    pub fn is_ready(&self) -> bool {
        self.alive && self.database && !self.draining
    }
}

impl Service {
    /// Alive or frozen; asks nobody.
    pub fn is_alive(&self) -> bool {
        self.deps.threads.worst_lag() < FROZEN_AFTER
    }

    /// Everything, the database included.
    pub async fn health(&self) -> ServiceResult<Health> {
        let alive = self.is_alive();
        self.run(async move |deps: Arc<Dependencies>| {
            let database = deps.store.ping().await.is_ok();
            let redis = deps.redis.as_ref().map(Redis::is_there);
            Ok(Health { alive, database, redis, draining: *deps.draining.borrow() })
        })
        .await
    }
}

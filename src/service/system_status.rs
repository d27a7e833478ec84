//! The state of the installation, for who runs it: the numbers of the metrics.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Dependencies, Health, Service, ServiceResult};
use crate::domain::FieldDrift;
use crate::store::{Backlog, DatabaseStats, StoreResult};
use crate::telemetry::BreakerStatus;

/// The state of the installation, as the process that answers knows it.
#[derive(Debug, Clone)]
pub struct SystemStatus {
    /// The health of the process.
    pub health: Health,
    /// Replicas that share limits, as far as they are counted.
    pub replicas: u32,
    /// How far the standby is behind that is read from; zero without one.
    pub standby_lag_secs: f64,
    /// The circuit breakers of the process.
    pub breakers: Vec<BreakerStatus>,
    /// What the database says; `None` while it does not answer.
    pub stored: Option<StoredStatus>,
}

/// What the database says.
#[derive(Debug, Clone)]
pub struct StoredStatus {
    /// Leases that are due, late, or parked.
    pub backlog: Backlog,
    /// Products of all tenants.
    pub products: u64,
    /// Of the outbox, and of the database itself.
    pub database: DatabaseStats,
    /// Fields that pages lack more often than usual.
    pub drifts: Vec<FieldDrift>,
}

impl Service {
    /// The state of the installation. The database is asked, so that each replica gives the same answer.
    pub async fn system_status(&self) -> ServiceResult<SystemStatus> {
        let health = self.health().await?;
        self.run(async move |deps: Arc<Dependencies>| {
            let stored = deps.stored_status().await;
            let stored = stored.inspect_err(|error| tracing::debug!(%error, "the state of the database is not known"));
            Ok(SystemStatus {
                health,
                replicas: deps.replica_count.replicas(),
                standby_lag_secs: deps.metrics.replica_lag_seconds.get(),
                breakers: deps.metrics.breakers(),
                stored: stored.ok(),
            })
        })
        .await
    }
}

impl Dependencies {
    async fn stored_status(&self) -> StoreResult<StoredStatus> {
        Ok(StoredStatus {
            backlog: self.store.backlog().await?,
            products: self.store.count_products().await?,
            database: self.store.database_stats().await?,
            drifts: self.store.field_drifts(Timestamp::MAX).await?,
        })
    }
}

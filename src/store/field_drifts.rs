//! Fields that product pages lack more often than usual.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::FieldDrift;

/// The record of drifts, for all replicas.
#[async_trait]
pub trait FieldDrifts: Send + Sync {
    /// The drifts that last, or have ended since this time, the latest first.
    async fn field_drifts(&self, ended_since: Timestamp) -> StoreResult<Vec<FieldDrift>>;

    /// Records a drift, or what has changed of it since.
    async fn record_field_drift(&self, drift: &FieldDrift) -> StoreResult<()>;
}

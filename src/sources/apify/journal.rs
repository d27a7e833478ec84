//! The durable record of runs, so that no run is started twice.

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::{OpenedRuns, RunEnd, RunRequest};

/// The record cannot be read or written now.
#[derive(Debug, thiserror::Error)]
#[error("the record of runs is unavailable: {0}")]
pub struct JournalError(pub String);

/// Keeps the record.
#[async_trait]
pub trait RunJournal: Send + Sync {
    /// The runs that answer these listings of one marketplace: those that began after a listing's last crawl, and a new one for the
    /// rest, as far as there is money for it. The new one is durable when this returns.
    async fn open(&self, source: &'static str, requests: &[RunRequest]) -> Result<OpenedRuns, JournalError>;

    /// The run was started, under this id.
    async fn started(&self, id: Uuid, external_id: &str) -> Result<(), JournalError>;

    /// The run has ended. Only the first call counts.
    async fn ended(&self, id: Uuid, end: RunEnd) -> Result<(), JournalError>;
}

//! The durable record of runs, so that no run is started twice.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::Listing;

/// A run that was started, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRun {
    /// Our identity of it.
    pub id: Uuid,
    /// Apify's; `None`: it was recorded before the request, whose answer is not known.
    pub external_id: Option<String>,
    /// When it was recorded.
    pub opened_at: Timestamp,
    /// Recorded just now, by this call: nobody has tried to start it.
    pub is_new: bool,
    /// All of its listings.
    pub listings: Vec<Listing>,
    /// Those that were asked for.
    pub wanted: Vec<Listing>,
}

/// How a run ended, for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Its dataset answers its listings, those that are missing in it too.
    Ended {
        /// What it has cost, in millionths of a US dollar; `None`: unknown.
        cost_micros: Option<u64>,
    },
    /// It was never started, or cannot be read: it answers nothing.
    Lost,
}

/// The record cannot be read or written now.
#[derive(Debug, thiserror::Error)]
#[error("the record of runs is unavailable: {0}")]
pub struct JournalError(pub String);

/// Keeps the record.
#[async_trait]
pub trait RunJournal: Send + Sync {
    /// The runs that answer these listings of one marketplace: those that began after a listing's last crawl, and a new one for the
    /// rest. The new one is durable when this returns.
    async fn open(&self, source: &'static str, listings: &[Listing]) -> Result<Vec<RecordedRun>, JournalError>;

    /// The run was started, under this id.
    async fn started(&self, id: Uuid, external_id: &str) -> Result<(), JournalError>;

    /// The run has ended. Only the first call counts.
    async fn ended(&self, id: Uuid, end: RunEnd) -> Result<(), JournalError>;
}

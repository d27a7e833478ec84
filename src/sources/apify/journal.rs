//! The durable record of runs, so that no run is started twice.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{JobStep, OpenedListRun, OpenedRuns, RunEnd, RunRequest, SourceRun};
use crate::telemetry::Metrics;

/// The name of the source, in the record and in metrics.
pub const NAME: &str = "apify";

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

    /// The run that reads a list for a job: one that began since the job was started, or a new one, as far as there is money for so
    /// many items.
    async fn open_list(
        &self,
        source: &'static str,
        job: JobStep,
        max_items: u32,
    ) -> Result<OpenedListRun, JournalError>;

    /// Runs of this age whose end was not recorded.
    async fn unfollowed(&self, min_age: Duration) -> Result<Vec<SourceRun>, JournalError>;

    /// The run was started, under this id. `false`: another id is on record for it, or another run under this id.
    async fn started(&self, id: Uuid, external_id: &str) -> Result<bool, JournalError>;

    /// The source's ids of the other runs that were recorded since this time: none of them is this one.
    async fn ids_of_others(&self, id: Uuid, since: Timestamp) -> Result<HashSet<String>, JournalError>;

    /// The run has ended. Only the first call counts: `false` for all others.
    async fn ended(&self, id: Uuid, end: RunEnd) -> Result<bool, JournalError>;
}

/// Records the end of a run, and counts its cost. A failure is logged: what is not recorded is settled later.
pub(super) async fn record_end(journal: &dyn RunJournal, metrics: &Metrics, id: Uuid, end: RunEnd) {
    match journal.ended(id, end).await {
        Ok(true) => {
            if let RunEnd::Ended { cost_micros: Some(cost_micros) } = end {
                metrics.source_cost_micros.with_label_values(&[NAME]).inc_by(cost_micros);
            }
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "the end of a run could not be recorded"),
    }
}

//! The record of runs of paid sources, in the store.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::Listing;
use crate::sources::apify::{JournalError, RecordedRun, RunEnd, RunJournal};
use crate::store::{SharedStore, SourceRun, StoreError};

/// Keeps the record in the store, for all replicas.
pub(super) struct StoredRuns {
    pub store: SharedStore,
    /// A run that is older answers nothing any more.
    pub max_age: Duration,
}

#[async_trait]
impl RunJournal for StoredRuns {
    async fn open(&self, source: &'static str, listings: &[Listing]) -> Result<Vec<RecordedRun>, JournalError> {
        let runs = self.store.open_runs(source, listings, self.max_age).await.map_err(unavailable)?;
        Ok(runs.into_iter().map(recorded).collect())
    }

    async fn started(&self, id: Uuid, external_id: &str) -> Result<(), JournalError> {
        self.store.run_started(id, external_id).await.map_err(unavailable)
    }

    async fn ended(&self, id: Uuid, end: RunEnd) -> Result<(), JournalError> {
        let (is_lost, cost_micros) = match end {
            RunEnd::Ended { cost_micros } => (false, cost_micros),
            RunEnd::Lost => (true, None),
        };
        self.store.run_ended(id, is_lost, cost_micros).await.map_err(unavailable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` calls")]
fn unavailable(error: StoreError) -> JournalError {
    JournalError(error.to_string())
}

fn recorded(run: SourceRun) -> RecordedRun {
    let SourceRun { id, external_id, opened_at, is_new, listings, wanted } = run;
    RecordedRun { id, external_id, opened_at, is_new, listings, wanted }
}

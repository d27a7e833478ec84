//! The record of runs of paid sources, in the store.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{BudgetRefusal, JobStep, OpenedListRun, OpenedRuns, RunBudget, RunEnd, RunRequest, SourceRun};
use crate::sources::apify::{JournalError, RunJournal};
use crate::store::{SharedStore, StoreError};

/// Called when budgets have no money for listings, for the first time on a day.
pub type OnRefusals = Box<dyn Fn(Vec<BudgetRefusal>) + Send + Sync>;

/// Keeps the record in the store, for all replicas.
pub struct StoredRuns {
    /// The store.
    pub store: SharedStore,
    /// A run that is older answers nothing any more.
    pub max_age: Duration,
    /// What may be spent.
    pub budget: RunBudget,
    /// Tells tenants that a budget is spent.
    pub on_refusals: OnRefusals,
}

#[async_trait]
impl RunJournal for StoredRuns {
    async fn open(&self, source: &'static str, requests: &[RunRequest]) -> Result<OpenedRuns, JournalError> {
        let opened = self.store.open_runs(source, requests, self.max_age, &self.budget).await.map_err(unavailable)?;
        (self.on_refusals)(opened.refusals.clone());
        Ok(opened)
    }

    async fn open_list(
        &self,
        source: &'static str,
        job: JobStep,
        max_items: u32,
    ) -> Result<OpenedListRun, JournalError> {
        let opened = self.store.open_list_run(source, job, max_items, &self.budget).await.map_err(unavailable)?;
        if let OpenedListRun::Refused { refusals, .. } = &opened {
            (self.on_refusals)(refusals.clone());
        }
        Ok(opened)
    }

    async fn unfollowed(&self, min_age: Duration) -> Result<Vec<SourceRun>, JournalError> {
        self.store.unfollowed_runs(min_age).await.map_err(unavailable)
    }

    async fn started(&self, id: Uuid, external_id: &str) -> Result<bool, JournalError> {
        self.store.run_started(id, external_id).await.map_err(unavailable)
    }

    async fn ids_of_others(&self, id: Uuid, since: Timestamp) -> Result<HashSet<String>, JournalError> {
        self.store.ids_of_other_runs(id, since).await.map_err(unavailable)
    }

    async fn ended(&self, id: Uuid, end: RunEnd) -> Result<bool, JournalError> {
        self.store.run_ended(id, end).await.map_err(unavailable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` calls")]
fn unavailable(error: StoreError) -> JournalError {
    JournalError(error.to_string())
}

//! Runs of sources that crawl many listings at once.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::StoreResult;
use crate::domain::{
    JobStep, OpenedListRun, OpenedRuns, RunBudget, RunEnd, RunRequest, SourceRun, TenantId, TenantSpending,
};

/// The record of runs: no listing is in two runs at a time, whichever replica crawls it.
#[async_trait]
pub trait SourceRuns: Send + Sync {
    /// The runs of a source that answer these listings: those not older than `max_age` that began after the listing's last crawl,
    /// or whose end nobody has seen because the source did not answer or refused; and a new run for the rest, as far as the budget
    /// goes: its cost is reserved. Listings that are not in the store are left out.
    async fn open_runs(
        &self,
        source: &str,
        requests: &[RunRequest],
        max_age: Duration,
        budget: &RunBudget,
    ) -> StoreResult<OpenedRuns>;

    /// The run that reads a list for a job: one that began since the job was started, or a new one whose cost is reserved for so many
    /// items. [`NotFound`](super::StoreError::NotFound): the step has lost its lease.
    async fn open_list_run(
        &self,
        source: &str,
        job: JobStep,
        max_items: u32,
        budget: &RunBudget,
    ) -> StoreResult<OpenedListRun>;

    /// Some runs of this age whose end was not recorded, the oldest first.
    async fn unfollowed_runs(&self, min_age: Duration) -> StoreResult<Vec<SourceRun>>;

    /// The run was started, under this id of the source. `false`: another id is on record for it, or another run under this id.
    async fn run_started(&self, id: Uuid, external_id: &str) -> StoreResult<bool>;

    /// The run has ended; only the first call counts. What it has cost replaces what was reserved, to the last millionth; of a run
    /// whose cost is unknown, the reservation stays, also of one that was started and is lost.
    /// Returns false for the others.
    async fn run_ended(&self, id: Uuid, end: RunEnd) -> StoreResult<bool>;

    /// The source's ids of the other runs that were recorded since this time.
    async fn ids_of_other_runs(&self, id: Uuid, since: Timestamp) -> StoreResult<HashSet<String>>;

    /// What a tenant spends today and in this month (UTC).
    async fn spending(&self, tenant_id: TenantId) -> StoreResult<TenantSpending>;
}

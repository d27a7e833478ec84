//! Jobs: durable long work, one step after another.

use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::{Page, StoreResult};
use crate::domain::{
    ItemStatus, Job, JobCounts, JobId, JobItem, JobKind, JobSpec, JobStatus, Listing, ProductSettings, TenantId,
};

/// A job to be created.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The owner.
    pub tenant_id: TenantId,
    /// What it does.
    pub spec: JobSpec,
    /// Who creates it.
    pub created_by: String,
    /// The inputs of its items, in their order. Many are added by its first steps ([`Jobs::expand_batch`]), so that the request does
    /// not wait for them.
    pub inputs: Vec<String>,
    /// Whether more items follow by [`Jobs::add_job_items`].
    pub is_receiving: bool,
    /// How many jobs of the tenant may be in progress, including this one; requested crawls do not count.
    pub quota: u32,
}

/// An item to be added to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewJobItem {
    /// Its place: one item each.
    pub place: u32,
    /// What the request said of it.
    pub input: String,
    /// Why it failed already.
    pub error: Option<String>,
}

/// Which jobs to list: all conditions that are set must hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// In this status.
    pub status: Option<JobStatus>,
}

/// The right to take the next step of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLease {
    /// The job.
    pub id: JobId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Fencing token: one higher at each claim, and when the job is cancelled.
    pub token: i64,
}

/// A job whose next step is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The lease.
    pub lease: JobLease,
    /// What it does.
    pub spec: JobSpec,
    /// The plan of the tenant.
    pub plan: String,
    /// Claims since the last step that succeeded, including this one.
    pub attempt: u16,
    /// Its items as of now.
    pub counts: JobCounts,
    /// The upload of its items has not ended, and should have.
    pub is_receiving: bool,
    /// False: items are to be added by [`Jobs::expand_batch`] or [`Jobs::add_listed`].
    pub is_expanded: bool,
    /// Pages of a list that were read.
    pub pages: u32,
}

/// What a page of a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPage {
    /// Its products, in their order.
    pub listings: Vec<Listing>,
    /// No further page is read.
    pub is_last: bool,
}

/// An item that no step has handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnprocessedItem {
    /// Its place.
    pub place: u32,
    /// What the request said of it.
    pub input: String,
}

/// An item whose listing is to be crawled.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// Its place.
    pub place: u32,
    /// The listing.
    pub listing: Listing,
}

/// An item whose product is to be added.
#[derive(Debug, Clone)]
pub struct ImportItem {
    /// Its place.
    pub place: u32,
    /// The listing with its settings, or why there is none.
    pub product: Result<(Listing, ProductSettings), String>,
}

/// The jobs of tenants. A step and the progress that it makes are one transaction: after a crash the job is carried on from its
/// last step.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Creates a job.
    ///
    /// # Errors
    /// [`OverQuota`](super::StoreError::OverQuota) `jobs`.
    async fn create_job(&self, job: NewJob) -> StoreResult<Job>;

    /// Adds items to a job that is receiving. An upload that adds none for `patience` counts as interrupted.
    ///
    /// # Errors
    /// [`NotFound`](super::StoreError::NotFound): it is not receiving.
    async fn add_job_items(
        &self,
        tenant_id: TenantId,
        id: JobId,
        items: Vec<NewJobItem>,
        patience: Duration,
    ) -> StoreResult<()>;

    /// All items were added: its first step is due.
    ///
    /// # Errors
    /// [`NotFound`](super::StoreError::NotFound): it is not receiving.
    async fn start_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job>;

    /// Deletes a job that is receiving: its upload was not valid.
    async fn discard_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<()>;

    /// A page of a tenant's jobs, newest first.
    async fn jobs(
        &self,
        tenant_id: TenantId,
        filter: JobFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<Job>>;

    /// One job of a tenant.
    async fn job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job>;

    /// A page of the items of a job, by their places.
    async fn job_items(
        &self,
        tenant_id: TenantId,
        id: JobId,
        status: Option<ItemStatus>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<JobItem>>;

    /// Cancels a job with its pending items. A step that is being taken has no effect any more; crawls that were requested may still
    /// run. A job that has ended stays as it is.
    async fn cancel_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job>;

    /// Starts a job again that has ended, with the items that have failed or were cancelled. Without any, it stays as it is.
    async fn retry_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job>;

    /// Claims up to `limit` jobs whose next step is due, the longest due first; or this one only, if it is.
    async fn claim_jobs(
        &self,
        limit: u32,
        lease: Duration,
        owner: &str,
        only: Option<JobId>,
    ) -> StoreResult<Vec<ClaimedJob>>;

    /// The time until the next step is due; `None`: no job is in progress.
    async fn next_job_in(&self) -> StoreResult<Option<Duration>>;

    /// The first items that no step has handled.
    async fn unprocessed_items(&self, lease: &JobLease, limit: u32) -> StoreResult<Vec<UnprocessedItem>>;

    // Steps. Each ends the lease, also when there was nothing to do.
    //
    // Errors: `NotFound("job")`, the lease was lost, and nothing was done.

    /// Adds up to `limit` items to a batch: of its inputs if it has any, otherwise the active products with this tag, or all.
    async fn expand_batch(&self, lease: &JobLease, tag: Option<&str>, limit: u32) -> StoreResult<()>;

    /// Adds an item for each product of a page that has none yet. With `adds`, those that the tenant does not watch are added as
    /// products, up to the quota; otherwise the items are done.
    async fn add_listed(
        &self,
        lease: &JobLease,
        page: ListedPage,
        adds: Option<(ProductSettings, u32)>,
    ) -> StoreResult<()>;

    /// Requests crawls of some items; those beyond `crawls_per_day` fail, and those whose listing is not watched. With `adds`,
    /// those are added as products first, up to the quota.
    async fn request_batch(
        &self,
        lease: &JobLease,
        items: Vec<BatchItem>,
        crawls_per_day: u32,
        adds: Option<(ProductSettings, u32)>,
    ) -> StoreResult<()>;

    /// Counts the items again. The job ends when all have; until then, the next step is due after a while.
    async fn settle_job(&self, lease: &JobLease) -> StoreResult<()>;

    /// Adds the products of some items, up to the quota. Listings that are watched already are skipped. With `is_dry_run` nothing
    /// is added, and the items end as they would.
    async fn import_items(
        &self,
        lease: &JobLease,
        items: Vec<ImportItem>,
        quota: u32,
        is_dry_run: bool,
    ) -> StoreResult<()>;

    /// Ends a job that cannot go on. Its pending items are cancelled.
    async fn fail_job(&self, lease: &JobLease, error: &str) -> StoreResult<()>;

    /// Gives a lease back after a step that failed: the next attempt is due after `pause`.
    async fn release_job(&self, lease: &JobLease, pause: Duration) -> StoreResult<()>;

    /// Gives a lease back because the step waits for something: the attempt does not count.
    async fn postpone_job(&self, lease: &JobLease, pause: Duration) -> StoreResult<()>;
}

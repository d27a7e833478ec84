//! Steps of durable long work, one file a kind, and the schedules that start it. A step does some of the items, and a crash
//! costs nothing but the step.

mod category;
mod crawl_batch;
pub mod import;
mod report;
mod report_mail;
mod schedules;

use std::sync::Arc;

use crate::config::Plans;
use crate::domain::{JobSpec, Marketplace};
use crate::sources::{ReadLists, ReadWholeLists};
use crate::store::{ClaimedJob, SharedStore, StoreResult};

pub use report::ReportTools;

/// Items of one step: more would hold too many locks in one transaction.
const ITEMS_PER_STEP: u32 = 250;
/// A job whose next step failed so often is given up.
const MAX_ATTEMPTS: u16 = 5;

/// What steps work with.
pub struct JobTools {
    /// The jobs and schedules.
    pub store: SharedStore,
    /// Quotas by plan.
    pub plans: Plans,
    /// The marketplace of an ASIN without one.
    pub default_marketplace: Marketplace,
    /// Reads lists of products.
    pub lists: Arc<dyn ReadLists>,
    /// Reads whole lists, if there is an actor for them. What it cannot read is read page by page.
    pub list_runs: Option<Arc<dyn ReadWholeLists>>,
    /// Jobs of one tenant that may be in progress.
    pub max_open: u32,
    /// What reports need.
    pub reports: ReportTools,
}

impl JobTools {
    /// Takes the next step of a job, and ends its lease.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreError::NotFound): the lease was lost. Whatever the error, nothing was done.
    pub async fn take_step(&self, job: &ClaimedJob) -> StoreResult<()> {
        if job.is_receiving {
            return self.store.fail_job(&job.lease, "the upload was interrupted").await;
        }
        if job.attempt > MAX_ATTEMPTS {
            let error = format!("a step failed {MAX_ATTEMPTS} times; the log of the server says why");
            return self.store.fail_job(&job.lease, &error).await;
        }
        match &job.spec {
            JobSpec::Crawl => self.store.settle_job(&job.lease).await,
            JobSpec::CrawlBatch { target, add } => crawl_batch::step(self, job, target, add.as_ref()).await,
            JobSpec::Category { url, pages, add } => category::step(self, job, url, *pages, add.as_ref()).await,
            JobSpec::Import { dry_run, defaults } => import::step(self, job, *dry_run, defaults).await,
            JobSpec::Report(spec) => report::step(self, job, spec).await,
        }
    }
}

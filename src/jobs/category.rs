//! Reads a bestseller list or search results, by a run of an actor or page by page, and adds what they show if it may.

use std::time::Duration;

use tokio::time::Instant;

use super::crawl_batch::settings_of;
use super::{JobTools, MAX_ATTEMPTS};
use crate::domain::{Failure, JobStep, ListUrl, Outcome, ProductDefaults};
use crate::sources::WholeList;
use crate::store::{ClaimedJob, JobLease, ListedPage, StoreResult};

/// Until a page that could not be read is tried again, times the number of attempts.
const RETRY: Duration = Duration::from_secs(30);
/// Less than the lease of a step: waiting for the rate limit takes part of it.
const MAX_READ: Duration = Duration::from_secs(45);
/// Until the run that reads a list is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(8);
/// Products on a page of a bestseller list.
const LIST_PAGE_ITEMS: u32 = 50;
/// Products of a bestseller list: two pages.
const MAX_LIST_ITEMS: u32 = 100;

/// Reads the next page.
pub(super) async fn step(
    tools: &JobTools,
    job: &ClaimedJob,
    url: &str,
    pages: u32,
    add: Option<&ProductDefaults>,
) -> StoreResult<()> {
    let store = &tools.store;
    if job.is_expanded {
        return store.settle_job(&job.lease).await;
    }
    let list = match ListUrl::parse(url) {
        Ok(list) => list,
        Err(error) => return store.fail_job(&job.lease, &error).await,
    };
    let products = tools.plans.of(&job.plan).products;
    let adds = add.map(|defaults| (settings_of(defaults), products));
    let until = Instant::now() + MAX_READ;
    if job.pages == 0 {
        match read_by_run(tools, &job.lease, &list, pages, until).await {
            Some(WholeList::Listed(listings)) => {
                return store.add_listed(&job.lease, ListedPage { is_last: true, listings }, adds).await;
            }
            Some(WholeList::Pending) => return store.postpone_job(&job.lease, LOOK_AGAIN).await,
            Some(WholeList::Unavailable(outcome)) => {
                let outcome = outcome.as_str();
                tracing::info!(job_id = %job.lease.id, outcome, "no run reads the list; its pages are requested");
            }
            None => {}
        }
    }
    let page = job.pages + 1;
    let read = tokio::time::timeout_at(until, tools.lists.read_list(&list, page)).await;
    match read.unwrap_or(Err(Outcome::Failed(Failure::Timeout))) {
        Ok(listings) => {
            let listed = ListedPage { is_last: page >= pages || listings.is_empty(), listings };
            store.add_listed(&job.lease, listed, adds).await
        }
        Err(outcome) if job.attempt >= MAX_ATTEMPTS => {
            let error = format!("page {page} could not be read: {}", outcome.as_str());
            store.fail_job(&job.lease, &error).await
        }
        Err(outcome) => {
            tracing::info!(job_id = %job.lease.id, page, outcome = outcome.as_str(), "a page of a list could not be read");
            store.release_job(&job.lease, RETRY * u32::from(job.attempt)).await
        }
    }
}

/// What a run of an actor makes of the list; `None`: there is no actor for it.
async fn read_by_run(
    tools: &JobTools,
    lease: &JobLease,
    list: &ListUrl,
    pages: u32,
    until: Instant,
) -> Option<WholeList> {
    let runs = tools.list_runs.as_ref().filter(|runs| runs.can_read(list))?;
    let step = JobStep { tenant_id: lease.tenant_id, job_id: lease.id, token: lease.token };
    let items = (pages * LIST_PAGE_ITEMS).min(MAX_LIST_ITEMS);
    let read = tokio::time::timeout_at(until, runs.read_whole(list, items, step)).await;
    Some(read.unwrap_or(WholeList::Pending))
}

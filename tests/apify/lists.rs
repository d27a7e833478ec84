//! Bestseller lists, read by a run of an actor: one run for a job, whatever is lost on the way.

use std::time::Duration;

use amazon_tracker::domain::{Failure, JobSpec, JobStep, ListUrl, Outcome, SourcePrice, SpendingLimits, TenantId};
use amazon_tracker::sources::apify::ApifyLists;
use amazon_tracker::sources::simulated::{ApifyFault, ApifyRequest, ApifyRunEnd};
use amazon_tracker::sources::{ReadWholeLists, WholeList};
use amazon_tracker::store::NewJob;

use jiff::Timestamp;
use uuid::Uuid;

use crate::market::Account;

const URL: &str = "https://www.amazon.com/gp/bestsellers/electronics";

/// A job that reads a list, with a step that has begun.
async fn job(account: &Account) -> JobStep {
    let tenant_id = TenantId::BUILT_IN;
    let new = NewJob {
        tenant_id,
        spec: JobSpec::Category { url: URL.to_owned(), pages: 1, add: None },
        created_by: "system".to_owned(),
        inputs: Vec::new(),
        is_receiving: false,
        quota: 10,
    };
    let id = account.store.create_job(new).await.unwrap().id;
    let claimed = account.store.claim_jobs(1, Duration::from_secs(60), "test", Some(id)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    JobStep { tenant_id, job_id: id, token: claimed[0].lease.token }
}

async fn look(lists: &ApifyLists, job: JobStep) -> WholeList {
    lists.read_whole(&ListUrl::parse(URL).unwrap(), 50, job).await
}

/// Looks again until the list is read, or cannot be.
async fn read(account: &Account, job: JobStep) -> Result<Vec<String>, Outcome> {
    loop {
        // Each time by another process.
        match look(&account.lists(), job).await {
            WholeList::Listed(listings) => return Ok(listings.iter().map(ToString::to_string).collect()),
            WholeList::Pending => {}
            WholeList::Unavailable(outcome) => return Err(outcome),
        }
    }
}

fn bestsellers(account: &Account, count: u32) -> Vec<String> {
    account.simulated.catalogue().products(count).map(|product| format!("com/{}", product.asin)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_by_one_run_and_its_cost_is_settled() {
    let mut account = Account::open().await;
    account.budget.price = SourcePrice::from_usd(0.01, 0.1);
    let job = job(&account).await;
    assert_eq!(read(&account, job).await.unwrap(), bestsellers(&account, 50));
    assert_eq!(read(&account, job).await.unwrap(), bestsellers(&account, 50), "a step that is taken again");
    assert_eq!(account.simulated.apify().inputs().len(), 1);
    assert_eq!(account.simulated.apify().inputs()[0]["categoryUrls"][0], URL);
    let spending = account.store.spending(TenantId::BUILT_IN).await.unwrap();
    let paid = account.metrics.source_cost_micros.with_label_values(&["apify"]).get();
    let of_apify = &spending.sources[0];
    assert!(paid > 0);
    assert_eq!((of_apify.settled_micros, of_apify.reserved_micros, of_apify.listings), (paid, 0, 50));
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_start_was_not_answered_is_found_and_not_started_again() {
    let account = Account::open().await;
    let job = job(&account).await;
    account.simulated.apify().fail_next(ApifyRequest::Start, ApifyFault::LostAnswer);
    assert_eq!(look(&account.lists(), job).await, WholeList::Pending);
    assert_eq!(read(&account, job).await.unwrap().len(), 50);
    assert_eq!(account.simulated.apify().inputs().len(), 1);
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_job_reads_the_list_anew() {
    let account = Account::open().await;
    for _ in 0..2 {
        let job = job(&account).await;
        assert_eq!(read(&account, job).await.unwrap().len(), 50);
    }
    assert_eq!(account.simulated.apify().inputs().len(), 2);
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_or_not_paid_for_starts_no_run() {
    let mut account = Account::open().await;
    let job = job(&account).await;
    let refusal = ApifyFault::Error(402, "not-enough-usage-to-run-paid-actor");
    account.simulated.apify().fail_next(ApifyRequest::Start, refusal);
    assert!(matches!(read(&account, job).await, Err(Outcome::Blocked(_))));
    account.budget.price = SourcePrice::from_usd(0.01, 0.0);
    account.budget.other_plans = SpendingLimits::from_usd(Some(0.49), None);
    assert_eq!(read(&account, job).await, Err(Outcome::Failed(Failure::OverBudget)));
    let refusals = account.metrics.budget_refusals.with_label_values(&["apify", "tenant"]).get();
    assert_eq!((refusals, account.simulated.apify().inputs().len()), (1, 0));
    account.budget.other_plans = SpendingLimits::default();
    assert_eq!(read(&account, job).await.unwrap().len(), 50, "the run that was refused answers nothing");
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_that_read_the_same_list_have_a_run_each() {
    let account = Account::open().await;
    let (first, second) = (job(&account).await, job(&account).await);
    account.simulated.apify().set_run_time(Duration::from_secs(5));
    account.simulated.apify().fail_next(ApifyRequest::Start, ApifyFault::LostAnswer);
    assert_eq!(look(&account.lists(), first).await, WholeList::Pending);
    assert_eq!(look(&account.lists(), second).await, WholeList::Pending);
    assert_eq!(look(&account.lists(), first).await, WholeList::Pending, "its own run is found, not that of the other");
    let ids = account.store.ids_of_other_runs(Uuid::nil(), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!((ids.len(), account.simulated.apify().inputs().len()), (2, 2));
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_badly_is_not_the_list() {
    let account = Account::open().await;
    let job = job(&account).await;
    account.simulated.apify().end_next_run(ApifyRunEnd::TimedOut);
    assert_eq!(read(&account, job).await, Err(Outcome::Failed(Failure::NotDelivered)));
    assert!(account.metrics.source_cost_micros.with_label_values(&["apify"]).get() > 0, "it is paid for");
    account.simulated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_has_lost_its_lease_starts_no_run() {
    let account = Account::open().await;
    let step = job(&account).await;
    account.store.cancel_job(step.tenant_id, step.job_id).await.unwrap();
    assert_eq!(look(&account.lists(), step).await, WholeList::Pending);
    assert!(account.simulated.apify().inputs().is_empty());
    account.simulated.stop().await;
}

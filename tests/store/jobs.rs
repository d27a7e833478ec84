//! Jobs: steps, their progress, and what becomes of them when a replica dies.

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    BatchItem, ClaimedJob, ImportItem, ItemsEnd, JobFilter, Lane, ListedPage, NewJob, NewJobItem, Next, StoreError,
};
use std::collections::BTreeSet;
use std::time::Duration;

use crate::fixture::*;

on_both_engines! {
    a_job_is_claimed_by_one_replica_and_again_after_its_lease,
    a_batch_requests_crawls_and_ends_with_the_last_of_them,
    the_items_of_a_long_batch_are_added_step_by_step,
    a_batch_of_a_tag_finds_its_products_in_bounded_steps,
    a_batch_adds_listings_that_are_not_watched_if_it_may,
    a_batch_stops_at_the_crawls_of_the_day,
    an_import_adds_each_listing_once_and_says_what_became_of_each_line,
    a_paused_product_is_imported_without_being_due,
    an_import_stops_at_the_quota_of_products,
    a_dry_run_adds_nothing,
    the_products_of_a_list_are_items_once_each,
    a_step_whose_lease_was_lost_does_nothing,
    a_cancelled_job_takes_no_further_step,
    the_failed_part_of_a_job_is_tried_again,
    an_upload_is_received_in_pieces,
    a_requested_crawl_is_a_job_that_ends_by_itself,
    only_so_many_jobs_are_in_progress,
    jobs_are_their_tenants_own,
    items_are_listed_by_status_in_pages,
}

fn item(place: u32) -> NewJobItem {
    NewJobItem { place, input: Listing::new(Marketplace::De, asin(place)).to_string(), error: None }
}

fn new_job(spec: JobSpec, items: std::ops::Range<u32>) -> NewJob {
    NewJob {
        tenant_id: US,
        spec,
        created_by: "system".to_owned(),
        inputs: items.map(|place| item(place).input).collect(),
        is_receiving: false,
        quota: u32::MAX,
    }
}

fn batch(target: CrawlTarget) -> JobSpec {
    JobSpec::CrawlBatch { target, add: None }
}

fn import(dry_run: bool) -> JobSpec {
    JobSpec::Import { dry_run, defaults: ProductDefaults::default() }
}

fn batch_items(places: std::ops::Range<u32>) -> Vec<BatchItem> {
    places.map(|place| BatchItem { place, listing: Listing::new(Marketplace::De, asin(place)) }).collect()
}

fn import_items(places: std::ops::Range<u32>) -> Vec<ImportItem> {
    let product = |n| Ok((Listing::new(Marketplace::De, asin(n)), ProductSettings::default()));
    places.map(|place| ImportItem { place, product: product(place) }).collect()
}

async fn claim(fixture: &Fixture) -> ClaimedJob {
    let mut claimed = fixture.store.claim_jobs(10, LEASE, "test", None).await.unwrap();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    claimed.remove(0)
}

async fn create(fixture: &Fixture, spec: JobSpec, items: std::ops::Range<u32>) -> JobId {
    fixture.store.create_job(new_job(spec, items)).await.unwrap().id
}

async fn job(fixture: &Fixture, id: JobId) -> Job {
    fixture.store.job(US, id).await.unwrap()
}

async fn items(fixture: &Fixture, id: JobId) -> Vec<JobItem> {
    fixture.store.job_items(US, id, None, None, 250).await.unwrap().items
}

fn counts(total: u64, done: u64, skipped: u64, failed: u64) -> JobCounts {
    JobCounts { total, done, skipped, failed, cancelled: 0 }
}

async fn a_job_is_claimed_by_one_replica_and_again_after_its_lease(fixture: &Fixture) {
    let id = create(fixture, import(false), 0..3).await;
    assert_eq!(fixture.store.next_job_in().await.unwrap(), Some(Duration::ZERO));
    let first = claim(fixture).await;
    assert_eq!((first.lease.id, first.lease.tenant_id, first.attempt), (id, US, 1));
    assert_eq!((first.is_receiving, first.is_expanded, first.counts), (false, true, counts(3, 0, 0, 0)));
    assert_eq!(first.spec, import(false));
    assert_eq!(job(fixture, id).await.status, JobStatus::Running);
    assert!(fixture.store.claim_jobs(10, LEASE, "other", None).await.unwrap().is_empty());
    assert_eq!(fixture.store.next_job_in().await.unwrap(), Some(LEASE));
    fixture.clock.advance(LEASE);
    let second = claim(fixture).await;
    assert_eq!((second.lease.token, second.attempt), (first.lease.token + 1, 2));
    fixture.store.release_job(&second.lease, HOUR).await.unwrap();
    assert_eq!(fixture.store.next_job_in().await.unwrap(), Some(HOUR));
}

async fn a_batch_requests_crawls_and_ends_with_the_last_of_them(fixture: &Fixture) {
    let watched = fixture.watch(0).await;
    fixture.watch(1).await;
    fixture.see_all(500).await;
    let id = create(fixture, batch(CrawlTarget::Listings), 0..3).await;
    let claimed = claim(fixture).await;
    let unprocessed = fixture.store.unprocessed_items(&claimed.lease, 10).await.unwrap();
    assert_eq!(unprocessed.iter().map(|item| item.place).collect::<Vec<_>>(), [0, 1, 2]);
    fixture.store.request_batch(&claimed.lease, batch_items(0..3), 10, None).await.unwrap();
    let found = items(fixture, id).await;
    assert_eq!(found[0].product_id, Some(watched.id));
    assert_eq!(found[2].error.as_deref(), Some("the listing is not tracked"));
    assert_eq!(job(fixture, id).await.counts, counts(3, 0, 0, 1));
    // Behind what somebody waits for.
    assert!(fixture.claim_from(Lane::Requested, 5).await.is_empty());
    let crawls = fixture.claim(5).await;
    assert_eq!(crawls.len(), 2);
    assert_eq!(items(fixture, id).await[0].status, ItemStatus::Running);
    let settling = claim(fixture).await;
    assert!(fixture.store.unprocessed_items(&settling.lease, 10).await.unwrap().is_empty());
    fixture.store.settle_job(&settling.lease).await.unwrap();
    assert_eq!(job(fixture, id).await.status, JobStatus::Running);
    assert!(fixture.store.claim_jobs(10, LEASE, "test", None).await.unwrap().is_empty(), "not at once");
    for crawl in &crawls {
        fixture.commit(seen(crawl, 600, fixture.now().await)).await;
    }
    fixture.clock.advance(2 * SECOND);
    fixture.store.settle_job(&claim(fixture).await.lease).await.unwrap();
    let ended = job(fixture, id).await;
    assert_eq!((ended.status, ended.counts), (JobStatus::Failed, counts(3, 2, 0, 1)));
    assert_eq!((ended.finished_at, ended.updated_at), (Some(fixture.now().await), fixture.now().await));
    assert_eq!(fixture.store.next_job_in().await.unwrap(), None);
}

async fn the_items_of_a_long_batch_are_added_step_by_step(fixture: &Fixture) {
    let id = create(fixture, batch(CrawlTarget::Listings), 0..600).await;
    assert_eq!((job(fixture, id).await.counts.total, items(fixture, id).await.len()), (600, 0));
    for (is_expanded, known) in [(false, 250), (false, 500), (false, 600)] {
        let claimed = claim(fixture).await;
        assert_eq!(claimed.is_expanded, is_expanded);
        fixture.store.expand_batch(&claimed.lease, None, 250).await.unwrap();
        assert_eq!(fixture.number("SELECT count(*) FROM job_item").await, known);
    }
    let claimed = claim(fixture).await;
    assert_eq!((claimed.is_expanded, claimed.counts), (true, counts(600, 0, 0, 0)));
    let all = fixture.store.unprocessed_items(&claimed.lease, 1000).await.unwrap();
    let expected: Vec<String> = (0..600).map(|n| format!("de/{}", asin(n))).collect();
    assert_eq!(all.into_iter().map(|item| item.input).collect::<Vec<_>>(), expected);
    assert_eq!(fixture.number("SELECT count(inputs) FROM job").await, 0, "they are no longer needed");
}

async fn a_batch_of_a_tag_finds_its_products_in_bounded_steps(fixture: &Fixture) {
    for n in 0..5 {
        let mut product = new_product(US, n);
        product.settings.tags = vec![if n == 2 { "other" } else { "toys" }.to_owned()];
        product.settings.status = if n == 3 { ProductStatus::Paused } else { ProductStatus::Active };
        fixture.store.add_product(product).await.unwrap();
    }
    let id = create(fixture, batch(CrawlTarget::Tag("toys".to_owned())), 0..0).await;
    for (is_expanded, total) in [(false, 2), (false, 3)] {
        let claimed = claim(fixture).await;
        assert_eq!(claimed.is_expanded, is_expanded);
        fixture.store.expand_batch(&claimed.lease, Some("toys"), 2).await.unwrap();
        assert_eq!(job(fixture, id).await.counts.total, total);
    }
    assert!(claim(fixture).await.is_expanded);
    let inputs: Vec<String> = items(fixture, id).await.into_iter().filter_map(|item| item.input).collect();
    assert_eq!(inputs, [0, 1, 4].map(|n| format!("de/{}", asin(n))));
    let empty = create(fixture, batch(CrawlTarget::Tag("none".to_owned())), 0..0).await;
    fixture.store.expand_batch(&claim(fixture).await.lease, Some("none"), 2).await.unwrap();
    assert_eq!(job(fixture, empty).await.status, JobStatus::Done);
}

async fn a_batch_adds_listings_that_are_not_watched_if_it_may(fixture: &Fixture) {
    fixture.watch(0).await;
    let id = create(fixture, batch(CrawlTarget::Listings), 0..3).await;
    let settings = ProductSettings { tags: vec!["new".to_owned()], ..ProductSettings::default() };
    let lease = claim(fixture).await.lease;
    fixture.store.request_batch(&lease, batch_items(0..3), 10, Some((settings, 2))).await.unwrap();
    let found = items(fixture, id).await;
    let product = fixture.store.product(US, found[1].product_id.unwrap()).await.unwrap();
    assert_eq!((product.listing.asin, product.settings.tags), (asin(1), vec!["new".to_owned()]));
    assert_eq!((found[2].status, found[2].error.as_deref()), (ItemStatus::Failed, Some("the plan allows 2 products")));
    assert_eq!(fixture.claim(5).await.len(), 2);
}

async fn a_batch_stops_at_the_crawls_of_the_day(fixture: &Fixture) {
    let products = [fixture.watch(0).await, fixture.watch(1).await, fixture.watch(2).await];
    fixture.store.request_crawl(US, &[products[0].id], 2).await.unwrap();
    let id = create(fixture, batch(CrawlTarget::Listings), 0..3).await;
    fixture.store.request_batch(&claim(fixture).await.lease, batch_items(0..3), 2, None).await.unwrap();
    let statuses: Vec<ItemStatus> = items(fixture, id).await.iter().map(|item| item.status).collect();
    assert_eq!(statuses, [ItemStatus::Pending, ItemStatus::Failed, ItemStatus::Failed]);
    assert_eq!(fixture.store.usage(US).await.unwrap().crawls_today, 2);
}

async fn an_import_adds_each_listing_once_and_says_what_became_of_each_line(fixture: &Fixture) {
    let watched = fixture.watch(1).await;
    let id = create(fixture, import(false), 0..4).await;
    let mut lines = import_items(0..3);
    lines[2].product = lines[0].product.clone();
    lines.push(ImportItem { place: 3, product: Err("listing: no".to_owned()) });
    let settings = ProductSettings {
        label: Some("Dot".to_owned()),
        tags: vec!["a".to_owned(), "b".to_owned()],
        frequency: Frequency::HOURLY,
        is_competitor: true,
        status: ProductStatus::Active,
        offers_interval: Some(Interval::HOURLY),
    };
    lines[0].product = Ok((Listing::new(Marketplace::De, asin(0)), settings.clone()));
    fixture.store.import_items(&claim(fixture).await.lease, lines, 10, false).await.unwrap();
    let found = items(fixture, id).await;
    let statuses: Vec<ItemStatus> = found.iter().map(|item| item.status).collect();
    assert_eq!(statuses, [ItemStatus::Done, ItemStatus::Skipped, ItemStatus::Skipped, ItemStatus::Failed]);
    assert_eq!((found[1].product_id, found[3].error.as_deref()), (Some(watched.id), Some("listing: no")));
    let added = fixture.store.product(US, found[0].product_id.unwrap()).await.unwrap();
    assert_eq!((added.listing.asin, added.settings), (asin(0), settings));
    let ended = job(fixture, id).await;
    assert_eq!((ended.status, ended.counts), (JobStatus::Failed, counts(4, 1, 2, 1)));
    assert_eq!(fixture.claim(5).await.len(), 2, "what was added is due");
    assert_eq!(fixture.number("SELECT count(*) FROM product").await, 2);
}

async fn a_paused_product_is_imported_without_being_due(fixture: &Fixture) {
    create(fixture, import(false), 0..1).await;
    let paused = ProductSettings { status: ProductStatus::Paused, ..ProductSettings::default() };
    let items = vec![ImportItem { place: 0, product: Ok((Listing::new(Marketplace::De, asin(0)), paused)) }];
    fixture.store.import_items(&claim(fixture).await.lease, items, 10, false).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM product").await, 1);
    assert!(fixture.claim(5).await.is_empty());
}

async fn an_import_stops_at_the_quota_of_products(fixture: &Fixture) {
    fixture.watch(0).await;
    let id = create(fixture, import(false), 0..4).await;
    fixture.store.import_items(&claim(fixture).await.lease, import_items(0..4), 3, false).await.unwrap();
    assert_eq!(job(fixture, id).await.counts, counts(4, 2, 1, 1));
    assert_eq!(items(fixture, id).await[3].error.as_deref(), Some("the plan allows 3 products"));
    assert_eq!(fixture.number("SELECT count(*) FROM product").await, 3);
}

async fn a_dry_run_adds_nothing(fixture: &Fixture) {
    fixture.watch(0).await;
    let id = create(fixture, import(true), 0..5).await;
    fixture.store.import_items(&claim(fixture).await.lease, import_items(0..3), 4, true).await.unwrap();
    fixture.store.import_items(&claim(fixture).await.lease, import_items(3..5), 4, true).await.unwrap();
    let ended = job(fixture, id).await;
    assert_eq!((ended.status, ended.counts), (JobStatus::Failed, counts(5, 3, 1, 1)));
    assert_eq!(items(fixture, id).await[4].error.as_deref(), Some("the plan allows 4 products"));
    assert_eq!(fixture.number("SELECT count(*) FROM listing").await, 1);
}

async fn the_products_of_a_list_are_items_once_each(fixture: &Fixture) {
    let watched = fixture.watch(1).await;
    let spec = JobSpec::Category { url: "https://www.amazon.de/s?k=x".to_owned(), pages: 3, add: None };
    let id = create(fixture, spec, 0..0).await;
    let page = |listings: std::ops::Range<u32>, is_last| ListedPage {
        listings: listings.map(|n| Listing::new(Marketplace::De, asin(n))).collect(),
        is_last,
    };
    let first = claim(fixture).await;
    assert_eq!((first.pages, first.is_expanded), (0, false));
    fixture.store.add_listed(&first.lease, page(0..3, false), None).await.unwrap();
    let second = claim(fixture).await;
    assert_eq!((second.pages, second.counts), (1, counts(3, 3, 0, 0)));
    let adds = Some((ProductSettings::default(), 2));
    fixture.store.add_listed(&second.lease, page(2..5, true), adds).await.unwrap();
    let found = items(fixture, id).await;
    let inputs: Vec<String> = found.iter().filter_map(|item| item.input.clone()).collect();
    assert_eq!(inputs, (0..5).map(|n| format!("de/{}", asin(n))).collect::<Vec<_>>());
    assert_eq!((found[1].product_id, found[0].product_id), (Some(watched.id), None));
    let ended = job(fixture, id).await;
    assert_eq!((ended.status, ended.counts), (JobStatus::Failed, counts(5, 4, 0, 1)), "the quota was two");
}

async fn a_step_whose_lease_was_lost_does_nothing(fixture: &Fixture) {
    let id = create(fixture, import(false), 0..2).await;
    let lost = claim(fixture).await.lease;
    fixture.clock.advance(LEASE);
    let held = claim(fixture).await.lease;
    let late = fixture.store.import_items(&lost, import_items(0..2), 10, false).await;
    assert!(matches!(late, Err(StoreError::NotFound("job"))), "{late:?}");
    assert_eq!((fixture.number("SELECT count(*) FROM product").await, job(fixture, id).await.counts.done), (0, 0));
    fixture.store.import_items(&held, import_items(0..2), 10, false).await.unwrap();
    // Its answer was lost, and it is sent again.
    assert!(fixture.store.import_items(&held, import_items(0..2), 10, false).await.is_err());
    assert_eq!(job(fixture, id).await.counts, counts(2, 2, 0, 0));
}

async fn a_cancelled_job_takes_no_further_step(fixture: &Fixture) {
    let id = create(fixture, import(false), 0..3).await;
    fixture.store.import_items(&claim(fixture).await.lease, import_items(0..1), 10, false).await.unwrap();
    let lease = claim(fixture).await.lease;
    let cancelled = fixture.store.cancel_job(US, id).await.unwrap();
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(cancelled.counts, JobCounts { total: 3, done: 1, cancelled: 2, ..JobCounts::default() });
    assert!(fixture.store.import_items(&lease, import_items(1..3), 10, false).await.is_err());
    fixture.clock.advance(LEASE);
    assert!(fixture.store.claim_jobs(10, LEASE, "test", None).await.unwrap().is_empty());
    assert_eq!(fixture.store.cancel_job(US, id).await.unwrap(), cancelled);
    assert!(matches!(fixture.store.fail_job(&lease, "x").await, Err(StoreError::NotFound("job"))));
}

async fn the_failed_part_of_a_job_is_tried_again(fixture: &Fixture) {
    let id = create(fixture, import(false), 0..3).await;
    fixture.store.import_items(&claim(fixture).await.lease, import_items(0..3), 1, false).await.unwrap();
    assert_eq!(job(fixture, id).await.counts, counts(3, 1, 0, 2));
    fixture.clock.advance(HOUR);
    let again = fixture.store.retry_job(US, id).await.unwrap();
    assert_eq!((again.status, again.counts, again.ended_before), (JobStatus::Pending, counts(3, 1, 0, 0), 1));
    assert_eq!((again.started_at, again.finished_at), (None, None));
    let claimed = claim(fixture).await;
    let left = fixture.store.unprocessed_items(&claimed.lease, 10).await.unwrap();
    assert_eq!(left.iter().map(|item| item.place).collect::<Vec<_>>(), [1, 2]);
    fixture.store.import_items(&claimed.lease, import_items(1..3), 10, false).await.unwrap();
    let done = fixture.store.retry_job(US, id).await.unwrap();
    assert_eq!((done.status, done.counts), (JobStatus::Done, counts(3, 3, 0, 0)), "nothing is left to try");
}

async fn an_upload_is_received_in_pieces(fixture: &Fixture) {
    let receiving = NewJob { is_receiving: true, ..new_job(import(false), 0..0) };
    let id = fixture.store.create_job(receiving.clone()).await.unwrap().id;
    assert!(fixture.store.claim_jobs(10, LEASE, "test", None).await.unwrap().is_empty());
    let broken = NewJobItem { error: Some("no".to_owned()), ..item(7) };
    fixture.store.add_job_items(US, id, vec![item(2), item(5), broken], HOUR).await.unwrap();
    let started = fixture.store.start_job(US, id).await.unwrap();
    assert_eq!((started.status, started.counts), (JobStatus::Pending, counts(3, 0, 0, 1)));
    assert!(fixture.store.add_job_items(US, id, vec![item(9)], HOUR).await.is_err(), "it has begun");
    assert!(!claim(fixture).await.is_receiving);
    // One that is interrupted comes to the end of its patience.
    let lost = fixture.store.create_job(receiving.clone()).await.unwrap().id;
    fixture.store.add_job_items(US, lost, vec![item(1)], HOUR).await.unwrap();
    fixture.clock.advance(HOUR);
    let claimed: Vec<ClaimedJob> = fixture.store.claim_jobs(10, LEASE, "test", None).await.unwrap();
    let claimed = claimed.iter().find(|claimed| claimed.lease.id == lost).unwrap();
    assert!(claimed.is_receiving);
    fixture.store.fail_job(&claimed.lease, "interrupted").await.unwrap();
    let ended = job(fixture, lost).await;
    assert_eq!((ended.status, ended.error.as_deref()), (JobStatus::Failed, Some("interrupted")));
    // One that is not valid is discarded.
    let wrong = fixture.store.create_job(receiving).await.unwrap().id;
    fixture.store.add_job_items(US, wrong, vec![item(1)], HOUR).await.unwrap();
    fixture.store.discard_job(US, wrong).await.unwrap();
    assert!(matches!(fixture.store.job(US, wrong).await, Err(StoreError::NotFound("job"))));
}

async fn a_requested_crawl_is_a_job_that_ends_by_itself(fixture: &Fixture) {
    let product = fixture.watch(0).await;
    let task = fixture.store.request_crawl(US, &[product.id], 10).await.unwrap();
    let open = job(fixture, task.id).await;
    assert_eq!((open.spec, open.status, open.counts.total), (JobSpec::Crawl, JobStatus::Pending, 1));
    let crawl = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    let failed = amazon_tracker::store::Commit { job_items: ItemsEnd::Failed, ..failed(&crawl, Next::Due(DAY)) };
    fixture.commit(failed).await;
    fixture.clock.advance(SECOND);
    fixture.store.settle_job(&claim(fixture).await.lease).await.unwrap();
    let ended = job(fixture, task.id).await;
    assert_eq!((ended.status, ended.counts), (JobStatus::Failed, counts(1, 0, 0, 1)));
    // It is requested again by a new task.
    assert_eq!(fixture.store.retry_job(US, task.id).await.unwrap(), ended);
}

async fn only_so_many_jobs_are_in_progress(fixture: &Fixture) {
    let product = fixture.watch(0).await;
    fixture.store.request_crawl(US, &[product.id], 10).await.unwrap();
    let job = NewJob { quota: 2, ..new_job(import(false), 0..1) };
    let first = fixture.store.create_job(job.clone()).await.unwrap().id;
    fixture.store.create_job(job.clone()).await.unwrap();
    let third = fixture.store.create_job(job.clone()).await;
    assert!(matches!(third, Err(StoreError::OverQuota { quota: "jobs", limit: 2 })), "{third:?}");
    fixture.store.cancel_job(US, first).await.unwrap();
    fixture.store.create_job(job).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM job WHERE kind = 'import'").await, 3);
}

async fn jobs_are_their_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    let id = create(fixture, import(false), 0..1).await;
    for refused in [
        fixture.store.job(THEM, id).await.err(),
        fixture.store.cancel_job(THEM, id).await.err(),
        fixture.store.retry_job(THEM, id).await.err(),
        fixture.store.job_items(THEM, id, None, None, 9).await.err(),
        fixture.store.add_job_items(THEM, id, vec![item(3)], HOUR).await.err(),
        fixture.store.start_job(THEM, id).await.err(),
    ] {
        assert!(matches!(refused, Some(StoreError::NotFound("job"))), "{refused:?}");
    }
    fixture.store.discard_job(THEM, id).await.unwrap();
    assert!(fixture.store.jobs(THEM, JobFilter::default(), None, 9).await.unwrap().items.is_empty());
    assert_eq!(job(fixture, id).await.status, JobStatus::Pending);
}

async fn items_are_listed_by_status_in_pages(fixture: &Fixture) {
    let id = create(fixture, import(false), 0..7).await;
    fixture.store.import_items(&claim(fixture).await.lease, import_items(0..5), 2, false).await.unwrap();
    let (mut places, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = fixture.store.job_items(US, id, Some(ItemStatus::Failed), cursor.as_deref(), 2).await.unwrap();
        assert!(page.items.iter().all(|item| item.status == ItemStatus::Failed));
        places.extend(page.items.iter().map(|item| item.place));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(Vec::from_iter(places), [2, 3, 4]);
    let other = create(fixture, import(false), 0..1).await;
    let first = fixture.store.job_items(US, id, None, None, 2).await.unwrap();
    let foreign = fixture.store.job_items(US, other, None, first.next_cursor.as_deref(), 2).await;
    assert!(matches!(foreign, Err(StoreError::InvalidCursor)));
    let filter = JobFilter { kind: Some(JobKind::Import), status: Some(JobStatus::Pending) };
    let pending = fixture.store.jobs(US, filter, None, 9).await.unwrap().items;
    assert_eq!(pending.iter().map(|job| job.id).collect::<Vec<_>>(), [other]);
}

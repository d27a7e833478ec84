//! "Check now".

use amazon_tracker::domain::{JobId, JobStatus, Marketplace, ProductId, ProductStatus};
use amazon_tracker::store::{Commit, ItemsEnd, Lane, Next, ProductPatch, StoreError};

use crate::fixture::*;

on_both_engines! {
    a_request_moves_an_idle_listing_to_the_front,
    a_request_during_a_crawl_changes_nothing_and_shares_it,
    a_task_is_done_when_every_product_of_it_is,
    many_tasks_for_one_listing_end_together,
    a_task_waits_over_a_retry_and_fails_for_good,
    a_paused_product_can_be_asked_for,
    a_parked_listing_is_woken,
    a_product_asked_for_twice_is_one_item,
    a_foreign_product_spoils_the_whole_request,
    a_task_is_its_tenants_own,
    the_pending_tasks_of_a_parked_listing_fail,
}

async fn a_request_moves_an_idle_listing_to_the_front(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(500).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    assert_eq!((task.status(), task.created_at), (JobStatus::Pending, fixture.now().await));
    assert_eq!(fixture.store.task(US, task.id).await.unwrap(), task);
    let claim = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    assert_eq!(fixture.store.task(US, task.id).await.unwrap().status(), JobStatus::Running);
    fixture.commit(seen(&claim, 500, fixture.now().await)).await;
    let task = fixture.store.task(US, task.id).await.unwrap();
    assert_eq!((task.status(), task.finished_at()), (JobStatus::Done, Some(fixture.now().await)));
    assert_eq!(task.items[0].outcome.as_deref(), Some("observed"));
}

async fn a_request_during_a_crawl_changes_nothing_and_shares_it(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    assert_eq!(task.status(), JobStatus::Running);
    assert!(fixture.claim_from(Lane::Requested, 1).await.is_empty());
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(LEASE));
    fixture.commit(seen(&claim, 500, fixture.now().await)).await;
    assert_eq!(fixture.store.task(US, task.id).await.unwrap().status(), JobStatus::Done);
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(DAY), "one crawl was enough");
}

async fn a_task_is_done_when_every_product_of_it_is(fixture: &Fixture) {
    let products = [fixture.watch(1).await, fixture.watch(2).await];
    let task = fixture.store.request_crawl(US, &products.each_ref().map(|product| product.id), u32::MAX).await.unwrap();
    assert_eq!(task.items.iter().map(|item| item.product_id).collect::<Vec<_>>(), products.map(|product| product.id));
    let claims = fixture.claim_from(Lane::Requested, 2).await;
    fixture.commit(seen(&claims[0], 500, fixture.now().await)).await;
    assert_eq!(fixture.store.task(US, task.id).await.unwrap().status(), JobStatus::Running);
    fixture.commit(seen(&claims[1], 500, fixture.now().await)).await;
    assert_eq!(fixture.store.task(US, task.id).await.unwrap().status(), JobStatus::Done);
}

async fn many_tasks_for_one_listing_end_together(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let mut tasks = Vec::new();
    for _ in 0..10 {
        tasks.push(fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap().id);
    }
    let claims = fixture.claim_from(Lane::Requested, 10).await;
    assert_eq!(claims.len(), 1);
    fixture.commit(seen(&claims[0], 500, fixture.now().await)).await;
    for task in tasks {
        assert_eq!(fixture.store.task(US, task).await.unwrap().status(), JobStatus::Done);
    }
}

async fn a_task_waits_over_a_retry_and_fails_for_good(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    let claim = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    fixture.commit(failed(&claim, Next::Retry(HOUR))).await;
    assert_eq!(fixture.store.task(US, task.id).await.unwrap().status(), JobStatus::Pending);
    fixture.clock.advance(HOUR);
    let claim = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    fixture.commit(Commit { job_items: ItemsEnd::Failed, ..failed(&claim, Next::Due(DAY)) }).await;
    let task = fixture.store.task(US, task.id).await.unwrap();
    assert_eq!((task.status(), task.items[0].outcome.as_deref()), (JobStatus::Failed, Some("failed_timeout")));
}

async fn a_paused_product_can_be_asked_for(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let pause = ProductPatch { status: Some(ProductStatus::Paused), ..ProductPatch::default() };
    fixture.store.update_product(US, product.id, &pause).await.unwrap();
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    fixture.store.update_product(US, product.id, &pause).await.unwrap();
    let claim = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    assert_eq!(claim.interval(), None);
    fixture.commit(Commit { next: Next::Parked, ..seen(&claim, 500, fixture.now().await) }).await;
    assert_eq!(fixture.store.task(US, task.id).await.unwrap().status(), JobStatus::Done);
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), None);
}

async fn a_parked_listing_is_woken(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    fixture.commit(failed(&claim, Next::Parked)).await;
    fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    let claim = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    assert_eq!((claim.token, claim.attempt), (2, 1));
}

async fn a_product_asked_for_twice_is_one_item(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let task = fixture.store.request_crawl(US, &[product.id, product.id], u32::MAX).await.unwrap();
    assert_eq!(task.items.len(), 1);
}

async fn a_foreign_product_spoils_the_whole_request(fixture: &Fixture) {
    fixture.add_tenant().await;
    let ours = fixture.watch(1).await;
    fixture.see(500).await;
    let theirs = fixture.store.add_product(new_product(THEM, 2)).await.unwrap();
    for stranger in [theirs.id, ProductId::new()] {
        let answer = fixture.store.request_crawl(US, &[ours.id, stranger], u32::MAX).await;
        assert!(matches!(answer, Err(StoreError::NotFound(_))));
    }
    assert!(fixture.claim_from(Lane::Requested, 10).await.is_empty());
    assert_eq!(fixture.number("SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM job_item)").await, 0);
}

async fn a_task_is_its_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    let product = fixture.watch(1).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    assert!(matches!(fixture.store.task(THEM, task.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(fixture.store.task(US, JobId::new()).await, Err(StoreError::NotFound(_))));
}

async fn the_pending_tasks_of_a_parked_listing_fail(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    fixture.claim_from(Lane::Requested, 1).await;
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.store.park_failing(1, 10).await.unwrap(), 1);
    let task = fixture.store.task(US, task.id).await.unwrap();
    assert_eq!((task.status(), task.items[0].outcome.as_deref()), (JobStatus::Failed, Some("failed_panicked")));
}

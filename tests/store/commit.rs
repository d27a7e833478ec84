//! The end of a crawl: fenced, whole, and with one effect however often it is written.

use amazon_tracker::domain::{Marketplace, ProductStatus, Series};
use amazon_tracker::store::{Commit, ItemsEnd, Next, ProductPatch, RuleFilter};

use crate::fixture::*;

on_both_engines! {
    a_crawl_is_written_as_a_whole,
    a_stale_commit_writes_nothing_of_all,
    a_failed_crawl_leaves_the_state_and_records_its_outcome,
    a_lease_that_is_given_back_is_no_crawl,
    a_batch_answers_in_order_and_refuses_only_the_stale,
    the_same_commit_twice_has_one_effect,
    a_commit_that_comes_again_moves_no_lease,
    two_commits_of_one_lease_in_a_batch_do_no_harm,
    a_success_forgets_the_attempts,
    a_retry_keeps_lane_and_attempts,
    a_postponed_crawl_does_not_count,
    a_parked_listing_waits_until_somebody_asks,
    a_rule_moves_only_from_where_it_was_read,
    a_rule_that_was_removed_meanwhile_has_no_deliveries,
    a_rule_added_during_a_crawl_gets_a_crawl_of_its_own,
    a_shorter_interval_during_a_crawl_counts_from_now,
    removing_the_last_product_during_a_crawl_parks_the_listing,
    a_request_during_a_crawl_overrides_parking,
    a_page_that_states_another_asin_is_refused_with_its_points,
    an_empty_batch_is_no_work,
}

async fn a_crawl_is_written_as_a_whole(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    let claim = fixture.claim_from(amazon_tracker::store::Lane::Requested, 1).await.remove(0);
    let commit = seen(&claim, 900, fixture.now().await);
    assert!(fixture.commit(commit.clone()).await);

    let product = fixture.store.product(US, product.id).await.unwrap();
    assert_eq!(Some(&product.state), commit.state.as_ref());
    assert_eq!(product.last_outcome.as_deref(), Some("observed"));
    assert_eq!(product.last_crawled_at, Some(fixture.now().await));
    assert_eq!(product.next_crawl_at, Some(fixture.now().await + DAY));
    let points = fixture.store.points(product.listing_id, Series::ALL, None, None, 100).await.unwrap();
    assert_eq!(points.len(), commit.points.len());
    let events = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(events.len(), 1);
    assert_eq!(Some(&events[0].event), commit.rule_steps[0].event.as_ref());
    assert_eq!(events[0].deliveries.len(), 1);
    let rules = fixture.store.rules(US, &RuleFilter::default(), None, 10).await.unwrap().items;
    assert_eq!((rules[0].is_armed, rules[0].crossings), (false, 1));
    assert_eq!(
        {
            fixture.clock.advance(DAY * 2);
            fixture.claim_one().await
        }
        .rules[0]
            .state,
        commit.rule_steps[0].after
    );
}

async fn a_stale_commit_writes_nothing_of_all(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    let claim = fixture.claim_from(amazon_tracker::store::Lane::Requested, 1).await.remove(0);
    let stale = Commit { token: claim.token - 1, ..seen(&claim, 900, fixture.now().await) };
    assert!(!fixture.commit(stale).await);
    let after = fixture.store.product(US, product.id).await.unwrap();
    assert_eq!((after.state, after.last_outcome, after.last_crawled_at), (product.state, None, None));
    assert!(fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.is_empty());
    assert_eq!(fixture.number("SELECT (SELECT count(*) FROM point) + (SELECT count(*) FROM delivery)").await, 0);
    assert_eq!(fixture.store.rules(US, &RuleFilter::default(), None, 10).await.unwrap().items[0].crossings, 0);
    assert!(!fixture.store.task(US, task.id).await.unwrap().status().is_final());
}

async fn a_failed_crawl_leaves_the_state_and_records_its_outcome(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(900).await;
    fixture.clock.advance(DAY);
    let claim = fixture.claim_one().await;
    assert!(fixture.commit(failed(&claim, Next::Retry(HOUR))).await);
    let after = fixture.store.product(US, product.id).await.unwrap();
    assert_eq!(after.state, claim.state);
    assert_eq!(after.last_outcome.as_deref(), Some("failed_timeout"));
    assert_eq!(after.last_crawled_at, Some(fixture.now().await));
}

async fn a_lease_that_is_given_back_is_no_crawl(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(900).await;
    let looked_at = fixture.now().await;
    fixture.clock.advance(DAY);
    let claim = fixture.claim_one().await;
    assert!(fixture.commit(Commit { outcome: None, ..failed(&claim, Next::Postponed(HOUR)) }).await);
    let after = fixture.store.product(US, product.id).await.unwrap();
    assert_eq!((after.last_outcome.as_deref(), after.last_crawled_at), (Some("observed"), Some(looked_at)));
    assert_eq!(after.next_crawl_at, Some(fixture.now().await + HOUR));
}

async fn a_batch_answers_in_order_and_refuses_only_the_stale(fixture: &Fixture) {
    for n in 0..3 {
        fixture.watch(n).await;
    }
    let claims = fixture.claim(3).await;
    let now = fixture.now().await;
    let mut commits: Vec<Commit> = claims.iter().map(|claim| seen(claim, 500, now)).collect();
    commits[1].token += 1;
    let committed = fixture.store.commit(&commits).await.unwrap();
    assert_eq!(committed.iter().map(|one| one.recorded).collect::<Vec<_>>(), [true, false, true]);
    assert!(committed.iter().zip(&commits).all(|(one, commit)| one.listing_id == commit.listing_id));
}

async fn the_same_commit_twice_has_one_effect(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    let claim = fixture.claim_one().await;
    let commit = seen(&claim, 900, fixture.now().await);
    assert!(fixture.commit(commit.clone()).await);
    assert!(fixture.commit(commit.clone()).await, "the answer was lost, not the lease");
    let events = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items;
    assert_eq!((events.len(), events[0].deliveries.len()), (1, 1));
    assert_eq!(fixture.number("SELECT count(*) FROM point").await, commit.points.len() as i64);
    assert_eq!(fixture.store.rules(US, &RuleFilter::default(), None, 10).await.unwrap().items[0].crossings, 1);
}

async fn a_commit_that_comes_again_moves_no_lease(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.see(900).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    fixture.commit(seen(&claim, 900, fixture.now().await)).await;
    assert_eq!(fixture.claim_from(amazon_tracker::store::Lane::Requested, 1).await.len(), 1, "still asked for");
    assert!(!fixture.store.task(US, task.id).await.unwrap().status().is_final());
}

async fn two_commits_of_one_lease_in_a_batch_do_no_harm(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    let claim = fixture.claim_one().await;
    let now = fixture.now().await;
    let batch = [seen(&claim, 900, now), seen(&claim, 800, now), Commit { token: 77, ..seen(&claim, 700, now) }];
    let committed = fixture.store.commit(&batch).await.unwrap();
    assert_eq!(committed.iter().map(|one| one.recorded).collect::<Vec<_>>(), [true, false, false]);
    let state = fixture.store.product(US, product.id).await.unwrap().state;
    assert_eq!(state.number(Series::Price), Some(900));
    assert_eq!(fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.len(), 1);
}

async fn a_success_forgets_the_attempts(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.claim_one().await;
    fixture.clock.advance(LEASE);
    let second = fixture.claim_one().await;
    assert_eq!(second.attempt, 2);
    fixture.commit(seen(&second, 500, fixture.now().await)).await;
    fixture.clock.advance(DAY);
    assert_eq!(fixture.claim_one().await.attempt, 1);
}

async fn a_retry_keeps_lane_and_attempts(fixture: &Fixture) {
    use amazon_tracker::store::Lane;
    let product = fixture.watch(1).await;
    fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    let claim = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    fixture.commit(failed(&claim, Next::Retry(HOUR))).await;
    fixture.clock.advance(HOUR - SECOND);
    assert!(fixture.claim_from(Lane::Requested, 1).await.is_empty());
    fixture.clock.advance(SECOND);
    let again = fixture.claim_from(Lane::Requested, 1).await.remove(0);
    assert_eq!((again.token, again.attempt), (claim.token + 1, 2));
    fixture.commit(seen(&again, 500, fixture.now().await)).await;
    fixture.clock.advance(DAY);
    assert_eq!(fixture.claim_one().await.attempt, 1, "a success returns it to the scheduled lane");
}

async fn a_postponed_crawl_does_not_count(fixture: &Fixture) {
    fixture.watch(1).await;
    for _ in 0..2 * MAX_ATTEMPTS {
        let claim = fixture.claim_one().await;
        assert_eq!(claim.attempt, 1);
        fixture.commit(failed(&claim, Next::Postponed(HOUR))).await;
        assert!(fixture.claim(1).await.is_empty());
        fixture.clock.advance(HOUR);
    }
}

async fn a_parked_listing_waits_until_somebody_asks(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    fixture.commit(Commit { job_items: ItemsEnd::Failed, ..failed(&claim, Next::Parked) }).await;
    fixture.clock.advance(30 * DAY);
    assert!(fixture.claim(10).await.is_empty());
    assert_eq!(fixture.store.product(US, product.id).await.unwrap().next_crawl_at, None);
    fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    assert_eq!(fixture.claim_from(amazon_tracker::store::Lane::Requested, 1).await[0].attempt, 1);
}

async fn a_rule_moves_only_from_where_it_was_read(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    let claim = fixture.claim_one().await;
    let mut commit = seen(&claim, 900, fixture.now().await);
    commit.rule_steps[0].revision = 7;
    assert!(fixture.commit(commit).await, "the crawl itself counts");
    assert!(fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.is_empty());
    assert_eq!(fixture.store.rules(US, &RuleFilter::default(), None, 10).await.unwrap().items[0].crossings, 0);
}

async fn a_rule_that_was_removed_meanwhile_has_no_deliveries(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await;
    let claim = fixture.claim_one().await;
    fixture.store.remove_rule(US, rule.id).await.unwrap();
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    assert!(fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.is_empty());
}

async fn a_rule_added_during_a_crawl_gets_a_crawl_of_its_own(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let rule = fixture.add_rule(&product, 1000).await;
    assert!(fixture.claim(1).await.is_empty(), "the crawl that is under way is not cut short");
    fixture.commit(seen(&claim, 900, fixture.now().await)).await;
    assert_eq!(fixture.claim_one().await.rules[0].id, rule.id);
}

async fn a_shorter_interval_during_a_crawl_counts_from_now(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let hourly = ProductPatch { frequency: Some("hourly".parse().unwrap()), ..ProductPatch::default() };
    fixture.store.update_product(US, product.id, &hourly).await.unwrap();
    fixture.commit(seen(&claim, 900, fixture.now().await)).await;
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(HOUR));
}

const PARKED: &str = "SELECT count(*) FROM lease WHERE parked_at IS NOT NULL";

async fn removing_the_last_product_during_a_crawl_parks_the_listing(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    assert!(fixture.commit(seen(&claim, 900, fixture.now().await)).await);
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), None);
    assert_eq!(fixture.number(PARKED).await, 1);
    assert_eq!(fixture.store.backlog().await.unwrap().parked, 0, "nobody misses it");
}

async fn a_request_during_a_crawl_overrides_parking(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let status = |status| ProductPatch { status: Some(status), ..ProductPatch::default() };
    fixture.store.update_product(US, product.id, &status(ProductStatus::Paused)).await.unwrap();
    fixture.store.update_product(US, product.id, &status(ProductStatus::Active)).await.unwrap();
    fixture.commit(failed(&claim, Next::Parked)).await;
    assert_eq!(fixture.number(PARKED).await, 0);
    fixture.clock.advance(DAY);
    assert_eq!(fixture.claim_one().await.attempt, 1);
}

async fn an_empty_batch_is_no_work(fixture: &Fixture) {
    assert!(fixture.store.commit(&[]).await.unwrap().is_empty());
}

async fn a_page_that_states_another_asin_is_refused_with_its_points(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    let commit = Commit { asin: Some(asin(2)), ..seen(&claim, 900, fixture.now().await) };
    assert!(!fixture.commit(commit.clone()).await);
    let points = fixture.store.points(product.listing_id, Series::ALL, None, None, 100).await.unwrap();
    assert!(points.is_empty());
    assert!(fixture.commit(Commit { asin: Some(claim.listing.asin), ..commit }).await, "the lease is still held");
}

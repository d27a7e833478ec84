//! A rule about very many products.

use std::ops::Range;
use std::sync::Arc;

use amazon_tracker::domain::*;
use amazon_tracker::store::{Claim, Commit, ImportItem, NewJob, NewRule, RulePatch, StoreError};
use futures_util::future::join_all;

use crate::alerts::rule_about;
use crate::fixture::*;

on_both_engines! {
    a_rule_about_thousands_of_products_is_one_row_and_counts_each_of_them_on_its_own,
}

const PRODUCTS: u32 = 5_000;
/// Products of one import.
const IMPORTED: u32 = 250;
/// Commits that are written in one statement.
const BATCH: usize = 25;

/// At first, the price of every other product is above the target.
fn is_dear(claim: &Claim) -> bool {
    claim.listing_id.0 % 2 == 0
}

/// Watches some listings, with a tag, by an import.
async fn import(fixture: &Fixture, places: Range<u32>, tag: &str) {
    let settings = ProductSettings { tags: vec![tag.to_owned()], ..ProductSettings::default() };
    let listing = |n| Listing::new(Marketplace::De, asin(n));
    let job = NewJob {
        tenant_id: US,
        spec: JobSpec::Import { dry_run: false, defaults: ProductDefaults::default() },
        created_by: "system".to_owned(),
        inputs: places.clone().map(|place| listing(place).to_string()).collect(),
        is_receiving: false,
        quota: u32::MAX,
    };
    fixture.store.create_job(job).await.unwrap();
    let lease = fixture.store.claim_jobs(1, LEASE, "test", None).await.unwrap().remove(0).lease;
    let item = |place| ImportItem { place, product: Ok((listing(place), settings.clone())) };
    fixture.store.import_items(&lease, places.map(item).collect(), u32::MAX, false).await.unwrap();
}

/// Claims every listing that is due, up to a number.
async fn claim(fixture: &Fixture, limit: u32) -> Vec<Claim> {
    let mut claims = Vec::new();
    while claims.len() < limit as usize {
        let more = fixture.claim(250.min(limit)).await;
        assert!(!more.is_empty());
        claims.extend(more);
    }
    claims
}

/// Sixteen at once write commits, until all are written.
async fn commit_all(fixture: &Fixture, commits: Vec<Commit>) {
    let batches = Arc::new(tokio::sync::Mutex::new(commits.chunks(BATCH).map(<[Commit]>::to_vec).collect::<Vec<_>>()));
    let write = |_| {
        let (store, batches) = (fixture.store.clone(), Arc::clone(&batches));
        tokio::spawn(async move {
            let next = async || batches.lock().await.pop();
            while let Some(batch) = next().await {
                assert!(store.commit(&batch).await.unwrap().iter().all(|committed| committed.recorded));
            }
        })
    };
    for writer in join_all((0..16).map(write)).await {
        writer.unwrap();
    }
}

async fn a_rule_about_thousands_of_products_is_one_row_and_counts_each_of_them_on_its_own(fixture: &Fixture) {
    for from in (0..PRODUCTS).step_by(IMPORTED as usize) {
        import(fixture, from..from + IMPORTED, "toys").await;
    }
    let store = &fixture.store;
    let rule = store.add_rule(NewRule { quota: 1, ..rule_about("toys") }).await.unwrap();
    let again = store.add_rule(NewRule { quota: 1, ..rule_about("toys") }).await;
    assert!(matches!(again, Err(StoreError::OverQuota { quota: "alerts", limit: 1 })));
    assert_eq!(store.usage(US).await.unwrap().alerts, 1);
    let states = "SELECT count(*) FROM rule_state";
    assert_eq!((fixture.number("SELECT count(*) FROM alert_rule").await, fixture.number(states).await), (1, 0));

    let now = fixture.now().await;
    let look = |claim: &Claim| {
        assert_eq!(claim.rules.len(), 1);
        seen(claim, if is_dear(claim) { 1500 } else { 900 }, now)
    };
    let claims = claim(fixture, PRODUCTS).await;
    commit_all(fixture, claims.iter().map(look).collect()).await;
    let events = "SELECT count(*) FROM event";
    let half = i64::from(PRODUCTS / 2);
    assert_eq!((fixture.number(events).await, store.rule(US, rule.id).await.unwrap().crossings), (half, PRODUCTS / 2));

    let rename = RulePatch { name: Some(Some("Toys".to_owned())), ..RulePatch::default() };
    let revisions = "SELECT CAST(coalesce(sum(revision), 0) AS bigint) FROM rule_state";
    let before = (fixture.number(states).await, fixture.number(revisions).await);
    assert_eq!(store.update_rule(US, rule.id, rename).await.unwrap().settings.name.unwrap(), "Toys");
    assert_eq!((fixture.number(states).await, fixture.number(revisions).await), before, "no row of a product changes");

    // A part of them, each with the other price: those that were dear cross, the others are re-armed.
    fixture.clock.advance(DAY);
    let claims = claim(fixture, 500).await;
    let dear = claims.iter().filter(|claim| is_dear(claim)).count() as i64;
    let now = fixture.now().await;
    let turned = |claim: &Claim| seen(claim, if is_dear(claim) { 900 } else { 1500 }, now);
    commit_all(fixture, claims.iter().map(turned).collect()).await;
    assert_eq!(fixture.number(events).await, half + dear);
    assert_eq!(fixture.number("SELECT count(DISTINCT product_id) FROM event").await, half + dear);
    assert_eq!(fixture.number("SELECT count(*) FROM delivery").await, half + dear);

    let condition = Some(Condition::PriceAtOrBelow { target: euros(950) });
    let before = (fixture.number(states).await, fixture.number(revisions).await);
    let changed = store.update_rule(US, rule.id, RulePatch { condition, ..RulePatch::default() }).await.unwrap();
    assert_eq!(i64::from(changed.crossings), half + dear);
    assert_eq!((fixture.number(states).await, fixture.number(revisions).await), before, "no row of a product changes");
    fixture.clock.advance(DAY);
    let claims = claim(fixture, 10).await;
    assert!(claims.iter().all(|claim| claim.rules[0].state.leaves.is_empty()), "and what it remembers counts no more");
}

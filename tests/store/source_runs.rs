//! Runs of paid sources: no listing is in two at a time.

use amazon_tracker::domain::{Block, Failure, Listing, Marketplace, Outcome, RunEnd, SourceRun};
use amazon_tracker::store::{Commit, Next};

use crate::fixture::*;

on_both_engines! {
    a_run_is_recorded_once_and_found_until_its_listings_are_answered,
    a_run_that_is_lost_or_too_old_answers_nothing,
    a_run_whose_source_does_not_answer_is_followed_again,
    only_the_first_end_of_a_run_counts,
    listings_that_are_not_known_are_left_out,
}

fn ended(cost_micros: u64) -> RunEnd {
    RunEnd::Ended { cost_micros: Some(cost_micros) }
}

fn listing(n: u32) -> Listing {
    Listing::new(Marketplace::De, asin(n))
}

async fn open(fixture: &Fixture, listings: std::ops::Range<u32>) -> Vec<SourceRun> {
    let listings: Vec<_> = listings.map(listing).collect();
    fixture.store.open_runs("apify", &listings, HOUR).await.unwrap()
}

async fn watch(fixture: &Fixture, count: u32) {
    for n in 0..count {
        fixture.watch(n).await;
    }
}

fn sorted(mut listings: Vec<Listing>) -> Vec<Listing> {
    listings.sort();
    listings
}

async fn a_run_is_recorded_once_and_found_until_its_listings_are_answered(fixture: &Fixture) {
    watch(fixture, 4).await;
    let first = open(fixture, 0..3).await.remove(0);
    assert!(first.is_new && first.external_id.is_none());
    assert_eq!(sorted(first.wanted), [listing(0), listing(1), listing(2)]);
    fixture.store.run_started(first.id, "run 1").await.unwrap();
    // Another replica, with some of its listings and one more.
    let mut runs = open(fixture, 1..4).await;
    runs.sort_by_key(|run| run.is_new);
    assert_eq!((runs[0].id, runs[0].is_new, runs[0].external_id.as_deref()), (first.id, false, Some("run 1")));
    assert_eq!(runs[0].opened_at, first.opened_at);
    assert_eq!(sorted(runs[0].listings.clone()), [listing(0), listing(1), listing(2)]);
    assert_eq!(sorted(runs[0].wanted.clone()), [listing(1), listing(2)]);
    assert_eq!((runs[1].is_new, &runs[1].wanted), (true, &vec![listing(3)]));
    // It goes on answering after its end, until the crawl of the listing is recorded.
    fixture.store.run_ended(first.id, ended(1_500)).await.unwrap();
    fixture.clock.advance(SECOND);
    let claims = fixture.claim(4).await;
    let claim = claims.iter().find(|claim| claim.listing == listing(0)).unwrap();
    assert!(fixture.commit(seen(claim, 500, fixture.now().await)).await);
    let mut runs = open(fixture, 0..2).await;
    runs.sort_by_key(|run| run.is_new);
    assert_eq!((runs[0].id, &runs[0].wanted), (first.id, &vec![listing(1)]));
    assert_eq!((runs[1].is_new, &runs[1].wanted), (true, &vec![listing(0)]));
    let other = fixture.store.open_runs("another source", &[listing(1)], HOUR).await.unwrap();
    assert!(other[0].is_new);
}

async fn a_run_that_is_lost_or_too_old_answers_nothing(fixture: &Fixture) {
    watch(fixture, 2).await;
    let lost = open(fixture, 0..1).await.remove(0);
    fixture.store.run_ended(lost.id, RunEnd::Lost).await.unwrap();
    let next = open(fixture, 0..1).await.remove(0);
    assert!(next.is_new && next.id != lost.id);
    fixture.clock.advance(HOUR);
    assert!(open(fixture, 0..1).await[0].is_new);
}

async fn a_run_whose_source_does_not_answer_is_followed_again(fixture: &Fixture) {
    watch(fixture, 1).await;
    let run = open(fixture, 0..1).await.remove(0);
    for silence in [Outcome::Failed(Failure::Connect), Outcome::Blocked(Block::Refused { retry_after: None })] {
        fixture.clock.advance(SECOND);
        let claim = fixture.claim_one().await;
        let (outcome, next) = (Some(silence.as_str()), Next::Postponed(SECOND));
        let silent = Commit { outcome, next, points: Vec::new(), ..seen(&claim, 1, fixture.now().await) };
        assert!(fixture.commit(silent).await);
        assert_eq!(open(fixture, 0..1).await[0].id, run.id, "{silence:?}");
    }
    fixture.store.run_ended(run.id, RunEnd::Ended { cost_micros: None }).await.unwrap();
    assert!(open(fixture, 0..1).await[0].is_new, "what it had to say was read");
}

async fn only_the_first_end_of_a_run_counts(fixture: &Fixture) {
    watch(fixture, 1).await;
    let run = open(fixture, 0..1).await.remove(0);
    fixture.store.run_started(run.id, "first").await.unwrap();
    fixture.store.run_started(run.id, "second").await.unwrap();
    fixture.store.run_ended(run.id, ended(7)).await.unwrap();
    fixture.store.run_ended(run.id, RunEnd::Lost).await.unwrap();
    assert_eq!(fixture.number("SELECT CAST(sum(cost_micros) AS bigint) FROM source_run").await, 7);
    assert_eq!(open(fixture, 0..1).await[0].external_id.as_deref(), Some("first"));
}

async fn listings_that_are_not_known_are_left_out(fixture: &Fixture) {
    watch(fixture, 1).await;
    let runs = open(fixture, 0..3).await;
    assert_eq!((runs.len(), &runs[0].wanted), (1, &vec![listing(0)]));
    assert!(open(fixture, 7..9).await.is_empty());
}

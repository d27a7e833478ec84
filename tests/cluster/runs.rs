//! Runs of a paid source, with replicas that die amid them.

use std::time::Duration;

use crate::eventually;
use crate::fixture::{Fixture, LEASE, Options};

/// Two runs of one listing at the same time: the later one was opened before the end of the earlier one was seen.
const OVERLAPPING: &str = "SELECT count(*) FROM source_run one JOIN source_run_listing a ON a.run_id = one.id \
     JOIN source_run_listing b ON b.listing_id = a.listing_id JOIN source_run other ON other.id = b.run_id \
     WHERE other.opened_at > one.opened_at AND (one.ended_at IS NULL OR other.opened_at < one.ended_at)";
const UNDER_WAY: &str = "SELECT count(*) FROM source_run WHERE ended_at IS NULL AND external_id IS NOT NULL";

/// Whoever takes over the leases of the dead replica follows its runs: none is started twice, and every price that a run has read
/// is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_killed_replica_are_followed_and_not_started_again() {
    let mut fixture = Fixture::start_with(Options { crawls_by_apify: true, ..Options::default() }).await;
    fixture.start_price_changes();
    for _ in 0..2 {
        let victim = &fixture.replicas[0];
        fixture.await_crawls_at(victim).await;
        eventually("a run is under way", LEASE, async || fixture.query_number(UNDER_WAY).await > 0).await;
        let owner = victim.owner_ends_with();
        victim.process.kill();
        fixture.await_no_leases_of(&owner, LEASE * 2).await;
        fixture.replicas[0].run();
    }
    fixture.settle_within(Duration::from_secs(45)).await;
    let counts = fixture.verify().await;
    assert_eq!(counts.missed, 0, "{counts:?}");
    assert_eq!(fixture.query_number(OVERLAPPING).await, 0, "a listing was in two runs at a time");
    assert_eq!(fixture.query_number("SELECT count(*) FROM source_run WHERE is_lost").await, 0);
}

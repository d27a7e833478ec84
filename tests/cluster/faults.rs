//! What goes wrong with replicas, and what must come of it. After each fault the tally holds: nothing is recorded that was not
//! shown, nothing twice, nothing out of order, the last that was shown is the last that is recorded, and every crossing is
//! one event that was told under one id.

use std::time::Duration;

use crate::fixture::{Fixture, LEASE, SLOTS, Unusual};
use crate::load::Load;
use crate::{SOON, eventually};

/// Of what takes over a lease that has run out.
const TAKEN_OVER: Duration = Duration::from_secs(3);

/// The leases of the dead are taken over as soon as they run out, and what its looks had seen is seen again: at most as many
/// prices are missed as it had crawls under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_amid_its_crawls_is_made_up_for() {
    let mut fixture = Fixture::start().await;
    fixture.begin();
    let victim = &fixture.replicas[0];
    fixture.crawls_at(victim).await;
    let owner = victim.owner_ends_with();
    victim.process.kill();
    fixture.nothing_is_leased_to(&owner, LEASE + TAKEN_OVER).await;
    fixture.replicas[0].run();
    fixture.settle_within(Duration::from_secs(15)).await;
    let tally = fixture.tally().await;
    assert!(tally.missed <= SLOTS, "{tally:?}");
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

/// Each replica in turn is told to stop, lingers until the proxy has noticed, ends well and comes back, while people use the API: no request fails, every "check
/// now" is answered, no look is lost and no lease has to run out.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request_and_loses_no_crawl() {
    let mut fixture = Fixture::start().await;
    fixture.begin();
    let load = Load::start(&fixture).await;
    for replica in &fixture.replicas {
        fixture.crawls_at(replica).await;
        let owner = replica.owner_ends_with();
        replica.process.terminate();
        let status = replica.process.ended(Duration::from_secs(12)).await;
        assert_eq!(status.code(), Some(0), "{}", replica.process.log());
        assert_eq!(fixture.leases_of(&owner).await, 0, "it gave its leases back");
        replica.run();
        replica.await_ready(SOON).await;
        load.goes_on().await;
    }
    assert_eq!(load.stop().await, Vec::<String>::new());
    let undone = "SELECT count(*) FROM task_item WHERE status <> 'done'";
    eventually("everything asked for was looked at", SOON, async || fixture.ask(undone).await == 0).await;
    fixture.settle_within(Duration::from_secs(10)).await;
    assert_eq!(fixture.tally().await.missed, 0);
    let longest = fixture.longest_wait();
    assert!(longest < LEASE / 2, "a lease had to run out: {longest:?} without a look");
}

/// Others take over while it stands still; what it still wants to write when it wakes carries an old token and is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_frozen_past_its_leases_writes_nothing_late() {
    let mut fixture = Fixture::start().await;
    fixture.begin();
    let sleeper = &fixture.replicas[0];
    fixture.crawls_at(sleeper).await;
    let owner = sleeper.owner_ends_with();
    sleeper.process.freeze();
    fixture.nothing_is_leased_to(&owner, LEASE + TAKEN_OVER).await;
    assert_eq!(fixture.get("/api/v1/products").send().await.unwrap().status(), 200, "the others serve");
    sleeper.process.thaw();
    eventually("its late writes are refused", Duration::from_secs(10), async || {
        sleeper.metric("tracker_lost_leases_total").await > 0.0
    })
    .await;
    fixture.settle_within(Duration::from_secs(10)).await;
    let tally = fixture.tally().await;
    assert!(tally.missed <= SLOTS, "{tally:?}");
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

/// Looks that were under way wait for the database and are recorded when it is back; nothing is missed, everybody is ready
/// within ten seconds, and a claim whose answer was lost costs its listing one lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_restarted_costs_time_and_nothing_else() {
    let mut fixture = Fixture::start_with(Unusual { own_database: true, ..Unusual::default() }).await;
    fixture.begin();
    fixture.crawls_at(&fixture.replicas[0]).await;
    fixture.database.interrupt();
    eventually("nobody is ready", SOON, async || !fixture.anybody_is_ready().await).await;
    fixture.all_live().await;
    fixture.database.resume();
    fixture.all_ready_within(Duration::from_secs(10)).await;
    fixture.settle_within(LEASE + Duration::from_secs(5)).await;
    assert_eq!(fixture.tally().await.missed, 0);
    fixture.assert_no_lease_was_stuck(Duration::from_secs(10));
}

/// The same when it answers nothing for ten seconds and closes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stands_still_for_ten_seconds_costs_time_and_nothing_else() {
    let mut fixture = Fixture::start_with(Unusual { own_database: true, ..Unusual::default() }).await;
    fixture.begin();
    fixture.crawls_at(&fixture.replicas[0]).await;
    fixture.database.freeze();
    tokio::time::sleep(Duration::from_secs(10)).await;
    fixture.all_live().await;
    fixture.database.thaw();
    fixture.all_ready_within(Duration::from_secs(10)).await;
    fixture.settle_within(LEASE + Duration::from_secs(5)).await;
    assert_eq!(fixture.tally().await.missed, 0);
    fixture.assert_no_lease_was_stuck(Duration::from_secs(12));
}

/// Each replica goes on by itself, with its part of every limit; nobody notices, and it is shared again by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_or_stands_still_is_missed_by_nobody() {
    let mut fixture = Fixture::start().await;
    fixture.begin();
    let load = Load::start(&fixture).await;
    fixture.redis.kill();
    fixture.fallen_back(1.0).await;
    load.goes_on().await;
    fixture.redis.resume();
    fixture.fallen_back(0.0).await;
    fixture.redis.freeze();
    fixture.fallen_back(1.0).await;
    load.goes_on().await;
    fixture.redis.thaw();
    fixture.fallen_back(0.0).await;
    load.goes_on().await;
    assert_eq!(load.stop().await, Vec::<String>::new());
    fixture.settle_within(Duration::from_secs(10)).await;
    assert_eq!(fixture.tally().await.missed, 0);
    let longest = fixture.longest_wait();
    assert!(longest < LEASE / 2, "{longest:?} without a look");
}

/// What it had claimed is taken over when it runs out. It knows that it is not ready, and comes back when the wire is mended;
/// what it then still sends is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_cut_off_from_the_database_is_made_up_for() {
    let mut fixture = Fixture::start_with(Unusual { wired: true, ..Unusual::default() }).await;
    fixture.begin();
    let cut_off = &fixture.replicas[0];
    fixture.crawls_at(cut_off).await;
    let owner = cut_off.owner_ends_with();
    let wire = fixture.wire.as_ref().unwrap();
    wire.cut();
    fixture.nothing_is_leased_to(&owner, LEASE + TAKEN_OVER).await;
    assert!(!cut_off.is_ready().await);
    assert_eq!(fixture.get("/api/v1/products").send().await.unwrap().status(), 200, "the others serve");
    wire.mend();
    fixture.settle_within(Duration::from_secs(20)).await;
    let tally = fixture.tally().await;
    assert!(tally.missed <= SLOTS, "{tally:?}");
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

/// The same when its connections are reset, for a few seconds only: then its looks are not lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_connections_are_reset_goes_on_when_it_can() {
    let mut fixture = Fixture::start_with(Unusual { wired: true, ..Unusual::default() }).await;
    fixture.begin();
    fixture.crawls_at(&fixture.replicas[0]).await;
    let wire = fixture.wire.as_ref().unwrap();
    wire.reset();
    eventually("it knows", SOON, async || !fixture.replicas[0].is_ready().await).await;
    // While prices move on.
    tokio::time::sleep(Duration::from_secs(5)).await;
    wire.mend();
    fixture.settle_within(LEASE + Duration::from_secs(5)).await;
    assert_eq!(fixture.tally().await.missed, 0);
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

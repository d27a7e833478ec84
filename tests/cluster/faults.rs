//! Faults of replicas and of the servers they use. After each fault the results are verified: every recorded price was
//! shown, none is recorded twice or out of order, the last price shown is the last one recorded, and every crossing is
//! one event that was sent under one id.

use std::time::Duration;

use crate::fixture::{Fixture, LEASE, Options, SLOTS};
use crate::load::Load;
use crate::{SOON, eventually};

/// Time in which an expired lease is taken over.
const TAKEOVER: Duration = Duration::from_secs(3);

/// The leases of a killed replica are taken over as soon as they expire, and its listings are crawled again. At most as
/// many prices are missed as it had crawls in progress.
#[tokio::test(flavor = "multi_thread")]
async fn the_crawls_of_a_killed_replica_are_taken_over() {
    let mut fixture = Fixture::start().await;
    fixture.start_price_changes();
    let victim = &fixture.replicas[0];
    fixture.await_crawls_at(victim).await;
    let owner = victim.owner_ends_with();
    victim.process.kill();
    fixture.await_no_leases_of(&owner, LEASE + TAKEOVER).await;
    fixture.replicas[0].run();
    fixture.settle_within(Duration::from_secs(15)).await;
    let counts = fixture.verify().await;
    assert!(counts.missed <= SLOTS, "{counts:?}");
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

/// Each replica in turn is told to stop, lingers until the proxy has noticed, exits cleanly and comes back, while
/// clients use the API. No request fails, every task completes, no crawl is lost and no lease has to expire.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request_and_loses_no_crawl() {
    let mut fixture = Fixture::start().await;
    fixture.start_price_changes();
    let load = Load::start(&fixture).await;
    for replica in &fixture.replicas {
        fixture.await_crawls_at(replica).await;
        let owner = replica.owner_ends_with();
        replica.process.terminate();
        let status = replica.process.ended(Duration::from_secs(12)).await;
        assert_eq!(status.code(), Some(0), "{}", replica.process.log());
        assert_eq!(fixture.leases_of(&owner).await, 0, "it released its leases");
        replica.run();
        replica.await_ready(SOON).await;
        load.continues().await;
    }
    assert_eq!(load.stop().await, Vec::<String>::new());
    let undone = "SELECT count(*) FROM job_item WHERE status <> 'done'";
    eventually("every requested crawl is done", SOON, async || fixture.query_number(undone).await == 0).await;
    fixture.settle_within(Duration::from_secs(10)).await;
    assert_eq!(fixture.verify().await.missed, 0);
    let longest = fixture.longest_crawl_gap();
    assert!(longest < LEASE / 2, "a lease expired: {longest:?} without a crawl");
}

/// Other replicas take over while it is frozen. Its late writes carry an old token and are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_frozen_past_its_leases_writes_nothing_late() {
    let mut fixture = Fixture::start().await;
    fixture.start_price_changes();
    let frozen = &fixture.replicas[0];
    fixture.await_crawls_at(frozen).await;
    let owner = frozen.owner_ends_with();
    frozen.process.freeze();
    fixture.await_no_leases_of(&owner, LEASE + TAKEOVER).await;
    assert_eq!(fixture.get("/api/v1/products").send().await.unwrap().status(), 200, "the others serve");
    frozen.process.thaw();
    eventually("its late writes are refused", Duration::from_secs(10), async || {
        frozen.metric("tracker_lost_leases_total").await > 0.0
    })
    .await;
    fixture.settle_within(Duration::from_secs(10)).await;
    let counts = fixture.verify().await;
    assert!(counts.missed <= SLOTS, "{counts:?}");
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

/// Crawls in progress wait for the database and are recorded when it is back. Nothing is missed, every replica is ready
/// within ten seconds, and a claim whose reply was lost costs its listing one lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_restart_loses_nothing() {
    let mut fixture = Fixture::start_with(Options { own_database: true, ..Options::default() }).await;
    fixture.start_price_changes();
    fixture.await_crawls_at(&fixture.replicas[0]).await;
    fixture.database.interrupt();
    eventually("no replica is ready", SOON, async || !fixture.any_is_ready().await).await;
    fixture.all_live().await;
    fixture.database.resume();
    fixture.all_ready_within(Duration::from_secs(10)).await;
    fixture.settle_within(LEASE + Duration::from_secs(5)).await;
    assert_eq!(fixture.verify().await.missed, 0);
    fixture.assert_no_lease_was_stuck(Duration::from_secs(10));
}

/// The same when the database does not answer for ten seconds and closes no connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_frozen_for_ten_seconds_loses_nothing() {
    let mut fixture = Fixture::start_with(Options { own_database: true, ..Options::default() }).await;
    fixture.start_price_changes();
    fixture.await_crawls_at(&fixture.replicas[0]).await;
    fixture.database.freeze();
    tokio::time::sleep(Duration::from_secs(10)).await;
    fixture.all_live().await;
    fixture.database.thaw();
    fixture.all_ready_within(Duration::from_secs(10)).await;
    fixture.settle_within(LEASE + Duration::from_secs(5)).await;
    assert_eq!(fixture.verify().await.missed, 0);
    fixture.assert_no_lease_was_stuck(Duration::from_secs(12));
}

/// Each replica applies its share of every limit without any failed request, and sharing resumes by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_or_frozen_redis_fails_no_request() {
    let mut fixture = Fixture::start().await;
    fixture.start_price_changes();
    let load = Load::start(&fixture).await;
    fixture.redis.kill();
    fixture.await_fallback(1.0).await;
    load.continues().await;
    fixture.redis.resume();
    fixture.await_fallback(0.0).await;
    fixture.redis.freeze();
    fixture.await_fallback(1.0).await;
    load.continues().await;
    fixture.redis.thaw();
    fixture.await_fallback(0.0).await;
    load.continues().await;
    assert_eq!(load.stop().await, Vec::<String>::new());
    fixture.settle_within(Duration::from_secs(10)).await;
    assert_eq!(fixture.verify().await.missed, 0);
    let longest = fixture.longest_crawl_gap();
    assert!(longest < LEASE / 2, "{longest:?} without a crawl");
}

/// Its leases are taken over when they expire. It reports that it is not ready, and recovers when the connection is
/// restored; its late writes are refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_crawls_of_a_replica_without_database_are_taken_over() {
    let mut fixture = Fixture::start_with(Options { database_proxied: true, ..Options::default() }).await;
    fixture.start_price_changes();
    let cut_off = &fixture.replicas[0];
    fixture.await_crawls_at(cut_off).await;
    let owner = cut_off.owner_ends_with();
    let database_proxy = fixture.database_proxy.as_ref().unwrap();
    database_proxy.cut();
    fixture.await_no_leases_of(&owner, LEASE + TAKEOVER).await;
    assert!(!cut_off.is_ready().await);
    assert_eq!(fixture.get("/api/v1/products").send().await.unwrap().status(), 200, "the others serve");
    database_proxy.mend();
    fixture.settle_within(Duration::from_secs(20)).await;
    let counts = fixture.verify().await;
    assert!(counts.missed <= SLOTS, "{counts:?}");
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

/// The same when its connections are reset for a few seconds only: then its crawls are not lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_connections_are_reset_recovers() {
    let mut fixture = Fixture::start_with(Options { database_proxied: true, ..Options::default() }).await;
    fixture.start_price_changes();
    fixture.await_crawls_at(&fixture.replicas[0]).await;
    let database_proxy = fixture.database_proxy.as_ref().unwrap();
    database_proxy.reset();
    eventually("it is not ready", SOON, async || !fixture.replicas[0].is_ready().await).await;
    // Prices keep changing meanwhile.
    tokio::time::sleep(Duration::from_secs(5)).await;
    database_proxy.mend();
    fixture.settle_within(LEASE + Duration::from_secs(5)).await;
    assert_eq!(fixture.verify().await.missed, 0);
    fixture.assert_no_lease_was_stuck(Duration::ZERO);
}

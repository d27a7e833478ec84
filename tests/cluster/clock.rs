//! One replica with a wrong system clock.

use std::fs;
use std::time::Duration;

use reqwest::Method;

use crate::fixture::{Fixture, LEASE, Options};
use crate::replica::Variables;

/// Path of the library that fakes the system time of a process.
fn faketime() -> String {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists());
    let library = library.expect("libfaketime: `make test-cluster` installs it, or run `apt-get install faketime`");
    library.to_str().unwrap().to_owned()
}

/// Environment that shifts the wall clock by `offset`. The monotonic clock stays right.
fn clock_offset(offset: &str) -> Variables {
    let variables = [("LD_PRELOAD", faketime().as_str()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    variables.into()
}

/// Leases, crawls, events and deliveries use the database's clock: the results are correct, and no lease is taken early
/// or late. A token issued by any replica is accepted by every other.
async fn a_wrong_clock_has_no_effect(offset: &str) {
    let mut fixture = Fixture::start_with(Options { first_replica: clock_offset(offset), ..Options::default() }).await;
    fixture.start_price_changes();
    for issuer in &fixture.replicas {
        let token = fixture.sign_in(issuer).await;
        for other in &fixture.replicas {
            let asked = other.request(&fixture.client, Method::GET, "/api/v1/users/me").bearer_auth(&token);
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), 200, "token of {} at {}", issuer.name, other.name);
        }
    }
    fixture.receiver.received(24).await;
    fixture.settle_within(Duration::from_secs(10)).await;
    assert_eq!(fixture.verify().await.missed, 0);
    let longest = fixture.longest_crawl_gap();
    assert!(longest < LEASE / 2, "{longest:?} without a crawl");
    for replica in &fixture.replicas {
        assert!(replica.metric("tracker_recorded_crawls_total").await > 5.0, "{} works", replica.name);
        assert_eq!(replica.metric("tracker_lost_leases_total").await, 0.0, "{}", replica.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_seven_minutes_ahead_has_no_effect() {
    a_wrong_clock_has_no_effect("+7m").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_seven_minutes_behind_has_no_effect() {
    a_wrong_clock_has_no_effect("-7m").await;
}

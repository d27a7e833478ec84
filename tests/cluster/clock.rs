//! One replica whose clock is wrong.

use std::fs;
use std::time::Duration;

use reqwest::Method;

use crate::fixture::{Fixture, LEASE, Unusual};
use crate::replica::Variables;

/// The library that tells a process another time.
fn faketime() -> String {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists());
    let library = library.expect("libfaketime: `make test-cluster` installs it, or run `apt-get install faketime`");
    library.to_str().unwrap().to_owned()
}

/// The clock of the wall is wrong by so much; the one that measures spans is not.
fn off_by(offset: &str) -> Variables {
    let variables = [("LD_PRELOAD", faketime().as_str()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    variables.into()
}

/// Leases, looks, events and deliveries go by the database's clock: the tally holds, and no lease is taken early or late. The
/// token of a sign-in at any replica is good at every other.
async fn a_wrong_clock_is_believed_by_nobody(offset: &str) {
    let mut fixture = Fixture::start_with(Unusual { of_first: off_by(offset), ..Unusual::default() }).await;
    fixture.begin();
    for issuer in &fixture.replicas {
        let token = fixture.sign_in(issuer).await;
        for other in &fixture.replicas {
            let asked = other.request(&fixture.client, Method::GET, "/api/v1/users/me").bearer_auth(&token);
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), 200, "token of {} at {}", issuer.name, other.name);
        }
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    fixture.settle_within(Duration::from_secs(10)).await;
    assert_eq!(fixture.tally().await.missed, 0);
    let longest = fixture.longest_wait();
    assert!(longest < LEASE / 2, "{longest:?} without a look");
    for replica in &fixture.replicas {
        assert!(replica.metric("tracker_recorded_crawls_total").await > 5.0, "{} works", replica.name);
        assert_eq!(replica.metric("tracker_lost_leases_total").await, 0.0, "{}", replica.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_seven_minutes_ahead_is_believed_by_nobody() {
    a_wrong_clock_is_believed_by_nobody("+7m").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_seven_minutes_behind_is_believed_by_nobody() {
    a_wrong_clock_is_believed_by_nobody("-7m").await;
}

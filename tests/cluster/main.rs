//! Replicas as processes, with everything they share, and faults of each part. Run by `make test-cluster`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/docker.rs"]
mod docker;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/redis.rs"]
mod redis;

mod alert_rules;
mod clock;
mod deployment;
mod disk;
mod faults;
mod fixture;
mod jobs;
mod load;
mod marketplace;
mod message_receiver;
mod messages;
mod monitoring;
mod no_faults;
mod receiver;
mod replica;
mod reverse_proxy;
mod runs;
mod servers;
mod soak;
mod tcp_proxy;
mod told;
mod verification;

use std::time::{Duration, Instant};

use redis::processes;

const BINARY: &str = env!("CARGO_BIN_EXE_amazon-tracker");

/// A timeout that no working operation reaches; it keeps broken tests from hanging.
const SOON: Duration = Duration::from_secs(30);

/// Waits until a condition holds.
async fn eventually(what: &str, patience: Duration, condition: impl AsyncFn() -> bool) {
    let until = Instant::now() + patience;
    while !condition().await {
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

//! Replicas as processes, with everything they share, and what goes wrong with it. Run by `make test-cluster`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/redis.rs"]
mod redis;

mod calm;
mod clock;
mod disk;
mod faults;
mod fixture;
mod front;
mod load;
mod market;
mod receiver;
mod replica;
mod servers;
mod soak;
mod tally;
mod watched;
mod wire;

use std::time::{Duration, Instant};

use redis::processes;

const BINARY: &str = env!("CARGO_BIN_EXE_amazon-tracker");

/// Nothing that works takes longer; it keeps what does not from hanging.
const SOON: Duration = Duration::from_secs(30);

/// Waits until something is so.
async fn eventually(what: &str, patience: Duration, is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + patience;
    while !is_so().await {
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

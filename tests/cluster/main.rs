//! Replicas as processes, with everything they share, and what goes wrong with it. Run by `make test-cluster`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/redis.rs"]
mod redis;

mod servers;

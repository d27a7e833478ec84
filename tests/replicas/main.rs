//! What replicas share through a real Redis: one server, a cluster of three, a pair under sentinels; there, away and back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/redis.rs"]
mod redis;

mod bus;
mod limits;
mod shared;
mod ways;

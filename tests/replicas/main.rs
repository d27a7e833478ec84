//! What replicas share through a real Redis: a single server, a cluster of three, a pair with Sentinels; available,
//! unavailable and available again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/redis.rs"]
mod redis;

mod bus;
mod deployments;
mod limits;
mod shared;

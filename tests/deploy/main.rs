//! Tests of the deployed configuration files: they follow the rules of the programs that read them, and refer only to
//! routes and metrics that exist.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod compose;
#[path = "../support/docker.rs"]
mod docker;
mod gateway;
mod monitoring;

//! The files that are deployed beside the daemon, held against the rules of who reads them and against what they speak of.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod gateway;
mod monitoring;

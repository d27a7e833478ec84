//! The files that are deployed beside the daemon, held against what they speak of.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod monitoring;

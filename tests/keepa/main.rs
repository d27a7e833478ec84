//! Keepa: what its answers mean, how its API is used, and how the past of listings is fetched.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
#[path = "../support/corpus.rs"]
mod corpus;
mod daemon;
mod encoding;
mod history;
mod importer;
#[path = "../support/keepa.rs"]
mod keepa;
mod real_answers;
mod round_trip;

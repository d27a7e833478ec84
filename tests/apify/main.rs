//! Apify actors as a source: what their items mean.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/corpus.rs"]
mod corpus;
mod items;
mod lists;
mod market;
mod runs;

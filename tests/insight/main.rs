//! Insight: each formula against a slow, obvious one, and on the histories of real listings.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod candidates;
mod comparisons;
#[path = "../support/corpus.rs"]
mod corpus;
mod formulas;
mod grid;
mod positions;
mod real_histories;
mod report_fixture;
mod report_formats;
mod reports;
mod thin_data;

//! Advice over both APIs, and all the ways in which an endpoint fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod advising;
#[path = "../support/corpus.rs"]
mod corpus;
mod endpoint;
mod evaluation;
mod facts;
#[path = "../support/model_endpoint.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod model_endpoint;
mod official_client;
mod question;

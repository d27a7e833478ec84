//! The simulated marketplace, tested over HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod controls;
mod determinism;
mod direct;
mod faults;
mod market;
mod marketplaces;
mod saved_pages;
mod start;
mod truth;

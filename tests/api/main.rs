//! The whole daemon over HTTP, on both engines: it crawls a simulated marketplace and tells a receiver on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/model_endpoint.rs"]
#[allow(dead_code, reason = "this test binary uses a part of this module")]
mod model_endpoint;
#[path = "../support/postgres.rs"]
mod postgres;

mod access;
mod account;
mod alerts;
mod board;
mod browser;
mod channels;
mod competitors;
#[allow(dead_code, reason = "the tests of browsers use more of this module")]
mod daemon;
mod events;
mod exports;
mod failures;
mod images;
mod injection;
mod jobs;
mod keepa;
mod listing_check;
mod mail;
mod mailbox;
mod main_job;
mod matrix;
mod mcp;
mod offers;
mod receiver;
mod reports;
mod roles;
mod schedules;
mod shares;
mod sources;
mod suggestions;
mod tenants;
mod wire;

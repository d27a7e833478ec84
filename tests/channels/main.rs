//! The senders of channels, against doubles of the services that check what they get and misbehave as the services do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "the names of tests are sentences")]

mod acceptance;
mod conformance;
mod discord;
mod double;
mod email;
mod errors;
mod feed;
mod fixture;
mod mailbox;
mod parts;
mod sample;
mod services;
mod telegram;
mod webhook;

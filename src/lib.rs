//! amazon-tracker: watches Amazon listings, keeps an honest history, tells people what changed.
//!
//! The map of the house, one line per room; `ARCHITECTURE.md` tells why it is built so.

pub mod actors;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod domain;
pub mod extract;
pub mod http;
pub mod limits;
pub mod notify;
pub mod replicas;
pub mod service;
pub mod sources;
pub mod store;
pub mod telemetry;

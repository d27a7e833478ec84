//! amazon-tracker: tracks Amazon listings, records their history and sends alerts.
//!
//! `ARCHITECTURE.md` describes the modules and the reasons for the design.

pub mod actors;
pub mod advice;
pub mod app;
pub mod auth;
pub mod chart;
pub mod cli;
pub mod client_documents;
pub mod config;
pub mod domain;
pub mod extract;
pub mod files;
pub mod http;
pub mod insight;
pub mod jobs;
pub mod keepa;
pub mod limits;
pub mod mcp;
pub mod notify;
pub mod outbound;
pub mod replicas;
pub mod service;
pub mod sources;
pub mod store;
pub mod telemetry;

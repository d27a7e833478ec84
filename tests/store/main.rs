//! The store's promises, each held on both engines; and what only one of them can promise.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod fixture;
#[path = "../support/postgres.rs"]
mod postgres;

mod accounts;
mod advice;
mod alerts;
mod backup;
mod board;
mod catalog;
mod channels;
mod commit;
mod competitors;
mod content;
mod crawl_allocations;
mod crawl_counts;
mod field_drifts;
mod grants;
mod history;
mod history_imports;
mod idempotency;
mod isolation;
mod jobs;
mod lease;
mod listing_images;
mod lists;
mod migrate_store;
mod opening;
mod outages;
mod outbox;
mod page_samples;
mod replica;
mod reports;
mod retention;
mod rule_locks;
mod schedules;
mod server;
mod sessions;
mod shares;
mod source_runs;
mod statements;
mod tasks;
mod tenants;
mod text_limits;
mod usage;
mod wide_rules;

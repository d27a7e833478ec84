//! The SQL that both engines understand, written once and compiled for each.
//!
//! `postgres/mod.rs` and `sqlite/mod.rs` each include this module by its path, so there are two copies of it in the program:
//! `postgres::sql` and `sqlite::sql`. What differs comes from the engine around it, the parent module:
//!
//! - the types `Db`, `Conn` and `Backend` (the store), and the constants imported below;
//! - the macros `now!`, `numbers!`, `texts!`, `uuids!`, `records!`, `all_rows!`, `lock_rows!`, `lock_values!`, `keep_rows!` and `skip_locked!`, each a piece of SQL;
//! - the modules `claim` and `commit` (the two hot statements), `partitions` and `tenant_scope`.
//!
//! One file per trait of the store; the others hold what several of them need.

use super::{
    Backend, Conn, Db, HAS_LEDGER, HAS_TAG, IS_READ_ONLY, LEASE_DEAD_TUPLES, MAX_CONNECTIONS, MIGRATOR,
    OLDEST_SNAPSHOT_AGE, claim, commit, mark_prices, partitions, tenant_scope,
};

/// The channel of an event `d` that waits can be dispatched. While it has a message that nobody has tried to send yet, what becomes due
/// waits and is told together, instead of messages that pile up faster than they are sent. For a channel that is not used, it is parked.
macro_rules! is_dispatchable {
    () => {
        "EXISTS (SELECT 1 FROM channel k WHERE k.id = d.channel_id AND (k.status <> 'ok' \
           OR NOT EXISTS (SELECT 1 FROM message u WHERE u.channel_id = k.id AND u.status = 'pending' AND u.kind <> 'notice' \
             AND u.owner IS NULL AND u.attempts = 0)))"
    };
}

mod accounts;
mod advice;
mod alerts;
mod audit;
mod board;
mod bounded;
mod catalog;
mod change_feed;
mod channel_health;
mod channels;
mod competitors;
mod crawl_allocations;
mod crawl_counts;
pub(super) mod details;
mod dispatch;
mod feed;
mod field_drifts;
mod grants;
mod history;
mod history_imports;
mod idempotency;
mod job_changes;
mod job_rows;
mod job_steps;
mod jobs;
mod lease;
mod listing_images;
mod maintenance;
mod messages;
mod newest;
mod outages;
pub(super) mod outbox;
mod page_samples;
mod product_batch;
mod product_changes;
mod product_list;
mod report_recipients;
mod report_steps;
mod reports;
mod retention;
mod schedule_request;
mod schedules;
mod sessions;
mod shares;
mod source_runs;
mod spending;
mod tasks;
mod tenants;
mod transaction;
mod usage;

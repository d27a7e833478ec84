//! The promises of the kernel, and of the actors that are built on it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crawls;
mod doubles;
mod drain;
mod hang;
mod inboxes;
mod lanes;
mod live;
mod probe;
mod restarts;
mod runtime;
mod shards;
mod sources;
mod supervision;

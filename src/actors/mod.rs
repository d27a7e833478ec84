//! The actors, one file each. [`kernel`] runs them and knows nothing of products.
//!
//! Messages flow down, results flow up: the [`scheduler`] claims and sends to the [`crawler_pool`], the pool to the
//! [`tracker`] of the listing, the tracker to the [`recorder`], and the recorder wakes the [`notifier`]. The right to crawl
//! travels with them as a [`held_lease`], which cannot be lost. No actor asks its parent; only HTTP asks, always with a
//! deadline: the [`user`] actor whether a request is allowed. [`maintenance`] runs what is due by the clock, the
//! [`job_runner`] the steps of durable long work.

pub mod crawl_allocation;
pub mod crawl_counts;
pub mod crawl_slots;
pub mod crawler_pool;
pub mod decide;
mod drift_sentinel;
pub mod held_lease;
pub mod history_importer;
pub mod image_fetcher;
pub mod job_runner;
pub mod kernel;
pub mod live_feed;
pub mod maintenance;
pub mod notifier;
mod poll_loop;
pub mod recorder;
pub mod revocations;
pub mod scheduler;
mod send_slots;
pub mod tracker;
pub mod user;
pub mod wake_signal;

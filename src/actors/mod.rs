//! The actors of the house: one file each. [`kernel`] makes them possible and knows nothing of products.
//!
//! Messages flow down, news flows up: the [`scheduler`] claims and tells the [`crawler_pool`], the pool tells the
//! [`tracker`] of the listing, the tracker tells the [`recorder`], and the recorder nudges the [`notifier`]. Nobody asks
//! its parent; only HTTP asks, always with a deadline: the [`user`] whether a request may come in. The [`maintenance`] does what is due now and then.

pub mod crawler_pool;
pub mod decide;
pub mod kernel;
pub mod live_feed;
pub mod maintenance;
pub mod notifier;
mod poll_loop;
pub mod recorder;
pub mod revocations;
pub mod scheduler;
pub mod tracker;
pub mod user;
pub mod wake_signal;

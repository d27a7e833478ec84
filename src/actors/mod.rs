//! The actors of the house: one file each. [`kernel`] makes them possible and knows nothing of products.
//!
//! Messages flow down, news flows up: the [`scheduler`] claims and tells the [`crawler_pool`], the pool tells the
//! [`tracker`] of the listing, the tracker tells the [`recorder`], and the recorder nudges the [`notifier`]. Nobody asks
//! its parent; only HTTP asks, always with a deadline: the [`user`] whether a request may come in. The [`caretaker`] does what is due now and then.

pub mod bell;
pub mod caretaker;
pub mod conclude;
pub mod crawler_pool;
pub mod kernel;
pub mod live;
pub mod notifier;
mod pace;
pub mod recorder;
pub mod scheduler;
pub mod tracker;
pub mod user;

//! Keepa's formats: its time, its marketplaces, its series and its statistics. Pure. `sources` reads histories in them, and `http`
//! answers in them.
//!
//! Source: the API's documentation (<https://keepa.com/#!api>) and its official Java client
//! (<https://github.com/keepacom/api_backend>).

mod history;
mod slot;
mod stats;
mod threshold;
mod time;
mod timeline;

pub use history::{KeepaHistory, UnstatedShipping};
pub use slot::{SLOTS, Slot};
pub use stats::{KeepaStats, StatsInterval};
pub use threshold::Watch;
pub use time::{MARKETPLACES, domain_of, keepa_minute, marketplace_of, time_of};
pub use timeline::{Timeline, Told, UnknownTime};

/// Known: there is none. In averages and the like: not known either.
pub const NONE: i64 = -1;
/// Keepa's numbers are Java's `int`: a larger one is none of them.
pub const MAX_VALUE: i64 = i32::MAX as i64;
/// The first minute from which the series NEW includes shipping: 2026-02-16T00:00Z.
pub const NEW_HAS_SHIPPING: i64 = 7_956_000;
/// Keepa tells ratings in tenths of a star, history in hundredths.
pub const RATING_SCALE: i64 = 10;

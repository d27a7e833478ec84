//! How much of a listing's time is known.

use jiff::{SignedDuration, Timestamp};

use super::history::ListingHistory;
use crate::domain::Series;
use crate::domain::steps::{Span, Window};

/// How far a history goes back, and how much of that time is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryDepth {
    /// The first value.
    pub since: Timestamp,
    /// The time since then of which the price or its absence is known; where there never was a price, the availability.
    pub known: SignedDuration,
}

/// How much of the listing's time is known, up to the end of its history; `None`: nothing.
pub fn history_depth(history: &ListingHistory) -> Option<HistoryDepth> {
    let window = Window::of_days(None, history.now());
    let spans = [Series::Price, Series::Availability].map(|series| history.numbers(&series.into(), window));
    let since = spans.iter().filter_map(|spans| Some(spans.first()?.from)).min()?;
    let known = spans.iter().map(|spans| spans.iter().map(Span::length).sum()).max()?;
    Some(HistoryDepth { since, known })
}

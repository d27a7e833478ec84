//! How a series of numbers moved within a window.

use jiff::Timestamp;

use crate::domain::Interval;
use crate::domain::rule::is_comparable;
use crate::domain::stats::average;
use crate::domain::steps::{Span, Window};
use crate::insight::history::known;

/// The values of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Movement {
    /// The first value.
    pub open: Option<i64>,
    /// The lowest value, and when it was first reached.
    pub low: Option<(i64, Timestamp)>,
    /// The highest value, and when it was first reached.
    pub high: Option<(i64, Timestamp)>,
    /// The average, weighted by time.
    pub average: Option<i64>,
    /// The last that is known; `None`: that there is no value.
    pub close: Option<i64>,
    /// Until when that is known; `None`: nothing is known of the window.
    pub known_until: Option<Timestamp>,
    /// How often the value was another than the one before.
    pub changes: usize,
    /// The share of the window of which the value, or its absence, is known, 0–1.
    pub known_share: f64,
}

impl Movement {
    /// Of what is known of a window.
    pub fn of(spans: &[Span<i64>], window: Window) -> Self {
        let values: Vec<(i64, Timestamp)> = spans.iter().filter_map(|span| Some((span.value?, span.from))).collect();
        let last = spans.last();
        Self {
            open: values.first().map(|(value, _)| *value),
            low: values.iter().copied().min(),
            high: values.iter().copied().max_by_key(|(value, at)| (*value, std::cmp::Reverse(*at))),
            average: average(spans),
            close: last.and_then(|span| span.value),
            known_until: last.map(|span| span.to),
            changes: values.windows(2).filter(|pair| pair[0].0 != pair[1].0).count(),
            known_share: known(spans, window).1,
        }
    }

    /// True if the last value is that of the end of the window: read within the day before it, or within two intervals. `as_of`: when
    /// the value was last read, if that is known otherwise.
    pub fn reaches(&self, end: Timestamp, as_of: Option<Timestamp>, interval: Interval) -> bool {
        let known_until = self.known_until.map(|until| as_of.map_or(until, |as_of| as_of.min(until)));
        is_comparable(known_until, interval, end)
    }
}

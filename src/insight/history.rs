//! The history that insight is computed from.

use jiff::{SignedDuration, Timestamp};

use super::distribution::{days_of, median_and_time};
use crate::domain::steps::{Gap, Span, Window, spans};
use crate::domain::{Point, PointValue, Series, SeriesKey};

/// The series that must be given as far back as they go.
pub const SERIES_OF_ALL_TIME: &[Series] = &[Series::Price, Series::Availability, Series::Unobserved];

/// The series of which the window or a year is enough, whichever is longer.
pub const SERIES_OF_LAST_YEAR: &[Series] = &[Series::SalesRank, Series::Seller, Series::SellerId];

/// The history of one listing as it is known at one time.
#[derive(Debug, Clone)]
pub struct ListingHistory {
    /// Sorted by series, category and time.
    points: Vec<Point>,
    gaps: Vec<Gap>,
    is_price_current: bool,
    now: Timestamp,
}

impl ListingHistory {
    /// The history from the points of [`SERIES_OF_ALL_TIME`] and [`SERIES_OF_LAST_YEAR`], in any order. `open_gap` is the time since the
    /// last successful crawl, if nothing is known of it.
    ///
    /// The price is current unless it `is_price_stale` or the history ends with a gap.
    pub fn new(mut points: Vec<Point>, open_gap: Option<Gap>, is_price_stale: bool, now: Timestamp) -> Self {
        points.sort_by(|a, b| (&a.key, a.at).cmp(&(&b.key, b.at)));
        let mut history = Self { points, gaps: Vec::new(), is_price_current: false, now };
        history.gaps = history.of(&Series::Unobserved.into()).iter().filter_map(Gap::of).chain(open_gap).collect();
        history.is_price_current = !is_price_stale && history.gaps.last().is_none_or(|gap| gap.to < now);
        history
    }

    /// The time at which it is looked at.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The price that a shopper pays now.
    pub(super) fn current_price(&self) -> Option<i64> {
        let last = self.of(&Series::Price.into()).iter().rfind(|point| point.at <= self.now)?;
        last.value.as_ref()?.number().filter(|_| self.is_price_current)
    }

    /// What is known of a numeric series.
    pub(super) fn numbers(&self, key: &SeriesKey, window: Window) -> Vec<Span<i64>> {
        self.spans_of(key, window, PointValue::number)
    }

    /// What is known of a text series.
    pub(super) fn texts<'h>(&'h self, key: &SeriesKey, window: Window) -> Vec<Span<&'h str>> {
        self.spans_of(key, window, PointValue::text)
    }

    /// The categories in which the listing has a sales rank.
    pub(super) fn rank_keys(&self) -> Vec<SeriesKey> {
        let from = self.points.partition_point(|point| point.key.series < Series::SalesRank);
        let to = self.points.partition_point(|point| point.key.series <= Series::SalesRank);
        let ranks = self.points[from..to].chunk_by(|a, b| a.key.category == b.key.category);
        ranks.map(|points| points[0].key.clone()).collect()
    }

    fn spans_of<'h, V: Clone>(
        &'h self,
        key: &SeriesKey,
        window: Window,
        value: impl Fn(&'h PointValue) -> Option<V>,
    ) -> Vec<Span<V>> {
        spans(self.of(key), value, &self.gaps, window)
    }

    fn of(&self, key: &SeriesKey) -> &[Point] {
        let from = self.points.partition_point(|point| point.key < *key);
        let to = self.points.partition_point(|point| point.key <= *key);
        &self.points[from..to]
    }
}

/// The parts of the spans between two times.
pub(super) fn within(spans: &[Span<i64>], from: Timestamp, to: Timestamp) -> Vec<Span<i64>> {
    let first = spans.partition_point(|span| span.to <= from);
    let inside = spans[first..].iter().take_while(|span| span.from < to);
    inside.map(|span| Span { from: span.from.max(from), to: span.to.min(to), value: span.value }).collect()
}

/// The median value between two times, and how long one was known; `None`: none was.
pub(super) fn median_within(spans: &[Span<i64>], from: Timestamp, to: Timestamp) -> Option<(i64, SignedDuration)> {
    let (median, time) = median_and_time(&within(spans, from, to));
    median.filter(|_| time.is_positive()).map(|median| (median, time))
}

/// Days of the spans of which the value is known, and the share of the window that they are.
pub(super) fn known<V>(spans: &[Span<V>], window: Window) -> (f64, f64) {
    let time: SignedDuration = spans.iter().map(Span::length).sum();
    (days_of(time), coverage(time, spans.first().map(|span| span.from), window))
}

/// The share of the window that a time is; of a window without a beginning, of the time since the first value.
pub(super) fn coverage(time: SignedDuration, first: Option<Timestamp>, window: Window) -> f64 {
    let Some(from) = window.from.or(first) else { return 0.0 };
    let whole = window.to.duration_since(from);
    if whole.is_positive() { time.as_secs_f64() / whole.as_secs_f64() } else { 0.0 }
}

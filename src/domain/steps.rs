//! A series as a step function: which value held when. A value holds until the next point, except for times without a successful
//! crawl, in which no value is known.

use jiff::{SignedDuration, Timestamp};

use super::series::{Point, PointValue};

/// A time without a successful crawl, in which no value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last successful crawl before it.
    pub from: Timestamp,
    /// The next one; now, if there was none.
    pub to: Timestamp,
}

impl Gap {
    /// The gap that a point of [`Series::Unobserved`](super::Series) marks.
    pub fn of(point: &Point) -> Option<Self> {
        let from = Timestamp::from_millisecond(point.value.as_ref()?.number()?).ok()?;
        Some(Self { from, to: point.at })
    }
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning; `None`: that of the history.
    pub from: Option<Timestamp>,
    /// Its end.
    pub to: Timestamp,
}

impl Window {
    /// The days up to a time; `None`: everything before it.
    pub fn of_days(days: Option<u32>, to: Timestamp) -> Self {
        let from = days.and_then(|days| to.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).ok());
        Self { from, to }
    }
}

/// A span of time with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<V> {
    /// When the value began to hold.
    pub from: Timestamp,
    /// When it ceased to hold, or to be known. Equals `from` for a value that was read and lasted for no known time.
    pub to: Timestamp,
    /// The value; `None`: known to be absent.
    pub value: Option<V>,
}

impl<V> Span<V> {
    /// How long the value held.
    pub fn length(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    /// The same in milliseconds.
    pub fn millis(&self) -> i64 {
        self.to.as_millisecond() - self.from.as_millisecond()
    }
}

/// The known values of a series within a window. The value that holds at its beginning counts from there.
///
/// Points of one series and gaps must be in chronological order; the points must include the last one before the window.
pub fn spans<'p, V: Clone>(
    points: &'p [Point],
    value: impl Fn(&'p PointValue) -> Option<V>,
    mut gaps: &[Gap],
    window: Window,
) -> Vec<Span<V>> {
    // From the value that holds at the beginning of the window.
    let begin = window.from.map_or(0, |from| points.partition_point(|point| point.at <= from).saturating_sub(1));
    let points = &points[begin..];
    let ends = points.iter().skip(1).map(|point| point.at).chain([window.to]);
    let mut spans = Vec::with_capacity(points.len());
    for (point, end) in points.iter().zip(ends) {
        if point.at > window.to || window.from.is_some_and(|from| end <= from) {
            continue;
        }
        let from = window.from.map_or(point.at, |from| from.max(point.at));
        let span = Span { from, to: end.min(window.to), value: point.value.as_ref().and_then(&value) };
        while let Some((_, later)) = gaps.split_first().filter(|(gap, _)| gap.to <= span.from) {
            gaps = later;
        }
        let is_read_there = from == point.at;
        push_known_parts(span, is_read_there, gaps, &mut spans);
    }
    spans
}

/// Cuts the gaps, of which the first ends after the beginning of the span, out of it. `is_read_there`: the value was read at the
/// beginning, and not before the window.
fn push_known_parts<V: Clone>(span: Span<V>, is_read_there: bool, gaps: &[Gap], parts: &mut Vec<Span<V>>) {
    let mut from = span.from;
    let mut push = |from: Timestamp, to: Timestamp| {
        // A value that was read and lasted for no known time still counts as an extreme.
        if to > from || is_read_there && from == span.from {
            parts.push(Span { from, to, value: span.value.clone() });
        }
    };
    for gap in gaps.iter().take_while(|gap| gap.from < span.to) {
        // The value was read at the beginning of the gap, unless the span begins within it.
        if gap.from >= from {
            push(from, gap.from);
        }
        from = from.max(gap.to);
    }
    if from < span.to || from == span.from {
        push(from, span.to.max(from));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Series;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn sorted(mut times: Vec<i64>) -> Vec<i64> {
        times.sort_unstable();
        times.dedup();
        times
    }

    /// The value that is known to hold during a second, as anybody would look it up.
    fn value_at(points: &[Point], gaps: &[Gap], second: Timestamp) -> Option<Option<i64>> {
        let is_unknown = gaps.iter().any(|gap| gap.from <= second && second < gap.to);
        let holding = points.iter().rev().find(|point| point.at <= second);
        let holding = holding.map(|point| point.value.as_ref().and_then(PointValue::number));
        holding.filter(|_| !is_unknown)
    }

    proptest! {
        #[test]
        fn the_spans_hold_what_each_second_of_the_window_held(
            times in prop::collection::vec(0i64..200, 0..20).prop_map(sorted),
            values in prop::collection::vec(prop::option::of(0i64..5), 20),
            marks in prop::collection::vec(0i64..200, 0..8).prop_map(sorted),
            from in prop::option::of(0i64..200),
            to in 0i64..220,
        ) {
            let point = |(second, value): (&i64, Option<i64>)| Point {
                key: Series::Price.into(),
                at: at(*second),
                value: value.map(PointValue::Number),
            };
            let points: Vec<Point> = times.iter().zip(values).map(point).collect();
            let gaps: Vec<Gap> = marks.chunks_exact(2).map(|pair| Gap { from: at(pair[0]), to: at(pair[1]) }).collect();
            let spans = spans(&points, PointValue::number, &gaps, Window { from: from.map(at), to: at(to) });
            for second in from.unwrap_or(0)..to {
                let second = at(second);
                let found: Vec<_> = spans.iter().filter(|span| span.from <= second && second < span.to).collect();
                prop_assert!(found.len() <= 1, "spans overlap");
                prop_assert_eq!(found.first().map(|span| span.value), value_at(&points, &gaps, second));
            }
            prop_assert!(spans.is_sorted_by_key(|span| span.from));
            prop_assert!(spans.iter().all(|span| span.from <= span.to));
        }
    }
}

//! Prices as the lines of a chart.

use jiff::Timestamp;

use super::document::Line;
use crate::domain::sampling::sample;
use crate::domain::steps::Span;
use crate::domain::{Currency, Point, PointValue, Series};

/// Most steps of a line. Of more, the extremes are kept.
const MAX_STEPS: usize = 400;

/// The line of a price in the main unit of its currency. Times without a price, or of which nothing is known, are gaps.
pub(super) fn line(name: &str, prices: &[Span<i64>], currency: Currency) -> Line {
    let step = |at: Timestamp, value: Option<i64>| Point {
        key: Series::Price.into(),
        at,
        value: value.map(PointValue::Number),
    };
    let mut steps: Vec<Point> = Vec::new();
    let lasting: Vec<&Span<i64>> = prices.iter().filter(|span| span.to > span.from).collect();
    for (place, span) in lasting.iter().enumerate() {
        steps.push(step(span.from, span.value));
        if lasting.get(place + 1).is_none_or(|next| next.from > span.to) {
            steps.push(step(span.to, None));
        }
    }
    let sampled = sample(&steps, MAX_STEPS).pop().map(|series| series.points).unwrap_or_default();
    let major = |minor: i64| minor as f64 / currency.minor_per_major() as f64;
    let steps = sampled.into_iter().map(|(at, value)| (at, value.and_then(|value| value.number()).map(major)));
    Line { name: name.to_owned(), steps: steps.collect() }
}

//! Statistics over a listing's history. A value holds until the next point, so averages are weighted by time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::availability::Availability;
use super::series::{Point, PointValue};
use super::steps::{Gap, Span, Window, spans};

/// A lowest or highest value and when it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extreme {
    /// Minor units.
    pub amount_minor: i64,
    /// When it was first reached within the window.
    pub at: Timestamp,
}

/// Price statistics of a window that ends now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceStats {
    /// Length of the window in days; `None` for the whole history.
    pub days: Option<u32>,
    /// The current price.
    pub current_minor: Option<i64>,
    /// Lowest price in the window.
    pub minimum: Option<Extreme>,
    /// Highest price in the window.
    pub maximum: Option<Extreme>,
    /// Time-weighted average over the time with a price, rounded to whole minor units.
    pub average_minor: Option<i64>,
    /// The current price is the lowest of the window.
    pub is_lowest: bool,
    /// Percentage of the time with a known availability during which the listing was out of stock or unavailable,
    /// 0–100.
    pub out_of_stock_percent: Option<f64>,
}

impl PriceStats {
    /// Leaves the current price unknown: it is too old.
    pub fn forget_current(&mut self) {
        self.current_minor = None;
        self.is_lowest = false;
    }
}

/// The reported windows in days; `None` is the whole history.
pub const WINDOWS: [Option<u32>; 5] = [Some(30), Some(90), Some(180), Some(365), None];

/// Statistics of the window of `days` that ends at `now`. Points must be in chronological order and include the last
/// one before the window; gaps must be in order, too. A gap that ends now leaves the current price unknown.
pub fn price_stats(
    prices: &[Point],
    availabilities: &[Point],
    gaps: &[Gap],
    days: Option<u32>,
    now: Timestamp,
) -> PriceStats {
    let window = Window::of_days(days, now);
    let is_current = gaps.last().is_none_or(|gap| gap.to < now);
    let prices = spans(prices, PointValue::number, gaps, window);
    let current_minor = prices.last().and_then(|span| span.value).filter(|_| is_current);
    let SpanStats { minimum, maximum, average_minor } = SpanStats::of(&prices);
    PriceStats {
        days,
        current_minor,
        minimum,
        maximum,
        average_minor,
        is_lowest: current_minor.is_some() && current_minor == minimum.map(|minimum| minimum.amount_minor),
        out_of_stock_percent: out_of_stock_percent(&spans(availabilities, PointValue::number, gaps, window)),
    }
}

/// Lowest, highest and average of what is known of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanStats {
    /// The lowest value.
    pub minimum: Option<Extreme>,
    /// The highest value.
    pub maximum: Option<Extreme>,
    /// Weighted by time, as in [`PriceStats`].
    pub average_minor: Option<i64>,
}

impl SpanStats {
    /// Of the spans of a window.
    pub fn of(spans: &[Span<i64>]) -> Self {
        Self {
            minimum: extreme(spans, |candidate, best| candidate < best),
            maximum: extreme(spans, |candidate, best| candidate > best),
            average_minor: average(spans),
        }
    }
}

fn extreme(spans: &[Span<i64>], better: impl Fn(i64, i64) -> bool) -> Option<Extreme> {
    let priced = spans.iter().filter_map(|span| Some(Extreme { amount_minor: span.value?, at: span.from }));
    priced.reduce(|best, next| if better(next.amount_minor, best.amount_minor) { next } else { best })
}

/// The average of the known values, weighted by how long each held, rounded to a whole number.
pub fn average(spans: &[Span<i64>]) -> Option<i64> {
    let priced = || spans.iter().filter_map(|span| Some((i128::from(span.value?), span.length().as_millis())));
    let time: i128 = priced().map(|(_, millis)| millis).sum();
    let weighted: i128 = priced().map(|(value, millis)| value * millis).sum();
    match time {
        // A price from this very instant has no duration yet: it is the average.
        0 => priced().next_back().and_then(|(value, _)| i64::try_from(value).ok()),
        time => i64::try_from((weighted + time / 2).div_euclid(time)).ok(),
    }
}

fn out_of_stock_percent(spans: &[Span<i64>]) -> Option<f64> {
    let known = spans
        .iter()
        .filter_map(|span| Some((Availability::from_number(span.value?)?, span.length())))
        .filter(|(availability, _)| *availability != Availability::Unknown);
    let (mut out, mut all) = (0.0, 0.0);
    for (availability, length) in known {
        all += length.as_secs_f64();
        out += if availability.is_out() { length.as_secs_f64() } else { 0.0 };
    }
    (all > 0.0).then(|| 100.0 * out / all)
}

#[cfg(test)]
mod tests {
    use super::super::series::Series;
    use super::*;

    const DAY_SECS: i64 = 86_400;

    fn day(days: i64) -> Timestamp {
        Timestamp::from_second(days * DAY_SECS).unwrap()
    }

    fn points(values: &[(i64, Option<i64>)]) -> Vec<Point> {
        let point = |(days, value): &(i64, Option<i64>)| Point {
            key: Series::Price.into(),
            at: day(*days),
            value: value.map(PointValue::Number),
        };
        values.iter().map(point).collect()
    }

    #[test]
    fn the_average_is_weighted_by_time_and_ignores_time_without_a_price() {
        // 10 days at 100, 10 days without a price, 30 days at 200.
        let prices = points(&[(0, Some(100)), (10, None), (20, Some(200))]);
        let stats = price_stats(&prices, &[], &[], None, day(50));
        assert_eq!(stats.average_minor, Some(175));
        assert_eq!(stats.minimum, Some(Extreme { amount_minor: 100, at: day(0) }));
        assert_eq!(stats.maximum, Some(Extreme { amount_minor: 200, at: day(20) }));
        assert!(!stats.is_lowest);
    }

    #[test]
    fn a_window_includes_the_value_that_held_at_its_start() {
        let prices = points(&[(0, Some(100)), (45, Some(300))]);
        let stats = price_stats(&prices, &[], &[], Some(30), day(50));
        assert_eq!(stats.minimum, Some(Extreme { amount_minor: 100, at: day(20) }));
        assert_eq!(stats.average_minor, Some((25 * 100 + 5 * 300 + 15) / 30));
    }

    #[test]
    fn an_older_minimum_does_not_count_in_a_shorter_window() {
        let prices = points(&[(0, Some(50)), (5, Some(100)), (45, Some(80))]);
        assert!(price_stats(&prices, &[], &[], Some(30), day(50)).is_lowest);
        assert!(!price_stats(&prices, &[], &[], None, day(50)).is_lowest);
    }

    #[test]
    fn out_of_stock_is_a_percentage_of_the_known_time() {
        let states = points(&[(0, Some(1)), (6, Some(5)), (8, Some(0)), (20, Some(1)), (22, Some(3))]);
        // Known on days 0–8 and 20–24; out of stock on days 6–8 and 22–24.
        let percent = price_stats(&[], &states, &[], None, day(24)).out_of_stock_percent.unwrap();
        assert!((percent - 100.0 * 4.0 / 12.0).abs() < 1e-9, "{percent}");
    }

    #[test]
    fn unknown_values_yield_none_rather_than_zero() {
        let stats = price_stats(&[], &[], &[], Some(30), day(50));
        assert_eq!((stats.current_minor, stats.average_minor, stats.out_of_stock_percent), (None, None, None));
        assert!(!stats.is_lowest);
    }

    #[test]
    fn time_without_a_successful_crawl_is_unknown() {
        // 40.00 until day 3, then 28 days blocked, and 60.00 from day 31 on, read at the end of the window.
        let prices = points(&[(0, Some(4_000)), (31, Some(6_000))]);
        let states = points(&[(0, Some(1)), (31, Some(5))]);
        let gap = Gap { from: day(3), to: day(31) };
        let stats = price_stats(&prices, &states, &[gap], None, day(31));
        assert_eq!((stats.average_minor, stats.current_minor), (Some(4_000), None), "the gap ends now");
        let stats = price_stats(&prices, &states, &[gap], None, day(32));
        assert_eq!((stats.average_minor, stats.current_minor), (Some(4_500), Some(6_000)));
        assert_eq!(stats.out_of_stock_percent, Some(25.0));
        let stats = price_stats(&prices, &states, &[gap], Some(10), day(32));
        assert_eq!(
            stats.minimum.map(|minimum| minimum.amount_minor),
            Some(6_000),
            "the old price is not known to have lasted"
        );
    }

    #[test]
    fn a_gap_that_ends_now_leaves_the_price_unknown() {
        let prices = points(&[(0, Some(4_000))]);
        let stats = price_stats(&prices, &[], &[Gap { from: day(3), to: day(31) }], Some(30), day(31));
        assert_eq!((stats.current_minor, stats.average_minor, stats.is_lowest), (None, Some(4_000), false));
    }
}

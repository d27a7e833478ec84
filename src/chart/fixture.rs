//! Histories for the tests.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{ChartLanguage, PriceChart, Size, Theme};
use crate::domain::steps::Gap;
use crate::domain::{Currency, Point, PointValue, Series};

/// The start of a day, counted from 1 January 1970.
pub(super) fn day(days: i64) -> Timestamp {
    Timestamp::from_second(days * 86_400).unwrap()
}

/// A time without a successful crawl, in days.
pub(super) fn gap(from: i64, to: i64) -> Gap {
    Gap { from: day(from), to: day(to) }
}

/// A price at a time.
pub(super) fn point(at: Timestamp, amount_minor: Option<i64>) -> Point {
    Point { key: Series::Price.into(), at, value: amount_minor.map(PointValue::Number) }
}

/// Prices by day.
pub(super) fn points(prices: &[(i64, Option<i64>)]) -> Vec<Point> {
    prices.iter().map(|(days, amount_minor)| point(day(*days), *amount_minor)).collect()
}

/// A chart of days 20,600 to 20,690 (27 May to 25 August 2026).
pub(super) fn chart<'a>(points: &'a [Point], gaps: &'a [Gap]) -> PriceChart<'a> {
    PriceChart {
        points,
        gaps,
        beside: &[],
        ranks: &[],
        from_zero: false,
        language: ChartLanguage::default(),
        target: None,
        currency: Currency::Usd,
        from: day(20_600),
        to: day(20_690),
        zone: TimeZone::UTC,
        title: "Headphones",
        theme: Theme::Light,
        size: Size::default(),
    }
}

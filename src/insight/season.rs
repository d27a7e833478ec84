//! How the price of each month of the year compares with its year.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::distribution::days_of;
use super::history::{known, median_within};
use super::measure::{Measure, enough_days};
use super::sliding_median::SlidingMedian;
use crate::domain::steps::{Span, Window};

/// Two years: each month is then seen within the twelve months around it at least once.
const MIN_DAYS: u32 = 730;

/// A month counts if its price is known for half of it, its year if it is for 70 %.
const MIN_SHARE_OF_MONTH: f64 = 0.5;
const MIN_SHARE_OF_YEAR: f64 = 0.7;

/// The price over the year.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    /// January to December; `None`: there is no year with enough data around the month.
    pub months: [Option<SeasonMonth>; 12],
}

/// One month of the year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeasonMonth {
    /// Median price of the month ÷ median price of the twelve months around it; of several years, the median.
    pub index: f64,
    /// Years that it rests on.
    pub years: usize,
}

/// The season of the prices of the whole history, by months in UTC. Counts the months that have an index of their own.
pub(super) fn season(prices: &[Span<i64>], now: Timestamp) -> Measure<Season> {
    let (_, coverage) = known(prices, Window::of_days(None, now));
    let extent = prices.first().map_or(SignedDuration::ZERO, |first| now.duration_since(first.from));
    let ratios = ratios(prices, now);
    let n = ratios.iter().map(Vec::len).sum();
    let value = enough_days(days_of(extent), MIN_DAYS).map(|()| Season { months: ratios.map(month) });
    Measure::of(n, coverage, value)
}

fn month(mut ratios: Vec<f64>) -> Option<SeasonMonth> {
    let index = median(&mut ratios)?;
    Some(SeasonMonth { index, years: ratios.len() })
}

/// For each month of the year, its ratios in the years of the history.
fn ratios(spans: &[Span<i64>], now: Timestamp) -> [Vec<f64>; 12] {
    let mut by_month: [Vec<f64>; 12] = Default::default();
    let Some(first) = spans.first() else { return by_month };
    let mut of_year = SlidingMedian::over(spans);
    let mut month = first_of_month(first.from);
    while let (Some(begin), Some(end)) = (start(month), after(month, 1).and_then(start)) {
        if end > now {
            break;
        }
        // The twelve months around the middle of the month.
        let middle = begin.saturating_add(end.duration_since(begin) / 2).unwrap_or(end);
        let half_year = SignedDuration::from_hours(24 * 365 / 2);
        let (year_from, year_to) =
            (middle.saturating_sub(half_year).unwrap_or(begin), middle.saturating_add(half_year).unwrap_or(end));
        let price = median_within(spans, begin, end);
        let year = of_year.slide_to(year_from, year_to);
        let month_days = days_of(end.duration_since(begin));
        if let (Some((price, time)), Some((around, year_days))) = (price, year)
            && year_from >= first.from
            && year_to <= now
            && days_of(time) >= MIN_SHARE_OF_MONTH * month_days
            && year_days >= MIN_SHARE_OF_YEAR * 365.0
            && around > 0
        {
            by_month[usize::from(month.month().unsigned_abs()) - 1].push(price as f64 / around as f64);
        }
        let Some(next) = after(month, 1) else { break };
        month = next;
    }
    by_month
}

fn first_of_month(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date().first_of_month()
}

fn after(month: Date, months: i32) -> Option<Date> {
    month.checked_add(months.months()).ok()
}

fn start(month: Date) -> Option<Timestamp> {
    Some(month.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The median; of an even number, the mean of the middle two.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

//! The price in 30 days, by the better of two plain forecasts.

use jiff::{SignedDuration, Timestamp};
use strum::IntoStaticStr;

use super::history::{ListingHistory, known, median_within};
use super::measure::{Measure, Missing, enough, enough_days};
use super::sliding_median::SlidingMedian;
use crate::domain::steps::{Span, Window};

/// 90 days of the median and 30 days ahead: a shorter history judges nothing.
const MIN_DAYS: u32 = 120;
/// Days on which both forecasts could be judged.
const MIN_TRIALS: usize = 30;
const DAY: SignedDuration = SignedDuration::from_hours(24);
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 30);
const MEDIAN_OF: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Method {
    /// The price stays as it is.
    LastValue,
    /// The price returns to the median of the last 90 days.
    Median90Days,
}

impl Method {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The price in 30 days.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The forecast with the smaller error on the listing's own past; when they are equal, the last value.
    pub method: Method,
    /// The forecast, in minor units.
    pub price_minor: i64,
    /// Nine of ten changes over 30 days in the past led to a higher price than this, in minor units.
    pub low_minor: i64,
    /// Nine of ten changes over 30 days in the past led to a lower price than this, in minor units.
    pub high_minor: i64,
    /// Mean absolute error of the method on the past, in minor units.
    pub mean_error_minor: i64,
    /// The same of the other method.
    pub other_mean_error_minor: i64,
}

/// One day of the past: what was known then, and what came of it.
struct Trial {
    last: i64,
    median: i64,
    actual: i64,
}

/// The outlook from the prices of the whole history. Counts the days of the past on which both forecasts were judged.
pub(super) fn outlook(history: &ListingHistory, prices: &[Span<i64>]) -> Measure<Outlook> {
    let (_, coverage) = known(prices, Window::of_days(None, history.now()));
    let priced: SignedDuration = prices.iter().filter(|span| span.value.is_some()).map(Span::length).sum();
    let trials = trials(prices, history.now());
    let value = || {
        let current = history.current_price().ok_or(Missing::NoCurrentPrice)?;
        enough_days(super::distribution::days_of(priced), MIN_DAYS)?;
        enough("days of the past", trials.len(), MIN_TRIALS)?;
        let median = median_now(prices, history.now()).ok_or(Missing::NoCurrentPrice)?;
        Ok(judged(&trials, current, median))
    };
    Measure::of(trials.len(), coverage, value())
}

fn judged(trials: &[Trial], current: i64, median: i64) -> Outlook {
    let error = |forecast: fn(&Trial) -> i64| {
        let sum: i128 = trials.iter().map(|trial| i128::from((forecast(trial) - trial.actual).abs())).sum();
        let count = i128::try_from(trials.len()).unwrap_or(1).max(1);
        i64::try_from((sum + count / 2) / count).unwrap_or(i64::MAX)
    };
    let (of_last, of_median) = (error(|trial| trial.last), error(|trial| trial.median));
    let (method, price_minor, mean_error_minor, other_mean_error_minor) = if of_last <= of_median {
        (Method::LastValue, current, of_last, of_median)
    } else {
        (Method::Median90Days, median, of_median, of_last)
    };
    let mut changes: Vec<f64> = trials.iter().map(|trial| trial.actual as f64 / trial.last as f64).collect();
    changes.sort_by(f64::total_cmp);
    let after = |share: f64| (current as f64 * quantile(&changes, share)).round() as i64;
    Outlook {
        method,
        price_minor,
        low_minor: after(0.1),
        high_minor: after(0.9),
        mean_error_minor,
        other_mean_error_minor,
    }
}

/// The smallest value that at least the share of the sorted values does not exceed.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(1.0)
}

fn median_now(spans: &[Span<i64>], now: Timestamp) -> Option<i64> {
    median_within(spans, now.checked_sub(MEDIAN_OF).ok()?, now).map(|(median, _)| median)
}

/// A trial for each day of the past that has 90 days before it and 30 after it, and a price at both ends.
fn trials(spans: &[Span<i64>], now: Timestamp) -> Vec<Trial> {
    let Some(first) = spans.first() else { return Vec::new() };
    let mut medians = SlidingMedian::over(spans);
    let (mut last, mut actual) = (ValueAt::of(spans), ValueAt::of(spans));
    let mut trials = Vec::new();
    let mut day = first.from.checked_add(MEDIAN_OF).ok();
    while let Some(at) = day
        && let Ok(then) = at.checked_add(AHEAD)
        && then <= now
    {
        let median = at.checked_sub(MEDIAN_OF).ok().and_then(|from| medians.slide_to(from, at));
        if let (Some((median, _)), Some(last), Some(actual)) = (median, last.at(at), actual.at(then))
            && last > 0
        {
            trials.push(Trial { last, median, actual });
        }
        day = at.checked_add(DAY).ok();
    }
    trials
}

/// Looks up values at times that only move on.
struct ValueAt<'s> {
    spans: &'s [Span<i64>],
}

impl<'s> ValueAt<'s> {
    fn of(spans: &'s [Span<i64>]) -> Self {
        Self { spans }
    }

    /// The value that held just before or at the time.
    fn at(&mut self, at: Timestamp) -> Option<i64> {
        while let Some((_, later)) = self.spans.split_first().filter(|(first, _)| first.to < at) {
            self.spans = later;
        }
        self.spans.first().filter(|span| span.from <= at).and_then(|span| span.value)
    }
}

//! What the price is worth: where it stands in its own history.

use jiff::{SignedDuration, Timestamp};

use super::distribution::Distribution;
use super::history::{ListingHistory, coverage, known};
use super::measure::{Measure, Missing, enough, enough_coverage, enough_days};
use crate::domain::Series;
use crate::domain::steps::{Span, Window};

const MIN_DAYS: u32 = 30;
const MIN_COVERAGE: f64 = 0.7;
/// What the price was most of the time is known.
const MIN_RANGE_COVERAGE: f64 = 0.5;

/// Prices without which a score says nothing: a price that never moved is neither good nor bad.
const MIN_PRICES_OF_SCORE: usize = 3;

/// Whether the current price is the lowest. A price that has never been higher is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lowest {
    /// There was none lower since tracking began, and one that was higher.
    pub of_all_time: bool,
    /// There was none lower in the last 90 days, and one that was higher.
    pub of_90_days: bool,
    /// The lowest price since tracking began, in minor units.
    pub lowest_minor: i64,
    /// When it was first reached.
    pub lowest_at: Timestamp,
}

/// How much a price moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volatility {
    /// Changes from one price to another in 30 days with a price.
    pub changes_per_30_days: f64,
    /// The median distance of the price from its median, as a share of the median (MAD ÷ median).
    pub relative_deviation: f64,
}

/// The prices of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceRange {
    /// The lowest, in minor units.
    pub lowest_minor: i64,
    /// The highest, in minor units.
    pub highest_minor: i64,
    /// The mean, weighted by time, in minor units.
    pub mean_minor: i64,
}

/// The prices of a window, with the time of each.
struct Prices {
    spans: Vec<Span<i64>>,
    distribution: Distribution,
    /// How many prices held.
    n: usize,
    coverage: f64,
}

impl Prices {
    fn of(history: &ListingHistory, window: Window) -> Self {
        let spans = history.numbers(&Series::Price.into(), window);
        let distribution = Distribution::of(&spans);
        let n = spans.iter().filter(|span| span.value.is_some()).count();
        let known: SignedDuration = spans.iter().map(Span::length).sum();
        let coverage = coverage(known, spans.first().map(|span| span.from), window);
        Self { spans, distribution, n, coverage }
    }

    fn measure<T>(&self, value: Result<T, Missing>) -> Measure<T> {
        Measure::of(self.n, self.coverage, value)
    }
}

/// (time above now + ½ time equal) ÷ priced time. Counts the prices that held.
pub(super) fn percentile(history: &ListingHistory, window: Window) -> Measure<f64> {
    let prices = Prices::of(history, window);
    let value = || {
        let current = history.current_price().ok_or(Missing::NoCurrentPrice)?;
        enough_days(prices.distribution.days(), MIN_DAYS)?;
        enough_coverage(prices.coverage, MIN_COVERAGE)?;
        prices.distribution.percentile(current).ok_or(Missing::NoCurrentPrice)
    };
    prices.measure(value())
}

/// 10 × percentile. Counts the different prices.
pub(super) fn deal_score(history: &ListingHistory, window: Window, percentile: &Measure<f64>) -> Measure<f64> {
    let distinct = Prices::of(history, window).distribution.distinct();
    let value = percentile.value.and_then(|percentile| {
        enough("different prices", distinct, MIN_PRICES_OF_SCORE)?;
        Ok(10.0 * percentile)
    });
    Measure::of(distinct, percentile.coverage, value)
}

/// The flags of the lowest price, from the prices of the whole history. Counts the prices that held.
pub(super) fn lowest(history: &ListingHistory, prices: &[Span<i64>]) -> Measure<Lowest> {
    let recent = history.numbers(&Series::Price.into(), Window::of_days(Some(90), history.now()));
    let held = |spans: &[Span<i64>]| spans.iter().filter_map(|span| Some((span.value?, span.from))).collect::<Vec<_>>();
    let (all, recent) = (held(prices), held(&recent));
    let value = || {
        let current = history.current_price().ok_or(Missing::NoCurrentPrice)?;
        let (lowest_minor, lowest_at) = all.iter().min().copied().ok_or(Missing::NoCurrentPrice)?;
        let is_lowest_of = |held: &[(i64, Timestamp)]| {
            let prices = || held.iter().map(|(price, _)| *price);
            prices().min() == Some(current) && prices().max() > Some(current)
        };
        Ok(Lowest { of_all_time: is_lowest_of(&all), of_90_days: is_lowest_of(&recent), lowest_minor, lowest_at })
    };
    Measure::of(all.len(), known(prices, Window::of_days(None, history.now())).1, value())
}

/// The prices of the last days. Counts the prices that held.
pub fn price_range(history: &ListingHistory, days: u32) -> Measure<PriceRange> {
    let prices = Prices::of(history, Window::of_days(Some(days), history.now()));
    let value = || {
        enough_coverage(prices.coverage, MIN_RANGE_COVERAGE)?;
        let ends = prices.distribution.lowest().zip(prices.distribution.highest());
        let range = ends.zip(prices.distribution.mean());
        let too_short = Missing::TooShort { days: prices.distribution.days(), needed: 1 };
        range
            .map(|((lowest_minor, highest_minor), mean_minor)| PriceRange { lowest_minor, highest_minor, mean_minor })
            .ok_or(too_short)
    };
    prices.measure(value())
}

/// Changes and spread of the price. Counts the changes.
pub(super) fn volatility(history: &ListingHistory, window: Window) -> Measure<Volatility> {
    let prices = Prices::of(history, window);
    let changes = changes(&prices.spans);
    let value = || {
        let days = prices.distribution.days();
        enough_days(days, MIN_DAYS)?;
        let too_short = Missing::TooShort { days, needed: MIN_DAYS };
        let median = prices.distribution.median().filter(|median| *median > 0).ok_or(too_short)?;
        let deviation = prices.distribution.median_deviation().ok_or(too_short)?;
        Ok(Volatility {
            changes_per_30_days: changes as f64 * 30.0 / days,
            relative_deviation: deviation as f64 / median as f64,
        })
    };
    Measure::of(changes, prices.coverage, value())
}

/// How often the price was another than the one before. A price that returns unchanged is no change.
fn changes(spans: &[Span<i64>]) -> usize {
    let prices: Vec<i64> = spans.iter().filter_map(|span| span.value).collect();
    prices.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

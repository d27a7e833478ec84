//! How the reviews and the rating of a listing changed.

use super::history::{ListingHistory, known};
use super::measure::{Measure, Missing, enough_coverage, enough_days};
use crate::domain::steps::{Span, Window};
use crate::domain::{Rating, Series};

/// The series that the reputation needs within its window, with the values in effect at its beginning.
pub const SERIES_OF_REPUTATION: &[Series] = &[Series::Rating, Series::ReviewCount];

/// Days that a value must be known.
const MIN_DAYS: u32 = 7;
const MIN_COVERAGE: f64 = 0.5;

/// The reviews and the rating of a listing over a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Reputation {
    /// Reviews at the end of the window minus those at its beginning. Amazon merges and removes reviews, so it can be negative. Counts the
    /// changes.
    pub reviews_gained: Measure<i64>,
    /// The rating at the beginning and at the end of the window. Counts the changes.
    pub rating: Measure<RatingChange>,
}

/// The rating at the beginning and at the end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatingChange {
    /// The first one that is known.
    pub from: Rating,
    /// The last one that is known.
    pub to: Rating,
}

/// The reputation over the last days, from a history that has [`SERIES_OF_REPUTATION`] as well.
pub fn reputation(history: &ListingHistory, days: u32) -> Reputation {
    let window = Window::of_days(Some(days), history.now());
    Reputation { reviews_gained: reviews_gained(history, window), rating: rating_change(history, window) }
}

/// See [`Reputation::reviews_gained`].
pub(super) fn reviews_gained(history: &ListingHistory, window: Window) -> Measure<i64> {
    let spans = history.numbers(&Series::ReviewCount.into(), window);
    ends_of(&spans, window).map(|ends| ends.map_or(0, |(first, last)| last - first))
}

fn rating_change(history: &ListingHistory, window: Window) -> Measure<RatingChange> {
    let spans = history.numbers(&Series::Rating.into(), window);
    let rating = |hundredths: i64| u16::try_from(hundredths).ok().map(Rating);
    let Measure { n, coverage, value } = ends_of(&spans, window);
    let value = value.and_then(|ends| {
        let change = ends.and_then(|(from, to)| Some(RatingChange { from: rating(from)?, to: rating(to)? }));
        change.ok_or(Missing::TooShort { days: 0.0, needed: MIN_DAYS })
    });
    Measure::of(n, coverage, value)
}

/// The first and the last known value; `None`: there is none.
fn ends_of(spans: &[Span<i64>], window: Window) -> Measure<Option<(i64, i64)>> {
    let values: Vec<i64> = spans.iter().filter_map(|span| span.value).collect();
    let changes = values.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let (days, coverage) = known(spans, window);
    let is_enough = enough_days(days, MIN_DAYS).and_then(|()| enough_coverage(coverage, MIN_COVERAGE));
    Measure::of(changes, coverage, is_enough.map(|()| values.first().copied().zip(values.last().copied())))
}

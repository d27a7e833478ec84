//! The sales rank: its main category, and how often it improved.

use jiff::SignedDuration;

use super::distribution::median_and_time;
use super::history::{ListingHistory, known};
use super::measure::{Measure, Missing, enough};
use crate::domain::SeriesKey;
use crate::domain::steps::{Span, Window};

/// Fewer changes do not show the pace at which the listing was crawled.
const MIN_CHANGES: usize = 10;

/// Halves of the window whose typical times between changes differ by more were crawled at another pace.
const MAX_RATIO: f64 = 2.0;

/// How often the rank in the main category improved. Sales improve a rank, and so does the fall of others: it is no number of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankDrops {
    /// The main category.
    pub category: String,
    /// Changes to a better (lower) rank.
    pub drops: usize,
    /// Changes of any kind. More frequent crawls see more of them.
    pub changes: usize,
}

/// Improvements of the rank in the main category. Counts the changes.
pub(super) fn rank_drops(history: &ListingHistory, window: Window) -> Measure<RankDrops> {
    let Some((key, spans)) = main_category(history, window) else {
        return Measure::of(0, 0.0, Err(Missing::TooFew { what: "rank changes", count: 0, needed: MIN_CHANGES }));
    };
    let (_, coverage) = known(&spans, window);
    let ranks: Vec<(&Span<i64>, i64)> = spans.iter().filter_map(|span| Some((span, span.value?))).collect();
    let moves: Vec<_> = ranks.windows(2).filter(|pair| pair[0].1 != pair[1].1).collect();
    let drops = moves.iter().filter(|pair| pair[1].1 < pair[0].1).count();
    let value = || {
        enough("rank changes", moves.len(), MIN_CHANGES)?;
        let times: Vec<_> = moves.iter().map(|pair| pair[1].0.from).collect();
        even_pace(&times.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect::<Vec<_>>())?;
        Ok(RankDrops { category: key.category.clone(), drops, changes: moves.len() })
    };
    Measure::of(moves.len(), coverage, value())
}

/// The category of the whole department: of those that are known for at least half as long as the best known one, the one with the
/// highest ranks: among more products a listing ranks lower. Pages state the department first, but history does not keep their order.
pub(super) fn main_category(history: &ListingHistory, window: Window) -> Option<(SeriesKey, Vec<Span<i64>>)> {
    let of_key = |key: SeriesKey| {
        let spans = history.numbers(&key, window);
        let (median, time) = median_and_time(&spans);
        Some((median?, time, key, spans))
    };
    let categories: Vec<_> = history.rank_keys().into_iter().filter_map(of_key).collect();
    let longest = categories.iter().map(|(_, time, ..)| *time).max()?;
    let known_well = categories.into_iter().filter(|(_, time, ..)| *time * 2 >= longest);
    known_well.max_by_key(|(median, ..)| *median).map(|(_, _, key, spans)| (key, spans))
}

/// Fails if the typical times between changes differ too much in the two halves.
fn even_pace(pauses: &[SignedDuration]) -> Result<(), Missing> {
    let (first, second) = pauses.split_at(pauses.len() / 2);
    let (first, second) = (typical(first), typical(second));
    let ratio = if first > second { first / second } else { second / first };
    if ratio <= MAX_RATIO { Ok(()) } else { Err(Missing::UnevenCrawls { ratio }) }
}

/// The median in seconds.
fn typical(pauses: &[SignedDuration]) -> f64 {
    let mut seconds: Vec<f64> = pauses.iter().map(SignedDuration::as_secs_f64).collect();
    super::season::median(&mut seconds).unwrap_or(0.0).max(1.0)
}

//! Whether the sales rank followed the price. A hint, no elasticity: other things move ranks more.

use jiff::{SignedDuration, Timestamp};

use super::distribution::median_and_time;
use super::history::{ListingHistory, known, within};
use super::measure::{Measure, enough};
use super::rank::main_category;
use super::season::median;
use crate::domain::steps::{Span, Window};
use crate::domain::{Availability, Series};

/// Days of ranks that are looked at.
const DAYS: u32 = 365;
const MIN_MOVES: usize = 8;
/// A smaller move of the price is none.
const MIN_MOVE: f64 = 0.02;
/// A price that lasts less is a passing one.
const MIN_HELD: SignedDuration = SignedDuration::from_hours(72);
/// Ranks are compared over so long before and after the move.
const AROUND: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the rank did after moves of the price.
#[derive(Debug, Clone, PartialEq)]
pub struct Elasticity {
    /// The main category.
    pub category: String,
    /// Share of the moves after which the rank went the expected way: better after a lower price, worse after a higher one; 0–1.
    pub expected_share: f64,
    /// Median of (rank after ÷ rank before) over the moves to a lower price; `None`: there was none.
    pub after_decrease: Option<f64>,
    /// The same over the moves to a higher price.
    pub after_increase: Option<f64>,
}

/// A move of the price, and what the rank did.
struct Move {
    is_decrease: bool,
    /// Rank after ÷ rank before.
    ratio: f64,
}

impl Move {
    fn is_expected(&self) -> bool {
        if self.is_decrease { self.ratio < 1.0 } else { self.ratio > 1.0 }
    }
}

/// The 7-day median rank after moves of the price that held, relative to the one before, over the last year and while the listing could
/// be bought. Counts the moves.
pub(super) fn elasticity(history: &ListingHistory) -> Measure<Elasticity> {
    let window = Window::of_days(Some(DAYS), history.now());
    let (category, ranks) =
        main_category(history, window).map_or_else(Default::default, |(key, spans)| (key.category, spans));
    let prices = history.numbers(&Series::Price.into(), window);
    let states = history.numbers(&Series::Availability.into(), window);
    let moves: Vec<Move> =
        prices.windows(2).filter_map(|pair| price_move(&pair[0], &pair[1], &ranks, &states)).collect();
    let value = enough("price moves", moves.len(), MIN_MOVES).map(|()| Elasticity {
        category,
        expected_share: moves.iter().filter(|found| found.is_expected()).count() as f64 / moves.len() as f64,
        after_decrease: median_ratio(&moves, true),
        after_increase: median_ratio(&moves, false),
    });
    Measure::of(moves.len(), known(&ranks, window).1, value)
}

fn median_ratio(moves: &[Move], is_decrease: bool) -> Option<f64> {
    median(
        &mut moves.iter().filter(|found| found.is_decrease == is_decrease).map(|found| found.ratio).collect::<Vec<_>>(),
    )
}

fn price_move(before: &Span<i64>, after: &Span<i64>, ranks: &[Span<i64>], states: &[Span<i64>]) -> Option<Move> {
    let (old, new) = (before.value.filter(|old| *old > 0)?, after.value?);
    let is_large = (new as f64 / old as f64 - 1.0).abs() >= MIN_MOVE;
    if !is_large || after.length() < MIN_HELD || before.to != after.from {
        return None;
    }
    let (from, at, to) = (after.from.checked_sub(AROUND).ok()?, after.from, after.from.checked_add(AROUND).ok()?);
    if !is_in_stock(states, from, to) {
        return None;
    }
    let ratio = median_rank(ranks, at, to)? as f64 / median_rank(ranks, from, at)? as f64;
    Some(Move { is_decrease: new < old, ratio })
}

/// True when the listing could be bought all the time, as far as it is known.
fn is_in_stock(states: &[Span<i64>], from: Timestamp, to: Timestamp) -> bool {
    let between = within(states, from, to);
    let is_out = |span: &Span<i64>| span.value.and_then(Availability::from_number).is_some_and(Availability::is_out);
    !between.is_empty() && !between.iter().any(is_out)
}

/// The median rank, if it is known for half the time.
fn median_rank(ranks: &[Span<i64>], from: Timestamp, to: Timestamp) -> Option<i64> {
    let (median, time) = median_and_time(&within(ranks, from, to));
    let is_known = time * 2 >= to.duration_since(from);
    median.filter(|rank| is_known && *rank > 0)
}

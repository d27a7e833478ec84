//! How often a listing cannot be bought.

use jiff::SignedDuration;

use super::history::{ListingHistory, coverage};
use super::measure::{Measure, enough_coverage};
use crate::domain::steps::{Span, Window};
use crate::domain::{Availability, Series};

const MIN_COVERAGE: f64 = 0.5;

/// Out of stock ÷ known time. Counts the times that it went out of stock.
pub(super) fn out_of_stock_share(history: &ListingHistory, window: Window) -> Measure<f64> {
    let spans = history.numbers(&Series::Availability.into(), window);
    let states: Vec<(Availability, SignedDuration)> = spans.iter().filter_map(known_state).collect();
    let known: SignedDuration = states.iter().map(|(_, length)| *length).sum();
    let out: SignedDuration = states.iter().filter(|(state, _)| state.is_out()).map(|(_, length)| *length).sum();
    let coverage = coverage(known, spans.first().map(|span| span.from), window);
    let share = enough_coverage(coverage, MIN_COVERAGE).map(|()| out.as_secs_f64() / known.as_secs_f64());
    Measure::of(times_out(&states), coverage, share)
}

fn known_state(span: &Span<i64>) -> Option<(Availability, SignedDuration)> {
    let state = span.value.and_then(Availability::from_number)?;
    (state != Availability::Unknown).then(|| (state, span.length()))
}

fn times_out(states: &[(Availability, SignedDuration)]) -> usize {
    let goes_out = |index: usize| states[index].0.is_out() && (index == 0 || !states[index - 1].0.is_out());
    (0..states.len()).filter(|index| goes_out(*index)).count()
}

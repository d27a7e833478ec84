//! The gate between what a page showed and what is believed.
//!
//! A price outside 50–200 % of the last good one, or one that is suddenly gone, is held and looked at again before anyone
//! is told. The bounds are those of the field's design cases; see *plausibility gate* in DESIGN section 7.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Two readings agree on a surprising price when they differ by at most this share of it, in percent.
const AGREEMENT_PERCENT: i64 = 5;

/// How often one surprise may ask for another look soon; after that the listing's own rhythm is enough.
const MAX_RECHECKS: u8 = 3;

/// A surprising price that waits for a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What the page showed, in minor units; `None` when the price was gone.
    pub price_minor: Option<i64>,
    /// When the first look saw it.
    pub since: Timestamp,
    /// How many readings have surprised us in a row.
    pub readings: u8,
}

/// What to do with a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighed {
    /// Ordinary, or confirmed.
    Believe,
    /// Surprising: keep the last good state.
    Hold(Held),
}

/// Weighs a price (`None`: known to be gone) against the last good one and against what is already held.
pub fn weigh(
    last_good_minor: Option<i64>,
    had_price: bool,
    held: Option<Held>,
    seen: Option<i64>,
    at: Timestamp,
) -> Weighed {
    if is_ordinary(last_good_minor, had_price, seen) || held.is_some_and(|held| agrees(held.price_minor, seen)) {
        return Weighed::Believe;
    }
    let readings = held.map_or(1, |held| held.readings.saturating_add(1));
    Weighed::Hold(Held { price_minor: seen, since: held.map_or(at, |held| held.since), readings })
}

impl Held {
    /// True while another look soon is worth its cost.
    pub fn needs_recheck(&self) -> bool {
        self.readings <= MAX_RECHECKS
    }
}

fn is_ordinary(last_good_minor: Option<i64>, had_price: bool, seen: Option<i64>) -> bool {
    match (last_good_minor, seen) {
        (_, None) => !had_price,
        (None, Some(_)) => true,
        (Some(last), Some(seen)) => seen.saturating_mul(2) >= last && seen <= last.saturating_mul(2),
    }
}

fn agrees(held: Option<i64>, seen: Option<i64>) -> bool {
    match (held, seen) {
        (None, None) => true,
        (Some(held), Some(seen)) => (held - seen).abs() * 100 <= held.abs() * AGREEMENT_PERCENT,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn held_of(weighed: Weighed) -> Held {
        match weighed {
            Weighed::Hold(held) => held,
            Weighed::Believe => panic!("believed what should have been held"),
        }
    }

    #[test]
    fn the_bounds_themselves_are_believed_and_a_cent_beyond_is_held() {
        for (seen, believed) in [(5_000, true), (4_999, false), (20_000, true), (20_001, false), (10_000, true)] {
            let weighed = weigh(Some(10_000), true, None, Some(seen), AT);
            assert_eq!(weighed == Weighed::Believe, believed, "{seen}");
        }
    }

    #[test]
    fn a_second_look_that_agrees_is_believed_and_one_that_differs_is_held_anew() {
        let held = held_of(weigh(Some(10_000), true, None, Some(1_000), AT));
        assert_eq!(weigh(Some(10_000), true, Some(held), Some(1_040), AT), Weighed::Believe);
        let again = held_of(weigh(Some(10_000), true, Some(held), Some(3_000), AT));
        assert_eq!((again.price_minor, again.readings), (Some(3_000), 2));
    }

    #[test]
    fn a_price_that_vanishes_is_held_once_and_then_believed() {
        let held = held_of(weigh(Some(10_000), true, None, None, AT));
        assert_eq!(weigh(Some(10_000), true, Some(held), None, AT), Weighed::Believe);
        assert_eq!(weigh(Some(10_000), false, None, None, AT), Weighed::Believe);
    }

    #[test]
    fn the_first_price_of_all_is_believed() {
        assert_eq!(weigh(None, false, None, Some(1), AT), Weighed::Believe);
    }
}

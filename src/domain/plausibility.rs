//! The plausibility gate between the price on a page and the accepted price.
//!
//! A price outside 50–200 % of the last good one, or one that disappears, is held and crawled again before anything is
//! reported. For the bounds see *plausibility gate* in section 7 of DESIGN.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Two surprising readings agree when they differ by at most this percentage.
const AGREEMENT_PERCENT: i64 = 5;

/// So many readings in a row on the same side of the bounds confirm one another, although they differ.
const CONFIRMING_READINGS: usize = 3;

/// Readings remembered for confirmation. Of seven, three are on the same side, whatever their order.
const MAX_REMEMBERED: usize = 7;

/// How many early rechecks one surprise may cause; after that the listing's own interval applies.
const MAX_RECHECKS: u8 = 3;

/// Surprising readings in a row that wait for confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The latest price in minor units; `None` when there was no price.
    pub price_minor: Option<i64>,
    /// When the first one was seen.
    pub since: Timestamp,
    /// Number of surprising readings in a row.
    pub readings: u8,
    /// The readings before the latest one, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Option<i64>>,
}

/// What to do with a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriceCheck {
    /// Believe this price: it is plausible, or confirmed. Of readings that confirm one another and differ, it is the one that is
    /// nearest to the last good price.
    Accept(Option<i64>),
    /// Surprising: keep the last good state.
    Hold(Held),
}

/// In what way a reading contradicts the last good price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// There is no price any more.
    Gone,
    /// Below half of it.
    Fall,
    /// Above twice of it.
    Rise,
}

impl Side {
    fn of(last_good_minor: Option<i64>, seen: Option<i64>) -> Self {
        match (last_good_minor, seen) {
            (_, None) => Self::Gone,
            (Some(last), Some(seen)) if seen < last => Self::Fall,
            (_, Some(_)) => Self::Rise,
        }
    }
}

/// Checks a price (`None`: the page has no price) against the last good one and against the held ones.
///
/// A single surprising reading is never believed. It is confirmed by a second reading that agrees with it, in a row of surprising
/// ones, or by three readings on the same side. So for any sequence of surprising readings, the belief moves within seven crawls.
pub fn check_price(
    last_good_minor: Option<i64>,
    had_price: bool,
    held: Option<&Held>,
    seen: Option<i64>,
    at: Timestamp,
) -> PriceCheck {
    if is_plausible(last_good_minor, had_price, seen) {
        return PriceCheck::Accept(seen);
    }
    let before = || held.into_iter().flat_map(Held::prices);
    if before().any(|earlier| agrees(earlier, seen)) {
        return PriceCheck::Accept(seen);
    }
    let side = Side::of(last_good_minor, seen);
    let same_side: Vec<Option<i64>> =
        before().chain([seen]).filter(|price| Side::of(last_good_minor, *price) == side).collect();
    if same_side.len() >= CONFIRMING_READINGS {
        let prices = same_side.into_iter().flatten();
        return PriceCheck::Accept(if side == Side::Rise { prices.min() } else { prices.max() });
    }
    let mut earlier: Vec<Option<i64>> = before().collect();
    earlier.drain(..earlier.len().saturating_sub(MAX_REMEMBERED - 1));
    let readings = held.map_or(1, |held| held.readings.saturating_add(1));
    PriceCheck::Hold(Held { price_minor: seen, since: held.map_or(at, |held| held.since), readings, earlier })
}

impl Held {
    /// True while another early crawl is worthwhile.
    pub fn needs_recheck(&self) -> bool {
        self.readings <= MAX_RECHECKS
    }

    /// The remembered readings, the oldest first.
    fn prices(&self) -> impl Iterator<Item = Option<i64>> {
        self.earlier.iter().copied().chain([self.price_minor])
    }
}

fn is_plausible(last_good_minor: Option<i64>, had_price: bool, seen: Option<i64>) -> bool {
    match (last_good_minor, seen) {
        (_, None) => !had_price,
        (None, Some(_)) => true,
        (Some(last), Some(seen)) => seen.saturating_mul(2) >= last && seen <= last.saturating_mul(2),
    }
}

fn agrees(held: Option<i64>, seen: Option<i64>) -> bool {
    match (held, seen) {
        (None, None) => true,
        (Some(held), Some(seen)) => {
            (held - seen).abs().saturating_mul(100) <= held.abs().saturating_mul(AGREEMENT_PERCENT)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn held_of(checked: PriceCheck) -> Held {
        match checked {
            PriceCheck::Hold(held) => held,
            PriceCheck::Accept(_) => panic!("accepted a price that should have been held"),
        }
    }

    /// What is believed after some readings, and after how many of them, when 100.00 was believed before.
    fn believed(readings: impl IntoIterator<Item = Option<i64>>) -> Option<(usize, Option<i64>)> {
        let mut held = None;
        for (number, seen) in readings.into_iter().enumerate() {
            match check_price(Some(10_000), true, held.as_ref(), seen, AT) {
                PriceCheck::Accept(price) => return Some((number + 1, price)),
                PriceCheck::Hold(next) => held = Some(next),
            }
        }
        None
    }

    #[test]
    fn prices_at_the_bounds_are_accepted_and_a_cent_beyond_is_held() {
        for (seen, accepted) in [(5_000, true), (4_999, false), (20_000, true), (20_001, false), (10_000, true)] {
            let checked = check_price(Some(10_000), true, None, Some(seen), AT);
            assert_eq!(checked == PriceCheck::Accept(Some(seen)), accepted, "{seen}");
        }
    }

    #[test]
    fn a_second_crawl_that_agrees_is_accepted_and_one_that_differs_is_held_again() {
        let held = held_of(check_price(Some(10_000), true, None, Some(1_000), AT));
        assert_eq!(check_price(Some(10_000), true, Some(&held), Some(1_040), AT), PriceCheck::Accept(Some(1_040)));
        let again = held_of(check_price(Some(10_000), true, Some(&held), Some(3_000), AT));
        assert_eq!((again.price_minor, again.readings), (Some(3_000), 2));
    }

    #[test]
    fn a_surprise_that_keeps_moving_is_believed_at_its_most_cautious_reading() {
        for (readings, expected) in [
            (vec![Some(4_500), Some(3_000), Some(4_500)], (3, Some(4_500))),
            (vec![Some(4_500), Some(4_200), Some(3_900)], (3, Some(4_500))),
            (vec![Some(21_000), Some(24_000), Some(30_000)], (3, Some(21_000))),
            (vec![None, Some(4_500), None], (3, None)),
            (vec![Some(4_500), None, Some(4_500)], (3, Some(4_500))),
            (vec![Some(4_500), Some(21_000), None, Some(3_000), Some(30_000), Some(2_000)], (6, Some(4_500))),
        ] {
            assert_eq!(believed(readings.clone()), Some(expected), "{readings:?}");
        }
    }

    #[test]
    fn a_price_that_disappears_is_held_once_and_then_accepted() {
        let held = held_of(check_price(Some(10_000), true, None, None, AT));
        assert_eq!(check_price(Some(10_000), true, Some(&held), None, AT), PriceCheck::Accept(None));
        assert_eq!(check_price(Some(10_000), false, None, None, AT), PriceCheck::Accept(None));
    }

    #[test]
    fn the_first_price_is_accepted() {
        assert_eq!(check_price(None, false, None, Some(1), AT), PriceCheck::Accept(Some(1)));
    }

    #[test]
    fn a_held_price_of_an_earlier_version_can_be_read() {
        let held: Held =
            serde_json::from_str(r#"{"price_minor":1000,"since":"1970-01-01T00:00:00Z","readings":1}"#).unwrap();
        assert_eq!(held.prices().collect::<Vec<_>>(), [Some(1_000)]);
    }

    proptest! {
        #[test]
        fn belief_moves_within_seven_readings_beyond_the_bounds(
            readings in prop::collection::vec(prop_oneof![Just(None), (1i64..5_000).prop_map(Some), (20_001i64..900_000).prop_map(Some)], 7)
        ) {
            let (number, price) = believed(readings.clone()).expect("it moves");
            prop_assert!(number >= 2, "one reading alone is not believed");
            prop_assert!(readings.contains(&price));
        }
    }
}

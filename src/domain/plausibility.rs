//! The plausibility gate between the price on a page and the accepted price.
//!
//! A price outside 50–200 % of the last good one, or one that disappears, is held and crawled again before anything is
//! reported. For the bounds see *plausibility gate* in section 7 of DESIGN.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Two surprising readings agree when they differ by at most this percentage.
const AGREEMENT_PERCENT: i64 = 5;

/// How many early rechecks one surprise may cause; after that the listing's own interval applies.
const MAX_RECHECKS: u8 = 3;

/// A surprising price that waits for confirmation by a second crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The price on the page in minor units; `None` when there was no price.
    pub price_minor: Option<i64>,
    /// When it was first seen.
    pub since: Timestamp,
    /// Number of surprising readings in a row.
    pub readings: u8,
}

/// What to do with a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceCheck {
    /// Plausible, or confirmed by a second reading.
    Accept,
    /// Surprising: keep the last good state.
    Hold(Held),
}

/// Checks a price (`None`: the page has no price) against the last good one and against the held one.
pub fn check_price(
    last_good_minor: Option<i64>,
    had_price: bool,
    held: Option<Held>,
    seen: Option<i64>,
    at: Timestamp,
) -> PriceCheck {
    if is_plausible(last_good_minor, had_price, seen) || held.is_some_and(|held| agrees(held.price_minor, seen)) {
        return PriceCheck::Accept;
    }
    let readings = held.map_or(1, |held| held.readings.saturating_add(1));
    PriceCheck::Hold(Held { price_minor: seen, since: held.map_or(at, |held| held.since), readings })
}

impl Held {
    /// True while another early crawl is worthwhile.
    pub fn needs_recheck(&self) -> bool {
        self.readings <= MAX_RECHECKS
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
        (Some(held), Some(seen)) => (held - seen).abs() * 100 <= held.abs() * AGREEMENT_PERCENT,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn held_of(checked: PriceCheck) -> Held {
        match checked {
            PriceCheck::Hold(held) => held,
            PriceCheck::Accept => panic!("accepted a price that should have been held"),
        }
    }

    #[test]
    fn prices_at_the_bounds_are_accepted_and_a_cent_beyond_is_held() {
        for (seen, accepted) in [(5_000, true), (4_999, false), (20_000, true), (20_001, false), (10_000, true)] {
            let checked = check_price(Some(10_000), true, None, Some(seen), AT);
            assert_eq!(checked == PriceCheck::Accept, accepted, "{seen}");
        }
    }

    #[test]
    fn a_second_crawl_that_agrees_is_accepted_and_one_that_differs_is_held_again() {
        let held = held_of(check_price(Some(10_000), true, None, Some(1_000), AT));
        assert_eq!(check_price(Some(10_000), true, Some(held), Some(1_040), AT), PriceCheck::Accept);
        let again = held_of(check_price(Some(10_000), true, Some(held), Some(3_000), AT));
        assert_eq!((again.price_minor, again.readings), (Some(3_000), 2));
    }

    #[test]
    fn a_price_that_disappears_is_held_once_and_then_accepted() {
        let held = held_of(check_price(Some(10_000), true, None, None, AT));
        assert_eq!(check_price(Some(10_000), true, Some(held), None, AT), PriceCheck::Accept);
        assert_eq!(check_price(Some(10_000), false, None, None, AT), PriceCheck::Accept);
    }

    #[test]
    fn the_first_price_is_accepted() {
        assert_eq!(check_price(None, false, None, Some(1), AT), PriceCheck::Accept);
    }
}

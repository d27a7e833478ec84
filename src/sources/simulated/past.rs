//! History for the demo: what a tracker would have recorded if it had been running.

use jiff::{SignedDuration, Timestamp};

use crate::domain::Listing;

use super::catalogue::Catalogue;
use super::facts::{FactValue, Facts, Field};
use super::movement::facts_at;

/// Steps per day of history. A live demo advances much faster.
const STEPS_PER_DAY: i64 = 4;
const STEP_SECS: i64 = 86_400 / STEPS_PER_DAY;

/// A value of a field, which holds until the next point of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPoint {
    /// The time from which the value holds.
    pub at: Timestamp,
    /// The field.
    pub field: Field,
    /// The value.
    pub value: FactValue,
}

/// The changes of the `days` before `now`, in order. Every field starts with its first value and ends with its value at
/// `step`, so the pages of the simulated marketplace continue the history without a gap.
///
/// Times before the first representable timestamp are left out.
pub fn past(catalogue: &Catalogue, listing: Listing, step: i64, days: u32, now: Timestamp) -> Vec<PastPoint> {
    let first = -i64::from(days) * STEPS_PER_DAY;
    let mut points = Vec::new();
    let mut before = None;
    for ago in first..=0 {
        let Ok(at) = now.checked_add(crawled_at(catalogue, listing, ago)) else { continue };
        let facts = facts_at(catalogue, listing, step.saturating_add(ago));
        for &field in Field::ALL {
            let value = facts.value(field, listing.marketplace);
            if before.is_none_or(|before: Facts| before.value(field, listing.marketplace) != value) {
                points.push(PastPoint { at, field, value });
            }
        }
        before = Some(facts);
    }
    points
}

/// The time of a past crawl: up to an hour before the step's nominal time, because real crawls are not exactly regular.
fn crawled_at(catalogue: &Catalogue, listing: Listing, ago: i64) -> SignedDuration {
    let early_secs = if ago == 0 { 0 } else { catalogue.chance(listing).within("crawled", ago, 0, 3_600) };
    SignedDuration::from_secs(ago * STEP_SECS - early_secs)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::Marketplace;

    #[test]
    fn the_past_is_ordered_has_only_changes_and_ends_in_the_present() {
        let catalogue = Catalogue::new(7, 20);
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for product in catalogue.products(20) {
            let listing = Listing::new(Marketplace::De, product.asin);
            let points = past(&catalogue, listing, 5, 90, now);
            assert!(points.is_sorted_by_key(|point| point.at));
            assert!(points.iter().all(|point| point.at <= now));
            let mut last = HashMap::new();
            for point in &points {
                let before = last.insert(point.field, point.value.clone());
                assert_ne!(before.as_ref(), Some(&point.value), "{listing}: {point:?} changes nothing");
            }
            let present = facts_at(&catalogue, listing, 5);
            for &field in Field::ALL {
                assert_eq!(last[&field], present.value(field, listing.marketplace), "{listing}");
            }
        }
    }

    #[test]
    fn ninety_days_have_many_price_changes() {
        let catalogue = Catalogue::new(7, 20);
        for product in catalogue.products(20) {
            let points = past(&catalogue, Listing::new(Marketplace::Us, product.asin), 0, 90, Timestamp::now());
            let prices = points.iter().filter(|point| point.field == Field::Price).count();
            assert!((10..200).contains(&prices), "{}: {prices}", product.title);
        }
    }

    #[test]
    fn a_past_of_zero_days_is_only_the_present() {
        let catalogue = Catalogue::new(7, 1);
        let listing = Listing::new(Marketplace::Us, "B000000001".parse().unwrap());
        assert_eq!(past(&catalogue, listing, 0, 0, Timestamp::now()).len(), Field::ALL.len());
        past(&catalogue, listing, 0, 10, Timestamp::MIN);
    }
}

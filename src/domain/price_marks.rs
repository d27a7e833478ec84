//! What is kept of a listing's price beside its state, so that lists of many products need no history.

use jiff::{SignedDuration, Timestamp};

/// Days of which the price can be the lowest.
const LOWEST_WITHIN_DAYS: u32 = 90;

/// What the points of a listing say about its accepted price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriceMarks {
    /// When the price last became another, or ceased to be there. A price that returns unchanged is no change.
    pub change_at: Option<Timestamp>,
    /// The price before that change, in minor units.
    pub change_from_minor: Option<i64>,
    /// When price or availability last changed.
    pub offer_changed_at: Option<Timestamp>,
    /// Until when a lower price is known to have held, within 90 days before the latest price.
    pub lower_until: Option<Timestamp>,
    /// The same of a higher one.
    pub higher_until: Option<Timestamp>,
}

impl PriceMarks {
    /// The beginning of the days of which the price can be the lowest.
    pub fn lowest_since(now: Timestamp) -> Timestamp {
        now.checked_sub(SignedDuration::from_hours(24 * i64::from(LOWEST_WITHIN_DAYS))).unwrap_or(Timestamp::MIN)
    }

    /// True when no price of the last 90 days was lower, and one was higher. It says nothing about whether the price is current.
    pub fn is_lowest(&self, now: Timestamp) -> bool {
        let since = Self::lowest_since(now);
        self.lower_until.is_none_or(|until| until <= since) && self.higher_until.is_some_and(|until| until > since)
    }

    /// The change as a share of the price before it: -0.1 for ten percent less. `None`: there was none, or there is no price now.
    pub fn change_share(&self, price_minor: Option<i64>) -> Option<f64> {
        let from = self.change_from_minor.filter(|from| *from > 0)?;
        Some(price_minor? as f64 / from as f64 - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_the_lowest_while_no_lower_one_and_a_higher_one_is_within_the_days() {
        let day = |days: i64| Timestamp::from_second(days * 86_400).unwrap();
        let marks = PriceMarks { lower_until: Some(day(10)), higher_until: Some(day(50)), ..PriceMarks::default() };
        assert!(!marks.is_lowest(day(60)));
        assert!(marks.is_lowest(day(101)), "the lower one is too long ago");
        assert!(!marks.is_lowest(day(141)), "so is the higher one");
        assert!(!PriceMarks::default().is_lowest(day(1)), "it was never higher");
    }

    #[test]
    fn a_change_has_a_share_while_there_are_two_prices() {
        let marks = PriceMarks { change_from_minor: Some(200), ..PriceMarks::default() };
        assert_eq!(marks.change_share(Some(150)), Some(-0.25));
        assert_eq!(marks.change_share(None), None);
        assert_eq!(PriceMarks::default().change_share(Some(150)), None);
    }
}

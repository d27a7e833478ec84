//! The axis of amounts: which range it shows, and its three to five round ticks.

use super::amount::{Unit, money, short_money};
use crate::domain::Currency;

/// Most intervals between ticks: five ticks.
const MAX_INTERVALS: i128 = 4;

/// From so many main units on a tick is counted in millions or more, if that is exact.
const SHORT_FROM: u128 = 10_000_000;

/// Round ticks in minor units. Wider than `i64`, because ticks lie beyond the prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AmountAxis {
    low: i128,
    step: i128,
    intervals: i128,
}

impl AmountAxis {
    /// An axis with room for all prices between `low` and `high`, and for the target if prices remain readable: a
    /// target far away would flatten the line.
    pub fn new(low: i64, high: i64, target: Option<i64>) -> Self {
        let (low, high) = range(low.min(high).into(), low.max(high).into(), target.map(i128::from));
        let step = step(high - low, |step| intervals(low, high, step) <= MAX_INTERVALS);
        Self { low: low.div_euclid(step) * step, step, intervals: intervals(low, high, step) }
    }

    /// The lowest tick.
    pub fn low(&self) -> i128 {
        self.low
    }

    /// The highest tick.
    pub fn high(&self) -> i128 {
        self.low + self.intervals * self.step
    }

    /// True when the amount lies on the axis.
    pub fn includes(&self, amount_minor: i64) -> bool {
        (self.low()..=self.high()).contains(&amount_minor.into())
    }

    /// Ticks from the lowest to the highest, with their labels.
    pub fn ticks(&self, currency: Currency) -> Vec<(i128, String)> {
        let unit = self.unit(currency);
        let label = |amount: i128| match unit {
            // Zero is not counted in anything.
            Some(unit) if amount != 0 => short_money(amount / i128::from(currency.minor_per_major()), unit, currency),
            _ => money(amount, currency),
        };
        self.amounts().map(|amount| (amount, label(amount))).collect()
    }

    /// The amounts of the ticks, from the lowest to the highest.
    pub fn amounts(&self) -> impl Iterator<Item = i128> + use<> {
        let Self { low, step, intervals } = *self;
        (0..=intervals).map(move |interval| low + interval * step)
    }

    /// The largest unit in which every tick is written exactly. `None`: the ticks are written in full.
    fn unit(&self, currency: Currency) -> Option<Unit> {
        let minor_per_major = u128::from(currency.minor_per_major().unsigned_abs());
        let largest = self.low().unsigned_abs().max(self.high().unsigned_abs()) / minor_per_major;
        let is_exact = |unit: &Unit| {
            let smallest = unit.size() * minor_per_major / 1_000;
            largest >= unit.size() && self.step.unsigned_abs().is_multiple_of(smallest)
        };
        Unit::ALL.into_iter().find(is_exact).filter(|_| largest >= SHORT_FROM)
    }
}

/// What the axis must show, with some room above and below.
fn range(low: i128, high: i128, target: Option<i128>) -> (i128, i128) {
    let is_positive = low >= 0;
    // A constant price gets a tenth of itself, so that small changes look small.
    let span = (high - low).max(high.abs() / 10).max(2);
    let extra = span - (high - low);
    let below = if is_positive { low.min(extra / 2) } else { extra / 2 };
    let (mut low, mut high) = (low - below, high + extra - below);
    let reach = span * 3 / 2;
    if let Some(target) = target.filter(|target| (low - reach..=high + reach).contains(target)) {
        (low, high) = (low.min(target), high.max(target));
    }
    let room = (high - low) / 25;
    (low, high) = (low - room, high + room);
    // Nothing is shown below zero where nothing is.
    if is_positive { (low.max(0), high) } else { (low, high) }
}

/// Intervals of `step` that cover the range.
fn intervals(low: i128, high: i128, step: i128) -> i128 {
    let up = -(-high).div_euclid(step);
    up - low.div_euclid(step)
}

/// The smallest round step that fits. Neighbours differ by at most 2.5, so that four intervals at most mean two at
/// least.
fn step(span: i128, fits: impl Fn(i128) -> bool) -> i128 {
    let powers = std::iter::successors(Some(1_i128), |power| power.checked_mul(10));
    let steps = powers.flat_map(|power| {
        let quarter = (power >= 10).then_some(power / 10 * 25);
        [Some(power), Some(power * 2), quarter, Some(power.saturating_mul(5))]
    });
    steps.flatten().find(|step| fits(*step)).unwrap_or(span.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(low: i64, high: i64, target: Option<i64>, currency: Currency) -> Vec<String> {
        AmountAxis::new(low, high, target).ticks(currency).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_amounts_around_the_prices() {
        let expected = ["$320.00", "$340.00", "$360.00", "$380.00", "$400.00"];
        assert_eq!(labels(33_900, 39_600, None, Currency::Usd), expected);
        assert_eq!(labels(1_980, 2_480, None, Currency::Jpy), ["¥1,800", "¥2,000", "¥2,200", "¥2,400", "¥2,600"]);
    }

    #[test]
    fn a_constant_price_has_a_range() {
        assert_eq!(labels(34_999, 34_999, None, Currency::Eur).len(), 5);
        assert_eq!(labels(0, 0, None, Currency::Usd), ["$0.00", "$0.01", "$0.02"]);
        assert_eq!(labels(1, 1, None, Currency::Jpy), ["¥0", "¥1", "¥2"]);
    }

    #[test]
    fn a_target_that_would_flatten_the_line_is_not_on_the_axis() {
        let axis = AmountAxis::new(34_000, 40_000, Some(30_000));
        assert!(axis.includes(30_000));
        let axis = AmountAxis::new(34_000, 40_000, Some(10_000));
        assert!(!axis.includes(10_000) && axis.includes(34_000));
    }

    #[test]
    fn large_amounts_are_short_only_when_that_is_exact() {
        assert_eq!(labels(2_000_000_000, 5_000_000_000, None, Currency::Inr), ["₹0.00", "₹20M", "₹40M", "₹60M"]);
        let close = labels(100_000_000_000, 100_000_000_001, None, Currency::Jpy);
        assert!(close.iter().all(|label| label.ends_with('B')), "{close:?}");
    }

    proptest! {
        #[test]
        fn every_axis_has_three_to_five_different_ticks_around_the_prices(
            low: i64, high: i64, target: Option<i64>, currency in proptest::sample::select(Currency::ALL)
        ) {
            let axis = AmountAxis::new(low, high, target);
            let mut ticks = axis.ticks(currency);
            prop_assert!((3..=5).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(axis.includes(low) && axis.includes(high));
            ticks.dedup_by(|one, other| one.1 == other.1);
            prop_assert!((3..=5).contains(&ticks.len()), "{ticks:?}");
        }

        #[test]
        fn small_prices_have_three_to_five_ticks_not_below_zero(low in 0_i64..100_000, span in 0_i64..100_000) {
            let axis = AmountAxis::new(low, low + span, None);
            prop_assert!((3..=5).contains(&axis.ticks(Currency::Usd).len()));
            prop_assert!(axis.low() >= 0 && axis.includes(low) && axis.includes(low + span));
        }
    }
}

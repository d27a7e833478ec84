//! Alert rules: when a condition *becomes* true, once per crossing.

use serde::{Deserialize, Serialize};

use super::ids::{ListingId, ProductId, RuleId, TenantId};
use super::money::Money;

/// How far the price must rise above the target, in percent of the target, before the rule can fire again. Without this
/// margin a price that fluctuates around the target would send a notification each time.
const REARM_PERCENT: i64 = 2;

/// The condition of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    /// The accepted price is at or below the target. If this already holds when the rule is created, it counts as a
    /// crossing.
    PriceAtOrBelow {
        /// The target price.
        target: Money,
    },
}

impl Condition {
    /// The name of the kind of condition.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PriceAtOrBelow { .. } => "price_at_or_below",
        }
    }
}

/// The state of a rule between crossings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arming {
    /// True when the next crossing fires.
    pub armed: bool,
    /// Crossings so far, which is also the number of the latest one.
    pub crossings: u32,
    /// The price in the latest notification, in minor units.
    pub last_notified_minor: Option<i64>,
}

impl Arming {
    /// The arming of a rule that has never fired.
    pub const NEW: Arming = Arming { armed: true, crossings: 0, last_notified_minor: None };
}

/// A tenant's rule for one of its products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Identifier.
    pub id: RuleId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The product it watches.
    pub product_id: ProductId,
    /// The listing of the product.
    pub listing_id: ListingId,
    /// The condition to watch for.
    pub condition: Condition,
    /// Arming between crossings.
    pub arming: Arming,
}

/// The moment a condition became true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// Its number within the rule, from 1. Together with the rule's id it determines the id of the event.
    pub number: u32,
    /// The price that crossed the target.
    pub price: Money,
}

/// Advances a rule by one *accepted* price. Failed, blocked and held crawls are never passed in, so they can neither
/// fire nor re-arm a rule. A sell-out (`None`) does not re-arm either: a return at the same price is the same crossing.
pub fn step(condition: &Condition, arming: Arming, price: Option<Money>) -> (Arming, Option<Crossing>) {
    let Condition::PriceAtOrBelow { target } = condition;
    let Some(price) = price.filter(|price| price.currency == target.currency) else { return (arming, None) };
    if arming.armed && price.amount_minor <= target.amount_minor {
        let number = arming.crossings + 1;
        let after = Arming { armed: false, crossings: number, last_notified_minor: Some(price.amount_minor) };
        return (after, Some(Crossing { number, price }));
    }
    let armed = arming.armed || price.amount_minor > rearm_above(target.amount_minor);
    (Arming { armed, ..arming }, None)
}

/// Rounded up, and at least one unit above the target, so that small targets have a margin too.
fn rearm_above(target_minor: i64) -> i64 {
    let margin = target_minor.saturating_mul(REARM_PERCENT).saturating_add(99) / 100;
    target_minor.saturating_add(margin.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::money::Currency;
    use super::*;

    const TARGET: Condition = Condition::PriceAtOrBelow { target: Money::new(10_000, Currency::Usd) };

    fn usd(amount_minor: i64) -> Option<Money> {
        Some(Money::new(amount_minor, Currency::Usd))
    }

    fn fired(prices: &[Option<Money>]) -> Vec<u32> {
        fired_at(&TARGET, prices)
    }

    fn fired_at(target: &Condition, prices: &[Option<Money>]) -> Vec<u32> {
        let mut arming = Arming::NEW;
        let mut numbers = Vec::new();
        for price in prices {
            let (after, crossing) = step(target, arming, *price);
            arming = after;
            numbers.extend(crossing.map(|crossing| crossing.number));
        }
        numbers
    }

    #[test]
    fn a_rule_fires_once_at_the_target_and_again_after_a_rise_beyond_the_margin() {
        assert_eq!(fired(&[usd(12_000), usd(10_000), usd(9_000), usd(8_000)]), [1]);
        assert_eq!(fired(&[usd(9_000), usd(10_201), usd(9_000)]), [1, 2]);
    }

    #[test]
    fn fluctuation_within_the_margin_does_not_fire() {
        assert_eq!(fired(&[usd(9_999), usd(10_001), usd(9_999), usd(10_200), usd(10_000)]), [1]);
    }

    #[test]
    fn a_small_target_has_a_margin_too() {
        for (target_minor, flicker_minor) in [(0, 1), (1, 2), (99, 100), (199, 203)] {
            let target = Condition::PriceAtOrBelow { target: Money::new(target_minor, Currency::Usd) };
            let (at, above) = (usd(target_minor), usd(flicker_minor));
            assert_eq!(fired_at(&target, &[at, above, at, above, at]), [1], "{target_minor}");
        }
    }

    #[test]
    fn a_sell_out_does_not_rearm() {
        assert_eq!(fired(&[usd(9_000), None, usd(9_000)]), [1]);
    }

    #[test]
    fn a_target_of_zero_is_valid() {
        let free = Condition::PriceAtOrBelow { target: Money::new(0, Currency::Usd) };
        assert_eq!(step(&free, Arming::NEW, usd(1)).1, None);
        assert!(step(&free, Arming::NEW, usd(0)).1.is_some());
    }

    #[test]
    fn prices_in_another_currency_are_ignored() {
        let yen = Some(Money::new(1, Currency::Jpy));
        assert_eq!(step(&TARGET, Arming::NEW, yen), (Arming::NEW, None));
    }

    proptest! {
        #[test]
        fn no_sequence_of_prices_fires_a_crossing_twice(
            target_minor in prop::sample::select(vec![0i64, 1, 7, 49, 50, 99, 100, 199, 10_000]),
            prices in prop::collection::vec(prop::option::of(-500i64..500), 0..60),
        ) {
            let target = Condition::PriceAtOrBelow { target: Money::new(target_minor, Currency::Usd) };
            let mut arming = Arming::NEW;
            let mut risen_since_last = true;
            for price in prices {
                let price = price.map(|above| (target_minor + above).max(0));
                let (after, crossing) = step(&target, arming, price.and_then(usd));
                if let Some(crossing) = crossing {
                    prop_assert!(risen_since_last, "fired twice without a rise in between");
                    prop_assert_eq!(crossing.number, arming.crossings + 1);
                    risen_since_last = false;
                }
                risen_since_last |= price.is_some_and(|price| price > target_minor && (price - target_minor) * 100 > target_minor * REARM_PERCENT);
                arming = after;
            }
        }
    }
}

//! What a tracking of Keepa waits for, and the conditions of our alert rules that say the same.

use super::RATING_SCALE;
use super::slot::Slot;
use crate::domain::rule::{
    AvailabilityIs, Decimal, Field, Level, Op, SellerIs, StateIs, StateOf, StateValue, Threshold as Limit,
};
use crate::domain::{Condition, Currency, Money};

/// The name by which conditions call Amazon itself.
const AMAZON: &str = "amazon";

/// What a tracking waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// A value reaches a threshold.
    Threshold {
        /// The series.
        slot: Slot,
        /// In Keepa's unit: minor units, ranks, counts, tenths of a star.
        value: i64,
        /// From above; otherwise from below.
        is_drop: bool,
    },
    /// The listing sells out, or comes back.
    Stock {
        /// It comes back.
        is_back: bool,
    },
}

impl Watch {
    /// The condition that says the same; `None`: no alert rule can wait for this series.
    ///
    /// The threshold of the Buy Box is one of the featured price, as [`UnstatedShipping`](super::UnstatedShipping) is counted as none:
    /// a rule about price and shipping together waits until a page states both.
    pub fn condition(self, currency: Currency) -> Option<Condition> {
        let (slot, value, is_drop) = match self {
            Self::Stock { is_back } => {
                let is = if is_back { AvailabilityIs::InStock } else { AvailabilityIs::OutOfStock };
                let is = StateValue::Availability(is);
                return Some(Condition::State(StateIs { of: StateOf::Availability, is, lasts: None }));
            }
            Self::Threshold { slot, value, is_drop } => (slot, value, is_drop),
        };
        let op = if is_drop { Op::Lte } else { Op::Gte };
        let level = |field, value| {
            Condition::Level(Level { field, op, value, category: None, rearm: None, less_coupon: false })
        };
        let money = Money::new(value, currency);
        let number = Limit::Number(Decimal::whole(value));
        Some(match slot {
            Slot::BuyBoxShipping if is_drop => Condition::PriceAtOrBelow { target: money },
            Slot::BuyBoxShipping => level(Field::Price, Limit::Money(money)),
            Slot::Amazon => {
                let is = vec![AMAZON.to_owned()];
                let by_amazon = Condition::Seller(SellerIs { is, not: Vec::new(), new: false, crawls: 1 });
                Condition::All { of: vec![level(Field::Price, Limit::Money(money)), by_amazon] }
            }
            Slot::New => level(Field::LowestNewPrice, Limit::Money(money)),
            Slot::ListPrice => level(Field::ListPrice, Limit::Money(money)),
            Slot::Sales => level(Field::Rank, number),
            Slot::CountNew => level(Field::OfferCount, number),
            Slot::CountReviews => level(Field::ReviewCount, number),
            Slot::Rating => level(Field::Rating, Limit::Number(Decimal { hundredths: value * RATING_SCALE })),
            Slot::CountUsed | Slot::NewFba | Slot::NewFbmShipping => return None,
        })
    }

    /// What a condition waits for, if Keepa can say it.
    pub fn of(condition: &Condition) -> Option<Self> {
        match condition {
            Condition::PriceAtOrBelow { target } => {
                Some(Self::Threshold { slot: Slot::BuyBoxShipping, value: target.amount_minor, is_drop: true })
            }
            Condition::Level(level) => Self::of_level(level),
            Condition::All { of } => Self::of_amazon(of),
            Condition::State(StateIs { of: StateOf::Availability, is, lasts: None }) => match is {
                StateValue::Availability(AvailabilityIs::InStock) => Some(Self::Stock { is_back: true }),
                StateValue::Availability(AvailabilityIs::OutOfStock) => Some(Self::Stock { is_back: false }),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_amazon(of: &[Condition]) -> Option<Self> {
        let [Condition::Level(level), Condition::Seller(seller)] = of else { return None };
        let is_amazon = seller.is == [AMAZON] && seller.not.is_empty() && !seller.new;
        match Self::of_level(level).filter(|_| is_amazon)? {
            Self::Threshold { slot: Slot::BuyBoxShipping, value, is_drop } => {
                Some(Self::Threshold { slot: Slot::Amazon, value, is_drop })
            }
            _ => None,
        }
    }

    fn of_level(level: &Level) -> Option<Self> {
        let slot = match level.field {
            Field::Price | Field::Landed => Slot::BuyBoxShipping,
            Field::LowestNewPrice => Slot::New,
            Field::ListPrice => Slot::ListPrice,
            Field::Rank if level.category.is_none() => Slot::Sales,
            Field::OfferCount => Slot::CountNew,
            Field::ReviewCount => Slot::CountReviews,
            Field::Rating => Slot::Rating,
            Field::Rank | Field::DiscountPercent => return None,
        };
        let value = match level.value {
            Limit::Money(money) => money.amount_minor,
            Limit::Number(stars) if slot == Slot::Rating => stars.hundredths / RATING_SCALE,
            Limit::Number(number) => number.hundredths / 100,
        };
        (!level.less_coupon).then_some(Self::Threshold { slot, value, is_drop: level.op == Op::Lte })
    }

    /// The series whose value it waits for.
    pub fn slot(self) -> Slot {
        match self {
            Self::Threshold { slot, .. } => slot,
            Self::Stock { .. } => Slot::BuyBoxShipping,
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn what_keepa_waits_for_is_a_valid_condition_that_says_the_same() {
        let thresholds =
            Slot::iter().flat_map(|slot| [true, false].map(|is_drop| Watch::Threshold { slot, value: 45, is_drop }));
        let mut silent = Vec::new();
        for watch in thresholds.chain([true, false].map(|is_back| Watch::Stock { is_back })) {
            let Some(condition) = watch.condition(Currency::Eur) else {
                silent.push(watch.slot());
                continue;
            };
            assert_eq!(condition.check(Some(Currency::Eur)), [], "{watch:?}");
            assert_eq!(Watch::of(&condition), Some(watch));
        }
        silent.dedup();
        assert_eq!(silent, [Slot::NewFbmShipping, Slot::NewFba, Slot::CountUsed]);
    }

    #[test]
    fn conditions_of_several_tests_are_no_trackings() {
        let price = Watch::Threshold { slot: Slot::BuyBoxShipping, value: 100, is_drop: false };
        let price = price.condition(Currency::Usd).unwrap();
        let both = Condition::All { of: vec![price.clone(), price.clone()] };
        assert_eq!(Watch::of(&both), None);
        assert_eq!(Watch::of(&Condition::Not { of: Box::new(price) }), None);
    }
}

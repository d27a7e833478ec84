//! The numbers that conditions compare.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::decimal::Decimal;
use crate::domain::money::{Currency, Money};
use crate::domain::series::Series;

/// A number of a listing that conditions can compare.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    /// Price of the featured offer.
    Price,
    /// Price and shipping of the featured offer.
    Landed,
    /// List price.
    ListPrice,
    /// Lowest price of a new offer with its shipping, of the offer list.
    LowestNewPrice,
    /// Rank in a bestseller list; lower is better.
    Rank,
    /// Average rating in stars.
    Rating,
    /// Number of ratings.
    ReviewCount,
    /// Number of new offers.
    OfferCount,
    /// How far the price is below the list price, in percent.
    DiscountPercent,
}

/// The unit of a field's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Minor units of the marketplace's currency.
    Money,
    /// A whole number.
    Count,
    /// Hundredths of a star or of a percent.
    Hundredths,
}

/// A number or an amount of money that a field is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Threshold {
    /// Of a field of money.
    Money(Money),
    /// Of any other field.
    Number(Decimal),
}

impl Field {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Its unit.
    pub fn unit(self) -> Unit {
        match self {
            Self::Price | Self::Landed | Self::ListPrice | Self::LowestNewPrice => Unit::Money,
            Self::Rank | Self::ReviewCount | Self::OfferCount => Unit::Count,
            Self::Rating | Self::DiscountPercent => Unit::Hundredths,
        }
    }

    /// The series that history keeps of it; `None`: it is computed.
    pub fn series(self) -> Option<Series> {
        match self {
            Self::Price => Some(Series::Price),
            Self::ListPrice => Some(Series::ListPrice),
            Self::LowestNewPrice => Some(Series::LowestNewPrice),
            Self::Rank => Some(Series::SalesRank),
            Self::Rating => Some(Series::Rating),
            Self::ReviewCount => Some(Series::ReviewCount),
            Self::OfferCount => Some(Series::OfferCount),
            Self::Landed | Self::DiscountPercent => None,
        }
    }

    /// A threshold in the unit of the field; `None` when it is of another kind or currency.
    pub fn native(self, threshold: Threshold, currency: Currency) -> Option<i64> {
        match (self.unit(), threshold) {
            (Unit::Money, Threshold::Money(money)) => (money.currency == currency).then_some(money.amount_minor),
            (Unit::Count, Threshold::Number(number)) => number.is_whole().then_some(number.hundredths / 100),
            (Unit::Hundredths, Threshold::Number(number)) => Some(number.hundredths),
            (Unit::Money, Threshold::Number(_)) | (_, Threshold::Money(_)) => None,
        }
    }

    /// How far a value must move back from a threshold before a rule can fire again: without a margin, a value that fluctuates around
    /// the threshold would send a message each time. Money: 2 %; a rank: 10 %; stars: 0.1; percent: 1; a count: 1. At least one unit.
    pub fn margin(self, threshold: i64) -> i64 {
        let percent = |percent: i64| threshold.saturating_abs().saturating_mul(percent).saturating_add(99) / 100;
        let margin = match self {
            Self::Price | Self::Landed | Self::ListPrice | Self::LowestNewPrice => percent(2),
            Self::Rank => percent(10),
            Self::Rating => 10,
            Self::DiscountPercent => 100,
            Self::ReviewCount | Self::OfferCount => 1,
        };
        margin.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_of_the_unit_of_their_field() {
        let stars = Threshold::Number(Decimal { hundredths: 425 });
        assert_eq!(Field::Rating.native(stars, Currency::Usd), Some(425));
        assert_eq!(Field::Rank.native(stars, Currency::Usd), None);
        assert_eq!(Field::Rank.native(Threshold::Number(Decimal::whole(300)), Currency::Usd), Some(300));
        let euros = Threshold::Money(Money::new(1999, Currency::Eur));
        assert_eq!(Field::Landed.native(euros, Currency::Eur), Some(1999));
        assert_eq!(
            (Field::Landed.native(euros, Currency::Usd), Field::Rank.native(euros, Currency::Eur)),
            (None, None)
        );
    }

    #[test]
    fn a_small_target_has_a_margin_too() {
        assert_eq!([0, 1, 99, 199, 10_000].map(|target| Field::Price.margin(target)), [1, 1, 2, 4, 200]);
    }
}

//! The series of Keepa by their place in `csv`.

use strum::{EnumIter, EnumString, IntoStaticStr};

/// How many series `csv` has. Clients read each of them by its index.
pub const SLOTS: usize = 36;

/// The series that we know something about (`Product.CsvType` of the official client). The number is the index in `csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Slot {
    /// Price of Amazon's own offer.
    Amazon = 0,
    /// Lowest price of a new offer, since 2026-02-16 with its shipping.
    New = 1,
    /// Rank in the bestseller list of one category.
    Sales = 3,
    /// List price.
    #[strum(serialize = "LISTPRICE")]
    ListPrice = 4,
    /// Price and shipping of the lowest new offer that its seller ships.
    NewFbmShipping = 7,
    /// Price of the lowest new offer that Amazon ships.
    NewFba = 10,
    /// Number of new offers.
    CountNew = 11,
    /// Number of used offers.
    CountUsed = 12,
    /// Rating in tenths of a star.
    Rating = 16,
    /// Number of ratings.
    CountReviews = 17,
    /// Price and shipping of the offer in the Buy Box.
    BuyBoxShipping = 18,
}

impl Slot {
    /// The index in `csv`.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The series with this index, if we know something about it.
    pub fn of_index(index: i64) -> Option<Self> {
        use strum::IntoEnumIterator;
        Self::iter().find(|slot| i64::try_from(slot.index()) == Ok(index))
    }

    /// Keepa's name: `BUY_BOX_SHIPPING`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True when its entries are time, price and shipping instead of time and value.
    pub fn has_shipping(self) -> bool {
        matches!(self, Self::NewFbmShipping | Self::BuyBoxShipping)
    }
}

#[cfg(test)]
mod tests {
    use super::Slot;

    #[test]
    fn slots_have_the_names_and_places_of_the_official_client() {
        for (slot, index, name) in [
            (Slot::Amazon, 0, "AMAZON"),
            (Slot::Sales, 3, "SALES"),
            (Slot::ListPrice, 4, "LISTPRICE"),
            (Slot::NewFbmShipping, 7, "NEW_FBM_SHIPPING"),
            (Slot::CountReviews, 17, "COUNT_REVIEWS"),
            (Slot::BuyBoxShipping, 18, "BUY_BOX_SHIPPING"),
        ] {
            assert_eq!((slot.index(), slot.name(), Slot::of_index(index)), (index as usize, name, Some(slot)));
            assert_eq!(name.parse(), Ok(slot));
        }
        assert_eq!([-1, 2, 36].map(Slot::of_index), [None; 3]);
    }
}

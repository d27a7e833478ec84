//! The facts of one listing at one step.

use serde::Serialize;

use crate::domain::{Availability, Listing, Marketplace, Money, Rank, Rating, SellerId};

use super::chance::Chance;
use super::phrases::Phrases;

/// The facts that a page shows. A correct client can read all of them from the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Price of the featured offer; `None` while the listing is out of stock.
    pub price: Option<Money>,
    /// The struck-through price.
    pub list_price: Option<Money>,
    /// Holder of the Buy Box; `None` while the listing is out of stock.
    pub seller: Option<Seller>,
    /// Number of new offers, including the featured one.
    pub offer_count: u32,
    /// Amount of the coupon; never part of the price.
    pub coupon: Option<Money>,
    /// The availability line.
    pub availability: Availability,
    /// N of "Only N left", while the stock is low; otherwise 0.
    pub units_left: u32,
    /// Rank in the main category.
    pub rank: u32,
    /// Rank in the subcategory.
    pub subcategory_rank: u32,
    /// Rating in hundredths of a star; a multiple of 10, as pages show one decimal.
    pub rating: Rating,
    /// Number of ratings.
    pub review_count: u32,
}

/// The seller of the featured offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seller {
    /// Amazon itself.
    Amazon,
    /// A merchant, by name.
    Merchant(&'static str),
}

impl Seller {
    /// The name on a marketplace's pages: `Amazon.de` for Amazon itself.
    pub fn name(self, marketplace: Marketplace) -> String {
        match self {
            Self::Amazon => format!("Amazon.{marketplace}"),
            Self::Merchant(name) => name.to_owned(),
        }
    }

    /// Amazon's id of the seller: the same for a merchant everywhere.
    pub fn id(self, marketplace: Marketplace) -> String {
        match self {
            Self::Amazon => SellerId::of_amazon(marketplace).map(String::from).unwrap_or_default(),
            Self::Merchant(name) => format!("A{:013X}", Chance::new(0).of(name).draw("seller", 0) >> 12),
        }
    }
}

/// The fields whose changes are logged, with their names in the truth log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the field of `Facts` with the same name")]
pub enum Field {
    Price,
    ListPrice,
    Seller,
    OfferCount,
    Coupon,
    Availability,
    Rank,
    SubcategoryRank,
    Rating,
    ReviewCount,
}

impl Field {
    /// All fields, in the order in which the changes of one step are logged.
    pub const ALL: &[Field] = &[
        Self::Price,
        Self::ListPrice,
        Self::Seller,
        Self::OfferCount,
        Self::Coupon,
        Self::Availability,
        Self::Rank,
        Self::SubcategoryRank,
        Self::Rating,
        Self::ReviewCount,
    ];
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FactValue {
    /// There is none: JSON `null`.
    Absent,
    /// An amount.
    Money(Money),
    /// A name.
    Text(String),
    /// A count.
    Count(u32),
    /// A rating in hundredths of a star.
    Rating(Rating),
    /// A rank and its category.
    Rank(Rank),
    /// An availability.
    Availability(Availability),
}

impl From<Option<Money>> for FactValue {
    fn from(money: Option<Money>) -> Self {
        money.map_or(Self::Absent, Self::Money)
    }
}

/// A change of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) field: Field,
    pub(super) from: FactValue,
    pub(super) to: FactValue,
}

impl Facts {
    /// The value of a field, in the words of the marketplace's pages.
    pub fn value(&self, field: Field, marketplace: Marketplace) -> FactValue {
        match field {
            Field::Price => self.price.into(),
            Field::ListPrice => self.list_price.into(),
            Field::Seller => self.seller.map_or(FactValue::Absent, |seller| FactValue::Text(seller.name(marketplace))),
            Field::OfferCount => FactValue::Count(self.offer_count),
            Field::Coupon => self.coupon.into(),
            Field::Availability => FactValue::Availability(self.availability),
            Field::Rank => ranked(self.rank, Phrases::of(marketplace).category),
            Field::SubcategoryRank => ranked(self.subcategory_rank, Phrases::of(marketplace).subcategory),
            Field::Rating => FactValue::Rating(self.rating),
            Field::ReviewCount => FactValue::Count(self.review_count),
        }
    }

    /// The differences to `later`, in the order of [`Field::ALL`].
    pub(super) fn changes_to(&self, later: &Facts, listing: Listing) -> Vec<Change> {
        if self == later {
            return Vec::new();
        }
        let value = |facts: &Facts, field| facts.value(field, listing.marketplace);
        let change = |&field: &Field| Change { field, from: value(self, field), to: value(later, field) };
        Field::ALL.iter().map(change).filter(|change| change.from != change.to).collect()
    }

    /// The same listing without an offer.
    pub(super) fn sold_out(self, availability: Availability) -> Self {
        Self { price: None, list_price: None, seller: None, offer_count: 0, coupon: None, availability, ..self }
    }
}

fn ranked(rank: u32, category: &str) -> FactValue {
    FactValue::Rank(Rank { rank, category: category.to_owned() })
}

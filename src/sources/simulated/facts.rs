//! What is true of one listing at one step.

use serde::Serialize;

use crate::domain::{Availability, Listing, Marketplace, Money, Rank, Rating};

use super::phrases::Phrases;

/// The truth behind a page; everything here can be read from the page by a client that reads well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What a shopper would pay now; none while the listing is out of stock.
    pub price: Option<Money>,
    /// The struck-through price.
    pub list_price: Option<Money>,
    /// Who holds the Buy Box; nobody while the listing is out of stock.
    pub seller: Option<Seller>,
    /// New offers, the featured one included.
    pub offer_count: u32,
    /// A coupon's amount; never part of the price.
    pub coupon: Option<Money>,
    /// The availability line.
    pub availability: Availability,
    /// "Only N left", while the stock is low.
    pub units_left: u32,
    /// Place in the list of the main category.
    pub rank: u32,
    /// Place in the list of the subcategory.
    pub subcategory_rank: u32,
    /// Stars in hundredths, whole tenths as pages show them.
    pub rating: Rating,
    /// Number of ratings.
    pub review_count: u32,
}

/// Who sells the featured offer.
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
}

/// The fields whose changes are told, by the names of the truth log.
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
    /// Every field, in the order in which changes of one step are told.
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

/// The value of any field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FactValue {
    /// Known to be none: JSON `null`.
    Absent,
    /// An amount.
    Money(Money),
    /// A name.
    Text(String),
    /// A number of things.
    Count(u32),
    /// Stars in hundredths.
    Rating(Rating),
    /// A place and the list it is in.
    Rank(Rank),
    /// An availability.
    Availability(Availability),
}

impl From<Option<Money>> for FactValue {
    fn from(money: Option<Money>) -> Self {
        money.map_or(Self::Absent, Self::Money)
    }
}

/// One field that is no longer what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) field: Field,
    pub(super) from: FactValue,
    pub(super) to: FactValue,
}

impl Facts {
    /// One field, as the marketplace's page names it.
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

    /// What is different in `later`, in the order of [`Field::ALL`].
    pub(super) fn changes_to(&self, later: &Facts, listing: Listing) -> Vec<Change> {
        if self == later {
            return Vec::new();
        }
        let value = |facts: &Facts, field| facts.value(field, listing.marketplace);
        let change = |&field: &Field| Change { field, from: value(self, field), to: value(later, field) };
        Field::ALL.iter().map(change).filter(|change| change.from != change.to).collect()
    }

    /// The same listing sold out: no offer, hence nobody's price.
    pub(super) fn sold_out(self, availability: Availability) -> Self {
        Self { price: None, list_price: None, seller: None, offer_count: 0, coupon: None, availability, ..self }
    }
}

fn ranked(rank: u32, category: &str) -> FactValue {
    FactValue::Rank(Rank { rank, category: category.to_owned() })
}

//! What one successful look at a listing found.

use serde::{Deserialize, Serialize};

use super::asin::Asin;
use super::availability::Availability;
use super::money::Money;

/// One field of a page. *Absent* and *unknown* are different facts: the first is history, the second is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// The page did not say, or nobody could read it. Writes nothing.
    #[default]
    Unknown,
    /// The page says that there is none.
    Absent,
    /// The page says this.
    Is(T),
}

impl<T> Reading<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// `Is` for a value, `Unknown` for none.
    pub fn or_unknown(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Is)
    }
}

/// A place in a bestseller list. Lower is better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// The place, from 1.
    pub rank: u32,
    /// The category as the page names it.
    pub category: String,
}

/// A star rating in hundredths: 4.5 stars are 450.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rating(pub u16);

impl Rating {
    /// Stars as people say them: 4.5.
    pub fn stars(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// The facts of one product page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The ASIN that the page itself states; `None` when it states none.
    pub asin: Option<Asin>,
    /// Product title.
    pub title: Option<String>,
    /// Brand from the byline; none for books, music and films.
    pub brand: Option<String>,
    /// Main image.
    pub image_url: Option<String>,
    /// The featured new offer a shopper would pay now, one-time purchase, before coupons and shipping.
    pub price: Reading<Money>,
    /// Shipping of the featured offer.
    pub shipping: Reading<Money>,
    /// The struck-through price beside it; not history, only what Amazon claims.
    pub list_price: Reading<Money>,
    /// Who sells the featured offer (Buy Box).
    pub seller: Reading<String>,
    /// Number of new offers, the featured one included.
    pub offer_count: Reading<u32>,
    /// Coupon text as shown; never part of the price.
    pub coupon: Reading<String>,
    /// The availability line.
    pub availability: Availability,
    /// The product's own stars.
    pub rating: Reading<Rating>,
    /// The product's own number of ratings.
    pub review_count: Reading<u32>,
    /// Every place in a bestseller list that the page names.
    pub ranks: Reading<Vec<Rank>>,
}

impl Observation {
    /// An observation of a page that states nothing but perhaps its ASIN.
    pub fn empty(asin: impl Into<Option<Asin>>) -> Self {
        Self {
            asin: asin.into(),
            title: None,
            brand: None,
            image_url: None,
            price: Reading::Unknown,
            shipping: Reading::Unknown,
            list_price: Reading::Unknown,
            seller: Reading::Unknown,
            offer_count: Reading::Unknown,
            coupon: Reading::Unknown,
            availability: Availability::Unknown,
            rating: Reading::Unknown,
            review_count: Reading::Unknown,
            ranks: Reading::Unknown,
        }
    }
}

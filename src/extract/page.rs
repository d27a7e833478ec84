//! What one page says: the contract of `extract`, and its translation into the outcome of a crawl.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{
    Asin, Availability, Block, Currency, Failure, Marketplace, Money, Observation, Outcome, Rank, Rating, Reading,
};

/// What sort of page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// One product.
    Product,
    /// A robot check, or its gentler form "continue shopping".
    Captcha,
    /// There is no such product.
    NotFound,
    /// A bestseller list.
    Bestsellers,
    /// Search results.
    Search,
    /// Anything else: error page, sign-in, home page, reviews, a body cut off.
    #[default]
    OtherError,
}

/// One product of a search or bestseller page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The product.
    pub asin: Asin,
    /// Place in the list, from 1.
    pub position: u32,
    /// Title as shown, which may be shortened.
    pub title: Option<String>,
    /// Price as shown.
    pub price_minor: Option<i64>,
    /// Stars, in hundredths.
    #[serde(serialize_with = "as_stars")]
    pub rating: Option<Rating>,
    /// Number of ratings.
    pub review_count: Option<u32>,
}

/// Everything read from one page. Serialises to the contract of the `extract` command; what is absent is null.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Page {
    /// What sort of page it is.
    pub kind: PageKind,
    /// The site it comes from.
    pub marketplace: Option<Marketplace>,
    /// The child that the page itself has selected.
    pub asin: Option<Asin>,
    /// Title.
    pub title: Option<String>,
    /// Brand from the byline; none for books, music and films.
    pub brand: Option<String>,
    /// The featured new offer, one-time purchase, before coupons and shipping.
    pub price_minor: Option<i64>,
    /// Currency of all amounts of the page.
    pub currency: Option<Currency>,
    /// The struck-through price beside it.
    pub list_price_minor: Option<i64>,
    /// Lowest and highest price of a parent without a chosen variation.
    pub price_range_minor: Option<(i64, i64)>,
    /// A used offer's price, when it is shown in the buy box.
    pub used_price_minor: Option<i64>,
    /// Coupon as shown; never part of the price.
    pub coupon: Option<String>,
    /// The availability line, understood.
    pub availability: Option<Availability>,
    /// The availability line, as shown.
    pub availability_text: Option<String>,
    /// Who sells the featured offer.
    pub seller: Option<String>,
    /// Stars, in hundredths.
    #[serde(serialize_with = "as_stars")]
    pub rating: Option<Rating>,
    /// Number of ratings.
    pub review_count: Option<u32>,
    /// Places in bestseller lists.
    pub bsr: Option<Vec<Rank>>,
    /// Main image.
    pub main_image_url: Option<String>,
    /// Feature bullets.
    pub bullets: Vec<String>,
    /// Sibling variations, the selected one included.
    pub variation_asins: Vec<Asin>,
    /// The parent of the variations.
    pub parent_asin: Option<Asin>,
    /// Products of a search or bestseller page.
    pub items: Option<Vec<Item>>,
    /// Which rule gave each field, and why a page is not a product page.
    pub diagnostics: BTreeMap<&'static str, String>,
    /// How Amazon refused to answer.
    #[serde(skip)]
    pub block: Option<Block>,
    /// The stream ended before the page did.
    #[serde(skip)]
    pub truncated: bool,
    /// Why there is no price, where the page says that there is none.
    #[serde(skip)]
    pub no_price: Option<NoPrice>,
}

/// Reasons a page gives for having no price of a featured new offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPrice {
    /// Unavailable or out of stock.
    NotSold,
    /// Several sellers, none featured.
    NoFeaturedOffer,
    /// Only used offers.
    UsedOnly,
    /// A parent whose variations have different prices.
    Range,
}

impl NoPrice {
    /// The word for diagnostics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotSold => "none: not sold now",
            Self::NoFeaturedOffer => "none: no featured offer",
            Self::UsedOnly => "none: used only",
            Self::Range => "none: range of a parent",
        }
    }
}

impl Page {
    /// The end of the crawl that fetched this page in order to look at `wanted`.
    pub fn outcome(self, wanted: Asin) -> Outcome {
        match self.kind {
            PageKind::Product => self.observed(wanted),
            PageKind::Captcha => Outcome::Blocked(Block::Captcha),
            PageKind::NotFound => Outcome::NotFound,
            PageKind::OtherError if self.truncated => Outcome::Failed(Failure::Truncated),
            PageKind::Bestsellers | PageKind::Search | PageKind::OtherError => {
                Outcome::Blocked(self.block.unwrap_or(Block::Interstitial))
            }
        }
    }

    fn observed(self, wanted: Asin) -> Outcome {
        if self.truncated {
            return Outcome::Failed(Failure::Truncated);
        }
        match self.asin {
            Some(asin) if asin != wanted => return Outcome::Failed(Failure::WrongListing),
            Some(_) | None => {}
        }
        let availability = self.availability.unwrap_or_default();
        let says_something =
            self.price_minor.is_some() || availability != Availability::Unknown || self.no_price.is_some();
        if self.title.is_none() || !says_something {
            return Outcome::Failed(Failure::Unreadable);
        }
        Outcome::Observed(Box::new(self.observation(availability)))
    }

    fn observation(self, availability: Availability) -> Observation {
        let money = |minor: i64| self.currency.map(|currency| Money::new(minor, currency));
        let price = self.price_minor.and_then(money);
        let none_is_absent = price.is_some();
        Observation {
            price: match (price, self.no_price) {
                (Some(price), _) => Reading::Is(price),
                (None, Some(_)) => Reading::Absent,
                (None, None) => Reading::Unknown,
            },
            list_price: absent_if(none_is_absent, self.list_price_minor.and_then(money)),
            coupon: absent_if(none_is_absent, self.coupon),
            seller: Reading::or_unknown(self.seller),
            rating: Reading::or_unknown(self.rating),
            review_count: Reading::or_unknown(self.review_count),
            ranks: Reading::or_unknown(self.bsr),
            title: self.title,
            brand: self.brand,
            image_url: self.main_image_url,
            availability,
            ..Observation::empty(self.asin)
        }
    }
}

fn absent_if<T>(none_is_absent: bool, value: Option<T>) -> Reading<T> {
    match value {
        None if none_is_absent => Reading::Absent,
        value => Reading::or_unknown(value),
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn as_stars<S: serde::Serializer>(rating: &Option<Rating>, serializer: S) -> Result<S::Ok, S::Error> {
    rating.map(Rating::stars).serialize(serializer)
}

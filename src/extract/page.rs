//! The facts of one page: the result of `extract`, and its conversion to the outcome of a crawl.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{
    Asin, Availability, Block, Content, Currency, Failure, ListPriceKind, Marketplace, Money, Observation, Outcome,
    Rank, Rating, Reading, SellerId,
};

/// The kind of page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageKind {
    /// One product.
    Product,
    /// A robot check, or its simpler form "continue shopping".
    Captcha,
    /// The product does not exist.
    NotFound,
    /// A bestseller list.
    Bestsellers,
    /// Search results.
    Search,
    /// Anything else: error page, sign-in, home page, reviews, a truncated body.
    #[default]
    OtherError,
}

/// One item of a search or bestseller page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The product.
    pub asin: Asin,
    /// Position in the list, from 1.
    pub position: u32,
    /// Title as displayed, which may be truncated.
    pub title: Option<String>,
    /// Price of the featured offer, in minor units.
    pub price_minor: Option<i64>,
    /// Lowest price of several offers where none is featured ("3 offers from $12.00"), in minor units.
    pub from_price_minor: Option<i64>,
    /// Rating, in hundredths of a star.
    #[serde(serialize_with = "as_stars")]
    pub rating: Option<Rating>,
    /// Number of ratings.
    pub review_count: Option<u32>,
}

/// Everything read from one page. It serialises to the output of the `extract` command; missing fields are null.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Page {
    /// The kind of page.
    pub kind: PageKind,
    /// The site that the page comes from.
    pub marketplace: Option<Marketplace>,
    /// The ASIN of the selected variation.
    pub asin: Option<Asin>,
    /// Title.
    pub title: Option<String>,
    /// Brand from the byline; none for books, music and films.
    pub brand: Option<String>,
    /// Price of the featured new offer as a one-time purchase, before coupons and shipping, in minor units.
    pub price_minor: Option<i64>,
    /// Currency of all amounts of the page.
    pub currency: Option<Currency>,
    /// Struck-through list price, in minor units.
    pub list_price_minor: Option<i64>,
    /// What the list price is, as the page calls it.
    pub list_price_kind: Option<ListPriceKind>,
    /// Lowest and highest price of a parent without a selected variation, in minor units.
    pub price_range_minor: Option<(i64, i64)>,
    /// Price of a used offer in the Buy Box, in minor units.
    pub used_price_minor: Option<i64>,
    /// Coupon as displayed; never part of the price.
    pub coupon: Option<String>,
    /// Availability, from the availability line.
    pub availability: Option<Availability>,
    /// The availability line as displayed.
    pub availability_text: Option<String>,
    /// Seller of the featured offer.
    pub seller: Option<String>,
    /// Amazon's id of the seller.
    pub seller_id: Option<SellerId>,
    /// Rating, in hundredths of a star.
    #[serde(serialize_with = "as_stars")]
    pub rating: Option<Rating>,
    /// Number of ratings.
    pub review_count: Option<u32>,
    /// Ranks in bestseller lists.
    pub bsr: Option<Vec<Rank>>,
    /// URL of the main image.
    pub main_image_url: Option<String>,
    /// Feature bullets.
    pub bullets: Vec<String>,
    /// Ids of the images, in the order of their thumbnails.
    pub image_ids: Vec<String>,
    /// Description.
    pub description: Option<String>,
    /// The path of categories above the product, from the root.
    pub category_path: Vec<String>,
    /// There is A+ content; null: the page was not read to its end.
    pub has_a_plus: Option<bool>,
    /// There is a video among the images; null: not known, because the page was not read to its end.
    pub has_video: Option<bool>,
    /// ASINs of all variations, including the selected one.
    pub variation_asins: Vec<Asin>,
    /// ASIN of the parent of the variations.
    pub parent_asin: Option<Asin>,
    /// ASINs that Amazon compares it with in tables of the page; empty if the page was not read to its end.
    pub compared_with: Vec<Asin>,
    /// Items of a search or bestseller page.
    pub items: Option<Vec<Item>>,
    /// The rule that gave each field, and the reason for the kind of page.
    pub diagnostics: BTreeMap<&'static str, String>,
    /// How Amazon refused to serve the page.
    #[serde(skip)]
    pub block: Option<Block>,
    /// The body ended before the end of the page.
    #[serde(skip)]
    pub truncated: bool,
    /// The page was read to its footer.
    #[serde(skip)]
    pub is_whole: bool,
    /// The reason that the page gives for having no price.
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
    /// The text for diagnostics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotSold => "none: out of stock or unavailable",
            Self::NoFeaturedOffer => "none: no featured offer",
            Self::UsedOnly => "none: only used offers",
            Self::Range => "none: price range of a parent",
        }
    }
}

impl Page {
    /// The outcome of the crawl of listing `wanted` that fetched this page.
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
        let has_offer_facts =
            self.price_minor.is_some() || availability != Availability::Unknown || self.no_price.is_some();
        if self.title.is_none() || !has_offer_facts {
            return Outcome::Failed(Failure::Unreadable);
        }
        Outcome::Observed(Box::new(self.observation(availability)))
    }

    fn observation(self, availability: Availability) -> Observation {
        let money = |minor: i64| self.currency.map(|currency| Money::new(minor, currency));
        let price = self.price_minor.and_then(money);
        let none_is_absent = price.is_some();
        let is_featured = !matches!(self.no_price, Some(NoPrice::NoFeaturedOffer | NoPrice::UsedOnly));
        Observation {
            price: match (price, self.no_price) {
                (Some(price), _) => Reading::Is(price),
                (None, Some(_)) => Reading::Absent,
                (None, None) => Reading::Unknown,
            },
            list_price: absent_if(none_is_absent, self.list_price_minor.and_then(money)),
            list_price_kind: self.list_price_kind,
            coupon: absent_if(none_is_absent, self.coupon),
            // Without a featured offer, nobody sells it.
            seller: absent_if(!is_featured, self.seller.filter(|_| is_featured)),
            seller_id: absent_if(!is_featured, self.seller_id.filter(|_| is_featured)),
            content: Content {
                title: self.title.clone(),
                brand: self.brand.clone(),
                bullets: Some(self.bullets).filter(|bullets| !bullets.is_empty()),
                image_ids: Some(self.image_ids).filter(|ids| !ids.is_empty()),
                description: self.description,
                category_path: Some(self.category_path).filter(|path| !path.is_empty()),
                has_a_plus: self.has_a_plus,
                has_video: self.has_video,
                parent_asin: self.parent_asin,
                is_whole: self.is_whole,
                variation_count: u32::try_from(self.variation_asins.len()).ok().filter(|count| *count > 0),
                compared_with: self.compared_with,
            },
            rating: Reading::or_unknown(self.rating),
            review_count: Reading::or_unknown(self.review_count),
            ranks: Reading::or_unknown(self.bsr),
            title: self.title,
            brand: self.brand,
            image_url: self.main_image_url,
            availability: if is_featured { availability } else { Availability::NoFeaturedOffer },
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

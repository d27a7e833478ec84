//! The result of one successful crawl of a listing.

use serde::{Deserialize, Serialize};

use super::asin::Asin;
use super::availability::Availability;
use super::content::Content;
use super::money::Money;
use super::offer::{OfferList, SellerId};
use super::reading::Reading;

/// A rank in a bestseller list; lower is better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// The rank, from 1.
    pub rank: u32,
    /// The category, as named on the page.
    pub category: String,
}

/// A star rating in hundredths: 4.5 stars are 450.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rating(pub u16);

impl Rating {
    /// The rating in stars: 4.5.
    pub fn stars(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// What the struck-through price beside a price is, as the page calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListPriceKind {
    /// The manufacturer's suggestion: list price, RRP, UVP, M.R.P., 参考価格.
    List,
    /// The median of what customers paid: "Typical price".
    Typical,
    /// What this offer cost before: "Was".
    Was,
    /// The lowest price of the last 30 days, which a seller in the European Union must state beside a reduction (Directive
    /// 98/6/EC, Article 6a).
    #[serde(rename = "lowest_30_days")]
    Lowest30Days,
}

/// The facts of one product page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The ASIN that the page itself states; `None` when it states none.
    pub asin: Option<Asin>,
    /// Product title.
    pub title: Option<String>,
    /// Brand from the byline; `None` for books, music and films.
    pub brand: Option<String>,
    /// URL of the main image.
    pub image_url: Option<String>,
    /// The price of the featured new offer: one-time purchase, before coupons and shipping.
    pub price: Reading<Money>,
    /// Shipping of the featured offer.
    pub shipping: Reading<Money>,
    /// The struck-through list price, as claimed by Amazon.
    pub list_price: Reading<Money>,
    /// What the list price is; `None` when the page has no list price or does not say.
    pub list_price_kind: Option<ListPriceKind>,
    /// Seller of the featured offer (Buy Box).
    pub seller: Reading<String>,
    /// Amazon's id of that seller.
    pub seller_id: Reading<SellerId>,
    /// Number of new offers, including the featured one.
    pub offer_count: Reading<u32>,
    /// Coupon text as displayed; never subtracted from the price.
    pub coupon: Reading<String>,
    /// Availability.
    pub availability: Availability,
    /// Average rating of the product.
    pub rating: Reading<Rating>,
    /// Number of ratings of the product.
    pub review_count: Reading<u32>,
    /// Every bestseller rank on the page.
    pub ranks: Reading<Vec<Rank>>,
    /// What the page says about the product itself.
    pub content: Content,
    /// The offers of all sellers; `None`: they were not asked for, or could not be read.
    pub offers: Option<OfferList>,
}

impl Observation {
    /// The names of the fields that it lacks. If one is missing more often than usual, pages or items have changed their shape.
    pub fn missing_fields(&self) -> impl Iterator<Item = &'static str> {
        let missing = [
            ("price", self.price == Reading::Unknown),
            ("seller", self.seller == Reading::Unknown && self.price.value().is_some()),
            ("availability", self.availability == Availability::Unknown),
            ("rating", self.rating == Reading::Unknown),
            ("review_count", self.review_count == Reading::Unknown),
            ("sales_rank", self.ranks == Reading::Unknown),
            ("brand", self.brand.is_none()),
            ("image", self.image_url.is_none()),
        ];
        missing.into_iter().filter(|(_, is_missing)| *is_missing).map(|(field, _)| field)
    }

    /// An observation in which every field but the ASIN is unknown.
    pub fn empty(asin: impl Into<Option<Asin>>) -> Self {
        Self {
            asin: asin.into(),
            title: None,
            brand: None,
            image_url: None,
            price: Reading::Unknown,
            shipping: Reading::Unknown,
            list_price: Reading::Unknown,
            list_price_kind: None,
            seller: Reading::Unknown,
            seller_id: Reading::Unknown,
            offer_count: Reading::Unknown,
            coupon: Reading::Unknown,
            availability: Availability::Unknown,
            rating: Reading::Unknown,
            review_count: Reading::Unknown,
            ranks: Reading::Unknown,
            content: Content::default(),
            offers: None,
        }
    }
}

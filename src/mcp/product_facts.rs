//! A product and the state of its listing, as tools tell it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::amount::Amount;
use crate::domain::plain_text::{clean, shorten};
use crate::domain::{Asin, Availability, Frequency, Marketplace, Product, ProductId, ProductStatus, Rank, Series};

/// Maximum characters of a title in a list.
const MAX_ROW_TITLE_CHARS: usize = 120;
/// Maximum characters of a text of a page, however long it is there.
const MAX_TEXT_CHARS: usize = 500;
/// Of more ranks, the first.
const MAX_RANKS: usize = 10;

/// What is known of a product. What is not known, or known to be absent, is null.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProductFacts {
    #[schemars(with = "String")]
    product_id: ProductId,
    #[schemars(with = "String")]
    asin: Asin,
    #[schemars(with = "String")]
    marketplace: Marketplace,
    url: String,
    title: Option<String>,
    brand: Option<String>,
    label: Option<String>,
    tags: Vec<String>,
    is_competitor: bool,
    #[schemars(with = "String")]
    status: ProductStatus,
    #[schemars(with = "String")]
    frequency: Frequency,
    price: Option<Amount>,
    list_price: Option<Amount>,
    shipping: Option<Amount>,
    seller: Option<String>,
    coupon: Option<String>,
    #[schemars(with = "String")]
    availability: Availability,
    rating: Option<f64>,
    review_count: Option<i64>,
    offer_count: Option<i64>,
    ranks: Vec<RankFacts>,
    /// The last successful crawl.
    #[schemars(with = "Option<String>")]
    observed_at: Option<Timestamp>,
    /// When the price was last read from a page.
    #[schemars(with = "Option<String>")]
    price_observed_at: Option<Timestamp>,
    /// The price is not today's.
    is_stale: bool,
    /// Why it is not observed at present.
    failure: Option<String>,
    #[schemars(with = "Option<String>")]
    next_crawl_at: Option<Timestamp>,
}

/// A rank in a bestseller list.
#[derive(Debug, Serialize, JsonSchema)]
struct RankFacts {
    rank: u32,
    category: String,
}

impl From<Rank> for RankFacts {
    fn from(rank: Rank) -> Self {
        Self { rank: rank.rank, category: row_title(&rank.category) }
    }
}

impl From<Product> for ProductFacts {
    fn from(product: Product) -> Self {
        let is_stale = product.is_price_stale(Timestamp::now());
        let failure = product.failure().map(|failure| failure.explanation.to_owned());
        let (listing, state, settings) = (product.listing, product.state, product.settings);
        let money = |series| state.money(series, listing.marketplace.currency()).map(Amount::from);
        let shortened = |text: &str| shorten(&clean(text), MAX_TEXT_CHARS);
        let text = |series| state.text(series).map(shortened);
        Self {
            product_id: product.id,
            asin: listing.asin,
            marketplace: listing.marketplace,
            url: listing.url(),
            price: money(Series::Price),
            list_price: money(Series::ListPrice),
            shipping: money(Series::Shipping),
            seller: text(Series::Seller),
            coupon: text(Series::Coupon),
            availability: state.availability(),
            rating: state.rating().map(|rating| rating.stars()),
            review_count: state.number(Series::ReviewCount),
            offer_count: state.number(Series::OfferCount),
            ranks: state.ranks().into_iter().take(MAX_RANKS).map(RankFacts::from).collect(),
            price_observed_at: state.as_of(Series::Price),
            observed_at: state.checked_at,
            is_stale,
            failure,
            next_crawl_at: product.next_crawl_at,
            title: state.title.as_deref().map(shortened),
            brand: state.brand.as_deref().map(shortened),
            label: settings.label,
            tags: settings.tags,
            is_competitor: settings.is_competitor,
            status: settings.status,
            frequency: settings.frequency,
        }
    }
}

/// A product in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProductRow {
    #[schemars(with = "String")]
    product_id: ProductId,
    #[schemars(with = "String")]
    asin: Asin,
    #[schemars(with = "String")]
    marketplace: Marketplace,
    title: Option<String>,
    label: Option<String>,
    is_competitor: bool,
    price: Option<Amount>,
    #[schemars(with = "String")]
    availability: Availability,
    #[schemars(with = "Option<String>")]
    observed_at: Option<Timestamp>,
}

impl From<Product> for ProductRow {
    fn from(product: Product) -> Self {
        let (listing, state) = (product.listing, product.state);
        Self {
            product_id: product.id,
            asin: listing.asin,
            marketplace: listing.marketplace,
            price: state.price(listing.marketplace.currency()).map(Amount::from),
            availability: state.availability(),
            observed_at: state.checked_at,
            title: state.title.map(|title| row_title(&title)),
            label: product.settings.label,
            is_competitor: product.settings.is_competitor,
        }
    }
}

/// A title in a list.
pub(super) fn row_title(title: &str) -> String {
    shorten(&clean(title), MAX_ROW_TITLE_CHARS)
}

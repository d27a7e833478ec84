//! Products as responses show them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    Asin, Availability, Frequency, Interval, ListPriceKind, ListingFailure, Marketplace, Money, Product, ProductId,
    ProductStatus, Rank, Series,
};

/// An amount of money in minor units.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money, example = json!({ "amount_minor": 34999, "currency": "USD" }))]
pub(super) struct WireMoney {
    /// Cents; yen for JPY.
    pub amount_minor: i64,
    /// ISO 4217.
    #[schema(value_type = String, min_length = 3, max_length = 3)]
    pub currency: crate::domain::Currency,
}

impl From<Money> for WireMoney {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency }
    }
}

/// A rank in a bestseller list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Rank)]
struct WireRank {
    /// From 1; lower is better.
    rank: u32,
    /// As the page names it.
    category: String,
}

impl From<Rank> for WireRank {
    fn from(rank: Rank) -> Self {
        Self { rank: rank.rank, category: rank.category }
    }
}

/// The failure of a listing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ListingFailure)]
struct WireFailure {
    /// The outcome of the latest crawl: `blocked_captcha`, `failed_unreadable`, …
    #[schema(example = "failed_timeout")]
    reason: String,
    /// The same as a sentence.
    message: &'static str,
    /// Crawls in a row that ended without an observation.
    consecutive_failures: u16,
    /// Attempts since the last crawl that counts as ended, including those that never ended. With too many the listing is parked.
    attempts: u16,
    /// The last successful crawl, since which it fails; null: none has succeeded yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// When it is crawled again; null while it is parked.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// It is not crawled any more until it is released (`POST /api/v1/products/{id}/release`).
    is_parked: bool,
}

impl From<ListingFailure> for WireFailure {
    fn from(failure: ListingFailure) -> Self {
        Self {
            reason: failure.reason,
            message: failure.explanation,
            consecutive_failures: failure.consecutive_failures,
            attempts: failure.attempts,
            since: failure.last_success_at,
            next_attempt_at: failure.next_attempt_at,
            is_parked: failure.is_parked,
        }
    }
}

/// A product and the state of its listing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Product)]
pub(super) struct WireProduct {
    /// Identity.
    #[schema(value_type = Uuid)]
    id: ProductId,
    /// The product on Amazon.
    #[schema(value_type = String, example = "B08PZHYWJS")]
    asin: Asin,
    /// The site: `com`, `co.uk`, `de`, …
    #[schema(value_type = String, example = "com")]
    marketplace: Marketplace,
    /// The URL of its page.
    url: String,
    /// The tenant's name for it.
    label: Option<String>,
    /// Tags.
    tags: Vec<String>,
    /// How often it is crawled: at an interval (`daily`, `6h`), or at an interval on average (`adaptive`, `adaptive:6h`).
    #[schema(value_type = String, example = "daily")]
    frequency: Frequency,
    /// The interval at which it is crawled now. It varies if the frequency is adaptive.
    effective_interval_secs: u32,
    /// A competitor's product.
    is_competitor: bool,
    /// `active` or `paused`.
    #[schema(value_type = String, example = "active")]
    status: ProductStatus,
    /// Its offer list is read: the offers of all sellers.
    watch_offers: bool,
    /// How often its offer list is read; null while it is not.
    #[schema(value_type = Option<String>, example = "daily")]
    offers_frequency: Option<Interval>,
    /// Title of the listing.
    title: Option<String>,
    /// Brand.
    brand: Option<String>,
    /// Main image.
    image_url: Option<String>,
    /// The current price of the featured new offer; null when there is none or it is not known yet.
    price: Option<WireMoney>,
    /// The reference price that is struck through.
    list_price: Option<WireMoney>,
    /// What the list price is, as the page calls it: `list`, `typical`, `was` or `lowest_30_days`; null when it does not say.
    #[schema(value_type = Option<String>, example = "list")]
    list_price_kind: Option<ListPriceKind>,
    /// The seller.
    seller: Option<String>,
    /// Amazon's id of the seller, which unlike the name does not change.
    seller_id: Option<String>,
    /// Coupon text; never part of the price.
    coupon: Option<String>,
    /// Availability.
    #[schema(value_type = String, example = "in_stock")]
    availability: Availability,
    /// Average rating, 1 to 5 stars.
    rating: Option<f64>,
    /// Number of ratings.
    review_count: Option<i64>,
    /// Ranks in bestseller lists.
    ranks: Vec<WireRank>,
    /// When the price was last read from a page; before `checked_at` if the last page did not state it.
    #[schema(value_type = Option<String>, format = DateTime)]
    price_as_of: Option<Timestamp>,
    /// True when the price is not today's: the last page did not state it, or no page could be read for two intervals.
    is_stale: bool,
    /// Values that the last page did not state, with the time of the last page that did.
    #[schema(value_type = BTreeMap<String, String>)]
    unread_since: BTreeMap<&'static str, Timestamp>,
    /// The source of the last observation: `direct` or `apify`.
    source: Option<String>,
    /// True when an implausible offer was seen and a second crawl must confirm it.
    is_held: bool,
    /// The last successful crawl.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// The last change of any value.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<Timestamp>,
    /// The outcome of the last crawl.
    last_outcome: Option<String>,
    /// When the last crawl ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_crawled_at: Option<Timestamp>,
    /// When the next crawl is due; null while the listing is parked.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_crawl_at: Option<Timestamp>,
    /// Why the listing is not observed at present; null when its latest crawl succeeded, or there was none yet.
    failure: Option<WireFailure>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its settings last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Product> for WireProduct {
    fn from(product: Product) -> Self {
        let is_stale = product.is_price_stale(Timestamp::now());
        let failure = product.failure().map(WireFailure::from);
        let (listing, state, settings) = (product.listing, product.state, product.settings);
        let money = |series| state.money(series, listing.marketplace.currency()).map(WireMoney::from);
        Self {
            price_as_of: state.as_of(Series::Price),
            is_stale,
            unread_since: state.unread_since().collect(),
            id: product.id,
            asin: listing.asin,
            marketplace: listing.marketplace,
            url: listing.url(),
            price: money(Series::Price),
            list_price: money(Series::ListPrice),
            list_price_kind: state.list_price_kind,
            seller: state.text(Series::Seller).map(str::to_owned),
            seller_id: state.text(Series::SellerId).map(str::to_owned),
            coupon: state.text(Series::Coupon).map(str::to_owned),
            availability: state.availability(),
            rating: state.rating().map(|rating| rating.stars()),
            review_count: state.number(Series::ReviewCount),
            ranks: state.ranks().into_iter().map(WireRank::from).collect(),
            source: state.source,
            is_held: state.held.is_some(),
            checked_at: state.checked_at,
            changed_at: state.changed_at,
            title: state.title,
            brand: state.brand,
            image_url: state.image_url,
            label: settings.label,
            tags: settings.tags,
            frequency: settings.frequency,
            effective_interval_secs: product.interval.as_secs(),
            is_competitor: settings.is_competitor,
            status: settings.status,
            watch_offers: settings.offers_interval.is_some(),
            offers_frequency: settings.offers_interval,
            last_outcome: product.last_outcome,
            last_crawled_at: product.last_crawled_at,
            next_crawl_at: product.next_crawl_at,
            failure,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

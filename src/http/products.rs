//! `/api/v1/products`: products.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::etag::{expected_version, versioned};
use super::idempotency::{RequestKey, rendered, respond};
use super::paging::{WirePage, limit_of, paged};
use super::problem::Problem;
use super::response_cache::{CacheTags, tagged};
use super::routes::Routes;
use super::strict::{List, PathId, StrictJson, StrictQuery};
use crate::domain::product::{self, MAX_TAGS};
use crate::domain::{
    Asin, Availability, Frequency, Interval, ListPriceKind, Listing, ListingFailure, ListingUrlError, Marketplace,
    Money, Product, ProductId, ProductStatus, Rank, Scope, Series,
};
use crate::service::{
    AddProduct, Caller, FieldError, ListProducts, ListingAddress, ProductFilter, ProductOrder, ProductPatch,
    StoredResponse, on_marketplace,
};

/// Maximum length of a search text.
const MAX_TEXT_CHARS: usize = 200;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products", |path| path.get(Scope::ProductRead, list).create(Scope::ProductWrite, add));
    routes.path("/products/{id}/release", |path| path.post(Scope::ProductWrite, release));
    routes.path("/products/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::ProductWrite, patch).delete(Scope::ProductDelete, remove)
    });
}

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

/// A listing to track, named by `asin` or by `url`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://www.amazon.de/dp/B08PZHYWJS", "frequency": "hourly", "tags": ["headphones"] }))]
pub(super) struct AddProductBody {
    /// `B` and nine letters or digits, or an ISBN-10.
    #[schema(max_length = 10)]
    asin: Option<String>,
    /// The URL of the product on Amazon, as copied from a browser.
    url: Option<String>,
    /// The site of the ASIN: `com`, `co.uk`, `de`, …
    marketplace: Option<String>,
    /// `hourly`, `daily`, `weekly`, `monthly`, an interval such as `30m`, or `adaptive`: once a day on average, more often the more
    /// often the offer changes. `adaptive:6h`: once in six hours on average.
    frequency: Option<String>,
    /// Your name for it.
    #[schema(max_length = 200)]
    label: Option<String>,
    /// Tags.
    #[serde(default)]
    #[schema(value_type = Vec<Tag>, max_items = 50)]
    tags: List<String, MAX_TAGS>,
    /// A competitor's product.
    #[serde(default)]
    is_competitor: bool,
    /// Read its offer list as well: the offers of all sellers.
    watch_offers: Option<bool>,
    /// How often to read its offer list, with a crawl: default `daily`. Not more often than `frequency`.
    offers_frequency: Option<String>,
}

impl AddProductBody {
    fn into_request(self, default_marketplace: Marketplace) -> Result<AddProduct, Problem> {
        let mut errors = Vec::new();
        let marketplace: Option<Marketplace> = parsed("marketplace", self.marketplace.as_deref(), &mut errors);
        let frequency = parsed("frequency", self.frequency.as_deref(), &mut errors);
        let offers_interval = parsed("offers_frequency", self.offers_frequency.as_deref(), &mut errors);
        let listing = match (&self.asin, &self.url) {
            (Some(asin), None) => parsed("asin", Some(asin.as_str()), &mut errors)
                .map(|asin| ListingAddress::Listing(Listing::new(marketplace.unwrap_or(default_marketplace), asin))),
            (None, Some(url)) => listing_of(url, marketplace, &mut errors),
            (None, None) => {
                errors.push(FieldError::new("asin", "asin or url is required"));
                None
            }
            (Some(_), Some(_)) => {
                errors.push(FieldError::new("url", "give either asin or url, not both"));
                None
            }
        };
        match listing {
            Some(listing) if errors.is_empty() => Ok(AddProduct {
                listing,
                frequency,
                label: self.label,
                tags: self.tags.0,
                is_competitor: self.is_competitor,
                offers_interval: product::offers_interval(self.watch_offers, offers_interval),
            }),
            _ => Err(Problem::invalid(errors)),
        }
    }
}

fn listing_of(url: &str, marketplace: Option<Marketplace>, errors: &mut Vec<FieldError>) -> Option<ListingAddress> {
    match Listing::from_url(url) {
        Ok(listing) => match on_marketplace(listing, marketplace) {
            Ok(listing) => Some(ListingAddress::Listing(listing)),
            Err(error) => {
                errors.push(error);
                None
            }
        },
        Err(ListingUrlError::ShortLink(url)) => Some(ListingAddress::ShortLink { url, marketplace }),
        Err(error) => {
            errors.push(FieldError::new("url", error));
            None
        }
    }
}

/// Parses an optional text, and adds an error if it is malformed.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    match text?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            errors.push(FieldError::new(field, error));
            None
        }
    }
}

/// A tag, for the document.
#[derive(ToSchema)]
#[schema(max_length = 50)]
#[expect(dead_code, reason = "describes the items of a list")]
struct Tag(String);

/// Changes to a product. Omitted fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "frequency": "6h", "label": null }))]
pub(super) struct PatchProductBody {
    /// Null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 200)]
    label: Option<Option<String>>,
    /// Replaces all tags.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 50)]
    tags: Option<List<String, MAX_TAGS>>,
    /// `hourly`, `daily`, `weekly`, `monthly`, an interval such as `30m`, or `adaptive`: once a day on average, more often the more
    /// often the offer changes. `adaptive:6h`: once in six hours on average.
    frequency: Option<String>,
    /// A competitor's product.
    is_competitor: Option<bool>,
    /// `active` or `paused`.
    status: Option<String>,
    /// Read its offer list as well.
    watch_offers: Option<bool>,
    /// How often to read its offer list.
    offers_frequency: Option<String>,
}

/// Distinguishes null from an omitted field.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl PatchProductBody {
    fn into_patch(self, expected_version: Option<i64>) -> Result<ProductPatch, Problem> {
        let mut errors = Vec::new();
        let frequency = parsed("frequency", self.frequency.as_deref(), &mut errors);
        let status = parsed("status", self.status.as_deref(), &mut errors);
        let offers_interval = parsed("offers_frequency", self.offers_frequency.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(ProductPatch {
            label: self.label,
            tags: self.tags.map(|tags| tags.0),
            frequency,
            is_competitor: self.is_competitor,
            status,
            watch_offers: self.watch_offers,
            offers_interval,
            expected_version,
        })
    }
}

/// Filter, order and page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListProductsQuery {
    /// Has this tag.
    tag: Option<String>,
    /// On this marketplace.
    marketplace: Option<String>,
    /// `active` or `paused`.
    status: Option<String>,
    /// Title, label or ASIN contains this.
    text: Option<String>,
    /// `true`: only products whose listing fails; `false`: only the others.
    #[param(value_type = Option<bool>)]
    failing: Option<String>,
    /// `newest` (default), `oldest`, `title`, `price` or `-price`.
    sort: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

/// Adds an error if a text that is searched for cannot be one of a product.
pub(super) fn check_text(field: &str, text: Option<&str>, errors: &mut Vec<FieldError>) {
    let is_wrong = |text: &str| text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control);
    if text.is_some_and(is_wrong) {
        let message = format!("must have at most {MAX_TEXT_CHARS} characters and no control characters");
        errors.push(FieldError::new(field, message));
    }
}

/// `true` or `false`; adds an error for anything else.
fn truth(field: &str, text: &str, errors: &mut Vec<FieldError>) -> Option<bool> {
    let truth = text.parse().ok();
    if truth.is_none() {
        errors.push(FieldError::new(field, "must be true or false"));
    }
    truth
}

impl ListProductsQuery {
    fn into_request(self) -> Result<ListProducts, Problem> {
        let mut errors = Vec::new();
        let filter = ProductFilter {
            tag: self.tag,
            marketplace: parsed("marketplace", self.marketplace.as_deref(), &mut errors),
            status: parsed("status", self.status.as_deref(), &mut errors),
            text: self.text,
            failing: self.failing.as_deref().and_then(|text| truth("failing", text, &mut errors)),
        };
        let order = match self.sort.as_deref() {
            None | Some("newest") => ProductOrder::NewestFirst,
            Some("oldest") => ProductOrder::OldestFirst,
            Some("title") => ProductOrder::Title,
            Some("price") => ProductOrder::PriceRising,
            Some("-price") => ProductOrder::PriceFalling,
            Some(_) => {
                errors.push(FieldError::new("sort", "use newest, oldest, title, price or -price"));
                ProductOrder::default()
            }
        };
        check_text("tag", filter.tag.as_deref(), &mut errors);
        check_text("text", filter.text.as_deref(), &mut errors);
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(ListProducts { filter, order, cursor: self.cursor, limit })
    }
}

/// Add a product. Its listing is crawled immediately.
#[utoipa::path(post, path = "/api/v1/products", tag = "products", request_body = AddProductBody, responses(
    (status = 201, description = "Added; the first crawl is due immediately", body = WireProduct),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 402, description = "The plan allows no more products", body = Problem),
    (status = 409, description = "The tenant already tracks the listing; names the product", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<AddProductBody>,
) -> Result<impl Responder, Problem> {
    let request = body.into_request(shared.service.default_marketplace())?;
    let creation = shared.service.add_product(caller, request, key.claim(created)).await?;
    Ok(respond(creation, created))
}

fn created(product: &Product) -> StoredResponse {
    let location = format!("/api/v1/products/{}", product.id);
    rendered(StatusCode::CREATED, location, &WireProduct::from(product.clone()))
}

/// List products.
#[utoipa::path(get, path = "/api/v1/products", tag = "products", params(ListProductsQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireProduct>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ListProductsQuery>,
) -> Result<impl Responder, Problem> {
    let page = shared.service.products(caller.tenant_id, query.into_request()?).await?;
    Ok(paged::<_, WireProduct>(page))
}

/// Get one product.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The product", body = WireProduct),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let product = shared.service.product(caller.tenant_id, id).await?;
    let of = CacheTags { product_id: product.id, listing_id: product.listing_id };
    Ok(tagged(of, shown(product)))
}

fn shown(product: Product) -> HttpResponse {
    versioned(StatusCode::OK, product.version, &WireProduct::from(product))
}

/// Change a product. With `If-Match` only if its settings have not changed since you read it.
#[utoipa::path(patch, path = "/api/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)),
    request_body = PatchProductBody, responses(
    (status = 200, description = "The changed product", body = WireProduct),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such product", body = Problem),
    (status = 412, description = "The product has changed since you read it (If-Match)", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ProductId>,
    StrictJson(body): StrictJson<PatchProductBody>,
) -> Result<impl Responder, Problem> {
    let patch = body.into_patch(expected_version(request.headers())?)?;
    Ok(shown(shared.service.update_product(caller, id, patch).await?))
}

/// Release a parked listing.
///
/// A listing is parked when too many of its crawls ended without an outcome. After its release it is due immediately.
#[utoipa::path(post, path = "/api/v1/products/{id}/release", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The product, due immediately", body = WireProduct),
    (status = 404, description = "No such product", body = Problem),
    (status = 409, description = "The listing is not parked, or the product is paused", body = Problem),
))]
pub(super) async fn release(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(shared.service.release_product(caller, id).await?))
}

/// Delete a product. The history of its listing stays.
#[utoipa::path(delete, path = "/api/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    shared.service.remove_product(caller, id, expected_version).await?;
    Ok(HttpResponse::NoContent())
}

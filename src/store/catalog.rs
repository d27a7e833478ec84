//! The products of tenants.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use super::error::or_report;
use crate::domain::{
    Availability, Frequency, Interval, Listing, ListingFailure, ListingId, Marketplace, Product, ProductId,
    ProductSettings, ProductStatus, TenantId,
};

/// A product to be added.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The listing to watch.
    pub listing: Listing,
    /// The settings.
    pub settings: ProductSettings,
    /// How many products the tenant may have, including this one.
    pub quota: u32,
}

/// Changes to a product: `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductPatch {
    /// `Some(None)` removes the label.
    pub label: Option<Option<String>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
    /// The new interval; the next crawl moves accordingly.
    pub frequency: Option<Frequency>,
    /// Whether it is a competitor's product.
    pub is_competitor: Option<bool>,
    /// Pauses or resumes.
    pub status: Option<ProductStatus>,
    /// Whether its offer list is read; the listing is due at once when that begins.
    pub watch_offers: Option<bool>,
    /// How often its offer list is read. Begins to watch its offers unless `watch_offers` says otherwise.
    pub offers_interval: Option<Interval>,
    /// Only if the row still has this version: otherwise [`Changed`](super::StoreError::Changed).
    pub expected_version: Option<i64>,
}

/// Which products to list: all conditions that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Carries this tag.
    pub tag: Option<String>,
    /// On this site.
    pub marketplace: Option<Marketplace>,
    /// In this status.
    pub status: Option<ProductStatus>,
    /// Title, label or ASIN contain this text, ignoring case.
    pub text: Option<String>,
    /// Whether the listing fails: see [`Product::failure`].
    pub failing: Option<bool>,
    /// Whether it is a competitor's product.
    pub is_competitor: Option<bool>,
    /// Of this accepted availability.
    pub availability: Option<Availability>,
    /// The price is at this time the lowest of 90 days, and may be current: the interval of an adaptive product is taken to be the
    /// longest that it can have.
    pub at_low_at: Option<Timestamp>,
    /// One of these products.
    pub ids: Option<Vec<ProductId>>,
}

/// A listing of any tenant that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingListing {
    /// The listing's row.
    pub listing_id: ListingId,
    /// The listing.
    pub listing: Listing,
    /// When the latest crawl ended.
    pub last_crawled_at: Option<Timestamp>,
    /// Why it fails.
    pub failure: ListingFailure,
}

/// The order of a list; ties are broken by id. Products without the value come last either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProductOrder {
    /// Latest first.
    #[default]
    NewestFirst,
    /// Earliest first.
    OldestFirst,
    /// By title, A to Z.
    Title,
    /// Lowest price first, by minor units (meaningful within one currency).
    PriceRising,
    /// Highest price first.
    PriceFalling,
    /// By title, Z to A.
    TitleFalling,
    /// By the last change of the price: what fell most first, as a share.
    ChangeRising,
    /// What rose most first.
    ChangeFalling,
    /// By the best rank of all categories: the lowest number first.
    RankRising,
    /// The highest number first.
    RankFalling,
    /// By the availability: in stock, low stock, out of stock, and the others.
    StockRising,
    /// The other way round.
    StockFalling,
    /// By the seller, A to Z.
    Seller,
    /// By the seller, Z to A.
    SellerFalling,
    /// By the last change of price or availability: the longest ago first.
    ChangedRising,
    /// The latest first.
    ChangedFalling,
    /// By the next crawl: the soonest first.
    NextCrawlRising,
    /// The latest first.
    NextCrawlFalling,
}

/// One page of a list, and where the next begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque cursor of the next page; `None` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page with the items that can be converted; the others are logged. One unreadable row takes no other along.
    pub(super) fn readable<U>(self, make: impl FnMut(T) -> StoreResult<U>) -> Page<U> {
        let items = self.items.into_iter().map(make).filter_map(or_report).collect();
        Page { items, next_cursor: self.next_cursor }
    }
}

/// The products of tenants.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Adds a product: its listing is due at once. [`AlreadyWatched`](super::StoreError::AlreadyWatched) names the product that exists;
    /// [`OverQuota`](super::StoreError::OverQuota): the tenant has as many as it may.
    async fn add_product(&self, product: NewProduct) -> StoreResult<Product>;

    /// One product of a tenant, or [`NotFound`](super::StoreError::NotFound).
    async fn product(&self, tenant_id: TenantId, id: ProductId) -> StoreResult<Product>;

    /// A page of a tenant's products. A cursor that was not made for this order is
    /// [`InvalidCursor`](super::StoreError::InvalidCursor).
    async fn products(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        order: ProductOrder,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<Product>>;

    /// Changes a product and returns it. Resuming it, or a shorter interval, moves the next crawl accordingly.
    async fn update_product(&self, tenant_id: TenantId, id: ProductId, patch: &ProductPatch) -> StoreResult<Product>;

    /// Removes a product and its rules, and cancels its pending task items and deliveries. Events and the listing's history stay.
    /// When no product watches the listing any more, its lease is parked. It is never deleted: the token must not start again.
    /// [`Changed`](super::StoreError::Changed): it does not have the expected version.
    async fn remove_product(
        &self,
        tenant_id: TenantId,
        id: ProductId,
        expected_version: Option<i64>,
    ) -> StoreResult<()>;

    /// The listings of some of a tenant's products. A product that the tenant does not have is missing in the answer.
    async fn listings_of_products(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
    ) -> StoreResult<HashMap<ProductId, ListingId>>;

    /// The row of a listing that some tenant watches or has watched, or [`NotFound`](super::StoreError::NotFound).
    async fn listing_id(&self, listing: Listing) -> StoreResult<ListingId>;

    /// Listings that fail and that an active product of any tenant watches, in the order of their ids from after this one on, on one
    /// marketplace or on all.
    async fn failing_listings(
        &self,
        marketplace: Option<Marketplace>,
        after: ListingId,
        limit: u32,
    ) -> StoreResult<Vec<FailingListing>>;

    /// How many products all tenants watch, for the metrics: an exact count by an index scan. One replica reads it; the estimate of
    /// the planner would be cheaper, but does not exist on a new table and lags behind.
    async fn count_products(&self) -> StoreResult<u64>;
}

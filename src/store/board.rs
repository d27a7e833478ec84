//! Boards: lists of products with all that a row shows, and changes of many products at once.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::catalog::{Page, ProductFilter, ProductOrder};
use super::error::StoreResult;
use crate::domain::{Frequency, JobId, ListingId, Point, PriceMarks, Product, ProductId, ProductStatus, TenantId};

/// A product with what is kept of its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// The product.
    pub product: Product,
    /// What its points say about its price.
    pub marks: PriceMarks,
}

/// How many products a tenant has, by what a board marks. Paused ones count too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BoardCounts {
    /// All.
    pub tracked: u64,
    /// Those whose price is the lowest of 90 days: see [`ProductFilter::at_low_at`].
    pub at_low: u64,
    /// Those that are out of stock or unavailable.
    pub out_of_stock: u64,
    /// Those whose listing fails.
    pub failing: u64,
    /// Events of alerts since the time that was asked for.
    pub alerts: u64,
    /// Those that match the filter that was asked for.
    pub matching: u64,
}

/// What is done to many products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductsChange {
    /// Their settings change.
    Settings(SettingsChange),
    /// They are crawled: see [`Tasks::request_crawl`](super::Tasks::request_crawl).
    Crawl {
        /// How many crawls the tenant may request on a day.
        crawls_per_day: u32,
    },
    /// They are deleted: see [`Catalog::remove_product`](super::Catalog::remove_product).
    Delete,
}

/// How the settings of many products change. `None`, or an empty list, leaves a setting as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Tags that are added behind those that a product has.
    pub add_tags: Vec<String>,
    /// Tags that are removed.
    pub remove_tags: Vec<String>,
    /// The new frequency.
    pub frequency: Option<Frequency>,
    /// Paused or resumed.
    pub status: Option<ProductStatus>,
}

/// What became of many products. The others were changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductsChanged {
    /// Those that were changed, crawled or deleted.
    pub changed: Vec<ProductId>,
    /// Those that are as the change would have them.
    pub unchanged: Vec<ProductId>,
    /// Those that the tenant does not have.
    pub unknown: Vec<ProductId>,
    /// Those that would have too many tags.
    pub too_many_tags: Vec<ProductId>,
    /// The crawls that were requested.
    pub job_id: Option<JobId>,
    /// More products match behind this one: that of the request.
    pub next_after: Option<ProductId>,
}

/// Boards of tenants.
#[async_trait]
pub trait Board: Send + Sync {
    /// A page of a tenant's products, as [`Catalog::products`](super::Catalog::products), with what is kept of their prices.
    async fn board(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        order: ProductOrder,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<BoardRow>>;

    /// How many products a tenant has at a time, how many of them match a filter, and events since another time.
    async fn board_counts(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        now: Timestamp,
        events_since: Timestamp,
    ) -> StoreResult<BoardCounts>;

    /// The prices of some listings from the one in effect at a time on, and the marks of gaps after it, in order of time.
    async fn prices_since(
        &self,
        listings: &[ListingId],
        from: Timestamp,
    ) -> StoreResult<HashMap<ListingId, Vec<Point>>>;

    /// Products of a tenant in the order of their ids, behind one.
    async fn matching_products(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        after: Option<ProductId>,
        limit: u32,
    ) -> StoreResult<Vec<ProductId>>;

    /// Changes many products in one transaction. Each product may be named once. `next_after` becomes part of the answer.
    async fn change_products(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
        change: &ProductsChange,
        next_after: Option<ProductId>,
    ) -> StoreResult<ProductsChanged>;
}

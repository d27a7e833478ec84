//! Products: what tenants watch.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::{
    Frequency, Listing, ListingId, Marketplace, Product, ProductId, ProductSettings, ProductStatus, TenantId,
};

/// A product to be.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// Whose.
    pub tenant_id: TenantId,
    /// What to watch.
    pub listing: Listing,
    /// How.
    pub settings: ProductSettings,
    /// How many products the tenant may have, this one among them.
    pub quota: u32,
}

/// Changes to a product: `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductPatch {
    /// `Some(None)` removes the label.
    pub label: Option<Option<String>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
    /// New rhythm; the next look moves accordingly.
    pub frequency: Option<Frequency>,
    /// Own or somebody else's.
    pub is_competitor: Option<bool>,
    /// Pauses or resumes.
    pub status: Option<ProductStatus>,
    /// Only if the settings have not changed since they were read with this time: otherwise
    /// [`Changed`](super::StoreError::Changed).
    pub read_as_of: Option<Timestamp>,
}

/// Which products to list: all conditions that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter {
    /// Carries this tag.
    pub tag: Option<String>,
    /// On this site.
    pub marketplace: Option<Marketplace>,
    /// In this status.
    pub status: Option<ProductStatus>,
    /// Title, label or ASIN contain this, upper and lower case alike.
    pub text: Option<String>,
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
}

/// One page of a list, and where the next begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque; give it back for the next page. `None`: this was the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub(super) fn try_map<U>(self, make: impl FnMut(T) -> StoreResult<U>) -> StoreResult<Page<U>> {
        let items = self.items.into_iter().map(make).collect::<StoreResult<_>>()?;
        Ok(Page { items, next_cursor: self.next_cursor })
    }
}

/// The products of tenants.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Starts watching: the listing is due at once. [`AlreadyWatched`](super::StoreError::AlreadyWatched) names the product that exists;
    /// [`OverQuota`](super::StoreError::OverQuota): the tenant has as many as it may.
    async fn add_product(&self, product: NewProduct) -> StoreResult<Product>;

    /// One product of a tenant, or [`NotFound`](super::StoreError::NotFound).
    async fn product(&self, tenant_id: TenantId, id: ProductId) -> StoreResult<Product>;

    /// A page of a tenant's products. A cursor that was not made for this order is [`NotFound`](super::StoreError::NotFound).
    async fn products(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        order: ProductOrder,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<Product>>;

    /// Changes a product and returns it. Resuming, and a shorter rhythm, make the listing due accordingly.
    async fn update_product(&self, tenant_id: TenantId, id: ProductId, patch: &ProductPatch) -> StoreResult<Product>;

    /// Stops watching. Its rules go with it, its waiting task items are cancelled; events and the listing's history stay. When nobody
    /// watches the listing any more its lease is parked (never deleted: the token must not start again).
    async fn remove_product(&self, tenant_id: TenantId, id: ProductId) -> StoreResult<()>;

    /// The listings of some of a tenant's products. A product that the tenant does not have is missing in the answer.
    async fn listings_of_products(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
    ) -> StoreResult<HashMap<ProductId, ListingId>>;

    /// How many products all tenants watch, for the metrics: an exact count by an index scan. One replica reads it; the estimate of
    /// the planner would be cheaper, but does not exist on a new table and lags behind.
    async fn count_products(&self) -> StoreResult<u64>;
}

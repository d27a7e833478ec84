//! Competitor sets.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreResult};
use crate::domain::{CompetitorSet, CompetitorSetId, Listing, Product, ProductId, TenantId};

/// A competitor set to be added.
#[derive(Debug, Clone)]
pub struct NewCompetitorSet {
    /// The tenant.
    pub tenant_id: TenantId,
    /// A name for people.
    pub name: String,
    /// The own product.
    pub product_id: ProductId,
    /// The competitors, in order.
    pub competitors: Vec<ProductId>,
    /// How many sets the tenant may have, including this one.
    pub quota: u32,
}

/// Changes of a competitor set. `None` leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct CompetitorSetPatch {
    /// A name for people.
    pub name: Option<String>,
    /// Replaces all competitors.
    pub competitors: Option<Vec<ProductId>>,
    /// Only if the set still has this version: otherwise [`Changed`](super::StoreError::Changed).
    pub expected_version: Option<i64>,
}

/// A listing that a bestseller list showed near another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListNeighbour {
    /// The listing.
    pub listing: Listing,
    /// Its place minus that of the other listing.
    pub distance: i32,
    /// When the list was read.
    pub listed_at: Timestamp,
}

/// The competitor sets of tenants.
#[async_trait]
pub trait CompetitorSets: Send + Sync {
    /// Adds a set. [`NotFound`](super::StoreError::NotFound): the tenant does not have one of the products;
    /// [`OverQuota`](super::StoreError::OverQuota): it has as many sets as it may.
    async fn add_competitor_set(&self, set: NewCompetitorSet) -> StoreResult<CompetitorSet>;

    /// One set of a tenant, or [`NotFound`](super::StoreError::NotFound).
    async fn competitor_set(&self, tenant_id: TenantId, id: CompetitorSetId) -> StoreResult<CompetitorSet>;

    /// A page of a tenant's sets, newest first: all, or those of an own product.
    async fn competitor_sets(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<CompetitorSet>>;

    /// Changes a set and returns it.
    async fn update_competitor_set(
        &self,
        tenant_id: TenantId,
        id: CompetitorSetId,
        patch: CompetitorSetPatch,
    ) -> StoreResult<CompetitorSet>;

    /// Removes a set. Its products stay.
    async fn remove_competitor_set(&self, tenant_id: TenantId, id: CompetitorSetId) -> StoreResult<()>;

    /// Some of a tenant's products, with the states of their listings, in any order. Those that the tenant does not have are missing.
    async fn products_of_ids(&self, tenant_id: TenantId, ids: &[ProductId]) -> StoreResult<Vec<Product>>;

    /// The tenant's products of some listings, in any order.
    async fn products_of_listings(&self, tenant_id: TenantId, listings: &[Listing]) -> StoreResult<Vec<Product>>;

    /// What stood at most `reach` places from a listing on the bestseller lists and search results that the tenant had read lately;
    /// of each listing the nearest place.
    async fn list_neighbours(
        &self,
        tenant_id: TenantId,
        listing: Listing,
        reach: u16,
    ) -> StoreResult<Vec<ListNeighbour>>;
}

//! The offers of all sellers, and the versions of the content.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Dependencies, Service, ServiceResult};
use crate::domain::{ListingId, OfferList, ProductId, TenantId};
use crate::store::{Page, StoredContent};

/// Versions of a page: each may have some kilobytes.
const MAX_VERSIONS: u32 = 25;

/// The last offer list of a listing.
#[derive(Debug, Clone)]
pub struct Offers {
    /// The listing.
    pub listing_id: ListingId,
    /// When it was read; `None`: never.
    pub as_of: Option<Timestamp>,
    /// The offers.
    pub list: OfferList,
}

impl Service {
    /// The last offer list of a product's listing.
    pub async fn offers(&self, tenant_id: TenantId, id: ProductId) -> ServiceResult<Offers> {
        self.run(async move |deps: Arc<Dependencies>| {
            let listing_id = deps.store.product(tenant_id, id).await?.listing_id;
            let (as_of, list) = match deps.store.offers(listing_id).await? {
                Some(read) => (Some(read.at), read.list),
                None => (None, OfferList::default()),
            };
            Ok(Offers { listing_id, as_of, list })
        })
        .await
    }

    /// The versions of the content of a product's listing, the newest first; at most 25 on a page.
    pub async fn content_versions(
        &self,
        tenant_id: TenantId,
        id: ProductId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<(ListingId, Page<StoredContent>)> {
        self.run(async move |deps: Arc<Dependencies>| {
            let listing_id = deps.store.product(tenant_id, id).await?.listing_id;
            let versions = deps.store.content_versions(listing_id, cursor.as_deref(), limit.min(MAX_VERSIONS)).await?;
            Ok((listing_id, versions))
        })
        .await
    }
}

//! Pictures of listings.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::{ImageUrl, ListingId, ListingImage};

/// What is known of the picture of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// The URL that was asked for last.
    pub url: String,
    /// The latest that was fetched, perhaps from the URL before; `None`: none was.
    pub image: Option<ListingImage>,
    /// It is of the URL.
    pub is_current: bool,
}

/// A picture to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedImage {
    /// The listing.
    pub listing_id: ListingId,
    /// Where it is.
    pub url: String,
    /// How often it was tried, this time included.
    pub attempt: u32,
}

/// The pictures of listings, for all tenants: they are those of Amazon's public pages.
#[async_trait]
pub trait ListingImages: Send + Sync {
    /// What is known of the picture of a listing.
    async fn listing_image(&self, listing_id: ListingId) -> StoreResult<Option<StoredImage>>;

    /// Has a picture fetched, unless this URL was asked for before.
    async fn want_image(&self, listing_id: ListingId, url: &ImageUrl) -> StoreResult<()>;

    /// Claims pictures that are to be fetched, the longest due first. One that is neither stored nor given up is due again after
    /// `lease`.
    async fn claim_images(&self, limit: u32, lease: Duration) -> StoreResult<Vec<WantedImage>>;

    /// Stores a picture, unless another URL is asked for meanwhile.
    async fn store_image(&self, wanted: &WantedImage, image: &ListingImage) -> StoreResult<()>;

    /// A picture could not be fetched: it is tried again after so long; `None`: never.
    async fn retry_image(&self, wanted: &WantedImage, after: Option<Duration>) -> StoreResult<()>;
}

//! A tenant's interest in a listing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::frequency::Frequency;
use super::ids::{ListingId, ProductId, TenantId};
use super::listing::Listing;
use super::state::ListingState;

/// Whether a product is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = ProductStatusError, parse_err_fn = ProductStatusError::of)]
pub enum ProductStatus {
    /// Looked at in its rhythm.
    Active,
    /// Kept with its history, not looked at on its own account.
    Paused,
}

impl ProductStatus {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The word is not a status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status; use active or paused")]
pub struct ProductStatusError(String);

impl ProductStatusError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What a tenant decides about a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSettings {
    /// The tenant's own name for it.
    pub label: Option<String>,
    /// Tags, each once, in the order given.
    pub tags: Vec<String>,
    /// How often to look.
    pub frequency: Frequency,
    /// Somebody else's product, watched for comparison.
    pub is_competitor: bool,
    /// Whether to look.
    pub status: ProductStatus,
}

/// A product with what is known of its listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Identity.
    pub id: ProductId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The listing's row.
    pub listing_id: ListingId,
    /// The listing.
    pub listing: Listing,
    /// What the tenant decided.
    pub settings: ProductSettings,
    /// Since when it is watched.
    pub created_at: Timestamp,
    /// When the settings last changed.
    pub updated_at: Timestamp,
    /// What is believed of the listing.
    pub state: ListingState,
    /// How the latest look ended, good or bad: the word of an [`Outcome`](super::Outcome).
    pub last_outcome: Option<String>,
    /// When that was.
    pub last_crawled_at: Option<Timestamp>,
    /// When the next look is due; `None` while the listing is parked.
    pub next_crawl_at: Option<Timestamp>,
}

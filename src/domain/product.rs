//! A tenant's interest in a listing.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::frequency::Frequency;
use super::ids::{ListingId, ProductId, TenantId};
use super::listing::Listing;
use super::state::ListingState;

/// Whether a product is crawled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = ProductStatusError, parse_err_fn = ProductStatusError::of)]
pub enum ProductStatus {
    /// Crawled at its frequency.
    Active,
    /// Stored with its history, but causes no scheduled crawls.
    Paused,
}

impl ProductStatus {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The text is not a product status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown product status `{0}`; valid statuses: active, paused")]
pub struct ProductStatusError(String);

impl ProductStatusError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The settings of a product that the tenant controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSettings {
    /// The tenant's own name for the product.
    pub label: Option<String>,
    /// Tags, without duplicates, in the order given.
    pub tags: Vec<String>,
    /// How often to crawl it.
    pub frequency: Frequency,
    /// A competitor's product, watched for comparison.
    pub is_competitor: bool,
    /// Whether it is crawled.
    pub status: ProductStatus,
}

impl Default for ProductSettings {
    /// Crawled daily, without a label or tags.
    fn default() -> Self {
        Self {
            label: None,
            tags: Vec::new(),
            frequency: Frequency::DAILY,
            is_competitor: false,
            status: ProductStatus::Active,
        }
    }
}

/// A product together with the state of its listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Identifier.
    pub id: ProductId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Row number of the listing.
    pub listing_id: ListingId,
    /// The listing.
    pub listing: Listing,
    /// The tenant's settings.
    pub settings: ProductSettings,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the settings last changed.
    pub updated_at: Timestamp,
    /// Incremented by each change of the settings.
    pub version: i64,
    /// Last accepted state of the listing.
    pub state: ListingState,
    /// The outcome of the latest crawl, good or bad: the name of an [`Outcome`](super::Outcome).
    pub last_outcome: Option<String>,
    /// When the latest crawl ended.
    pub last_crawled_at: Option<Timestamp>,
    /// When the next crawl is due; `None` while the listing is parked.
    pub next_crawl_at: Option<Timestamp>,
}

impl Product {
    /// True when the price is not today's. See [`ListingState::is_price_stale`].
    pub fn is_price_stale(&self, now: Timestamp) -> bool {
        self.state.is_price_stale(Duration::from_secs(self.settings.frequency.interval_secs().into()), now)
    }
}

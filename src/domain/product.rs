//! A tenant's interest in a listing.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::frequency::Frequency;
use super::ids::{ListingId, ProductId, TenantId};
use super::interval::Interval;
use super::listing::Listing;
use super::listing_failure::{CrawlRecord, ListingFailure};
use super::state::ListingState;
use super::steps::Gap;

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
    /// How often its offer list is read with a crawl; `None`: never.
    pub offers_interval: Option<Interval>,
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
            offers_interval: None,
        }
    }
}

/// Maximum characters of a label.
pub const MAX_LABEL_CHARS: usize = 200;
/// Maximum characters of a tag.
pub const MAX_TAG_CHARS: usize = 50;
/// Maximum number of tags of a product.
pub const MAX_TAGS: usize = 50;

/// Checks a label.
///
/// # Errors
/// What is wrong with it.
pub fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() || label.chars().count() > MAX_LABEL_CHARS || has_control(label) {
        return Err(format!("must have 1 to {MAX_LABEL_CHARS} characters and no control characters"));
    }
    Ok(())
}

/// Each tag once, in the given order, without surrounding spaces.
///
/// # Errors
/// What is wrong with them.
pub fn normalize_tags(tags: impl IntoIterator<Item = String>) -> Result<Vec<String>, Vec<String>> {
    let (mut tidy, mut errors): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for tag in tags {
        let tag = tag.trim().to_owned();
        if tag.is_empty() || tag.chars().count() > MAX_TAG_CHARS || has_control(&tag) {
            errors.push(format!("a tag must have 1 to {MAX_TAG_CHARS} characters and no control characters"));
        } else if !tidy.contains(&tag) {
            tidy.push(tag);
        }
    }
    if tidy.len() > MAX_TAGS {
        errors.push(format!("must be at most {MAX_TAGS} tags"));
    }
    if errors.is_empty() { Ok(tidy) } else { Err(errors) }
}

/// Checks that a plan allows the frequency; of an adaptive one, the average.
///
/// # Errors
/// It is too high.
pub fn check_frequency(frequency: Frequency, shortest: Interval) -> Result<(), String> {
    if frequency.interval() < shortest {
        return Err(format!("the plan allows at most one crawl every {shortest}"));
    }
    Ok(())
}

/// How often the offer list is read, from whether it is to be read and how often, either of which may be left out; daily by default.
pub fn offers_interval(is_watched: Option<bool>, interval: Option<Interval>) -> Option<Interval> {
    let is_watched = is_watched.unwrap_or(interval.is_some());
    is_watched.then(|| interval.unwrap_or(Interval::DAILY))
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
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
    /// The interval at which the product is crawled now: that of its frequency, or what it is for an adaptive one at present.
    pub interval: Interval,
    /// When the next crawl is due; `None` while the listing is parked.
    pub next_crawl_at: Option<Timestamp>,
    /// Claims of the listing since its last success.
    pub attempts: u16,
}

impl Product {
    /// Why the listing is not observed at present. A paused product whose listing nobody watches is no failure.
    pub fn failure(&self) -> Option<ListingFailure> {
        let record = CrawlRecord {
            last_outcome: self.last_outcome.as_deref(),
            state: &self.state,
            attempts: self.attempts,
            is_parked: self.next_crawl_at.is_none() && self.settings.status == ProductStatus::Active,
            next_crawl_at: self.next_crawl_at,
        };
        record.failure()
    }

    /// The time since the last successful crawl, if so much has passed that nothing is known of it.
    pub fn open_gap(&self, now: Timestamp) -> Option<Gap> {
        let from = self.state.checked_at?;
        let silence = Duration::try_from(now.duration_since(from)).unwrap_or_default();
        (silence > self.interval.max_silence()).then_some(Gap { from, to: now })
    }

    /// True when the price is not today's. See [`ListingState::is_price_stale`].
    pub fn is_price_stale(&self, now: Timestamp) -> bool {
        self.state.is_price_stale(Duration::from_secs(self.interval.as_secs().into()), now)
    }
}

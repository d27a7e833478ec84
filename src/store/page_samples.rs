//! Samples of pages that could not be used.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::domain::{Listing, PageSample};

/// A sample to be stored.
#[derive(Debug, Clone)]
pub struct SampleContent {
    /// The source that received the page.
    pub source: &'static str,
    /// The listing whose page was requested.
    pub listing: Listing,
    /// The name of the outcome.
    pub outcome: &'static str,
    /// Bytes of the page, as far as it was read.
    pub page_bytes: u64,
    /// The beginning of the page without secrets, compressed (gzip), in Base64.
    pub content: String,
}

/// Samples of pages, for all replicas.
#[async_trait]
pub trait PageSamples: Send + Sync {
    /// Stores a sample, and deletes the oldest ones of its marketplace beyond `max_per_marketplace`.
    async fn keep_page_sample(&self, sample: SampleContent, max_per_marketplace: u32) -> StoreResult<()>;

    /// The latest samples, at most `limit`.
    async fn page_samples(&self, limit: u32) -> StoreResult<Vec<PageSample>>;

    /// A sample with its content as in [`SampleContent::content`], or [`NotFound`](super::StoreError::NotFound).
    async fn page_sample(&self, id: Uuid) -> StoreResult<(PageSample, String)>;
}

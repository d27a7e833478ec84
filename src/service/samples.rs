//! Samples of pages that could not be used.

use std::sync::Arc;

use async_compression::tokio::bufread::GzipDecoder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::{Dependencies, Service, ServiceResult};
use crate::domain::PageSample;
use crate::store::StoreError;

/// More than a marketplace has; the oldest of many marketplaces are left out.
const MAX_SAMPLES: u32 = 250;
/// A sample is never larger: `crawl.sample_bytes` is limited.
const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

impl Service {
    /// The latest samples of all marketplaces.
    pub async fn page_samples(&self) -> ServiceResult<Vec<PageSample>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.page_samples(MAX_SAMPLES).await?)).await
    }

    /// A sample, and the beginning of its page without secrets.
    pub async fn page_sample(&self, id: Uuid) -> ServiceResult<(PageSample, String)> {
        self.run(async move |deps: Arc<Dependencies>| {
            let (sample, content) = deps.store.page_sample(id).await?;
            let corrupt = |error: String| StoreError::Corrupt(error);
            let packed = STANDARD.decode(content).map_err(|error| corrupt(error.to_string()))?;
            let mut text = String::new();
            let mut reader = GzipDecoder::new(packed.as_slice()).take(MAX_TEXT_BYTES);
            reader.read_to_string(&mut text).await.map_err(|error| corrupt(error.to_string()))?;
            Ok((sample, text))
        })
        .await
    }
}

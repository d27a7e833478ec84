//! Samples of pages that could not be used, in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_compression::Level;
use async_compression::tokio::write::GzipEncoder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use crate::config::CrawlSettings;
use crate::domain::Marketplace;
use crate::sources::{TakeSamples, UnusablePage, redact};
use crate::store::{SampleContent, SharedStore};
use crate::telemetry::Metrics;

/// Of one marketplace and outcome, no more often: when a marketplace blocks everything, its pages are alike.
const PAUSE: Duration = Duration::from_secs(600);
/// A cookie's value that is shorter says something and identifies nobody: `EUR`.
const MIN_SECRET_CHARS: usize = 8;

/// Removes secrets, compresses and stores, one sample at a time.
pub(super) struct StoredSamples {
    store: SharedStore,
    metrics: Arc<Metrics>,
    max_bytes: usize,
    max_per_marketplace: u32,
    /// Values that this installation sends, by marketplace.
    secrets: HashMap<Marketplace, Vec<String>>,
    /// When the last sample of a marketplace and outcome was taken.
    taken: Mutex<HashMap<(Marketplace, &'static str), Instant>>,
    turn: Arc<Semaphore>,
}

impl StoredSamples {
    pub fn new(store: SharedStore, settings: &CrawlSettings, metrics: Arc<Metrics>) -> Self {
        let values = |cookies: &str| {
            let values = cookies.split(';').filter_map(|cookie| Some(cookie.split_once('=')?.1.trim().to_owned()));
            values.filter(|value| value.len() >= MIN_SECRET_CHARS).collect()
        };
        let secrets = settings.cookies.iter().map(|(marketplace, cookies)| (*marketplace, values(cookies.reveal())));
        Self {
            store,
            metrics,
            max_bytes: settings.sample_bytes,
            max_per_marketplace: settings.samples_per_marketplace,
            secrets: secrets.collect(),
            taken: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether a sample of this kind is wanted now.
    fn is_due(&self, page: &UnusablePage) -> bool {
        let now = Instant::now();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (page.listing.marketplace, page.outcome);
        let is_due = taken.get(&kind).is_none_or(|last| now.duration_since(*last) >= PAUSE);
        if is_due {
            taken.insert(kind, now);
        }
        is_due
    }

    fn count(&self, result: &str) {
        self.metrics.page_samples.with_label_values(&[result]).inc();
    }
}

impl TakeSamples for StoredSamples {
    fn max_bytes(&self) -> usize {
        if self.max_per_marketplace == 0 { 0 } else { self.max_bytes }
    }

    fn take(&self, page: UnusablePage) {
        let turn = Arc::clone(&self.turn).try_acquire_owned().ok().filter(|_| self.is_due(&page));
        let Some(turn) = turn else { return self.count("dropped") };
        let (store, max_per_marketplace) = (Arc::clone(&self.store), self.max_per_marketplace);
        let counter = |result: &str| self.metrics.page_samples.with_label_values(&[result]);
        let (kept, failed) = (counter("kept"), counter("failed"));
        let secrets = self.secrets.get(&page.listing.marketplace).cloned().unwrap_or_default();
        tokio::spawn(async move {
            let UnusablePage { source, listing, outcome, page_bytes, beginning } = page;
            let redacted = tokio::task::spawn_blocking(move || {
                redact(&beginning, &secrets.iter().map(String::as_str).collect::<Vec<_>>())
            });
            let stored = async {
                let content = packed(&redacted.await.map_err(std::io::Error::from)?).await?;
                let sample = SampleContent { source, listing, outcome, page_bytes, content };
                store.keep_page_sample(sample, max_per_marketplace).await.map_err(std::io::Error::other)
            };
            match stored.await {
                Ok(()) => kept.inc(),
                Err(error) => {
                    failed.inc();
                    tracing::warn!(%error, %listing, "a sample of the page of {listing} could not be stored");
                }
            }
            drop(turn);
        });
    }
}

/// Compressed (gzip), in Base64: both engines, and the migration between them, store texts alike.
async fn packed(text: &str) -> std::io::Result<String> {
    let mut encoder = GzipEncoder::with_quality(Vec::new(), Level::Default);
    encoder.write_all(text.as_bytes()).await?;
    encoder.shutdown().await?;
    Ok(STANDARD.encode(encoder.into_inner()))
}

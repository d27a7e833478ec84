//! Amazon's pages: product pages, offer lists, and lists of products.

mod offer_pages;
mod page_client;

use std::sync::Arc;

use async_trait::async_trait;

use self::offer_pages::all_offers;
pub use self::page_client::{DirectError, ProbeAnswer};
use self::page_client::{NAME, PageClient};
use super::samples::{Beginning, TakeSamples, is_worth_a_sample};
use super::{Outcomes, ReadLists, RequestPace, Source, Wanted};
use crate::config::CrawlSettings;
use crate::domain::{Failure, ListUrl, Listing, Marketplace, OfferList, Outcome};
use crate::extract::{Page, PageKind};
use crate::telemetry::Metrics;

/// Fetches product pages over HTTP.
pub struct DirectSource {
    client: PageClient,
    /// For every request of a crawl after its first one.
    pace: Option<Arc<dyn RequestPace>>,
    samples: Option<Arc<dyn TakeSamples>>,
}

impl DirectSource {
    /// A source with the given settings.
    ///
    /// # Errors
    /// See [`DirectError`].
    pub fn new(settings: CrawlSettings, metrics: Arc<Metrics>) -> Result<Self, DirectError> {
        Ok(Self { client: PageClient::new(settings, metrics)?, pace: None, samples: None })
    }

    /// The same source, whose further requests of a crawl wait for this pace.
    #[must_use]
    pub fn paced_by(self, pace: Arc<dyn RequestPace>) -> Self {
        Self { pace: Some(pace), ..self }
    }

    /// The same source, which hands on the beginnings of pages that could not be used.
    #[must_use]
    pub fn with_samples(self, samples: Arc<dyn TakeSamples>) -> Self {
        Self { samples: Some(samples), ..self }
    }

    /// Requests `/robots.txt` of a marketplace, once, as a page would be requested.
    ///
    /// # Errors
    /// Why there was no answer; without the URL, which may contain the password of a proxy.
    pub async fn probe(&self, marketplace: Marketplace) -> Result<ProbeAnswer, String> {
        self.client.probe(marketplace).await
    }

    /// Makes one attempt at each page that is wanted, each within `crawl.total_timeout_secs`. Offers that cannot be read leave the
    /// observation of the product page as it is.
    pub async fn fetch(&self, wanted: Wanted) -> Outcome {
        let Wanted { listing, offers, content, .. } = wanted;
        let path = format!("/dp/{}", listing.asin);
        let max_bytes = self.samples.as_ref().map_or(0, |samples| samples.max_bytes());
        let mut beginning = Beginning::of_at_most(max_bytes);
        let read = async {
            match self.client.page(listing.marketplace, &path, content, &mut beginning).await?.outcome(listing.asin) {
                Outcome::Observed(observation) => Ok(observation),
                other => Err(other),
            }
        };
        let fetched = self.client.attempt(listing.marketplace, "/dp/{asin}", read).await;
        let outcome = match fetched {
            Ok(mut observation) => {
                if offers {
                    observation.offers = self.offers_of(listing).await;
                }
                return Outcome::Observed(observation);
            }
            Err(outcome) => outcome,
        };
        if is_worth_a_sample(&outcome)
            && let Some(samples) = &self.samples
            && let Some(page) = beginning.into_page(NAME, listing, &outcome)
        {
            samples.take(page);
        }
        outcome
    }

    /// The offers of a listing, counted by their outcome.
    async fn offers_of(&self, listing: Listing) -> Option<OfferList> {
        let read = all_offers(&self.client, self.pace.as_deref(), listing).await;
        let outcome = read.as_ref().map_or_else(Outcome::as_str, |_| "observed");
        self.client.metrics.offer_lists.with_label_values(&[NAME, listing.marketplace.code(), outcome]).inc();
        read.inspect_err(|outcome| tracing::debug!(%listing, outcome = outcome.as_str(), "no offers of {listing}")).ok()
    }
}

#[async_trait]
impl ReadLists for DirectSource {
    async fn read_list(&self, list: &ListUrl, page: u32) -> Result<Vec<Listing>, Outcome> {
        let marketplace = list.marketplace();
        let listed = |page: Page| match page.kind {
            PageKind::Bestsellers | PageKind::Search | PageKind::OtherError if page.truncated => {
                Err(Outcome::Failed(Failure::Truncated))
            }
            PageKind::Bestsellers | PageKind::Search => {
                let items = page.items.unwrap_or_default();
                Ok(items.into_iter().map(|item| Listing::new(marketplace, item.asin)).collect())
            }
            PageKind::NotFound => Err(Outcome::NotFound),
            PageKind::Captcha | PageKind::Product | PageKind::OtherError => {
                Err(page.block.map_or(Outcome::Failed(Failure::Unreadable), Outcome::Blocked))
            }
        };
        let path = list.page(page);
        let mut beginning = Beginning::default();
        let read = async { self.client.page(marketplace, &path, false, &mut beginning).await.and_then(listed) };
        self.client.attempt(marketplace, "/{list}", read).await
    }
}

#[async_trait]
impl Source for DirectSource {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn crawl(&self, wanted: &[Wanted], outcomes: &Outcomes) {
        for &wanted in wanted {
            let outcome = self.fetch(wanted).await;
            // Nobody waits for it any more during a drain.
            let _ = outcomes.send((wanted.listing, outcome));
        }
    }
}

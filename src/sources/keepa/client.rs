//! Keepa's API, as far as the past needs it.
//!
//! What is asked for costs up to four tokens a listing: one for the product, two for the Buy Box (its price, shipping and seller), and
//! up to one for ratings.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::ACCEPT_ENCODING;
use reqwest::{Client, StatusCode};
use url::Url;

use super::answer::{Answer, ApiProblem};
use super::history::past_of;
use super::tokens::TokenBucket;
use crate::config::KeepaSettings;
use crate::domain::{Listing, Marketplace, Past};
use crate::keepa::{MARKETPLACES, domain_of};
use crate::sources::body::{ACCEPTED, Body};
use crate::sources::past::{PastError, PastSource, Pasts};
use crate::telemetry::Metrics;

/// The name of the source.
pub const NAME: &str = "keepa";
/// The most that a listing costs.
const TOKENS_PER_LISTING: u32 = 4;
/// Keepa takes no more in one call.
const MAX_LISTINGS: u32 = 100;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a call for a hundred products.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Largest answer for each product: products of many years with everything have one megabyte.
const MAX_BYTES_PER_LISTING: usize = 8 * 1024 * 1024;

/// A client with the key of one account.
pub struct KeepaClient {
    client: Client,
    settings: KeepaSettings,
    tokens: Mutex<TokenBucket>,
    metrics: Arc<Metrics>,
}

impl KeepaClient {
    /// A client for the account of `settings.api_key`.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(settings: KeepaSettings, metrics: Arc<Metrics>) -> reqwest::Result<Self> {
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT).no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, settings, tokens: Mutex::default(), metrics })
    }

    fn tokens(&self) -> MutexGuard<'_, TokenBucket> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call. Whatever it answers, it tells the balance.
    async fn call(&self, path: &str, query: &[(&str, &str)], max_bytes: usize) -> Result<Answer, PastError> {
        let mut url: Url = self.settings.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(path);
        }
        let key = self.settings.api_key.as_ref().map_or("", |key| key.reveal());
        // The key is a part of the URL: it must not be in any error.
        url.query_pairs_mut().append_pair("key", key).extend_pairs(query);
        let sent = self.client.get(url).header(ACCEPT_ENCODING, ACCEPTED).send().await;
        let response = sent.map_err(|error| PastError::NoAnswer(error.without_url().to_string()))?;
        let status = response.status();
        let body = read(response, max_bytes).await?;
        let answer = Answer::parse(&body);
        if let Ok(answer) = &answer {
            self.note(answer);
        }
        match status {
            StatusCode::OK => answer.map_err(|error| PastError::Unreadable(error.to_string())),
            StatusCode::TOO_MANY_REQUESTS => {
                let needed = i64::from(TOKENS_PER_LISTING);
                Err(PastError::Later(self.tokens().wait_for(needed, Instant::now()).max(Duration::from_secs(1))))
            }
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Err(PastError::NoAnswer(format!("status {}", status.as_u16())))
            }
            _ => {
                // The balance is asked for again before the next call: that shows whether the account is refused.
                self.tokens().forget();
                let ApiProblem { kind, message } = answer.ok().and_then(|answer| answer.error).unwrap_or_default();
                Err(PastError::Refused { status: status.as_u16(), kind, message })
            }
        }
    }

    fn note(&self, answer: &Answer) {
        let now = Instant::now();
        let mut tokens = self.tokens();
        tokens.read(answer, now);
        if let Some(left) = tokens.left(now) {
            self.metrics.keepa_tokens_left.set(left);
        }
    }
}

#[async_trait]
impl PastSource for KeepaClient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn marketplaces(&self) -> &'static [Marketplace] {
        MARKETPLACES
    }

    fn cost_of_listing(&self) -> u32 {
        TOKENS_PER_LISTING
    }

    async fn allowance(&self) -> Result<u32, PastError> {
        let known = self.tokens().left(Instant::now());
        if known.is_none() {
            // Costs nothing.
            self.call("token", &[], MAX_BYTES_PER_LISTING).await?;
        }
        let (now, tokens, needed) = (Instant::now(), *self.tokens(), i64::from(TOKENS_PER_LISTING));
        let left = tokens.left(now).ok_or_else(|| PastError::Unreadable("it does not tell the balance".to_owned()))?;
        self.metrics.keepa_tokens_left.set(left);
        match u32::try_from(left / needed) {
            Ok(listings) if listings > 0 => Ok(listings.min(self.settings.batch).min(MAX_LISTINGS)),
            _ => Err(PastError::Later(tokens.wait_for(needed, now))),
        }
    }

    async fn pasts(&self, listings: &[Listing]) -> Result<Pasts, PastError> {
        let Some(domain) = listings.first().and_then(|listing| domain_of(listing.marketplace)) else {
            return Ok(Pasts { pasts: Vec::new(), cost: 0 });
        };
        let asins: Vec<&str> = listings.iter().map(|listing| listing.asin.as_str()).collect();
        let (domain, asins) = (domain.to_string(), asins.join(","));
        let query = [("domain", domain.as_str()), ("asin", &asins), ("history", "1"), ("buybox", "1"), ("rating", "1")];
        let answer = self.call("product", &query, MAX_BYTES_PER_LISTING * listings.len().max(1)).await?;
        let most = TOKENS_PER_LISTING.saturating_mul(u32::try_from(listings.len()).unwrap_or(u32::MAX));
        let cost = answer.tokens_consumed.and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or(most);
        let now = Timestamp::now();
        let told: Vec<Past> = answer.products.iter().filter_map(|product| past_of(product, now).ok()).collect();
        // An unknown ASIN has no product, or one that says nothing.
        let past_of_listing = |listing: &Listing| {
            let told = told.iter().find(|past| past.listing == *listing).cloned();
            told.unwrap_or_else(|| Past { listing: *listing, points: Vec::new(), known_until: now })
        };
        Ok(Pasts { pasts: listings.iter().map(past_of_listing).collect(), cost })
    }
}

async fn read(response: reqwest::Response, max_bytes: usize) -> Result<Vec<u8>, PastError> {
    let failed = |error: std::io::Error| PastError::NoAnswer(format!("its answer ends early: {}", error.kind()));
    let mut body = Body::of(response).await.map_err(failed)?;
    let mut read = Vec::new();
    while let Some(chunk) = body.chunk().await.map_err(failed)? {
        if read.len() + chunk.len() > max_bytes {
            return Err(PastError::Unreadable(format!("more than {max_bytes} bytes")));
        }
        read.extend_from_slice(chunk);
    }
    Ok(read)
}

//! How fast and how stubbornly a source may be asked: rate limits and breakers, for this process.

mod breaker;
mod requests;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::config::CrawlSettings;
use crate::domain::{Block, Marketplace, Outcome};
use crate::telemetry::Metrics;

use breaker::Breaker;
pub use requests::{Allowance, AttemptsByAddress, RequestBudget};

/// What a source answers to before it is asked.
#[async_trait]
pub trait CrawlGate: Send + Sync {
    /// `Err(pause)`: the source is resting for this marketplace; nothing should be tried before.
    fn admit(&self, marketplace: Marketplace) -> Result<(), Duration>;

    /// Waits for the marketplace's budget.
    async fn ready(&self, marketplace: Marketplace);

    /// Hears how an admitted crawl ended; `None` when it was given up before it was known.
    fn report(&self, marketplace: Marketplace, outcome: Option<&Outcome>);
}

/// A gate for one source with governor limits and a breaker for each marketplace.
pub struct ProcessGate {
    source: &'static str,
    settings: CrawlSettings,
    metrics: Arc<Metrics>,
    marketplaces: Mutex<HashMap<Marketplace, Arc<Passage>>>,
}

struct Passage {
    limiter: DefaultDirectRateLimiter,
    breaker: Mutex<Breaker>,
}

impl ProcessGate {
    /// The gate of a source.
    pub fn new(source: &'static str, settings: CrawlSettings, metrics: Arc<Metrics>) -> Self {
        Self { source, settings, metrics, marketplaces: Mutex::default() }
    }

    fn passage(&self, marketplace: Marketplace) -> Arc<Passage> {
        let mut passages = self.marketplaces.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(passages.entry(marketplace).or_insert_with(|| Arc::new(Passage::new(&self.settings))))
    }

    fn with_breaker<T>(&self, marketplace: Marketplace, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let passage = self.passage(marketplace);
        let mut breaker = passage.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.number();
        let result = act(&mut breaker);
        tell_change(marketplace, before, breaker.number());
        let labels = [self.source, marketplace.code()];
        self.metrics.breaker_state.with_label_values(&labels).set(breaker.number());
        result
    }
}

/// For people who wonder why nothing happens.
fn tell_change(marketplace: Marketplace, before: i64, after: i64) {
    match (before, after) {
        (0 | 1, 2) => tracing::warn!(%marketplace, "{marketplace} refuses or fails: no crawls there for a while"),
        (1 | 2, 0) => tracing::info!(%marketplace, "{marketplace} answers again"),
        _ => {}
    }
}

impl Passage {
    fn new(settings: &CrawlSettings) -> Self {
        let one = NonZeroU32::MIN;
        let per_minute = NonZeroU32::new(settings.requests_per_minute).unwrap_or(one);
        let burst = NonZeroU32::new(settings.burst).unwrap_or(one);
        Self {
            limiter: RateLimiter::direct(Quota::per_minute(per_minute).allow_burst(burst)),
            breaker: Mutex::new(Breaker::new(
                settings.breaker_failures,
                Duration::from_secs(settings.breaker_pause_secs),
            )),
        }
    }
}

#[async_trait]
impl CrawlGate for ProcessGate {
    fn admit(&self, marketplace: Marketplace) -> Result<(), Duration> {
        self.with_breaker(marketplace, |breaker| breaker.admit(Instant::now()))
    }

    async fn ready(&self, marketplace: Marketplace) {
        self.passage(marketplace).limiter.until_ready().await;
    }

    fn report(&self, marketplace: Marketplace, outcome: Option<&Outcome>) {
        self.with_breaker(marketplace, |breaker| match outcome {
            None => breaker.abandoned(),
            Some(Outcome::Blocked(Block::Throttled { retry_after: Some(pause) })) => {
                breaker.rest(*pause, Instant::now())
            }
            Some(outcome) if outcome.blames_source() => breaker.failed(Instant::now()),
            Some(_) => breaker.succeeded(),
        });
    }
}

//! How fast and how stubbornly a source may be asked, and how often we may be: rate limits and breakers.

mod breaker;
mod part;
mod requests;
mod sharing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, RateLimiter};

use crate::config::CrawlSettings;
use crate::domain::{Block, Marketplace, Outcome};
use crate::telemetry::Metrics;

use breaker::Breaker;
use part::Part;
pub use requests::{Allowance, AttemptsByAddress, RequestBudget};
pub use sharing::{Rate, Sharing, Taken, UNKNOWN_MARK};

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

/// A gate for one source, with a budget that all replicas share and a breaker of this process for each marketplace.
pub struct SourceGate {
    source: &'static str,
    settings: CrawlSettings,
    sharing: Sharing,
    metrics: Arc<Metrics>,
    marketplaces: Mutex<HashMap<Marketplace, Arc<Passage>>>,
}

struct Passage {
    budget: Part<DefaultDirectRateLimiter>,
    breaker: Mutex<Breaker>,
}

impl SourceGate {
    /// The gate of a source.
    pub fn new(source: &'static str, settings: CrawlSettings, sharing: Sharing, metrics: Arc<Metrics>) -> Self {
        Self { source, settings, sharing, metrics, marketplaces: Mutex::default() }
    }

    /// Waits for what is counted for all replicas. False: they cannot be asked.
    async fn ready_for_all(&self, marketplace: Marketplace, rate: Rate) -> bool {
        let whose = format!("crawl:{}:{}", self.source, marketplace.code());
        while let Ok(Taken::Decided(allowance)) = self.sharing.take(&whose, rate, 1, 0).await {
            let Some(wait) = allowance.wait else { return true };
            // Not all who wait come back at the same moment.
            tokio::time::sleep(wait.mul_f64(rand::random_range(1.0..1.2))).await;
        }
        false
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
        let rate = Rate::new(settings.requests_per_minute, settings.burst);
        Self {
            budget: Part::new(rate, RateLimiter::direct),
            breaker: Mutex::new(Breaker::new(
                settings.breaker_failures,
                Duration::from_secs(settings.breaker_pause_secs),
            )),
        }
    }
}

#[async_trait]
impl CrawlGate for SourceGate {
    fn admit(&self, marketplace: Marketplace) -> Result<(), Duration> {
        self.with_breaker(marketplace, |breaker| breaker.admit(Instant::now()))
    }

    async fn ready(&self, marketplace: Marketplace) {
        let passage = self.passage(marketplace);
        if self.sharing.is_shared() && self.ready_for_all(marketplace, passage.budget.whole()).await {
            return;
        }
        let (_, limiter) = passage.budget.limiter(&self.sharing);
        limiter.until_ready().await;
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

//! Rate limits and circuit breakers: for requests to marketplaces, and for requests of our callers.

mod breaker;
mod distributed_limiter;
mod local_limiter;
mod rate;
mod requests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, RateLimiter};

use crate::config::CrawlSettings;
use crate::domain::{Block, Marketplace, Outcome, OutcomeClass};
use crate::telemetry::Metrics;

use breaker::Breaker;
pub use breaker::Candidate;
pub use distributed_limiter::{DistributedLimiter, Taken, UNKNOWN_GENERATION};
use local_limiter::LocalLimiter;
pub use rate::{Rate, RateLimitStatus};
pub use requests::{AttemptsByAddress, RequestBudget, TenantBudgets};

/// The gate that a crawl passes before it contacts a source.
#[async_trait]
pub trait CrawlGate: Send + Sync {
    /// `Err(pause)`: the circuit breaker of the marketplace is open; retry after the pause.
    fn admit(&self, marketplace: Marketplace, candidate: Candidate) -> Result<(), Duration>;

    /// Whether the circuit breaker of the marketplace is open, and not for a probe.
    fn is_blocked(&self, marketplace: Marketplace) -> bool;

    /// Waits until the marketplace's rate limit admits a request.
    async fn ready(&self, marketplace: Marketplace);

    /// Reports the outcome of an admitted crawl; `None` when it was abandoned.
    fn report(&self, marketplace: Marketplace, candidate: Candidate, outcome: Option<&Outcome>);
}

/// The limits of one source on each marketplace.
#[derive(Debug, Clone, Copy)]
pub struct GateSettings {
    /// Requests, by all replicas together.
    pub rate: Rate,
    /// See `crawl.breaker_failures`.
    pub breaker_failures: u32,
    /// The first pause of an open breaker.
    pub breaker_pause: Duration,
    /// After this time a probe has lost its lease.
    pub lease: Duration,
}

impl From<&CrawlSettings> for GateSettings {
    fn from(settings: &CrawlSettings) -> Self {
        Self {
            rate: Rate::new(settings.requests_per_minute, settings.burst),
            breaker_failures: settings.breaker_failures,
            breaker_pause: Duration::from_secs(settings.breaker_pause_secs),
            lease: Duration::from_secs(settings.lease_secs),
        }
    }
}

/// The gate of one source, with a rate limit shared by all replicas and a local circuit breaker for each marketplace.
pub struct SourceGate {
    source: &'static str,
    settings: GateSettings,
    limiter: DistributedLimiter,
    metrics: Arc<Metrics>,
    marketplaces: Mutex<HashMap<Marketplace, Arc<MarketplaceGate>>>,
}

struct MarketplaceGate {
    limiter: LocalLimiter<DefaultDirectRateLimiter>,
    breaker: Mutex<Breaker>,
}

impl SourceGate {
    /// Creates the gate of a source.
    pub fn new(
        source: &'static str,
        settings: GateSettings,
        limiter: DistributedLimiter,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { source, settings, limiter, metrics, marketplaces: Mutex::default() }
    }

    /// Waits for the shared rate limit. False: Redis is unavailable.
    async fn ready_shared(&self, marketplace: Marketplace, rate: Rate) -> bool {
        let subject = format!("crawl:{}:{}", self.source, marketplace.code());
        while let Ok(Taken::Decided(rate_limit)) = self.limiter.take(&subject, rate, 1, 0).await {
            let Some(wait) = rate_limit.wait else { return true };
            // Jitter, so that waiting crawls do not all retry at once.
            tokio::time::sleep(wait.mul_f64(rand::random_range(1.0..1.2))).await;
        }
        false
    }

    fn marketplace_gate(&self, marketplace: Marketplace) -> Arc<MarketplaceGate> {
        let mut gates = self.marketplaces.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(marketplace).or_insert_with(|| Arc::new(MarketplaceGate::new(&self.settings))))
    }

    fn with_breaker<T>(&self, marketplace: Marketplace, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let marketplace_gate = self.marketplace_gate(marketplace);
        let mut breaker = marketplace_gate.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.number();
        let result = act(&mut breaker);
        log_change(marketplace, before, breaker.number());
        let labels = [self.source, marketplace.code()];
        self.metrics.breaker_state.with_label_values(&labels).set(breaker.number());
        result
    }
}

/// Logs when a breaker opens or closes.
fn log_change(marketplace: Marketplace, before: i64, after: i64) {
    match (before, after) {
        (0 | 1, 2) => tracing::warn!(%marketplace, "circuit breaker opened for {marketplace}"),
        (1 | 2, 0) => tracing::info!(%marketplace, "circuit breaker closed for {marketplace}"),
        _ => {}
    }
}

impl MarketplaceGate {
    fn new(settings: &GateSettings) -> Self {
        let breaker = Breaker::new(settings.breaker_failures, settings.breaker_pause, settings.lease);
        Self { limiter: LocalLimiter::new(settings.rate, RateLimiter::direct), breaker: Mutex::new(breaker) }
    }
}

#[async_trait]
impl CrawlGate for SourceGate {
    fn admit(&self, marketplace: Marketplace, candidate: Candidate) -> Result<(), Duration> {
        self.with_breaker(marketplace, |breaker| breaker.admit(candidate, Instant::now()))
    }

    fn is_blocked(&self, marketplace: Marketplace) -> bool {
        let marketplace_gate = self.marketplace_gate(marketplace);
        let breaker = marketplace_gate.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.is_open(Instant::now())
    }

    async fn ready(&self, marketplace: Marketplace) {
        let marketplace_gate = self.marketplace_gate(marketplace);
        if self.limiter.is_shared() && self.ready_shared(marketplace, marketplace_gate.limiter.total()).await {
            return;
        }
        let (_, limiter) = marketplace_gate.limiter.limiter(&self.limiter);
        limiter.until_ready().await;
    }

    fn report(&self, marketplace: Marketplace, candidate: Candidate, outcome: Option<&Outcome>) {
        let now = Instant::now();
        self.with_breaker(marketplace, |breaker| match (outcome, outcome.map(Outcome::class)) {
            (
                Some(Outcome::Blocked(
                    Block::Throttled { retry_after: Some(pause) } | Block::Refused { retry_after: Some(pause) },
                )),
                _,
            ) => breaker.rest(candidate, *pause, now),
            (_, Some(OutcomeClass::Blocked | OutcomeClass::Transport)) => breaker.failed(candidate, now),
            (_, Some(OutcomeClass::Observed | OutcomeClass::Gone)) => breaker.succeeded(),
            // It tells nothing about the source.
            (_, Some(OutcomeClass::Defect) | None) => breaker.abandoned(now),
        });
    }
}

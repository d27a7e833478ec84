//! Rate limits and circuit breakers: for requests to marketplaces, and for requests of our callers.

mod breaker;
mod distributed_limiter;
mod local_limiter;
mod marketplace_pace;
mod rate;
mod requests;
mod service_pace;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use jiff::Timestamp;

use crate::config::{CrawlSettings, MarketplaceLimits};
use crate::domain::{Block, Marketplace, Outcome, OutcomeClass};
use crate::telemetry::Metrics;

use breaker::Breaker;
pub use breaker::Candidate;
pub use distributed_limiter::{DistributedLimiter, Taken, UNKNOWN_GENERATION};
use local_limiter::LocalLimiter;
use marketplace_pace::PeakPace;
pub use rate::{Rate, RateLimitStatus};
pub use requests::{AttemptsByAddress, RequestBudget, TenantBudgets};
pub use service_pace::ServicePace;

/// The gate that a crawl passes before it contacts a source.
#[async_trait]
pub trait CrawlGate: Send + Sync {
    /// `Err(pause)`: the circuit breaker of the marketplace is open; retry after the pause.
    fn admit(&self, marketplace: Marketplace, candidate: Candidate) -> Result<(), Duration>;

    /// Whether the circuit breaker of the marketplace is open, and not for a probe.
    fn is_blocked(&self, marketplace: Marketplace) -> bool;

    /// Whether the marketplace cannot be crawled: its circuit breaker opened, and no crawl has succeeded since.
    fn is_failing(&self, _marketplace: Marketplace) -> bool {
        false
    }

    /// `Some(pause)`: the marketplace is busy at this time of the day, and enough scheduled crawls were made; retry after the pause.
    fn defer(&self, _marketplace: Marketplace, _candidate: Candidate) -> Option<Duration> {
        None
    }

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
    by_marketplace: BTreeMap<Marketplace, MarketplaceLimits>,
    /// Each request waits for a random time up to this.
    jitter: Duration,
    marketplaces: Mutex<HashMap<Marketplace, Arc<MarketplaceGate>>>,
}

struct MarketplaceGate {
    limiter: LocalLimiter<DefaultDirectRateLimiter>,
    breaker: Mutex<Breaker>,
    peak: Option<PeakPace>,
}

impl SourceGate {
    /// Creates the gate of a source.
    pub fn new(
        source: &'static str,
        settings: GateSettings,
        limiter: DistributedLimiter,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (by_marketplace, marketplaces) = (BTreeMap::new(), Mutex::default());
        Self { source, settings, limiter, metrics, by_marketplace, jitter: Duration::ZERO, marketplaces }
    }

    /// The same gate with the limits of single marketplaces and the jitter that the settings name. Only requests to marketplaces
    /// themselves have them.
    #[must_use]
    pub fn polite(self, settings: &CrawlSettings) -> Self {
        let jitter = Duration::from_millis(settings.jitter_ms);
        Self { by_marketplace: settings.by_marketplace.clone(), jitter, ..self }
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
        Arc::clone(gates.entry(marketplace).or_insert_with(|| {
            let limits = self.by_marketplace.get(&marketplace).cloned().unwrap_or_default();
            Arc::new(MarketplaceGate::new(&self.settings, marketplace, limits))
        }))
    }

    fn read_breaker<T>(&self, marketplace: Marketplace, read: impl FnOnce(&Breaker) -> T) -> T {
        let marketplace_gate = self.marketplace_gate(marketplace);
        let breaker = marketplace_gate.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        read(&breaker)
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
    fn new(settings: &GateSettings, marketplace: Marketplace, limits: MarketplaceLimits) -> Self {
        let breaker = Breaker::new(settings.breaker_failures, settings.breaker_pause, settings.lease);
        let rate = Rate::new(
            limits.requests_per_minute.unwrap_or(settings.rate.per_minute.get()),
            limits.burst.unwrap_or(settings.rate.burst.get()),
        );
        let limiter = LocalLimiter::new(rate, RateLimiter::direct);
        Self { limiter, breaker: Mutex::new(breaker), peak: PeakPace::new(marketplace, limits) }
    }
}

#[async_trait]
impl CrawlGate for SourceGate {
    fn admit(&self, marketplace: Marketplace, candidate: Candidate) -> Result<(), Duration> {
        self.with_breaker(marketplace, |breaker| breaker.admit(candidate, Instant::now()))
    }

    fn is_blocked(&self, marketplace: Marketplace) -> bool {
        self.read_breaker(marketplace, |breaker| breaker.is_open(Instant::now()))
    }

    fn is_failing(&self, marketplace: Marketplace) -> bool {
        self.read_breaker(marketplace, Breaker::is_failing)
    }

    fn defer(&self, marketplace: Marketplace, candidate: Candidate) -> Option<Duration> {
        let marketplace_gate = self.marketplace_gate(marketplace);
        let peak = marketplace_gate.peak.as_ref().filter(|_| !candidate.is_requested)?;
        peak.defer(Timestamp::now(), &self.limiter)
    }

    async fn ready(&self, marketplace: Marketplace) {
        let marketplace_gate = self.marketplace_gate(marketplace);
        if !self.limiter.is_shared() || !self.ready_shared(marketplace, marketplace_gate.limiter.total()).await {
            let (_, limiter) = marketplace_gate.limiter.limiter(&self.limiter);
            limiter.until_ready().await;
        }
        tokio::time::sleep(self.jitter.mul_f64(rand::random_range(0.0..1.0))).await;
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
            (_, Some(OutcomeClass::Defect | OutcomeClass::Deferred) | None) => breaker.abandoned(now),
        });
    }
}

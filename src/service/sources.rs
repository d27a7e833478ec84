//! The health of sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::config::MarketplaceLimits;
use crate::domain::{FieldDrift, Marketplace, OutcomeClass};
use crate::store::HistoryImportSums;

/// How far back crawls are counted.
const CRAWLS: SignedDuration = SignedDuration::from_hours(24);
/// How far back costs are added up.
const COSTS: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The name of the source that requests pages itself.
const DIRECT: &str = "direct";
/// The name of the source of the past.
const PAST: &str = "keepa";

/// A source, as all replicas together see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// Its marketplaces of the last 24 hours.
    pub marketplaces: BTreeMap<Marketplace, MarketplaceHealth>,
    /// Its runs of the last 30 days.
    pub runs: u64,
    /// What they cost, in millionths of a US dollar.
    pub cost_micros: u64,
    /// Of a source of the past: how far its imports are.
    pub history: Option<HistoryImportSums>,
    /// Fields that its pages lack, or lacked within the last 24 hours, more often than usual.
    pub drifts: Vec<FieldDrift>,
}

/// What a source does on a marketplace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarketplaceHealth {
    /// Its crawls of the last 24 hours.
    pub sums: CrawlSums,
    /// Since when the marketplace cannot be crawled, by any source: their circuit breakers are open.
    pub outage_since: Option<Timestamp>,
    /// What the source may do there, if it requests pages itself.
    pub limits: Option<MarketplaceLimits>,
}

/// Crawls by what they brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrawlSums {
    /// A product page.
    pub observed: u64,
    /// The product does not exist.
    pub not_found: u64,
    /// A captcha, or another refusal.
    pub blocked: u64,
    /// Anything else.
    pub failed: u64,
}

impl CrawlSums {
    /// All crawls.
    pub fn total(self) -> u64 {
        self.observed + self.not_found + self.blocked + self.failed
    }
}

impl Service {
    /// Takes a callback of Apify: a hint that a run has ended.
    pub fn take_run_callback(&self, run: Uuid, secret: &str) -> ServiceResult<()> {
        self.deps.callbacks.take(run, secret).then_some(()).ok_or(ServiceError::Unauthenticated)
    }

    /// Each source that has crawled lately, by name.
    pub async fn sources(&self) -> ServiceResult<BTreeMap<String, SourceHealth>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let now = deps.store.now().await?;
            let before = |age| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
            let mut sources: BTreeMap<String, SourceHealth> = BTreeMap::new();
            for count in deps.store.crawl_counts(before(CRAWLS)).await? {
                let Some(class) = OutcomeClass::of_name(&count.kind) else { continue };
                let source = sources.entry(count.source).or_default();
                let sums = &mut source.marketplaces.entry(count.marketplace).or_default().sums;
                *match class {
                    OutcomeClass::Observed => &mut sums.observed,
                    OutcomeClass::Gone => &mut sums.not_found,
                    OutcomeClass::Blocked => &mut sums.blocked,
                    OutcomeClass::Transport | OutcomeClass::Defect | OutcomeClass::Deferred => &mut sums.failed,
                } += count.count;
            }
            let outages: BTreeMap<Marketplace, Timestamp> = deps.store.outages().await?.into_iter().collect();
            for (name, source) in &mut sources {
                for (marketplace, health) in &mut source.marketplaces {
                    health.outage_since = outages.get(marketplace).copied();
                    let is_polite = name == DIRECT;
                    health.limits = is_polite.then(|| deps.crawl.limits_of(*marketplace));
                }
            }
            for costs in deps.store.source_costs(before(COSTS)).await? {
                let source = sources.entry(costs.source).or_default();
                (source.runs, source.cost_micros) = (costs.runs, costs.cost_micros);
            }
            for drift in deps.store.field_drifts(before(CRAWLS)).await? {
                sources.entry(drift.source.clone()).or_default().drifts.push(drift);
            }
            let history = deps.store.history_import_sums().await?;
            if history != HistoryImportSums::default() {
                sources.entry(PAST.to_owned()).or_default().history = Some(history);
            }
            Ok(sources)
        })
        .await
    }
}

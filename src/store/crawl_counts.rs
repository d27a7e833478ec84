//! What crawls brought, by hour.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::StoreResult;
use crate::domain::Marketplace;

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CrawlCount {
    /// The source.
    pub source: String,
    /// The marketplace.
    pub marketplace: Marketplace,
    /// The name of an outcome, or `without:` and the name of a field that observations lacked.
    pub kind: String,
    /// How often.
    pub count: u64,
}

/// The costs of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCosts {
    /// The source.
    pub source: String,
    /// Runs that were recorded.
    pub runs: u64,
    /// Millionths of a US dollar, of the runs whose costs are known.
    pub cost_micros: u64,
}

/// Counts of crawls, of all replicas together.
#[async_trait]
pub trait CrawlCounts: Send + Sync {
    /// Adds to the present hour.
    async fn add_crawl_counts(&self, counts: &[CrawlCount]) -> StoreResult<()>;

    /// The sums since this time, rounded down to its hour.
    async fn crawl_counts(&self, since: Timestamp) -> StoreResult<Vec<CrawlCount>>;

    /// The costs of runs since this time.
    async fn source_costs(&self, since: Timestamp) -> StoreResult<Vec<SourceCosts>>;
}

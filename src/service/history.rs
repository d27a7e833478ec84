//! History and statistics.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Dependencies, Service, ServiceResult};
use crate::domain::stats::{PriceStats, WINDOWS, price_stats};
use crate::domain::{Currency, ListingId, Point, Product, ProductId, Series, TenantId};

/// Maximum points for statistics; older ones are ignored.
const MAX_POINTS_OF_STATS: u32 = 1_000_000;

/// A crawl is recorded a little after its time.
const RECORDING: SignedDuration = SignedDuration::from_secs(1);

/// A part of a history.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// The series.
    pub series: Vec<Series>,
    /// The start; includes the values in effect then.
    pub from: Option<Timestamp>,
    /// The end, exclusive.
    pub to: Option<Timestamp>,
    /// Maximum number of points.
    pub limit: u32,
}

/// A part of a listing's history.
#[derive(Debug, Clone)]
pub struct History {
    /// The listing.
    pub listing_id: ListingId,
    /// The currency of its money.
    pub currency: Currency,
    /// Sorted by series, category and time.
    pub points: Vec<Point>,
    /// True when there are more points.
    pub truncated: bool,
}

/// Price statistics of a listing.
#[derive(Debug, Clone)]
pub struct Stats {
    /// The listing.
    pub listing_id: ListingId,
    /// The currency of its money.
    pub currency: Currency,
    /// When they were computed.
    pub at: Timestamp,
    /// One for each window.
    pub windows: Vec<PriceStats>,
}

impl Service {
    /// The history of a product's listing.
    pub async fn history(&self, tenant_id: TenantId, id: ProductId, query: HistoryQuery) -> ServiceResult<History> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, id).await?;
            let HistoryQuery { series, from, to, limit } = query;
            // One more than the limit shows whether there are more.
            let mut points = deps.store.points(product.listing_id, &series, from, to, limit.saturating_add(1)).await?;
            let truncated = points.len() > limit as usize;
            points.truncate(limit as usize);
            Ok(History {
                listing_id: product.listing_id,
                currency: product.listing.marketplace.currency(),
                points,
                truncated,
            })
        })
        .await
    }

    /// Statistics of a product's price over each window.
    pub async fn stats(&self, tenant_id: TenantId, id: ProductId) -> ServiceResult<Stats> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, id).await?;
            let computed = deps.compute_stats(&product);
            let stats = match deps.cache_key(&product).await? {
                Some(key) => deps.cache.get_or_make(&key, computed).await?,
                None => computed.await?,
            };
            let currency = product.listing.marketplace.currency();
            Ok(Stats { listing_id: product.listing_id, currency, at: stats.at, windows: stats.windows })
        })
        .await
    }
}

/// Statistics as they are cached.
#[derive(Serialize, Deserialize)]
struct CachedStats {
    at: Timestamp,
    windows: Vec<PriceStats>,
}

impl Dependencies {
    async fn compute_stats(&self, product: &Product) -> ServiceResult<CachedStats> {
        let series = [Series::Price, Series::Availability];
        let points = self.store.points(product.listing_id, &series, None, None, MAX_POINTS_OF_STATS).await?;
        let at = self.store.now().await?;
        let (prices, availabilities): (Vec<_>, Vec<_>) =
            points.into_iter().partition(|point| point.key.series == Series::Price);
        let windows = WINDOWS.iter().map(|days| price_stats(&prices, &availabilities, *days, at)).collect();
        Ok(CachedStats { at, windows })
    }

    /// The cache key of a listing's statistics, another after each crawl. `None`: the points of the last crawl may not be visible
    /// yet.
    async fn cache_key(&self, product: &Product) -> ServiceResult<Option<String>> {
        let Some(crawled_at) = product.last_crawled_at.filter(|_| self.cache.is_there()) else { return Ok(None) };
        let now = self.store.now().await?;
        let max_staleness = SignedDuration::try_from(self.store.max_staleness()).unwrap_or(SignedDuration::MAX);
        let is_known = now.duration_since(crawled_at) > max_staleness + RECORDING;
        Ok(is_known.then(|| format!("stats:{}:{}", product.listing_id, crawled_at.as_millisecond())))
    }
}

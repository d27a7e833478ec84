//! What was, and what can be said about it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Dependencies, Service, ServiceResult};
use crate::domain::stats::{PriceStats, WINDOWS, price_stats};
use crate::domain::{Currency, ListingId, Point, Product, ProductId, Series, TenantId};
use crate::replicas::CacheFor;

/// Statistics look at every point there is; a listing that changed more often than this tells about the rest.
const MAX_POINTS_OF_STATS: u32 = 1_000_000;

/// A look is recorded a little after its time.
const RECORDING: SignedDuration = SignedDuration::from_secs(1);

/// Which part of a history.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// Which series.
    pub series: Vec<Series>,
    /// From when on; what held then is included.
    pub from: Option<Timestamp>,
    /// Until before when.
    pub to: Option<Timestamp>,
    /// How many points at most.
    pub limit: u32,
}

/// A part of a listing's history.
#[derive(Debug, Clone)]
pub struct History {
    /// Whose.
    pub listing_id: ListingId,
    /// The currency of its money.
    pub currency: Currency,
    /// By series, category and time.
    pub points: Vec<Point>,
    /// There are more points than asked for.
    pub truncated: bool,
}

/// Price statistics of a listing.
#[derive(Debug, Clone)]
pub struct Stats {
    /// Whose.
    pub listing_id: ListingId,
    /// The currency of its money.
    pub currency: Currency,
    /// When they were made.
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
            // One more than asked for tells whether there are more.
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
            let made = deps.made_stats(&product);
            let kept = match deps.kept_as(&product).await? {
                Some(key) => deps.cache.get_or_make(CacheFor::Response, &key, made).await?,
                None => made.await?,
            };
            let currency = product.listing.marketplace.currency();
            Ok(Stats { listing_id: product.listing_id, currency, at: kept.at, windows: kept.windows })
        })
        .await
    }
}

/// Statistics as they are kept.
#[derive(Serialize, Deserialize)]
struct KeptStats {
    at: Timestamp,
    windows: Vec<PriceStats>,
}

impl Dependencies {
    async fn made_stats(&self, product: &Product) -> ServiceResult<KeptStats> {
        let series = [Series::Price, Series::Availability];
        let points = self.store.points(product.listing_id, &series, None, None, MAX_POINTS_OF_STATS).await?;
        let at = self.store.now().await?;
        let (prices, availabilities): (Vec<_>, Vec<_>) =
            points.into_iter().partition(|point| point.key.series == Series::Price);
        let windows = WINDOWS.iter().map(|days| price_stats(&prices, &availabilities, *days, at)).collect();
        Ok(KeptStats { at, windows })
    }

    /// Under which key the statistics of a listing are kept: another after each look. `None`: the points of the latest look may
    /// be missing from what is read.
    async fn kept_as(&self, product: &Product) -> ServiceResult<Option<String>> {
        let Some(looked_at) = product.last_crawled_at.filter(|_| self.cache.is_there()) else { return Ok(None) };
        let now = self.store.now().await?;
        let max_staleness = SignedDuration::try_from(self.store.max_staleness()).unwrap_or(SignedDuration::MAX);
        let is_known = now.duration_since(looked_at) > max_staleness + RECORDING;
        Ok(is_known.then(|| format!("stats:{}:{}", product.listing_id, looked_at.as_millisecond())))
    }
}

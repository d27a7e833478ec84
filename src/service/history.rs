//! History and statistics.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::sampling::{SampledSeries, sample};
use crate::domain::stats::{PriceStats, WINDOWS, price_stats};
use crate::domain::steps::Gap;
use crate::domain::{Currency, ListingId, Point, Product, ProductId, Series, TenantId};
use crate::store::{PointPlace, PointsPage, SharedStore, StoreResult};

/// Maximum points for statistics; older ones are ignored.
pub(super) const MAX_POINTS_OF_STATS: u32 = 1_000_000;

/// Maximum points that a sample is made of: those of all series over two years, if values change every hour.
const MAX_POINTS_OF_SAMPLE: u32 = 100_000;

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
    /// Maximum number of points after the start.
    pub limit: u32,
}

/// Reads the points that a query asks for, page by page: first the values in effect at its start, then all others by time.
///
/// # Errors
/// Those of the store.
pub async fn read_points(
    store: &SharedStore,
    listing_id: ListingId,
    query: &HistoryQuery,
    after: Option<&PointPlace>,
) -> StoreResult<PointsPage> {
    let mut points = match (after, query.from) {
        (None, Some(from)) => store.points(listing_id, &query.series, Some(from), query.to, 0).await?,
        _ => Vec::new(),
    };
    let page = store.points_by_time(listing_id, &query.series, (query.from, query.to), after, query.limit).await?;
    points.extend(page.points);
    Ok(PointsPage { points, ..page })
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
    /// Times without a successful crawl.
    pub gaps: Vec<Gap>,
    /// The start of the next part, if there are more points.
    pub next_from: Option<Timestamp>,
}

/// A history in few points.
#[derive(Debug, Clone)]
pub struct SampledHistory {
    /// The currency of its money.
    pub currency: Currency,
    /// Its series.
    pub series: Vec<SampledSeries>,
    /// Times without a successful crawl.
    pub gaps: Vec<Gap>,
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
            let (from, to) = (query.from, query.to);
            let mut series = query.series;
            series.push(Series::Unobserved);
            // One more than the limit shows whether there are more.
            let limit = query.limit.saturating_add(1);
            let mut points = deps.store.points(product.listing_id, &series, from, to, limit).await?;
            let next_from = cut(&mut points, from, query.limit);
            let (marks, points): (Vec<_>, Vec<_>) =
                points.into_iter().partition(|point| point.key.series == Series::Unobserved);
            let mut gaps: Vec<Gap> = marks.iter().filter_map(Gap::of).collect();
            // What began before the range and ended there is not part of it.
            gaps.retain(|gap| from.is_none_or(|from| gap.to > from));
            let now = Timestamp::now();
            if next_from.is_none() && to.is_none_or(|to| to >= now) {
                gaps.extend(gap_until(&product, now));
            }
            Ok(History {
                listing_id: product.listing_id,
                currency: product.listing.marketplace.currency(),
                points,
                gaps,
                next_from,
            })
        })
        .await
    }

    /// The history of a product's listing in at most `query.limit` points of all series together, with exact extremes.
    ///
    /// # Errors
    /// A wrong `from` if there are too many points to choose from.
    pub async fn sampled_history(
        &self,
        tenant_id: TenantId,
        id: ProductId,
        query: HistoryQuery,
    ) -> ServiceResult<SampledHistory> {
        let max_points = query.limit as usize;
        let whole = self.history(tenant_id, id, HistoryQuery { limit: MAX_POINTS_OF_SAMPLE, ..query }).await?;
        if whole.next_from.is_some() {
            let message =
                format!("there are more than {MAX_POINTS_OF_SAMPLE} points; ask for fewer series or a later time");
            return Err(ServiceError::invalid("from", message));
        }
        let History { currency, points, gaps, .. } = whole;
        self.run(async move |_| Ok(SampledHistory { currency, series: sample(&points, max_points), gaps })).await
    }

    /// A page of the points of a product's listing, for an export.
    pub async fn points(
        &self,
        tenant_id: TenantId,
        id: ProductId,
        query: HistoryQuery,
        after: Option<PointPlace>,
    ) -> ServiceResult<PointsPage> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, id).await?;
            Ok(read_points(&deps.store, product.listing_id, &query, after.as_ref()).await?)
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
            let mut stats = stats;
            if product.is_price_stale(stats.at) {
                stats.windows.iter_mut().for_each(PriceStats::forget_current);
            }
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
        let series = [Series::Price, Series::Availability, Series::Unobserved];
        let points = self.store.points(product.listing_id, &series, None, None, MAX_POINTS_OF_STATS).await?;
        let at = self.store.now().await?;
        let of = |series| points.iter().filter(move |point| point.key.series == series);
        let (prices, availabilities): (Vec<Point>, Vec<Point>) =
            (of(Series::Price).cloned().collect(), of(Series::Availability).cloned().collect());
        let gaps: Vec<Gap> = of(Series::Unobserved).filter_map(Gap::of).chain(gap_until(product, at)).collect();
        let windows = WINDOWS.iter().map(|days| price_stats(&prices, &availabilities, &gaps, *days, at)).collect();
        Ok(CachedStats { at, windows })
    }

    /// The cache key of a listing's statistics, another after each crawl. `None`: the points of the last crawl may not be visible
    /// yet.
    async fn cache_key(&self, product: &Product) -> ServiceResult<Option<String>> {
        let Some(crawled_at) = product.last_crawled_at.filter(|_| self.cache.is_there()) else { return Ok(None) };
        let now = self.store.now().await?;
        let max_staleness = SignedDuration::try_from(self.store.max_staleness()).unwrap_or(SignedDuration::MAX);
        let is_known = now.duration_since(crawled_at) > max_staleness + RECORDING;
        // From which time on values are unknown depends on the interval of the tenant's product.
        let interval_secs = product.interval.as_secs();
        Ok(is_known.then(|| format!("stats:{}:{}:{interval_secs}", product.listing_id, crawled_at.as_millisecond())))
    }
}

/// Removes the last of the points after `from` if there are more than `limit`, and returns the time of the last one that stays.
/// What took effect at the same time as that one is in effect at the start of the next part.
fn cut(points: &mut Vec<Point>, from: Option<Timestamp>, limit: u32) -> Option<Timestamp> {
    let is_later = |point: &Point| from.is_none_or(|from| point.at > from);
    let later = || points.iter().enumerate().filter(|(_, point)| is_later(point));
    if later().count() <= limit as usize {
        return None;
    }
    let (last, _) = later().max_by_key(|(_, point)| (point.at, &point.key))?;
    points.remove(last);
    points.iter().filter(|point| is_later(point)).map(|point| point.at).max()
}

/// The time since the last successful crawl, if it is too long.
pub(super) fn gap_until(product: &Product, now: Timestamp) -> Option<Gap> {
    product.open_gap(now)
}

//! What was, and what can be said about it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Parts, Service, ServiceError, ServiceResult};
use crate::domain::stats::{PriceStats, WINDOWS, price_stats};
use crate::domain::{Currency, ListingId, Point, ProductId, Series, TenantId};

/// Statistics look at every point there is; a listing that changed more often than this tells about the rest.
const MOST_POINTS_OF_STATS: u32 = 1_000_000;

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
        self.run(async move |parts: Arc<Parts>| {
            let product =
                parts.store.product(tenant_id, id).await.map_err(|error| ServiceError::of(error, "product"))?;
            let HistoryQuery { series, from, to, limit } = query;
            // One more than asked for tells whether there are more.
            let points = parts.store.points(product.listing_id, &series, from, to, limit.saturating_add(1)).await;
            let mut points = points.map_err(|error| ServiceError::of(error, "history"))?;
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
        self.run(async move |parts: Arc<Parts>| {
            let product =
                parts.store.product(tenant_id, id).await.map_err(|error| ServiceError::of(error, "product"))?;
            let series = [Series::Price, Series::Availability];
            let points = parts.store.points(product.listing_id, &series, None, None, MOST_POINTS_OF_STATS).await;
            let points = points.map_err(|error| ServiceError::of(error, "history"))?;
            let at = parts.store.now().await.map_err(|error| ServiceError::of(error, "clock"))?;
            let (prices, availabilities): (Vec<_>, Vec<_>) =
                points.into_iter().partition(|point| point.key.series == Series::Price);
            let windows = WINDOWS.iter().map(|days| price_stats(&prices, &availabilities, *days, at)).collect();
            Ok(Stats { listing_id: product.listing_id, currency: product.listing.marketplace.currency(), at, windows })
        })
        .await
    }
}

//! What the history of a product's listing means.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::history::{MAX_POINTS_OF_STATS, gap_until};
use super::{Dependencies, Service, ServiceResult};
use crate::domain::{Currency, ListingId, Product, ProductId, Series, TenantId};
use crate::insight::{Insight, ListingHistory, Peer, SERIES_OF_ALL_TIME, SERIES_OF_LAST_YEAR, insight};

/// Days of the series that are not read as far back as they go, at least.
const LAST_YEAR_DAYS: u32 = 365;

/// The insight of a product.
#[derive(Debug, Clone)]
pub struct ProductInsight {
    /// The listing.
    pub listing_id: ListingId,
    /// The currency of its money.
    pub currency: Currency,
    /// When it was computed: the end of its window.
    pub at: Timestamp,
    /// Length of its window.
    pub days: u32,
    /// The values.
    pub insight: Insight,
}

impl Service {
    /// What the history of a product's listing says about the last days.
    pub async fn insight(&self, tenant_id: TenantId, id: ProductId, days: u32) -> ServiceResult<ProductInsight> {
        self.run(async move |deps: Arc<Dependencies>| {
            let product = deps.store.product(tenant_id, id).await?;
            let history = deps.listing_history(&product, days, deps.store.now().await?, &[]).await?;
            let insight = insight(&history, days, &Peer::from(&product), &deps.competitors_of(&product).await?);
            Ok(ProductInsight {
                listing_id: product.listing_id,
                currency: product.listing.marketplace.currency(),
                at: history.now(),
                days,
                insight,
            })
        })
        .await
    }
}

impl Dependencies {
    /// The history of a product's listing at a time, as insight needs it for a window of so many days, with some more series.
    pub(super) async fn listing_history(
        &self,
        product: &Product,
        days: u32,
        now: Timestamp,
        more: &[Series],
    ) -> ServiceResult<ListingHistory> {
        let of_year = SignedDuration::from_hours(24 * i64::from(days.max(LAST_YEAR_DAYS)));
        let from = now.checked_sub(of_year).unwrap_or(Timestamp::MIN);
        let listing_id = product.listing_id;
        let mut points = self.store.points(listing_id, SERIES_OF_ALL_TIME, None, None, MAX_POINTS_OF_STATS).await?;
        let of_last_year = [SERIES_OF_LAST_YEAR, more].concat();
        points.extend(self.store.points(listing_id, &of_last_year, Some(from), None, MAX_POINTS_OF_STATS).await?);
        Ok(ListingHistory::new(points, gap_until(product, now), product.is_price_stale(now), now))
    }
}

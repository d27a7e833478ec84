//! Products as programs written for Keepa read them: by marketplace and ASIN, with their whole history at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::access::Caller;
use super::history::gap_until;
use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::domain::steps::Gap;
use crate::domain::{Asin, Listing, Marketplace, Point, Product, ProductId, Scope, Series, TenantId};
use crate::keepa::{KeepaHistory, KeepaStats, StatsInterval, UnstatedShipping, keepa_minute};

/// Listings of one request, as at Keepa.
pub const MAX_KEEPA_LISTINGS: usize = 100;
/// Points of one request. Clients read the answer as a whole: a part of a history would be taken for all of it.
const MAX_POINTS: u32 = 500_000;

/// The series that Keepa's clients are told.
const SERIES: &[Series] = &[
    Series::Price,
    Series::Shipping,
    Series::ListPrice,
    Series::Seller,
    Series::SellerId,
    Series::OfferCount,
    Series::UsedOfferCount,
    Series::LowestNewPrice,
    Series::SalesRank,
    Series::Rating,
    Series::ReviewCount,
    Series::Unobserved,
];

/// What is asked about some listings.
#[derive(Debug, Clone)]
pub struct KeepaQuery {
    /// Their marketplace.
    pub marketplace: Marketplace,
    /// At most [`MAX_KEEPA_LISTINGS`].
    pub asins: Vec<Asin>,
    /// With `csv`.
    pub with_history: bool,
    /// Of `csv`, only so many days.
    pub days: Option<u32>,
    /// What stands in `csv` for shipping that is not stated.
    pub unstated: UnstatedShipping,
    /// With statistics of this interval.
    pub stats: Option<StatsInterval>,
}

impl KeepaQuery {
    /// From when on points are needed, besides the values that hold then; `None`: all of them.
    fn needs_from(&self, since: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match self.stats {
            Some(_) => None,
            None if self.with_history => since,
            None => Some(now),
        }
    }
}

fn listings_of(marketplace: Marketplace, asins: &[Asin]) -> Vec<Listing> {
    asins.iter().map(|asin| Listing::new(marketplace, *asin)).collect()
}

/// A time so many days ago.
pub(super) fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// A product with what was asked about it.
#[derive(Debug, Clone)]
pub struct KeepaProduct {
    /// The product.
    pub product: Product,
    /// Its history.
    pub history: KeepaHistory,
    /// The series by their places, if they were asked for.
    pub csv: Option<Vec<Option<Vec<i64>>>>,
    /// The statistics, if they were asked for.
    pub stats: Option<KeepaStats>,
}

impl Service {
    /// The tenant's products among some listings, by their ASINs. A listing that is not its product is missing.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]: their history is too long for one answer.
    pub async fn keepa_products(
        &self,
        tenant_id: TenantId,
        query: KeepaQuery,
    ) -> ServiceResult<HashMap<Asin, KeepaProduct>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let listings = listings_of(query.marketplace, &query.asins);
            let products = deps.store.products_of_listings(tenant_id, &listings).await?;
            let (mut found, mut left, now) = (HashMap::new(), MAX_POINTS, Timestamp::now());
            let since = query.days.map(|days| days_before(now, days));
            let from = query.needs_from(since, now);
            for product in products {
                let (history, count) = deps.keepa_history(&product, from, left, now).await?;
                left = left.saturating_sub(count);
                let csv = query.with_history.then(|| history.csv(since.map(keepa_minute), query.unstated));
                let stats = query.stats.map(|interval| KeepaStats::of(&history, interval, now));
                found.insert(product.listing.asin, KeepaProduct { product, history, csv, stats });
            }
            Ok(found)
        })
        .await
    }

    /// Crawls those of the products that were read longer ago than `max_age`, and waits for it. A listing that is not the tenant's
    /// product is left out.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`]: the caller may not request crawls.
    pub async fn refresh_listings(
        &self,
        caller: Caller,
        marketplace: Marketplace,
        asins: Vec<Asin>,
        max_age: Duration,
        wait: Duration,
    ) -> ServiceResult<()> {
        caller.require(Scope::CrawlCreate)?;
        let tenant_id = caller.tenant_id;
        let old = self.run(async move |deps: Arc<Dependencies>| {
            let products = deps.store.products_of_listings(tenant_id, &listings_of(marketplace, &asins)).await?;
            let (now, max_age) = (Timestamp::now(), SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX));
            let is_old = |at: Option<Timestamp>| at.is_none_or(|at| now.duration_since(at) >= max_age);
            let old = products.into_iter().filter(|product| is_old(product.state.checked_at));
            Ok(old.map(|product| product.id).collect::<Vec<ProductId>>())
        });
        let old = old.await?;
        if !old.is_empty() {
            self.request_crawl(caller, old, wait, None).await?;
        }
        Ok(())
    }
}

impl Dependencies {
    /// The history of a product from a time on, with the values that hold then, and how many points it has.
    pub(super) async fn keepa_history(
        &self,
        product: &Product,
        from: Option<Timestamp>,
        max_points: u32,
        now: Timestamp,
    ) -> ServiceResult<(KeepaHistory, u32)> {
        // One more than the limit shows whether there are more.
        let limit = max_points.saturating_add(1);
        let points = self.store.points(product.listing_id, SERIES, from, None, limit).await?;
        let count = u32::try_from(points.len()).unwrap_or(u32::MAX);
        if count > max_points {
            return Err(ServiceError::invalid(
                "asin",
                "names listings with more points of history than fit; ask for fewer",
            ));
        }
        let (marks, points): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| point.key.series == Series::Unobserved);
        let mut gaps: Vec<Gap> = marks.iter().filter_map(Gap::of).collect();
        gaps.extend(gap_until(product, now));
        Ok((KeepaHistory::of(&points, &gaps, product.listing.marketplace, now), count))
    }
}

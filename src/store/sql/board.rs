//! Boards of tenants.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::product_changes::change;
use super::product_list::{list, push_filter, push_is_at_low};
use super::{Backend, Db};
use crate::domain::{Availability, ListingId, Point, PointValue, ProductId, Series, SeriesKey, TenantId};
use crate::store::board::{Board, BoardCounts, BoardRow, ProductsChange, ProductsChanged};
use crate::store::error::or_report;
use crate::store::rows::{count, time};
use crate::store::{Page, ProductFilter, ProductOrder, StoreError, StoreResult};

#[async_trait]
impl Board for Backend {
    async fn board(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        order: ProductOrder,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<BoardRow>> {
        let page = self.with_replica_fallback(|| list(self, tenant_id, filter, order, cursor, limit).boxed()).await?;
        Ok(page.readable(BoardRow::try_from))
    }

    async fn board_counts(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        now: Timestamp,
        events_since: Timestamp,
    ) -> StoreResult<BoardCounts> {
        self.with_replica_fallback(|| {
            async move {
                let mut query = QueryBuilder::<Db>::new("SELECT count(*), count(CASE WHEN ");
                push_is_at_low(&mut query, now);
                query.push(" THEN 1 END), count(CASE WHEN l.availability IN (");
                let mut out = query.separated(", ");
                for availability in Availability::ALL.iter().filter(|availability| availability.is_out()) {
                    out.push_bind(availability.number());
                }
                // As `CrawlRecord::failure` has it.
                query.push(
                    ") THEN 1 END), count(CASE WHEN coalesce(l.last_outcome, 'observed') <> 'observed' \
                       OR p.status = 'active' AND q.parked_at IS NOT NULL THEN 1 END), count(CASE WHEN p.tenant_id IS NOT NULL",
                );
                push_filter(&mut query, filter);
                query.push(
                    " THEN 1 END), \
                     (SELECT count(*) FROM event e WHERE e.tenant_id = ",
                );
                query.push_bind(tenant_id.0).push(" AND e.at >= ").push_bind(events_since.as_millisecond());
                query.push(
                    ") FROM product p JOIN listing l ON l.id = p.listing_id JOIN lease q ON q.listing_id = p.listing_id \
                     WHERE p.tenant_id = ",
                );
                query.push_bind(tenant_id.0);
                let found: (i64, i64, i64, i64, i64, i64) =
                    query.build_query_as().fetch_one(&mut *self.replica_reader(tenant_id).await?).await?;
                Ok(BoardCounts {
                    tracked: count(found.0)?,
                    at_low: count(found.1)?,
                    out_of_stock: count(found.2)?,
                    failing: count(found.3)?,
                    matching: count(found.4)?,
                    alerts: count(found.5)?,
                })
            }
            .boxed()
        })
        .await
    }

    async fn prices_since(
        &self,
        listings: &[ListingId],
        from: Timestamp,
    ) -> StoreResult<HashMap<ListingId, Vec<Point>>> {
        const PRICES: &str = concat!(
            "SELECT ",
            all_rows!("listing_id, series, at, number"),
            " FROM (SELECT p.listing_id, p.series, p.at, p.number FROM (",
            numbers!(1),
            ") AS given JOIN point p ON p.listing_id = given.value AND p.series = $3 AND p.category = '' \
               AND p.at >= coalesce((SELECT max(b.at) FROM point b WHERE b.listing_id = given.value AND b.series = $3 \
                 AND b.category = '' AND b.at <= $2), $2) \
             UNION ALL SELECT p.listing_id, p.series, p.at, p.number FROM (",
            numbers!(1),
            ") AS given JOIN point p ON p.listing_id = given.value AND p.series = $4 AND p.category = '' AND p.at > $2) AS found"
        );
        let ids: Vec<i64> = listings.iter().map(|listing| listing.0).collect();
        self.with_replica_fallback(|| {
            let ids = ids.clone();
            async move {
                let query = sqlx::query_scalar(PRICES).bind(Json(ids)).bind(from.as_millisecond());
                let query = query.bind(Series::Price.number()).bind(Series::Unobserved.number());
                let Json(rows): Json<Vec<(i64, i16, i64, Option<i64>)>> =
                    query.fetch_one(&mut *self.shared_reader().await?).await?;
                let mut found: HashMap<ListingId, Vec<Point>> = HashMap::new();
                for (listing_id, point) in rows.into_iter().map(point_of).filter_map(or_report) {
                    found.entry(listing_id).or_default().push(point);
                }
                found.values_mut().for_each(|points| points.sort_by_key(|point| point.at));
                Ok(found)
            }
            .boxed()
        })
        .await
    }

    async fn matching_products(
        &self,
        tenant_id: TenantId,
        filter: &ProductFilter,
        after: Option<ProductId>,
        limit: u32,
    ) -> StoreResult<Vec<ProductId>> {
        let mut query = QueryBuilder::<Db>::new(
            "SELECT p.id FROM product p JOIN listing l ON l.id = p.listing_id WHERE p.tenant_id = ",
        );
        query.push_bind(tenant_id.0);
        push_filter(&mut query, filter);
        if let Some(after) = after {
            query.push(" AND p.id > ").push_bind(after.0);
        }
        query.push(" ORDER BY p.id LIMIT ").push_bind(i64::from(limit));
        let ids: Vec<Uuid> = query.build_query_scalar().fetch_all(&mut *self.reader(tenant_id).await?).await?;
        Ok(ids.into_iter().map(ProductId).collect())
    }

    async fn change_products(
        &self,
        tenant_id: TenantId,
        products: &[ProductId],
        change_of_all: &ProductsChange,
        next_after: Option<ProductId>,
    ) -> StoreResult<ProductsChanged> {
        let clock = self.clock_param();
        let (products, change_of_all) = (products.to_vec(), change_of_all.clone());
        self.transaction(tenant_id, move |conn| {
            async move {
                let changed = change(conn, tenant_id, products, change_of_all, clock).await?;
                Ok(ProductsChanged { next_after, ..changed })
            }
            .boxed()
        })
        .await
    }
}

fn point_of((listing_id, series, at, number): (i64, i16, i64, Option<i64>)) -> StoreResult<(ListingId, Point)> {
    let series = Series::from_number(series).ok_or_else(|| StoreError::Corrupt(format!("series {series}")))?;
    let point = Point { key: SeriesKey::from(series), at: time(at)?, value: number.map(PointValue::Number) };
    Ok((ListingId(listing_id), point))
}

//! Reading and importing points.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Backend, Conn, mark_prices, partitions};
use crate::domain::{ListingId, ListingState, OfferList, Point, Series};
use crate::store::batch::NewPoint;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::or_report;
use crate::store::rows::{BoardColumns, PointColumns, sort_columns, time};
use crate::store::tenant_scope::TenantScope;
use crate::store::{History, Page, PointPlace, PointsPage, ReadOffers, StoreError, StoreResult, StoredContent};

#[async_trait]
impl History for Backend {
    async fn points(
        &self,
        listing_id: ListingId,
        series: &[Series],
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: u32,
    ) -> StoreResult<Vec<Point>> {
        self.with_replica_fallback(|| {
            async move {
                // The second half reads the value in effect at `from`: per series and category the latest point until then.
                const POINTS: &str = concat!(
                    "SELECT ",
                    all_rows!("series, category, at, number, text"),
                    " FROM (SELECT * FROM ( \
               SELECT series, category, at, number, text FROM point \
               WHERE listing_id = $1 AND series IN (",
                    numbers!(2),
                    ") AND at > $3 AND at < $4 ORDER BY at, series, category LIMIT $5) AS later \
             UNION ALL \
             SELECT p.series, p.category, p.at, p.number, p.text FROM point p JOIN ( \
               SELECT series, category, max(at) AS at FROM point \
               WHERE listing_id = $1 AND series IN (",
                    numbers!(2),
                    ") AND at <= $3 AND at < $4 GROUP BY series, category) held \
               ON held.series = p.series AND held.category = p.category AND held.at = p.at \
             WHERE p.listing_id = $1) AS point"
                );
                let numbers: Vec<i64> = series.iter().map(|series| i64::from(series.number())).collect();
                let query = sqlx::query_scalar(POINTS).bind(listing_id.0).bind(Json(numbers));
                let query = query.bind(from.map_or(i64::MIN, Timestamp::as_millisecond));
                let query = query.bind(to.map_or(i64::MAX, Timestamp::as_millisecond)).bind(i64::from(limit));
                let Json(rows): Json<Vec<PointColumns>> = query.fetch_one(&mut *self.shared_reader().await?).await?;
                let mut points: Vec<_> = rows.into_iter().map(Point::try_from).filter_map(or_report).collect();
                points.sort_by(|a, b| (&a.key, a.at).cmp(&(&b.key, b.at)));
                Ok(points)
            }
            .boxed()
        })
        .await
    }

    async fn points_by_time(
        &self,
        listing_id: ListingId,
        series: &[Series],
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        after: Option<&PointPlace>,
        limit: u32,
    ) -> StoreResult<PointsPage> {
        // By time first: partitions are told by it, and SQLite has an index of it. The plus sign keeps SQLite from the other index,
        // whose rows it would have to sort.
        const PAGE: &str = concat!(
            "SELECT series, category, at, number, text FROM point WHERE listing_id = $1 AND +series IN (",
            numbers!(2),
            ") AND at >= $3 AND at < $4 AND (at, series, category) > ($3, $5, $6) ORDER BY at, series, category LIMIT $7"
        );
        let numbers: Vec<i64> = series.iter().map(|series| i64::from(series.number())).collect();
        // Behind everything at `from`.
        let beginning = PointPlace {
            at_ms: from.map_or(i64::MIN, Timestamp::as_millisecond),
            series: i16::MAX,
            category: String::new(),
        };
        let after = after.unwrap_or(&beginning);
        self.with_replica_fallback(|| {
            let (numbers, after) = (numbers.clone(), after.clone());
            async move {
                let query = sqlx::query_as(PAGE).bind(listing_id.0).bind(Json(numbers)).bind(after.at_ms);
                let query =
                    query.bind(to.map_or(i64::MAX, Timestamp::as_millisecond)).bind(after.series).bind(after.category);
                let rows: Vec<PointColumns> =
                    query.bind(i64::from(limit)).fetch_all(&mut *self.shared_reader().await?).await?;
                let last = rows.last().filter(|_| rows.len() == limit as usize);
                let next =
                    last.map(|row| PointPlace { at_ms: row.at, series: row.series, category: row.category.clone() });
                Ok(PointsPage { points: rows.into_iter().map(Point::try_from).filter_map(or_report).collect(), next })
            }
            .boxed()
        })
        .await
    }

    async fn content_versions(
        &self,
        listing_id: ListingId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<StoredContent>> {
        const LIST: &str = "content";
        const VERSIONS: &str = "SELECT at, changed, content FROM content_version WHERE listing_id = $1 AND at < $2 \
             ORDER BY at DESC LIMIT $3";
        let before_ms = match Cursor::of(LIST, cursor)?.map(|cursor| cursor.key) {
            None => i64::MAX,
            Some(SortKey::Number(at_ms)) => at_ms,
            Some(SortKey::Text(_) | SortKey::Missing(())) => return Err(StoreError::InvalidCursor),
        };
        self.with_replica_fallback(|| {
            async move {
                let query = sqlx::query_as(VERSIONS).bind(listing_id.0).bind(before_ms).bind(i64::from(limit) + 1);
                let rows: Vec<ContentColumns> = query.fetch_all(&mut *self.shared_reader().await?).await?;
                Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.at), Uuid::nil()))
                    .readable(StoredContent::try_from))
            }
            .boxed()
        })
        .await
    }

    async fn offers(&self, listing_id: ListingId) -> StoreResult<Option<ReadOffers>> {
        const OFFERS: &str = "SELECT at, list FROM listing_offers WHERE listing_id = $1";
        self.with_replica_fallback(|| {
            async move {
                let query = sqlx::query_as(OFFERS).bind(listing_id.0);
                let found: Option<(i64, Json<OfferList>)> =
                    query.fetch_optional(&mut *self.shared_reader().await?).await?;
                found.map(|(at_ms, list)| Ok(ReadOffers { at: time(at_ms)?, list: list.0 })).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn import(&self, listing_id: ListingId, points: &[Point], state: &ListingState) -> StoreResult<bool> {
        let times = || points.iter().map(|point| point.at);
        if let (Some(first), Some(last)) = (times().min(), times().max()) {
            partitions::ensure(self, first, last).await?;
        }
        let (points, state) = (points.to_vec(), state.clone());
        self.transaction(TenantScope::All, move |conn| take_over(conn, listing_id.0, points, state).boxed()).await
    }
}

/// A version of the content.
#[derive(sqlx::FromRow)]
struct ContentColumns {
    at: i64,
    changed: Json<Vec<String>>,
    content: Json<Map<String, Value>>,
}

impl TryFrom<ContentColumns> for StoredContent {
    type Error = StoreError;

    fn try_from(row: ContentColumns) -> StoreResult<Self> {
        Ok(Self { at: time(row.at)?, changed: row.changed.0, content: row.content.0 })
    }
}

async fn take_over(conn: &mut Conn, listing_id: i64, points: Vec<Point>, state: ListingState) -> StoreResult<bool> {
    const UPDATE: &str = "UPDATE listing SET state = $2, sort_title = $3, price_minor = $4, availability = $5, \
           best_rank = $6, price_read_at = $7, sort_seller = $8 \
         WHERE id = $1 AND state ->> 'checked_at' IS NULL \
         AND NOT EXISTS (SELECT 1 FROM point p WHERE p.listing_id = listing.id)";
    let (sort_title, price_minor) = sort_columns(&state);
    let BoardColumns { availability, best_rank, price_read_at, sort_seller } = BoardColumns::from(&state);
    let updated = sqlx::query(UPDATE).bind(listing_id).bind(Json(state)).bind(sort_title).bind(price_minor);
    let updated = updated.bind(availability).bind(best_rank).bind(price_read_at).bind(sort_seller);
    if updated.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    add_points(conn, listing_id, &points).await?;
    Ok(true)
}

/// Adds points without a crawl. Where there is a point of the same series and time, that one stays.
pub(super) async fn add_points(conn: &mut Conn, listing_id: i64, points: &[Point]) -> StoreResult<()> {
    const ADD: &str = concat!(
        "INSERT INTO point (listing_id, series, category, at, number, text) \
         SELECT given.listing_id, given.series, given.category, given.at, given.number, given.text FROM (",
        records!(1, listing_id bigint, series smallint, category text, at bigint, number bigint, text text),
        ") AS given WHERE true ON CONFLICT DO NOTHING"
    );
    if points.is_empty() {
        return Ok(());
    }
    let points: Vec<NewPoint> = points.iter().map(|point| NewPoint::of(listing_id, None, point)).collect();
    sqlx::query(ADD).bind(Json(points)).execute(&mut *conn).await?;
    mark_prices(conn, vec![listing_id]).await
}

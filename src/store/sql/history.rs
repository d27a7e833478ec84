//! Reading and importing points.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;

use super::{Backend, Conn, partitions};
use crate::domain::{ListingId, ListingState, Point, PointValue, Series};
use crate::store::rows::{PointColumns, sort_columns};
use crate::store::tenant_scope::TenantScope;
use crate::store::{History, StoreResult};

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
                // The second half is what holds at `from`: per series and category the latest point up to then.
                const POINTS: &str = concat!(
                    "SELECT series, category, at, number, text FROM point \
             WHERE listing_id = $1 AND series IN (",
                    numbers!(2),
                    ") AND at > $3 AND at < $4 \
             UNION ALL \
             SELECT p.series, p.category, p.at, p.number, p.text FROM point p JOIN ( \
               SELECT series, category, max(at) AS at FROM point \
               WHERE listing_id = $1 AND series IN (",
                    numbers!(2),
                    ") AND at <= $3 AND at < $4 GROUP BY series, category) held \
               ON held.series = p.series AND held.category = p.category AND held.at = p.at \
             WHERE p.listing_id = $1 \
             ORDER BY 3, 1, 2 LIMIT $5"
                );
                let numbers: Vec<i64> = series.iter().map(|series| i64::from(series.number())).collect();
                let query = sqlx::query_as::<_, PointColumns>(POINTS).bind(listing_id.0).bind(Json(numbers));
                let query = query.bind(from.map_or(i64::MIN, Timestamp::as_millisecond));
                let query = query.bind(to.map_or(i64::MAX, Timestamp::as_millisecond)).bind(i64::from(limit));
                let rows = query.fetch_all(&mut *self.shared_reader().await?).await?;
                let mut points = rows.into_iter().map(Point::try_from).collect::<StoreResult<Vec<_>>>()?;
                points.sort_by(|a, b| (&a.key, a.at).cmp(&(&b.key, b.at)));
                Ok(points)
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

async fn take_over(conn: &mut Conn, listing_id: i64, points: Vec<Point>, state: ListingState) -> StoreResult<bool> {
    const TAKE: &str = "UPDATE listing SET state = $2, sort_title = $3, price_minor = $4 \
         WHERE id = $1 AND state ->> 'checked_at' IS NULL \
         AND NOT EXISTS (SELECT 1 FROM point p WHERE p.listing_id = listing.id)";
    let (sort_title, price_minor) = sort_columns(&state);
    let taken = sqlx::query(TAKE).bind(listing_id).bind(Json(state)).bind(sort_title).bind(price_minor);
    if taken.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    for point in &points {
        insert(conn, listing_id, point).await?;
    }
    Ok(true)
}

/// Appends a point; one that is there already stays.
pub(super) async fn insert(conn: &mut Conn, listing_id: i64, point: &Point) -> StoreResult<()> {
    const INSERT: &str = "INSERT INTO point (listing_id, series, category, at, number, text) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let value = point.value.as_ref();
    let query = sqlx::query(INSERT).bind(listing_id).bind(point.key.series.number()).bind(point.key.category.clone());
    let query = query.bind(point.at.as_millisecond()).bind(value.and_then(PointValue::number));
    query.bind(value.and_then(PointValue::text).map(str::to_owned)).execute(conn).await?;
    Ok(())
}

//! Reading and importing points.

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;

use super::{Backend, Conn, partitions};
use crate::domain::{ListingId, ListingState, Point, Series};
use crate::store::batch::NewPoint;
use crate::store::error::or_report;
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
    const UPDATE: &str = "UPDATE listing SET state = $2, sort_title = $3, price_minor = $4 \
         WHERE id = $1 AND state ->> 'checked_at' IS NULL \
         AND NOT EXISTS (SELECT 1 FROM point p WHERE p.listing_id = listing.id)";
    let (sort_title, price_minor) = sort_columns(&state);
    let updated = sqlx::query(UPDATE).bind(listing_id).bind(Json(state)).bind(sort_title).bind(price_minor);
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
    sqlx::query(ADD).bind(Json(points)).execute(conn).await?;
    Ok(())
}

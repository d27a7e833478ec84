//! Partitions of history: SQLite has one table.

use jiff::Timestamp;

use super::Backend;
use crate::store::StoreResult;

/// Nothing to do.
#[expect(clippy::unused_async, reason = "PostgreSQL's twin makes partitions")]
pub(super) async fn ensure(_store: &Backend, _from: Timestamp, _to: Timestamp) -> StoreResult<()> {
    Ok(())
}

/// Deletes the points before a time, except the last of each series.
pub(super) async fn forget(store: &Backend, before_ms: i64) -> StoreResult<u64> {
    const FORGET: &str = "DELETE FROM point WHERE at < $1 AND EXISTS (SELECT 1 FROM point AS later \
           WHERE later.listing_id = point.listing_id AND later.series = point.series \
           AND later.category = point.category AND later.at > point.at)";
    Ok(sqlx::query(FORGET).bind(before_ms).execute(&store.writer).await?.rows_affected())
}

//! Partitions of history: SQLite has one table.

use jiff::Timestamp;

use super::{Backend, Conn};
use crate::store::StoreResult;

/// Nothing to do.
#[expect(clippy::unused_async, reason = "the PostgreSQL implementation creates partitions")]
pub(super) async fn ensure(_store: &Backend, _from: Timestamp, _to: Timestamp) -> StoreResult<()> {
    Ok(())
}

/// Nothing to do.
#[expect(clippy::unused_async, reason = "the PostgreSQL implementation takes a lock")]
pub(super) async fn hold(_conn: &mut Conn) -> StoreResult<()> {
    Ok(())
}

/// Points per statement: more would keep claims and commits from the one writer for too long.
const BATCH_POINTS: i64 = 2000;

/// Statements per run. The next run continues.
const MAX_BATCHES: u32 = 10;

/// Deletes the points before a time, except the last of each series, in batches, the oldest first.
pub(super) async fn forget(store: &Backend, before_ms: i64) -> StoreResult<u64> {
    const FORGET: &str = "DELETE FROM point WHERE (listing_id, series, category, at) IN ( \
           SELECT listing_id, series, category, at FROM point WHERE at < $1 AND EXISTS ( \
             SELECT 1 FROM point AS later WHERE later.listing_id = point.listing_id AND later.series = point.series \
               AND later.category = point.category AND later.at > point.at) \
           ORDER BY at LIMIT $2)";
    let mut deleted = 0;
    for _ in 0..MAX_BATCHES {
        let query = sqlx::query(FORGET).bind(before_ms).bind(BATCH_POINTS);
        let batch = query.execute(&store.writer).await?.rows_affected();
        deleted += batch;
        if batch < BATCH_POINTS.unsigned_abs() {
            break;
        }
    }
    Ok(deleted)
}

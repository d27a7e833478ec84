//! Partitions of history: one per month, created ahead and dropped as a whole.

use std::collections::{BTreeSet, HashSet};

use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::month::Month;
use super::{Backend, Conn};
use crate::store::StoreResult;
use crate::store::tenant_scope::TenantScope;

/// One at a time: two replicas that create or drop the same partition would deadlock.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtext('amazon-tracker history partitions'))";

/// Moving and copying points may take longer than a request may.
const NO_TIME_LIMIT: &str = "SET LOCAL statement_timeout = 0";

/// While maintenance waits for the table behind a long query, every commit waits behind it: it gives up early and retries later.
const SHORT_WAIT: &str = "SET LOCAL lock_timeout = '3s'";

const PARTITIONS: &str = "SELECT child.relname FROM pg_inherits \
     JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = 'point'::regclass";

/// Creates the missing partitions of the months from one time to another.
pub(super) async fn ensure(store: &Backend, from: Timestamp, to: Timestamp) -> StoreResult<()> {
    let present = partitions(&mut *store.writer.acquire().await?).await?;
    let months: BTreeSet<Month> = Month::between(from, to).collect();
    if months.iter().all(|month| present.contains(month)) {
        return Ok(());
    }
    store.transaction(TenantScope::All, move |conn| make_missing(conn, months).boxed()).await
}

/// Until the transaction ends, no partition is dropped: points of old months may be written.
pub(super) async fn hold(conn: &mut Conn) -> StoreResult<()> {
    const HOLD: &str = "SELECT pg_advisory_xact_lock_shared(hashtext('amazon-tracker history partitions'))";
    sqlx::query(HOLD).execute(conn).await?;
    Ok(())
}

/// Creates the missing partitions of these months, in the current transaction.
pub(super) async fn make_missing(conn: &mut Conn, months: BTreeSet<Month>) -> StoreResult<()> {
    begin_maintenance(conn).await?;
    let present = partitions(conn).await?;
    for month in months.into_iter().filter(|month| !present.contains(month)) {
        make(conn, month).await?;
    }
    Ok(())
}

/// Creates a partition as a separate table, moves the rows of its month out of the default partition, and then attaches it: a
/// partition cannot be attached while the default one holds rows of it.
async fn make(conn: &mut Conn, month: Month) -> StoreResult<()> {
    let (table, start_ms, end_ms) = (month.table(), month.start_ms(), month.end_ms());
    for step in [
        "LOCK TABLE point IN SHARE ROW EXCLUSIVE MODE".to_owned(),
        format!("CREATE TABLE {table} (LIKE point INCLUDING ALL)"),
        format!(
            "WITH moved AS (DELETE FROM point_default WHERE at >= {start_ms} AND at < {end_ms} RETURNING *) \
             INSERT INTO {table} SELECT * FROM moved"
        ),
        format!("ALTER TABLE point ATTACH PARTITION {table} FOR VALUES FROM ({start_ms}) TO ({end_ms})"),
    ] {
        // Numbers, and a name made of numbers: nothing comes from outside.
        sqlx::query(AssertSqlSafe(step)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Drops the partitions that end before a time, and clears the default one. The last point of each series is still in effect and
/// moves to the default partition. Returns how many partitions and points were deleted.
pub(super) async fn forget(store: &Backend, before_ms: i64) -> StoreResult<u64> {
    let present = partitions(&mut *store.writer.acquire().await?).await?;
    let mut deleted = 0;
    // Each in a transaction of its own: the table is locked for one of them at a time.
    for month in present.into_iter().filter(|month| month.end_ms() <= before_ms) {
        deleted += store.transaction(TenantScope::All, move |conn| drop_one(conn, month).boxed()).await?;
    }
    Ok(deleted + store.transaction(TenantScope::All, move |conn| clear_default(conn, before_ms).boxed()).await?)
}

async fn clear_default(conn: &mut Conn, before_ms: i64) -> StoreResult<u64> {
    const CLEAR: &str = "DELETE FROM point_default old WHERE old.at < $1 AND EXISTS (SELECT 1 FROM point later \
         WHERE later.listing_id = old.listing_id AND later.series = old.series \
           AND later.category = old.category AND later.at > old.at)";
    begin_maintenance(conn).await?;
    Ok(sqlx::query(CLEAR).bind(before_ms).execute(conn).await?.rows_affected())
}

/// Returns how many were dropped: none if another replica was faster.
async fn drop_one(conn: &mut Conn, month: Month) -> StoreResult<u64> {
    begin_maintenance(conn).await?;
    if !partitions(conn).await?.contains(&month) {
        return Ok(0);
    }
    let table = month.table();
    for step in [
        // Collected before the table is locked: nothing writes points of that time any more but imports, which hold the partitions.
        format!(
            "CREATE TEMPORARY TABLE last_points ON COMMIT DROP AS \
             SELECT DISTINCT ON (listing_id, series, category) * FROM {table} last \
             WHERE NOT EXISTS (SELECT 1 FROM point later WHERE later.listing_id = last.listing_id \
               AND later.series = last.series AND later.category = last.category AND later.at > last.at) \
             ORDER BY listing_id, series, category, at DESC"
        ),
        format!("ALTER TABLE point DETACH PARTITION {table}"),
        "INSERT INTO point SELECT * FROM last_points".to_owned(),
        format!("DROP TABLE {table}"),
    ] {
        // A name made of numbers: nothing comes from outside.
        sqlx::query(AssertSqlSafe(step)).execute(&mut *conn).await?;
    }
    Ok(1)
}

async fn begin_maintenance(conn: &mut Conn) -> StoreResult<()> {
    sqlx::query(ONE_AT_A_TIME).execute(&mut *conn).await?;
    sqlx::query(NO_TIME_LIMIT).execute(&mut *conn).await?;
    sqlx::query(SHORT_WAIT).execute(conn).await?;
    Ok(())
}

async fn partitions(conn: &mut Conn) -> StoreResult<HashSet<Month>> {
    let tables: Vec<String> = sqlx::query_scalar(PARTITIONS).fetch_all(conn).await?;
    Ok(tables.iter().filter_map(|table| Month::of_table(table)).collect())
}

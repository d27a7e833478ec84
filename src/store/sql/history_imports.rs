//! The past of listings: points before our own.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use sqlx::types::Json;

use super::history::add_points;
use super::lease::NOW;
use super::usage::DAY_MS;
use super::{Backend, Conn, partitions, schedule_request};
use crate::domain::{Listing, ListingId, Marketplace, Past, Point, PointValue, Series, SeriesKey};
use crate::store::clock::{ClockParam, millis};
use crate::store::error::or_report;
use crate::store::past_points::Present;
use crate::store::rows::{PointColumns, count, listing, time};
use crate::store::tenant_scope::TenantScope;
use crate::store::{
    HistoryClaim, HistoryImportSums, HistoryImports, HistoryLease, HistoryRetry, ImportedPast, LeaseQueue, StoreError,
    StoreResult,
};

/// Left to our own crawls where there are no own points yet: one that is under way may have seen something in this time.
const LEFT_TO_CRAWLS: SignedDuration = SignedDuration::from_hours(1);
/// Months that are older get no partition: a query of a whole history locks each of them, and a server has few locks.
const PARTITIONED: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);
/// A time without knowledge that is longer is marked as such. It is the least that a gap between two crawls is.
const MAX_SILENCE_MS: i64 = DAY_MS;
/// Listings that are joined in one run. The next run continues.
const MAX_JOINS: i64 = 500;

#[async_trait]
impl HistoryImports for Backend {
    async fn import_past(
        &self,
        listing_id: ListingId,
        past: &Past,
        source: &str,
        keep_from: Option<Timestamp>,
    ) -> StoreResult<ImportedPast> {
        let times = || past.points.iter().map(|point| point.at);
        if let (Some(first), Some(last)) = (times().min(), times().max()) {
            // Older ones are kept where the retention keeps them: outside of the partitions of their months.
            let oldest = self.now().await?.saturating_sub(PARTITIONED).unwrap_or(Timestamp::MIN);
            let from = first.max(oldest).max(keep_from.unwrap_or(oldest));
            partitions::ensure(self, from, last.max(from)).await?;
        }
        let import = Import { listing_id: listing_id.0, past: past.clone(), source: source.to_owned(), keep_from };
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| import.run(conn, clock).boxed()).await
    }

    async fn join_pasts(&self) -> StoreResult<u64> {
        const OPEN: &str = "SELECT listing_id FROM history_import open WHERE joined_at IS NULL AND last_at IS NOT NULL \
             AND EXISTS (SELECT 1 FROM point WHERE point.listing_id = open.listing_id AND point.at > open.last_at) \
             ORDER BY listing_id LIMIT $1";
        let open: Vec<i64> =
            sqlx::query_scalar(OPEN).bind(MAX_JOINS).fetch_all(&mut *self.shared_reader().await?).await?;
        for listing_id in &open {
            let (listing_id, clock) = (*listing_id, self.clock_param());
            self.transaction(TenantScope::All, move |conn| join_one(conn, listing_id, clock).boxed()).await?;
        }
        Ok(open.len() as u64)
    }

    async fn enqueue_history_imports(&self, marketplaces: &[Marketplace], limit: u32) -> StoreResult<u64> {
        const MISSING: &str = concat!(
            "SELECT id FROM listing WHERE marketplace IN (",
            texts!(1),
            ") AND EXISTS (SELECT 1 FROM product WHERE product.listing_id = listing.id AND product.status = 'active') \
             AND NOT EXISTS (SELECT 1 FROM history_import WHERE history_import.listing_id = listing.id) ORDER BY id LIMIT $2"
        );
        const ENQUEUE: &str = concat!(
            "INSERT INTO history_import (listing_id, marketplace, ready_at) SELECT listing.id, listing.marketplace, ",
            now!(2),
            " FROM (",
            numbers!(1),
            ") AS given JOIN listing ON listing.id = given.value WHERE true ON CONFLICT DO NOTHING"
        );
        let codes: Vec<&str> = marketplaces.iter().map(|marketplace| marketplace.code()).collect();
        let query = sqlx::query_scalar(MISSING).bind(Json(codes)).bind(i64::from(limit));
        let missing: Vec<i64> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        if missing.is_empty() {
            return Ok(0);
        }
        let query = sqlx::query(ENQUEUE).bind(Json(missing)).bind(self.clock_param());
        Ok(query.execute(&mut *self.writer(TenantScope::All).await?).await?.rows_affected())
    }

    async fn refetch_history(&self, listing_id: ListingId) -> StoreResult<bool> {
        const KNOWN: &str = "SELECT 1 FROM listing WHERE id = $1";
        const REFETCH: &str = concat!(
            "INSERT INTO history_import (listing_id, marketplace, ready_at) SELECT id, marketplace, ",
            now!(2),
            " FROM listing WHERE id = $1 ON CONFLICT (listing_id) DO UPDATE \
             SET ready_at = excluded.ready_at, attempt = 0, owner = NULL, error = NULL \
             WHERE history_import.owner IS NULL OR history_import.ready_at <= excluded.ready_at"
        );
        let mut conn = self.writer(TenantScope::All).await?;
        let known: Option<i32> = sqlx::query_scalar(KNOWN).bind(listing_id.0).fetch_optional(&mut *conn).await?;
        known.ok_or(StoreError::NotFound("listing"))?;
        let query = sqlx::query(REFETCH).bind(listing_id.0).bind(self.clock_param());
        Ok(query.execute(&mut *conn).await?.rows_affected() > 0)
    }

    async fn history_import_sums(&self) -> StoreResult<HistoryImportSums> {
        const SUMS: &str = "SELECT count(imported_at), count(ready_at), \
             count(CASE WHEN ready_at IS NOT NULL AND error IS NOT NULL THEN 1 END) FROM history_import";
        let query = sqlx::query_as(SUMS).fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        let (imported, waiting, failing): (i64, i64, i64) = query;
        Ok(HistoryImportSums {
            imported: count(imported)?,
            waiting: count(waiting)?,
            failing: count(failing)?,
            tokens: self.history_charge().await?,
        })
    }

    async fn claim_history_imports(&self, claim: &HistoryClaim<'_>) -> StoreResult<Vec<HistoryLease>> {
        let (limit, lease_ms, owner) = (i64::from(claim.limit), millis(claim.lease), claim.owner.to_owned());
        let (charge, clock) = (i64::from(claim.charge), self.clock_param());
        self.transaction(TenantScope::All, move |conn| self::claim(conn, limit, lease_ms, owner, charge, clock).boxed())
            .await
    }

    async fn retry_history_imports(&self, leases: &[HistoryLease], retry: HistoryRetry<'_>) -> StoreResult<()> {
        const RETRY: &str = concat!(
            "UPDATE history_import SET owner = NULL, error = coalesce($4, error), ready_at = ",
            now!(2),
            " + $3, attempt = attempt - CASE WHEN $4 IS NULL THEN 1 ELSE 0 END FROM (",
            records!(1, listing_id bigint, token bigint),
            ") AS given WHERE history_import.listing_id = given.listing_id AND history_import.token = given.token \
               AND history_import.owner IS NOT NULL"
        );
        let query = sqlx::query(RETRY).bind(Json(tokens_of(leases))).bind(self.clock_param());
        let query = query.bind(millis(retry.after)).bind(retry.error.map(str::to_owned));
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn settle_history_charge(&self, leases: &[HistoryLease], reserved: u32, cost: u32) -> StoreResult<()> {
        const SETTLE: &str = concat!(
            "UPDATE history_import SET charge = charge + $2 FROM (",
            records!(1, listing_id bigint, token bigint),
            ") AS given WHERE history_import.listing_id = given.listing_id AND history_import.token = given.token"
        );
        let query = sqlx::query(SETTLE).bind(Json(tokens_of(leases))).bind(i64::from(cost) - i64::from(reserved));
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn history_charge(&self) -> StoreResult<u64> {
        const CHARGE: &str = concat!(
            "SELECT CAST(coalesce(sum(charge), 0) AS bigint) FROM history_import WHERE fetched_at > ",
            now!(1),
            " - $2"
        );
        let query = sqlx::query_scalar(CHARGE).bind(self.clock_param()).bind(DAY_MS);
        let charge: i64 = query.fetch_one(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(charge.max(0).unsigned_abs())
    }
}

#[derive(serde::Serialize)]
struct LeaseToken {
    listing_id: i64,
    token: i64,
}

fn tokens_of(leases: &[HistoryLease]) -> Vec<LeaseToken> {
    leases.iter().map(|lease| LeaseToken { listing_id: lease.listing_id.0, token: lease.token }).collect()
}

/// What is recorded of an import.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
struct Recorded {
    first_at: Option<i64>,
    last_at: Option<i64>,
    known_until: Option<i64>,
}

struct Import {
    listing_id: i64,
    past: Past,
    source: String,
    keep_from: Option<Timestamp>,
}

impl Import {
    async fn run(self, conn: &mut Conn, clock: ClockParam) -> StoreResult<ImportedPast> {
        let Self { listing_id, past, source, keep_from } = self;
        partitions::hold(conn).await?;
        schedule_request::lock(conn, &[listing_id], clock).await?;
        let before = recorded(conn, listing_id).await?;
        let present = present(conn, listing_id, before.last_at).await?;
        let until = match present.first_own() {
            Some(own_from) => own_from,
            None => now(conn, clock).await?.saturating_sub(LEFT_TO_CRAWLS).unwrap_or(Timestamp::MIN),
        };
        let known_until = past.known_until.min(until);
        let added = present.additions(past.points, until, keep_from);
        add_points(conn, listing_id, &added).await?;
        let times = || added.iter().map(|point| point.at.as_millisecond());
        let after = Recorded {
            first_at: before.first_at.into_iter().chain(times()).min(),
            last_at: before.last_at.into_iter().chain(times()).max(),
            known_until: before.known_until.max(Some(known_until.as_millisecond())),
        };
        let count = added.len() as u64;
        record(conn, listing_id, &source, after, count, clock).await?;
        join(conn, listing_id, &present, before, after, clock).await?;
        Ok(ImportedPast { added: count, own_from: present.first_own() })
    }
}

async fn now(conn: &mut Conn, clock: ClockParam) -> StoreResult<Timestamp> {
    time(sqlx::query_scalar(NOW).bind(clock).fetch_one(conn).await?)
}

async fn recorded(conn: &mut Conn, listing_id: i64) -> StoreResult<Recorded> {
    const RECORDED: &str = "SELECT first_at, last_at, known_until FROM history_import WHERE listing_id = $1";
    Ok(sqlx::query_as(RECORDED).bind(listing_id).fetch_optional(conn).await?.unwrap_or_default())
}

/// The points of a listing: up to the last imported one they are imported, and after it our own.
async fn present(conn: &mut Conn, listing_id: i64, last_at: Option<i64>) -> StoreResult<Present> {
    const IMPORTED: &str = "SELECT p.series, p.category, p.at, p.number, p.text FROM point p JOIN ( \
           SELECT series, category, min(at) AS first_at, max(at) AS last_at FROM point \
           WHERE listing_id = $1 AND at <= $2 GROUP BY series, category) ends \
         ON ends.series = p.series AND ends.category = p.category AND (p.at = ends.first_at OR p.at = ends.last_at) \
         WHERE p.listing_id = $1 ORDER BY p.at";
    const OWN: &str = "SELECT series, category, min(at) AS at FROM point \
         WHERE listing_id = $1 AND at > $2 GROUP BY series, category";
    let mut present = Present::default();
    if let Some(last_at) = last_at {
        let rows: Vec<PointColumns> =
            sqlx::query_as(IMPORTED).bind(listing_id).bind(last_at).fetch_all(&mut *conn).await?;
        for point in rows.into_iter().map(Point::try_from).filter_map(or_report) {
            let ends = present.imported.entry(point.key.clone()).or_insert_with(|| (point.clone(), point.clone()));
            ends.1 = point;
        }
    }
    let query = sqlx::query_as(OWN).bind(listing_id).bind(last_at.unwrap_or(i64::MIN));
    let rows: Vec<FirstColumns> = query.fetch_all(conn).await?;
    present.own_from = rows.into_iter().map(FirstColumns::first).filter_map(or_report).collect::<BTreeMap<_, _>>();
    Ok(present)
}

/// The first own point of a series.
#[derive(sqlx::FromRow)]
struct FirstColumns {
    series: i16,
    category: String,
    at: i64,
}

impl FirstColumns {
    fn first(self) -> StoreResult<(SeriesKey, Timestamp)> {
        let series = Series::from_number(self.series);
        let series = series.ok_or_else(|| StoreError::Corrupt(format!("series {}", self.series)))?;
        Ok((SeriesKey { series, category: self.category }, time(self.at)?))
    }
}

async fn record(
    conn: &mut Conn,
    listing_id: i64,
    source: &str,
    after: Recorded,
    added: u64,
    clock: ClockParam,
) -> StoreResult<()> {
    const RECORD: &str = concat!(
        "INSERT INTO history_import (listing_id, marketplace, source, imported_at, first_at, last_at, known_until, points) \
         SELECT id, marketplace, $2, ",
        now!(3),
        ", $4, $5, $6, $7 FROM listing WHERE id = $1 \
         ON CONFLICT (listing_id) DO UPDATE SET source = excluded.source, imported_at = excluded.imported_at, \
           first_at = excluded.first_at, last_at = excluded.last_at, known_until = excluded.known_until, \
           points = history_import.points + excluded.points, ready_at = NULL, owner = NULL, attempt = 0, error = NULL"
    );
    let query = sqlx::query(RECORD).bind(listing_id).bind(source.to_owned()).bind(clock);
    let query = query.bind(after.first_at).bind(after.last_at).bind(after.known_until);
    let recorded = query.bind(i64::try_from(added).unwrap_or(i64::MAX)).execute(conn).await?;
    if recorded.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound("listing")) }
}

async fn join_one(conn: &mut Conn, listing_id: i64, clock: ClockParam) -> StoreResult<()> {
    schedule_request::lock(conn, &[listing_id], clock).await?;
    let recorded = recorded(conn, listing_id).await?;
    let present = present(conn, listing_id, recorded.last_at).await?;
    join(conn, listing_id, &present, recorded, recorded, clock).await
}

/// Joins what was imported to our own first points, if there are some. `before` is what was recorded at the join before.
async fn join(
    conn: &mut Conn,
    listing_id: i64,
    present: &Present,
    before: Recorded,
    after: Recorded,
    clock: ClockParam,
) -> StoreResult<()> {
    const JOINED: &str = concat!("UPDATE history_import SET joined_at = ", now!(2), " WHERE listing_id = $1");
    const FORGET_GAP: &str = "DELETE FROM point WHERE listing_id = $1 AND series = $2 AND at = $3 AND number = $4";
    let (Some(own_from), Some(last_at), Some(known_until)) = (present.first_own(), after.last_at, after.known_until)
    else {
        return Ok(());
    };
    let unobserved = Series::Unobserved;
    if let Some(known_before) = before.known_until.filter(|before| *before != known_until) {
        // The gap was longer until now.
        let query = sqlx::query(FORGET_GAP).bind(listing_id).bind(unobserved.number());
        query.bind(own_from.as_millisecond()).bind(known_before).execute(&mut *conn).await?;
    }
    if own_from.as_millisecond() - known_until > MAX_SILENCE_MS {
        let value = Some(PointValue::Number(known_until));
        add_points(conn, listing_id, &[Point { key: unobserved.into(), at: own_from, value }]).await?;
    }
    end_ranks(conn, listing_id, present, last_at).await?;
    sqlx::query(JOINED).bind(listing_id).bind(clock).execute(conn).await?;
    Ok(())
}

/// Our first ranks end the imported ones of categories that they do not name, as the next ranks of a page do.
async fn end_ranks(conn: &mut Conn, listing_id: i64, present: &Present, last_at: i64) -> StoreResult<()> {
    const END: &str = "INSERT INTO point (listing_id, series, category, at) \
         SELECT p.listing_id, p.series, p.category, $4 FROM point p \
         WHERE p.listing_id = $1 AND p.series = $2 AND p.at <= $3 AND p.number IS NOT NULL \
           AND NOT EXISTS (SELECT 1 FROM point later WHERE later.listing_id = p.listing_id \
             AND later.series = p.series AND later.category = p.category AND later.at > p.at) ON CONFLICT DO NOTHING";
    let ranks = present.own_from.iter().filter(|(key, _)| key.series == Series::SalesRank).map(|(_, at)| *at);
    let Some(from) = ranks.min() else { return Ok(()) };
    let query = sqlx::query(END).bind(listing_id).bind(Series::SalesRank.number()).bind(last_at);
    query.bind(from.as_millisecond()).execute(conn).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Claimed {
    listing_id: i64,
    token: i64,
    attempt: i32,
}

#[derive(sqlx::FromRow)]
struct ListingColumns {
    id: i64,
    marketplace: String,
    asin: String,
}

async fn claim(
    conn: &mut Conn,
    limit: i64,
    lease_ms: i64,
    owner: String,
    charge: i64,
    clock: ClockParam,
) -> StoreResult<Vec<HistoryLease>> {
    const MARKETPLACE: &str =
        concat!("SELECT marketplace FROM history_import WHERE ready_at <= ", now!(1), " ORDER BY ready_at LIMIT 1");
    const CLAIM: &str = concat!(
        "WITH due AS MATERIALIZED (SELECT listing_id FROM history_import WHERE ready_at <= ",
        now!(1),
        " AND marketplace = $2 ORDER BY ready_at LIMIT $3",
        skip_locked!(),
        ") UPDATE history_import SET token = token + 1, attempt = attempt + 1, owner = $4, ready_at = ",
        now!(1),
        " + $5, charge = $6 + CASE WHEN fetched_at > ",
        now!(1),
        " - $7 THEN charge ELSE 0 END, fetched_at = ",
        now!(1),
        " FROM due WHERE history_import.listing_id = due.listing_id \
         RETURNING history_import.listing_id, history_import.token, history_import.attempt"
    );
    const LISTINGS: &str = concat!(
        "SELECT listing.id, listing.marketplace, listing.asin FROM (",
        numbers!(1),
        ") AS given JOIN listing ON listing.id = given.value"
    );
    let marketplace: Option<String> = sqlx::query_scalar(MARKETPLACE).bind(clock).fetch_optional(&mut *conn).await?;
    let Some(marketplace) = marketplace else { return Ok(Vec::new()) };
    let query = sqlx::query_as(CLAIM).bind(clock).bind(marketplace).bind(limit).bind(owner).bind(lease_ms);
    let claimed: Vec<Claimed> = query.bind(charge).bind(DAY_MS).fetch_all(&mut *conn).await?;
    let ids: Vec<i64> = claimed.iter().map(|row| row.listing_id).collect();
    let rows: Vec<ListingColumns> = sqlx::query_as(LISTINGS).bind(Json(ids)).fetch_all(conn).await?;
    let known = |row: ListingColumns| Some((row.id, or_report(listing(&row.marketplace, &row.asin))?));
    let listings: BTreeMap<i64, Listing> = rows.into_iter().filter_map(known).collect();
    let lease = |row: Claimed| {
        let listing = *listings.get(&row.listing_id)?;
        let attempt = or_report(count(row.attempt))?;
        Some(HistoryLease { listing_id: ListingId(row.listing_id), listing, token: row.token, attempt })
    };
    Ok(claimed.into_iter().filter_map(lease).collect())
}

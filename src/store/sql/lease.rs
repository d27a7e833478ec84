//! The lease queue, except claim and commit: each engine has its own SQL for those two.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::types::Json;

use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, catalog, claim, commit, details};
use crate::domain::{Failure, Listing, ListingId, Marketplace, Outcome};
use crate::store::clock::{ClockParam, millis};
use crate::store::rows::time;
use crate::store::tenant_scope::TenantScope;
use crate::store::{Backlog, Claim, ClaimRequest, Commit, Committed, Lane, LeaseQueue, StoreResult};

/// The time by the database's clock.
pub(super) const NOW: &str = concat!("SELECT ", now!(1));

/// The given leases that are held, as `held`: locked in the order of their ids, as every transaction does that locks several.
macro_rules! with_held {
    () => {
        concat!(
            "WITH held AS MATERIALIZED ( \
               SELECT lease.listing_id, lease.token FROM lease JOIN (",
            records!(1, listing_id bigint, token bigint),
            ") AS given ON given.listing_id = lease.listing_id AND given.token = lease.token \
               WHERE lease.owner IS NOT NULL ORDER BY lease.listing_id",
            lock_rows!("lease"),
            ") "
        )
    };
}

/// A lease as the SQL reads it from JSON.
#[derive(Serialize)]
struct HeldLease {
    listing_id: ListingId,
    token: i64,
}

#[async_trait]
impl LeaseQueue for Backend {
    async fn claim(&self, request: ClaimRequest<'_>) -> StoreResult<Vec<Claim>> {
        if request.limit == 0 || request.rooms.is_empty() {
            return Ok(Vec::new());
        }
        let leases = claim::leases(self, &request).await?;
        let taken: Vec<_> = leases.iter().map(|lease| (ListingId(lease.listing_id), lease.token)).collect();
        let claims = details::of(self, request.lane, leases, millis(request.lease)).await;
        if claims.is_err()
            && let Err(error) = self.release(&taken).await
        {
            tracing::warn!(%error, "unused leases could not be released; they expire");
        }
        claims
    }

    async fn commit(&self, commits: &[Commit]) -> StoreResult<Vec<Committed>> {
        let mut seen = HashSet::new();
        // Of two commits with the same token the first counts: a token is for one crawl.
        let distinct: Vec<&Commit> =
            commits.iter().filter(|commit| seen.insert((commit.listing_id.0, commit.token))).collect();
        let mut recorded = write_with_fallback(self, &distinct).await?;
        let answer = |commit: &Commit| Committed {
            listing_id: commit.listing_id,
            token: commit.token,
            recorded: recorded.remove(&(commit.listing_id.0, commit.token)),
        };
        Ok(commits.iter().map(answer).collect())
    }

    async fn release(&self, leases: &[(ListingId, i64)]) -> StoreResult<u64> {
        const RELEASE: &str = concat!(
            with_held!(),
            "UPDATE lease SET ready_at = ",
            now!(2),
            ", owner = NULL, attempt = CASE WHEN lease.attempt > 0 THEN lease.attempt - 1 ELSE 0 END \
             FROM held WHERE lease.listing_id = held.listing_id AND lease.token = held.token"
        );
        if leases.is_empty() {
            return Ok(0);
        }
        let query = sqlx::query(RELEASE).bind(Json(held(leases))).bind(self.clock_param());
        Ok(self.on_claims(async |conn| query.execute(conn).await).await?.rows_affected())
    }

    async fn extend(&self, leases: &[(ListingId, i64)], lease: Duration) -> StoreResult<Vec<ListingId>> {
        const EXTEND: &str = concat!(
            with_held!(),
            "UPDATE lease SET ready_at = ",
            now!(2),
            " + $3 FROM held WHERE lease.listing_id = held.listing_id AND lease.token = held.token \
             RETURNING lease.listing_id"
        );
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let query = sqlx::query_scalar(EXTEND).bind(Json(held(leases))).bind(self.clock_param()).bind(millis(lease));
        let extended: Vec<i64> = self.on_claims(async |conn| query.fetch_all(conn).await).await?;
        Ok(extended.into_iter().map(ListingId).collect())
    }

    async fn next_due_in(&self, marketplaces: &[Marketplace], max_attempts: u16) -> StoreResult<Option<Duration>> {
        /// The first of a lane that can be claimed, on each marketplace: one index lookup.
        macro_rules! first_of_lane {
            ($lane:literal) => {
                concat!(
                    "SELECT (SELECT ready_at FROM lease WHERE lane = ",
                    $lane,
                    " AND marketplace = given.value AND parked_at IS NULL AND attempt < $2 \
                     ORDER BY ready_at LIMIT 1) AS ready_at FROM (",
                    texts!(3),
                    ") AS given"
                )
            };
        }
        const NEXT: &str = concat!(
            "SELECT min(ready_at) - ",
            now!(1),
            " FROM (",
            first_of_lane!(0),
            " UNION ALL ",
            first_of_lane!(1),
            ") AS lanes"
        );
        let query = sqlx::query_scalar(NEXT).bind(self.clock_param()).bind(i32::from(max_attempts));
        let query = query.bind(Json(marketplaces.to_vec()));
        let left_ms: Option<i64> = self.on_claims(async |conn| query.fetch_one(conn).await).await?;
        Ok(left_ms.map(not_negative))
    }

    async fn clamp_due_times(&self) -> StoreResult<u64> {
        // The longest regular pause is the interval + 10 %, the longest retry an hour. Of adaptive products, the longest interval. A token is not reused: a crawl that holds a
        // clamped lease loses it.
        const CLAMP: &str = concat!(
            "UPDATE lease SET ready_at = ",
            now!(1),
            " WHERE parked_at IS NULL AND ready_at > ",
            now!(1),
            " + CASE WHEN owner IS NOT NULL THEN 3600000 ELSE 3600000 + 1200 * coalesce(( \
               SELECT min(CASE WHEN p.is_adaptive AND CAST(t.crawl_allocation ->> 'max_interval_secs' AS bigint) > p.interval_secs \
                               THEN CAST(t.crawl_allocation ->> 'max_interval_secs' AS bigint) ELSE p.interval_secs END) \
               FROM product p JOIN tenant t ON t.id = p.tenant_id \
               WHERE p.listing_id = lease.listing_id AND p.status = 'active'), 0) END"
        );
        let query = sqlx::query(CLAMP).bind(self.clock_param());
        Ok(query.execute(&mut *self.writer(TenantScope::All).await?).await?.rows_affected())
    }

    async fn park_failing(&self, max_attempts: u16, limit: u32) -> StoreResult<u64> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| park_failing(conn, max_attempts, limit, clock).boxed()).await
    }

    async fn unpark(&self, listing_id: ListingId) -> StoreResult<bool> {
        const UNPARK: &str = concat!(
            "UPDATE lease SET lane = 1, ready_at = ",
            now!(2),
            ", attempt = 0, parked_at = NULL WHERE listing_id = $1 AND parked_at IS NOT NULL AND EXISTS ( \
               SELECT 1 FROM product p WHERE p.listing_id = lease.listing_id AND p.status = 'active')"
        );
        let clock = self.clock_param();
        let unparked = sqlx::query(UNPARK)
            .bind(listing_id.0)
            .bind(clock)
            .execute(&mut *self.writer(TenantScope::All).await?)
            .await?;
        Ok(unparked.rows_affected() == 1)
    }

    async fn schedule_unwatched(&self, listings: &[Listing], max_attempts: u16) -> StoreResult<()> {
        let (clock, listings) = (self.clock_param(), listings.to_vec());
        self.transaction(TenantScope::All, move |conn| schedule_unwatched(conn, listings, max_attempts, clock).boxed())
            .await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        // Both lanes are named because the index begins with the lane. Parked listings that no active product watches are
        // meant to be parked, so they are not counted.
        const BACKLOG: &str = concat!(
            "SELECT count(*), ",
            now!(1),
            " - min(ready_at), ( \
               SELECT count(*) FROM lease WHERE parked_at IS NOT NULL AND EXISTS ( \
                 SELECT 1 FROM product p WHERE p.listing_id = lease.listing_id AND p.status = 'active')) \
             FROM lease WHERE lane IN (0, 1) AND ready_at <= ",
            now!(1),
            " AND parked_at IS NULL"
        );
        let query = sqlx::query_as(BACKLOG).bind(self.clock_param());
        let (due, oldest_due_ms, parked): (i64, Option<i64>, i64) =
            query.fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        let oldest_due = oldest_due_ms.map(not_negative).unwrap_or_default();
        Ok(Backlog { due: due.unsigned_abs(), oldest_due, parked: parked.unsigned_abs() })
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        let now_ms = sqlx::query_scalar(NOW).bind(self.clock_param()).fetch_one(&self.readers).await?;
        time(now_ms)
    }
}

/// Writes a batch. If the database refuses its values, writes the commits one by one, so that a commit that cannot be written
/// (a text with a NUL, for example) does not fail the others; its lease expires.
async fn write_with_fallback(store: &Backend, commits: &[&Commit]) -> StoreResult<HashSet<(i64, i64)>> {
    if commits.is_empty() {
        return Ok(HashSet::new());
    }
    match commit::write(store, commits).await {
        Err(error) if error.is_about_values() => {}
        written_or_failed => return written_or_failed,
    }
    let mut recorded = HashSet::new();
    for one in commits {
        match commit::write(store, &[one]).await {
            Ok(written) => recorded.extend(written),
            Err(error) if error.is_about_values() => {
                tracing::error!(listing_id = one.listing_id.0, %error, "a commit was refused; its lease expires");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(recorded)
}

fn held(leases: &[(ListingId, i64)]) -> Vec<HeldLease> {
    leases.iter().map(|&(listing_id, token)| HeldLease { listing_id, token }).collect()
}

/// A number of milliseconds; a negative one is none.
pub(super) fn not_negative(ms: i64) -> Duration {
    Duration::from_millis(ms.max(0).unsigned_abs())
}

/// Listings that fail for ever stay parked.
async fn schedule_unwatched(
    conn: &mut Conn,
    listings: Vec<Listing>,
    max_attempts: u16,
    clock: ClockParam,
) -> StoreResult<()> {
    const USABLE: &str = concat!(
        "SELECT listing_id FROM lease WHERE (parked_at IS NULL OR attempt < $2) AND listing_id IN (",
        numbers!(1),
        ") ORDER BY listing_id"
    );
    let mut ids = Vec::new();
    for listing in listings {
        ids.push(catalog::listing_row(conn, listing, clock).await?);
    }
    ids.sort_unstable();
    schedule_request::lock(conn, &ids, clock).await?;
    let usable = sqlx::query_scalar(USABLE).bind(Json(ids)).bind(i32::from(max_attempts));
    let usable: Vec<i64> = usable.fetch_all(&mut *conn).await?;
    let now = ScheduleRequest { lane: Lane::Scheduled, due_in_ms: 0, unparks: true, accepts_running: true };
    schedule_request::upsert(conn, &usable, &now, clock).await
}

/// The update repeats the conditions of the selection: a crawl may succeed between the two. The token rises, so that a crawl
/// that hung and returns finds its lease lost.
async fn park_failing(conn: &mut Conn, max_attempts: u16, limit: u32, clock: ClockParam) -> StoreResult<u64> {
    const PARK: &str = concat!(
        "WITH failing AS MATERIALIZED ( \
           SELECT listing_id FROM lease WHERE parked_at IS NULL AND attempt >= $1 AND ready_at <= ",
        now!(2),
        " \
           ORDER BY listing_id LIMIT $3",
        skip_locked!(),
        ") UPDATE lease SET parked_at = ",
        now!(2),
        ", owner = NULL, token = token + 1 \
         WHERE listing_id IN (SELECT listing_id FROM failing) \
           AND parked_at IS NULL AND attempt >= $1 AND ready_at <= ",
        now!(2),
        " \
         RETURNING listing_id"
    );
    const FAIL: &str = concat!(
        "UPDATE job_item SET status = 'failed', outcome = $2, finished_at = ",
        now!(3),
        " \
         WHERE status = 'pending' AND listing_id IN (",
        numbers!(1),
        ")"
    );
    let query = sqlx::query_scalar(PARK).bind(i32::from(max_attempts)).bind(clock).bind(i64::from(limit));
    let parked: Vec<i64> = query.fetch_all(&mut *conn).await?;
    let count = parked.len() as u64;
    let outcome = Outcome::Failed(Failure::Panicked).as_str();
    sqlx::query(FAIL).bind(Json(parked)).bind(outcome).bind(clock).execute(conn).await?;
    Ok(count)
}

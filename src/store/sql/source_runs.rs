//! Runs of sources that crawl many listings at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Backend, Conn, spending, usage};
use crate::domain::{
    Block, Failure, JobStep, Listing, OpenedListRun, OpenedRuns, Outcome, Reservation, RunBudget, RunEnd, RunRequest,
    SourceRun, TenantId, TenantSpending,
};
use crate::store::clock::{ClockParam, millis};
use crate::store::error::or_report;
use crate::store::rows::{listing, time};
use crate::store::tenant_scope::TenantScope;
use crate::store::{SourceRuns, StoreError, StoreResult};

/// Runs that are settled at a time.
const MAX_UNFOLLOWED: i64 = 20;

#[async_trait]
impl SourceRuns for Backend {
    async fn open_runs(
        &self,
        source: &str,
        requests: &[RunRequest],
        max_age: Duration,
        budget: &RunBudget,
    ) -> StoreResult<OpenedRuns> {
        let (clock, source, requests) = (self.clock_param(), source.to_owned(), requests.to_vec());
        let (max_age_ms, budget) = (millis(max_age), budget.clone());
        self.transaction(TenantScope::All, move |conn| {
            open_runs(conn, source, requests, max_age_ms, budget, clock).boxed()
        })
        .await
    }

    async fn open_list_run(
        &self,
        source: &str,
        job: JobStep,
        max_items: u32,
        budget: &RunBudget,
    ) -> StoreResult<OpenedListRun> {
        let (clock, source, budget) = (self.clock_param(), source.to_owned(), budget.clone());
        self.transaction(TenantScope::All, move |conn| {
            open_list_run(conn, source, job, max_items, budget, clock).boxed()
        })
        .await
    }

    async fn unfollowed_runs(&self, min_age: Duration) -> StoreResult<Vec<SourceRun>> {
        const UNFOLLOWED: &str = concat!(
            "SELECT id FROM source_run WHERE ended_at IS NULL AND opened_at < ",
            now!(1),
            " - $2 ORDER BY opened_at LIMIT $3"
        );
        let mut conn = self.writer(TenantScope::All).await?;
        let query = sqlx::query_scalar(UNFOLLOWED).bind(self.clock_param()).bind(millis(min_age));
        let ids: Vec<Uuid> = query.bind(MAX_UNFOLLOWED).fetch_all(&mut *conn).await?;
        existing_runs(&mut conn, ids.into_iter().map(|id| (id, Vec::new())).collect()).await
    }

    async fn run_started(&self, id: Uuid, external_id: &str) -> StoreResult<bool> {
        const STARTED: &str = "UPDATE source_run SET external_id = $2 WHERE id = $1 AND external_id IS NULL \
             AND NOT EXISTS (SELECT 1 FROM source_run other WHERE other.external_id = $2)";
        let query = sqlx::query(STARTED).bind(id).bind(external_id.to_owned());
        Ok(query.execute(&mut *self.writer(TenantScope::All).await?).await?.rows_affected() > 0)
    }

    async fn ids_of_other_runs(&self, id: Uuid, since: Timestamp) -> StoreResult<HashSet<String>> {
        const OTHERS: &str =
            "SELECT external_id FROM source_run WHERE opened_at >= $1 AND external_id IS NOT NULL AND id <> $2";
        let query = sqlx::query_scalar(OTHERS).bind(since.as_millisecond()).bind(id);
        let ids: Vec<String> = query.fetch_all(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(ids.into_iter().collect())
    }

    async fn run_ended(&self, id: Uuid, end: RunEnd) -> StoreResult<bool> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| run_ended(conn, id, end, clock).boxed()).await
    }

    async fn spending(&self, tenant_id: TenantId) -> StoreResult<TenantSpending> {
        spending::of_tenant(&mut *self.reader(tenant_id).await?, tenant_id, self.clock_param()).await
    }
}

async fn open_list_run(
    conn: &mut Conn,
    source: String,
    JobStep { tenant_id, job_id, token }: JobStep,
    max_items: u32,
    budget: RunBudget,
    clock: ClockParam,
) -> StoreResult<OpenedListRun> {
    const HELD: &str = "SELECT 1 FROM job WHERE id = $1 AND tenant_id = $2 AND token = $3 AND owner IS NOT NULL";
    const OF_JOB: &str = "SELECT r.id FROM job j JOIN source_run r ON r.job_id = j.id \
         WHERE j.id = $1 AND j.tenant_id = $2 AND NOT r.is_lost AND r.opened_at >= j.started_at \
         ORDER BY r.opened_at DESC LIMIT 1";
    const RUN: &str = concat!(
        "INSERT INTO source_run (id, source, opened_at, reserved_micros, job_id) VALUES ($1, $2, ",
        now!(3),
        ", $4, $5) RETURNING opened_at"
    );
    // Before the run is looked for: no second step of the job begins another one meanwhile.
    usage::lock(conn, TenantId::BUILT_IN).await?;
    let held: Option<i32> =
        sqlx::query_scalar(HELD).bind(job_id.0).bind(tenant_id.0).bind(token).fetch_optional(&mut *conn).await?;
    held.ok_or(StoreError::NotFound("job"))?;
    let query = sqlx::query_scalar(OF_JOB).bind(job_id.0).bind(tenant_id.0);
    if let Some(id) = query.fetch_optional(&mut *conn).await? {
        let runs = existing_runs(conn, BTreeMap::from([(id, Vec::new())])).await?;
        return runs.into_iter().next().map(OpenedListRun::Run).ok_or(StoreError::NotFound("run"));
    }
    let cost = match spending::reserve_items_for(conn, &budget, tenant_id, max_items, clock).await? {
        Ok(cost) => cost,
        Err(why) => {
            // A budget that has room for a shorter list is not spent.
            let spent = spending::reserve_items_for(conn, &budget, tenant_id, 1, clock).await?.err();
            let refused = spent.map(|spent| (tenant_id, spent.owner())).into_iter().collect();
            let refusals = spending::record_refusals(conn, refused, clock).await?;
            return Ok(OpenedListRun::Refused { why, refusals });
        }
    };
    let id = Uuid::now_v7();
    let query = sqlx::query_scalar(RUN).bind(id).bind(source.clone()).bind(clock);
    let opened_ms = query.bind(spending::stored(cost)).bind(job_id.0).fetch_one(&mut *conn).await?;
    let shares = BTreeMap::from([(tenant_id, (cost, u64::from(max_items)))]);
    spending::record(conn, id, source, opened_ms, shares).await?;
    let (listings, wanted) = (Vec::new(), Vec::new());
    let opened_at = time(opened_ms)?;
    Ok(OpenedListRun::Run(SourceRun { id, external_id: None, opened_at, is_new: true, listings, wanted }))
}

async fn run_ended(conn: &mut Conn, id: Uuid, end: RunEnd, clock: ClockParam) -> StoreResult<bool> {
    const ENDED: &str = concat!(
        "UPDATE source_run SET ended_at = ",
        now!(2),
        ", is_lost = $3, cost_micros = $4 WHERE id = $1 AND ended_at IS NULL RETURNING external_id IS NOT NULL"
    );
    let (is_lost, cost_micros) = match end {
        RunEnd::Ended { cost_micros } => (false, cost_micros),
        RunEnd::Lost => (true, None),
    };
    let stored = cost_micros.map(|cost| i64::try_from(cost).unwrap_or(i64::MAX));
    let query = sqlx::query_scalar(ENDED).bind(id).bind(clock).bind(is_lost).bind(stored);
    let Some(was_started): Option<bool> = query.fetch_optional(&mut *conn).await? else { return Ok(false) };
    // What was started may have cost something, even if it is lost.
    let is_free = is_lost && !was_started;
    spending::settle(conn, id, if is_free { Some(0) } else { cost_micros }).await?;
    Ok(true)
}

#[derive(sqlx::FromRow)]
struct ListingColumns {
    id: i64,
    marketplace: String,
    asin: String,
}

#[derive(sqlx::FromRow)]
struct RunColumns {
    id: Uuid,
    external_id: Option<String>,
    opened_at: i64,
}

async fn open_runs(
    conn: &mut Conn,
    source: String,
    requests: Vec<RunRequest>,
    max_age_ms: i64,
    budget: RunBudget,
    clock: ClockParam,
) -> StoreResult<OpenedRuns> {
    let requested: HashMap<Listing, RunRequest> = requests.iter().map(|request| (request.listing, *request)).collect();
    let ids = ids_of(conn, requests.iter().map(|request| request.listing).collect()).await?;
    let run_of = current_runs(conn, &source, ids.keys().copied().collect(), max_age_ms, clock).await?;
    let mut wanted: BTreeMap<Uuid, Vec<Listing>> = BTreeMap::new();
    let mut unanswered = Vec::new();
    for (listing_id, listing) in ids {
        match run_of.get(&listing_id) {
            Some(run) => wanted.entry(*run).or_default().push(listing),
            None => unanswered.push((listing_id, listing)),
        }
    }
    let mut runs = existing_runs(conn, wanted).await?;
    if unanswered.is_empty() {
        return Ok(OpenedRuns { runs, ..OpenedRuns::default() });
    }
    let new = unanswered.iter().filter_map(|(id, listing)| Some((*id, *requested.get(listing)?))).collect();
    let mut reservation = spending::reserve_for(conn, &budget, new, clock).await?;
    let refused = std::mem::take(&mut reservation.refused);
    let refusals = spending::record_refusals(conn, std::mem::take(&mut reservation.without_money), clock).await?;
    unanswered.retain(|(_, listing)| reservation.listings.contains(listing));
    if !unanswered.is_empty() {
        runs.push(new_run(conn, source, unanswered, &reservation, clock).await?);
    }
    Ok(OpenedRuns { runs, refused, refusals })
}

/// The ids of listings, in their order.
async fn ids_of(conn: &mut Conn, listings: Vec<Listing>) -> StoreResult<BTreeMap<i64, Listing>> {
    const IDS: &str = concat!(
        "SELECT l.id, l.marketplace, l.asin FROM (",
        records!(1, marketplace text, asin text),
        ") AS given JOIN listing l ON l.marketplace = given.marketplace AND l.asin = given.asin"
    );
    let rows: Vec<ListingColumns> = sqlx::query_as(IDS).bind(Json(listings)).fetch_all(conn).await?;
    let known = |row: ListingColumns| Some((row.id, or_report(listing(&row.marketplace, &row.asin))?));
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Outcomes of crawls that could not follow their run: it may have items.
const UNANSWERED: [Outcome; 2] =
    [Outcome::Failed(Failure::Connect), Outcome::Blocked(Block::Refused { retry_after: None })];

/// The newest run of each listing that answers it.
async fn current_runs(
    conn: &mut Conn,
    source: &str,
    listings: Vec<i64>,
    max_age_ms: i64,
    clock: ClockParam,
) -> StoreResult<HashMap<i64, Uuid>> {
    const CURRENT: &str = concat!(
        "SELECT m.listing_id, r.id FROM source_run_listing m JOIN source_run r ON r.id = m.run_id \
           JOIN listing l ON l.id = m.listing_id \
         WHERE m.listing_id IN (",
        numbers!(1),
        ") AND r.source = $2 AND NOT r.is_lost AND r.opened_at > ",
        now!(3),
        " - $4 AND (r.opened_at > coalesce(l.last_crawled_at, 0) OR (r.ended_at IS NULL AND l.last_outcome IN (",
        texts!(5),
        "))) \
         ORDER BY r.opened_at"
    );
    let query = sqlx::query_as(CURRENT).bind(Json(listings)).bind(source.to_owned()).bind(clock).bind(max_age_ms);
    let query = query.bind(Json(UNANSWERED.map(|outcome| outcome.as_str())));
    let rows: Vec<(i64, Uuid)> = query.fetch_all(conn).await?;
    // Of several, the last one stays.
    Ok(rows.into_iter().collect())
}

async fn existing_runs(conn: &mut Conn, mut wanted: BTreeMap<Uuid, Vec<Listing>>) -> StoreResult<Vec<SourceRun>> {
    const RUNS: &str = concat!(
        "SELECT r.id, r.external_id, r.opened_at FROM (",
        uuids!(1),
        ") AS given JOIN source_run r ON r.id = given.id"
    );
    const LISTINGS: &str = concat!(
        "SELECT m.run_id, l.id, l.marketplace, l.asin FROM (",
        uuids!(1),
        ") AS given JOIN source_run_listing m ON m.run_id = given.id JOIN listing l ON l.id = m.listing_id ORDER BY l.id"
    );
    #[derive(sqlx::FromRow)]
    struct Member {
        run_id: Uuid,
        #[sqlx(flatten)]
        listing: ListingColumns,
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = wanted.keys().copied().collect();
    let runs: Vec<RunColumns> = sqlx::query_as(RUNS).bind(Json(ids.clone())).fetch_all(&mut *conn).await?;
    let members: Vec<Member> = sqlx::query_as(LISTINGS).bind(Json(ids)).fetch_all(conn).await?;
    let mut listings: HashMap<Uuid, Vec<Listing>> = HashMap::new();
    for member in members {
        let known = or_report(listing(&member.listing.marketplace, &member.listing.asin));
        listings.entry(member.run_id).or_default().extend(known);
    }
    let run = |row: RunColumns| {
        Ok(SourceRun {
            id: row.id,
            external_id: row.external_id,
            opened_at: time(row.opened_at)?,
            is_new: false,
            listings: listings.remove(&row.id).unwrap_or_default(),
            wanted: wanted.remove(&row.id).unwrap_or_default(),
        })
    };
    runs.into_iter().map(run).collect()
}

async fn new_run(
    conn: &mut Conn,
    source: String,
    listings: Vec<(i64, Listing)>,
    reservation: &Reservation,
    clock: ClockParam,
) -> StoreResult<SourceRun> {
    const RUN: &str = concat!(
        "INSERT INTO source_run (id, source, opened_at, reserved_micros) VALUES ($1, $2, ",
        now!(3),
        ", $4) RETURNING opened_at"
    );
    const LISTINGS: &str = concat!(
        "INSERT INTO source_run_listing (run_id, listing_id) SELECT $1, given.value FROM (",
        numbers!(2),
        ") AS given"
    );
    let id = Uuid::now_v7();
    let query = sqlx::query_scalar(RUN).bind(id).bind(source.clone()).bind(clock);
    let opened_ms = query.bind(spending::stored(reservation.micros)).fetch_one(&mut *conn).await?;
    spending::record(conn, id, source, opened_ms, reservation.shares.clone()).await?;
    let (ids, listings): (Vec<i64>, Vec<Listing>) = listings.into_iter().unzip();
    sqlx::query(LISTINGS).bind(id).bind(Json(ids)).execute(conn).await?;
    let wanted = listings.clone();
    Ok(SourceRun { id, external_id: None, opened_at: time(opened_ms)?, is_new: true, listings, wanted })
}

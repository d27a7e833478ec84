//! Steps of jobs. Each is one transaction: it locks the job under its token, does the work of some items, and ends the lease with
//! the new counts.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::product_batch::{self, Added, NewRow};
use super::schedule_request::{self, ScheduleRequest};
use super::{Conn, usage};
use crate::domain::{ItemStatus, JobCounts, JobId, Listing, ProductSettings};
use crate::store::clock::ClockParam;
use crate::store::jobs::{BatchItem, ImportItem, JobLease, ListedPage};
use crate::store::{Lane, StoreError, StoreResult};

/// Until the items of a batch are counted again, and for each pending item in addition: counting many takes longer.
const SETTLE_EVERY_MS: i64 = 1000;
const SETTLE_EVERY_MS_PER_ITEM: i64 = 1;
/// A tenth of the job's age is added, up to this: crawls that take long are seldom counted.
const MAX_SETTLE_EVERY_MS: i64 = 60_000;

/// The counts of a job's items, by one statement.
const RECOUNT: &str = concat!(
    "UPDATE job SET total = given.total, done = given.done, skipped = given.skipped, failed = given.failed, \
       cancelled = given.cancelled, \
       updated_at = CASE WHEN job.status IN ('pending', 'running') AND job.done = given.done AND job.skipped = given.skipped \
         AND job.failed = given.failed AND job.cancelled = given.cancelled THEN job.updated_at ELSE ",
    now!(2),
    " END FROM (SELECT count(*) AS total, count(*) FILTER (WHERE status = 'done') AS done, \
         count(*) FILTER (WHERE status = 'skipped') AS skipped, count(*) FILTER (WHERE status = 'failed') AS failed, \
         count(*) FILTER (WHERE status = 'cancelled') AS cancelled FROM job_item WHERE job_id = $1) AS given \
     WHERE job.id = $1"
);

/// Counts the items of a job again.
pub(super) async fn recount(conn: &mut Conn, id: JobId, clock: ClockParam) -> StoreResult<()> {
    sqlx::query(RECOUNT).bind(id.0).bind(clock).execute(conn).await?;
    Ok(())
}

/// When the next step is due.
pub(super) enum NextStep {
    AtOnce,
    /// After a while, which grows with the pending items.
    Later,
}

/// Locks a job until the transaction ends.
pub(super) async fn hold(conn: &mut Conn, lease: JobLease) -> StoreResult<()> {
    const HOLD: &str = "UPDATE job SET owner = owner WHERE id = $1 AND token = $2 AND owner IS NOT NULL";
    let held = sqlx::query(HOLD).bind(lease.id.0).bind(lease.token).execute(conn).await?;
    if held.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound("job")) }
}

/// Ends the lease of a step, and the job with its last item.
pub(super) async fn end(
    conn: &mut Conn,
    lease: JobLease,
    ended: JobCounts,
    next: NextStep,
    clock: ClockParam,
) -> StoreResult<()> {
    const COUNT: &str = concat!(
        "UPDATE job SET total = total + $2, done = done + $3, skipped = skipped + $4, failed = failed + $5, updated_at = ",
        now!(6),
        " WHERE id = $1"
    );
    const END: &str = concat!(
        "UPDATE job SET owner = NULL, attempt = 0, \
           ready_at = ",
        now!(2),
        " + $3 + $4 * (total - done - skipped - failed - cancelled) + CASE WHEN (",
        now!(2),
        " - started_at) / 10 < $5 THEN (",
        now!(2),
        " - started_at) / 10 ELSE $5 END, \
           status = CASE WHEN is_expanded AND total <= done + skipped + failed + cancelled \
                         THEN CASE WHEN failed > 0 THEN 'failed' WHEN total > cancelled OR total = 0 THEN 'done' ELSE 'cancelled' END \
                         ELSE 'running' END, \
           finished_at = CASE WHEN is_expanded AND total <= done + skipped + failed + cancelled THEN ",
        now!(2),
        " END, \
           updated_at = CASE WHEN is_expanded AND total <= done + skipped + failed + cancelled THEN ",
        now!(2),
        " ELSE updated_at END \
         WHERE id = $1"
    );
    if ended != JobCounts::default() {
        let [total, done, skipped, failed] = [ended.total, ended.done, ended.skipped, ended.failed]
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let query = sqlx::query(COUNT).bind(lease.id.0).bind(total).bind(done).bind(skipped).bind(failed).bind(clock);
        query.execute(&mut *conn).await?;
    }
    let (pause_ms, per_item_ms, max_by_age_ms) = match next {
        NextStep::AtOnce => (0, 0, 0),
        NextStep::Later => (SETTLE_EVERY_MS, SETTLE_EVERY_MS_PER_ITEM, MAX_SETTLE_EVERY_MS),
    };
    let query = sqlx::query(END).bind(lease.id.0).bind(clock).bind(pause_ms).bind(per_item_ms).bind(max_by_age_ms);
    query.execute(conn).await?;
    Ok(())
}

pub(super) async fn settle(conn: &mut Conn, lease: JobLease, clock: ClockParam) -> StoreResult<()> {
    hold(conn, lease).await?;
    recount(conn, lease.id, clock).await?;
    end(conn, lease, JobCounts::default(), NextStep::Later, clock).await
}

pub(super) async fn expand(
    conn: &mut Conn,
    lease: JobLease,
    tag: Option<String>,
    limit: u32,
    clock: ClockParam,
) -> StoreResult<()> {
    const LAST: &str = "SELECT place, product_id FROM job_item WHERE job_id = $1 ORDER BY place DESC LIMIT 1";
    const EXPANDED: &str = "UPDATE job SET is_expanded = true WHERE id = $1";
    // The product stands with its items from the start: the next step goes on behind it.
    const ADD: &str = concat!(
        "INSERT INTO job_item (job_id, place, tenant_id, product_id, input, status) \
         SELECT $2, $3 + given.place, $4, given.id, l.marketplace || '/' || l.asin, 'pending' FROM (",
        uuids!(1),
        ") AS given JOIN product p ON p.id = given.id JOIN listing l ON l.id = p.listing_id"
    );
    const INPUTS: &str = "SELECT inputs FROM job WHERE id = $1";
    hold(conn, lease).await?;
    let inputs: Option<String> = sqlx::query_scalar(INPUTS).bind(lease.id.0).fetch_one(&mut *conn).await?;
    if let Some(inputs) = inputs {
        return expand_inputs(conn, lease, &inputs, limit, clock).await;
    }
    let last: Option<(i32, Option<Uuid>)> = sqlx::query_as(LAST).bind(lease.id.0).fetch_optional(&mut *conn).await?;
    let (place, after) = last.map_or((0, None), |(place, product)| (place + 1, product));
    let products = product_batch::active(conn, lease.tenant_id, tag, after, limit).await?;
    if products.len() < limit as usize {
        sqlx::query(EXPANDED).bind(lease.id.0).execute(&mut *conn).await?;
    }
    let total = products.len() as u64;
    let query = sqlx::query(ADD).bind(Json(products)).bind(lease.id.0).bind(place).bind(lease.tenant_id.0);
    query.execute(&mut *conn).await?;
    end(conn, lease, JobCounts { total, ..JobCounts::default() }, NextStep::AtOnce, clock).await
}

/// Adds the next of the inputs of a job; they were counted when it was created.
async fn expand_inputs(
    conn: &mut Conn,
    lease: JobLease,
    inputs: &str,
    limit: u32,
    clock: ClockParam,
) -> StoreResult<()> {
    const KNOWN: &str = "SELECT coalesce(max(place) + 1, 0) FROM job_item WHERE job_id = $1";
    const EXPANDED: &str = "UPDATE job SET is_expanded = true, inputs = NULL WHERE id = $1";
    const ADD: &str = concat!(
        "INSERT INTO job_item (job_id, place, tenant_id, input, status) SELECT $2, given.place, $3, given.input, 'pending' FROM (",
        records!(1, place integer, input text),
        ") AS given"
    );
    let inputs: Vec<String> = serde_json::from_str(inputs).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let known: i32 = sqlx::query_scalar(KNOWN).bind(lease.id.0).fetch_one(&mut *conn).await?;
    let (known, limit) = (usize::try_from(known).unwrap_or_default(), limit as usize);
    let items: Vec<NewInput<'_>> = inputs
        .iter()
        .enumerate()
        .skip(known)
        .take(limit)
        .map(|(place, input)| NewInput { place, input: input.as_str() })
        .collect();
    if known + items.len() >= inputs.len() {
        sqlx::query(EXPANDED).bind(lease.id.0).execute(&mut *conn).await?;
    }
    let items = serde_json::to_value(items).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let query = sqlx::query(ADD).bind(Json(items)).bind(lease.id.0).bind(lease.tenant_id.0);
    query.execute(&mut *conn).await?;
    end(conn, lease, JobCounts::default(), NextStep::AtOnce, clock).await
}

/// An input as the SQL reads it from JSON.
#[derive(Serialize)]
struct NewInput<'i> {
    place: usize,
    input: &'i str,
}

pub(super) async fn add_listed(
    conn: &mut Conn,
    lease: JobLease,
    page: ListedPage,
    adds: Option<(ProductSettings, u32)>,
    clock: ClockParam,
) -> StoreResult<()> {
    const READ: &str = "UPDATE job SET pages = pages + 1, is_expanded = $2 WHERE id = $1";
    const NEXT: &str = "SELECT coalesce(max(place) + 1, 0) FROM job_item WHERE job_id = $1";
    const KNOWN: &str = "SELECT input FROM job_item WHERE job_id = $1";
    const ADD: &str = concat!(
        "INSERT INTO job_item (job_id, place, tenant_id, input, status) SELECT $2, given.place, $3, given.input, 'pending' FROM (",
        records!(1, place integer, input text),
        ") AS given"
    );
    hold(conn, lease).await?;
    usage::lock(conn, lease.tenant_id).await?;
    let first: i32 = sqlx::query_scalar(NEXT).bind(lease.id.0).fetch_one(&mut *conn).await?;
    // A list has hundreds of items, not thousands. An advertisement may show one twice.
    let known: Vec<String> = sqlx::query_scalar(KNOWN).bind(lease.id.0).fetch_all(&mut *conn).await?;
    let mut known: BTreeSet<String> = known.into_iter().collect();
    let new: Vec<Listing> = page.listings.into_iter().filter(|listing| known.insert(listing.to_string())).collect();
    let inputs: Vec<String> = new.iter().map(Listing::to_string).collect();
    let first = usize::try_from(first).unwrap_or_default();
    let items: Vec<NewInput<'_>> = (first..).zip(&inputs).map(|(place, input)| NewInput { place, input }).collect();
    let items = serde_json::to_value(items).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    sqlx::query(ADD).bind(Json(items)).bind(lease.id.0).bind(lease.tenant_id.0).execute(&mut *conn).await?;
    let adds_any = adds.is_some();
    let found = match adds {
        None => product_batch::watched(conn, lease.tenant_id, &new).await?,
        Some((settings, quota)) => {
            let rows = new.iter().map(|listing| NewRow { listing: *listing, settings: settings.clone() }).collect();
            product_batch::add(conn, lease.tenant_id, rows, quota, clock).await?
        }
    };
    let step = |(place, listing): (usize, &Listing)| {
        let (status, error) = match found.of(listing) {
            Added::Known(_) if adds_any => (ItemStatus::Skipped, Some("the listing is already tracked".to_owned())),
            Added::OverQuota(quota) => (ItemStatus::Failed, Some(over_products(quota))),
            Added::New(_) | Added::Known(_) | Added::Unknown => (ItemStatus::Done, None),
        };
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        StepItem { place, listing_id: found.listing_id(listing), status, error }
    };
    let steps: Vec<StepItem> = (first..).zip(&new).map(step).collect();
    sqlx::query(READ).bind(lease.id.0).bind(page.is_last).execute(&mut *conn).await?;
    let total = steps.len() as u64;
    let ended = write(conn, lease, steps, clock).await?;
    end(conn, lease, JobCounts { total, ..ended }, NextStep::AtOnce, clock).await
}

/// How an item of a step ended, or that it waits for the crawl of its listing.
#[derive(Serialize)]
struct StepItem {
    place: u32,
    listing_id: Option<i64>,
    status: ItemStatus,
    error: Option<String>,
}

impl StepItem {
    fn failed(place: u32, error: String) -> Self {
        Self { place, listing_id: None, status: ItemStatus::Failed, error: Some(error) }
    }
}

/// Writes what a step did. Returns how many items ended.
async fn write(conn: &mut Conn, lease: JobLease, items: Vec<StepItem>, clock: ClockParam) -> StoreResult<JobCounts> {
    // Materialized: SQLite would parse the list once for each item of the job.
    const WRITE: &str = concat!(
        "WITH given AS MATERIALIZED (",
        records!(1, place integer, listing_id bigint, status text, error text),
        ") UPDATE job_item SET status = given.status, error = given.error, listing_id = given.listing_id, \
           product_id = (SELECT p.id FROM product p WHERE p.tenant_id = $3 AND p.listing_id = given.listing_id), \
           finished_at = CASE WHEN given.status = 'pending' THEN NULL ELSE ",
        now!(4),
        " END FROM given WHERE job_item.job_id = $2 AND job_item.place = given.place"
    );
    let mut ended = JobCounts::default();
    items.iter().for_each(|item| ended.add(item.status));
    let query = sqlx::query(WRITE).bind(Json(items)).bind(lease.id.0).bind(lease.tenant_id.0).bind(clock);
    query.execute(conn).await?;
    Ok(ended)
}

pub(super) async fn request(
    conn: &mut Conn,
    lease: JobLease,
    items: Vec<BatchItem>,
    crawls_per_day: u32,
    adds: Option<(ProductSettings, u32)>,
    clock: ClockParam,
) -> StoreResult<()> {
    hold(conn, lease).await?;
    usage::lock(conn, lease.tenant_id).await?;
    let listings: Vec<Listing> = items.iter().map(|item| item.listing).collect();
    let watched = match adds {
        None => product_batch::watched(conn, lease.tenant_id, &listings).await?,
        Some((settings, quota)) => {
            let rows =
                listings.iter().map(|listing| NewRow { listing: *listing, settings: settings.clone() }).collect();
            product_batch::add(conn, lease.tenant_id, rows, quota, clock).await?
        }
    };
    let mut allowed = usage::consume_available(conn, lease.tenant_id, watched.known(), crawls_per_day, clock).await?;
    let mut requested = Vec::new();
    let step = |item: &BatchItem| match watched.of(&item.listing) {
        Added::Unknown => StepItem::failed(item.place, "the listing is not tracked".to_owned()),
        Added::OverQuota(quota) => StepItem::failed(item.place, over_products(quota)),
        Added::New(_) | Added::Known(_) if allowed == 0 => {
            StepItem::failed(item.place, format!("the plan allows {crawls_per_day} requested crawls per day"))
        }
        Added::New(listing_id) | Added::Known(listing_id) => {
            allowed -= 1;
            requested.push(listing_id);
            StepItem { place: item.place, listing_id: Some(listing_id), status: ItemStatus::Pending, error: None }
        }
    };
    let steps: Vec<StepItem> = items.iter().map(step).collect();
    // In the lane of scheduled crawls: many of these must not delay what somebody waits for.
    let now = ScheduleRequest { lane: Lane::Scheduled, due_in_ms: 0, unparks: true, accepts_running: true };
    schedule_request::lock(conn, &requested, clock).await?;
    schedule_request::upsert(conn, &requested, &now, clock).await?;
    let ended = write(conn, lease, steps, clock).await?;
    end(conn, lease, ended, NextStep::AtOnce, clock).await
}

fn over_products(quota: u32) -> String {
    format!("the plan allows {quota} products")
}

pub(super) async fn import(
    conn: &mut Conn,
    lease: JobLease,
    items: Vec<ImportItem>,
    quota: u32,
    is_dry_run: bool,
    clock: ClockParam,
) -> StoreResult<()> {
    hold(conn, lease).await?;
    usage::lock(conn, lease.tenant_id).await?;
    let (mut steps, mut places, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for ImportItem { place, product } in items {
        match product {
            Ok((listing, settings)) => {
                places.push((place, listing));
                rows.push(NewRow { listing, settings });
            }
            Err(error) => steps.push(StepItem::failed(place, error)),
        }
    }
    let mut added = if is_dry_run {
        product_batch::would_add(conn, lease, rows, quota).await?
    } else {
        product_batch::add(conn, lease.tenant_id, rows, quota, clock).await?
    };
    for (place, listing) in places {
        let (status, error) = match added.of(&listing) {
            Added::New(_) | Added::Unknown => (ItemStatus::Done, None),
            Added::Known(_) => (ItemStatus::Skipped, Some("the listing is already tracked".to_owned())),
            Added::OverQuota(quota) => (ItemStatus::Failed, Some(over_products(quota))),
        };
        let listing_id = added.listing_id(&listing);
        steps.push(StepItem { place, listing_id, status, error });
        // A second line with the same listing adds nothing.
        added.is_known_now(&listing);
    }
    let ended = write(conn, lease, steps, clock).await?;
    end(conn, lease, ended, NextStep::AtOnce, clock).await
}

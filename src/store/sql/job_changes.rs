//! Transactions that create jobs, and that begin, end and repeat them as a whole.

use sqlx::QueryBuilder;
use sqlx::types::Json;

use super::job_rows::{JOB_COLUMNS, JobColumns};
use super::job_steps::recount;
use super::{Conn, Db, reports, usage};
use crate::domain::{Job, JobId, JobSpec, JobStatus, TenantId};
use crate::store::clock::ClockParam;
use crate::store::error::OrNotFound;
use crate::store::jobs::{JobLease, NewJob, NewJobItem};
use crate::store::reports::REPORT_ITEM;
use crate::store::{StoreError, StoreResult};

/// Items that are added in the transaction of a request.
const ITEMS_AT_ONCE: usize = 250;
/// Until the first items of an upload.
const FIRST_PATIENCE_MS: i64 = 60_000;

pub(super) async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    tenant_id: TenantId,
    id: JobId,
) -> StoreResult<Job> {
    let mut query = QueryBuilder::<Db>::new(format!("SELECT {JOB_COLUMNS} FROM job WHERE tenant_id = "));
    query.push_bind(tenant_id.0).push(" AND id = ").push_bind(id.0);
    let row: JobColumns = query.build_query_as().fetch_one(executor).await.or_not_found("job")?;
    row.try_into()
}

/// Creates a job with its items.
pub(super) async fn create(conn: &mut Conn, job: NewJob, clock: ClockParam) -> StoreResult<Job> {
    const INSERT: &str = concat!(
        "INSERT INTO job (id, tenant_id, kind, spec, created_by, status, is_expanded, inputs, total, ready_at, created_at, \
           updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $10, $11, ",
        now!(8),
        " + $9, ",
        now!(8),
        ", ",
        now!(8),
        ")"
    );
    const OPEN: &str = "SELECT count(*) FROM job WHERE tenant_id = $1 AND kind <> 'crawl' \
         AND status IN ('receiving', 'pending', 'running')";
    let NewJob { tenant_id, spec, created_by, inputs, is_receiving, quota } = job;
    usage::lock(conn, tenant_id).await?;
    let id = JobId::new();
    let inputs = match &spec {
        JobSpec::Report(report) => {
            reports::add(conn, tenant_id, id, report, &created_by, clock).await?;
            // Many products become items before it.
            if report.subject.is_of_many() { Vec::new() } else { vec![REPORT_ITEM.to_owned()] }
        }
        JobSpec::Crawl | JobSpec::CrawlBatch { .. } | JobSpec::Import { .. } | JobSpec::Category { .. } => inputs,
    };
    let (status, patience_ms) = match is_receiving {
        true => (JobStatus::Receiving, FIRST_PATIENCE_MS),
        false => (JobStatus::Pending, 0),
    };
    let is_short = inputs.len() <= ITEMS_AT_ONCE;
    let is_expanded = is_receiving || (is_short && !inputs.is_empty());
    // Encoded as they are kept: texts.
    let kept = (!is_short).then(|| serde_json::to_string(&inputs).unwrap_or_default());
    let expected = if is_short { 0 } else { i64::try_from(inputs.len()).unwrap_or(i64::MAX) };
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(spec.kind().as_str()).bind(Json(spec));
    let query = query
        .bind(created_by)
        .bind(status.as_str())
        .bind(is_expanded)
        .bind(clock)
        .bind(patience_ms)
        .bind(kept)
        .bind(expected);
    query.execute(&mut *conn).await?;
    usage::check(conn, OPEN, tenant_id, "jobs", quota).await?;
    if is_short {
        let item = |(place, input)| NewJobItem { place, input, error: None };
        add_items(conn, tenant_id, id, (0..).zip(inputs).map(item).collect(), clock).await?;
    }
    find(conn, tenant_id, id).await
}

pub(super) async fn receive(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: JobId,
    items: Vec<NewJobItem>,
    patience_ms: i64,
    clock: ClockParam,
) -> StoreResult<()> {
    const RENEW: &str = concat!(
        "UPDATE job SET ready_at = ",
        now!(3),
        " + $4 WHERE tenant_id = $1 AND id = $2 AND status = 'receiving'"
    );
    let query = sqlx::query(RENEW).bind(tenant_id.0).bind(id.0).bind(clock).bind(patience_ms);
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotFound("job"));
    }
    add_items(conn, tenant_id, id, items, clock).await
}

/// Adds items to a job, and counts them.
async fn add_items(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: JobId,
    items: Vec<NewJobItem>,
    clock: ClockParam,
) -> StoreResult<()> {
    const ADD: &str = concat!(
        "INSERT INTO job_item (job_id, place, tenant_id, input, status, error, finished_at) \
         SELECT $2, given.place, $3, given.input, CASE WHEN given.error IS NULL THEN 'pending' ELSE 'failed' END, given.error, \
           CASE WHEN given.error IS NULL THEN NULL ELSE ",
        now!(4),
        " END FROM (",
        records!(1, place integer, input text, error text),
        ") AS given"
    );
    const COUNT: &str =
        concat!("UPDATE job SET total = total + $2, failed = failed + $3, updated_at = ", now!(4), " WHERE id = $1");
    if items.is_empty() {
        return Ok(());
    }
    let failed = items.iter().filter(|item| item.error.is_some()).count();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let counted = sqlx::query(COUNT).bind(id.0).bind(number(items.len())).bind(number(failed)).bind(clock);
    sqlx::query(ADD).bind(Json(items)).bind(id.0).bind(tenant_id.0).bind(clock).execute(&mut *conn).await?;
    counted.execute(conn).await?;
    Ok(())
}

pub(super) async fn cancel(conn: &mut Conn, tenant_id: TenantId, id: JobId, clock: ClockParam) -> StoreResult<Job> {
    // The token rises: a step that is being taken finds its lease lost.
    const CANCEL: &str = concat!(
        "UPDATE job SET status = 'cancelled', owner = NULL, token = token + 1, finished_at = ",
        now!(3),
        " WHERE tenant_id = $1 AND id = $2 AND status IN ('receiving', 'pending', 'running')"
    );
    let query = sqlx::query(CANCEL).bind(tenant_id.0).bind(id.0).bind(clock);
    if query.execute(&mut *conn).await?.rows_affected() == 1 {
        cancel_items(conn, id, clock).await?;
    }
    find(conn, tenant_id, id).await
}

pub(super) async fn fail(conn: &mut Conn, lease: JobLease, error: String, clock: ClockParam) -> StoreResult<()> {
    const FAIL: &str = concat!(
        "UPDATE job SET status = 'failed', owner = NULL, error = $3, finished_at = ",
        now!(4),
        " WHERE id = $1 AND token = $2 AND owner IS NOT NULL"
    );
    let query = sqlx::query(FAIL).bind(lease.id.0).bind(lease.token).bind(error).bind(clock);
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotFound("job"));
    }
    cancel_items(conn, lease.id, clock).await
}

/// Cancels the pending items of a job, and counts all.
async fn cancel_items(conn: &mut Conn, id: JobId, clock: ClockParam) -> StoreResult<()> {
    const CANCEL: &str = concat!(
        "UPDATE job_item SET status = 'cancelled', finished_at = ",
        now!(2),
        " WHERE job_id = $1 AND status = 'pending'"
    );
    sqlx::query(CANCEL).bind(id.0).bind(clock).execute(&mut *conn).await?;
    recount(conn, id, clock).await
}

pub(super) async fn retry(conn: &mut Conn, tenant_id: TenantId, id: JobId, clock: ClockParam) -> StoreResult<Job> {
    const LOCK: &str = "UPDATE job SET owner = owner WHERE tenant_id = $1 AND id = $2 AND status IN ('failed', 'cancelled') \
         RETURNING is_expanded";
    const REVIVE: &str = "UPDATE job_item SET status = 'pending', error = NULL, outcome = NULL, finished_at = NULL, \
           listing_id = NULL WHERE job_id = $1 AND status IN ('failed', 'cancelled') AND input IS NOT NULL";
    const RESTART: &str = concat!(
        "UPDATE job SET status = 'pending', error = NULL, started_at = NULL, finished_at = NULL, attempt = 0, \
           ended_before = done + skipped + failed + cancelled, ready_at = ",
        now!(2),
        ", updated_at = ",
        now!(2),
        " WHERE id = $1"
    );
    let ended: Option<bool> = sqlx::query_scalar(LOCK).bind(tenant_id.0).bind(id.0).fetch_optional(&mut *conn).await?;
    if let Some(is_expanded) = ended {
        let revived = sqlx::query(REVIVE).bind(id.0).execute(&mut *conn).await?.rows_affected();
        // Of one that was cancelled early, items are still to be added.
        if revived > 0 || !is_expanded {
            recount(conn, id, clock).await?;
            sqlx::query(RESTART).bind(id.0).bind(clock).execute(&mut *conn).await?;
        }
    }
    find(conn, tenant_id, id).await
}

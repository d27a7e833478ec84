//! Steps of jobs that make reports: each is one transaction, like those of other jobs.

use sqlx::types::Json;
use uuid::Uuid;

use super::job_steps::{NextStep, end, hold};
use super::report_recipients::recipients_of;
use super::{Conn, product_batch};
use crate::domain::{Email, JobCounts};
use crate::store::StoreResult;
use crate::store::clock::{ClockParam, millis};
use crate::store::jobs::JobLease;
use crate::store::reports::{FinishedReport, ItemSummary, REPORT_ITEM, ReportMail};

pub(super) async fn expand(
    conn: &mut Conn,
    lease: JobLease,
    tag: Option<String>,
    (limit, most): (u32, u32),
    clock: ClockParam,
) -> StoreResult<()> {
    const LAST: &str = "SELECT place, product_id FROM job_item WHERE job_id = $1 ORDER BY place DESC LIMIT 1";
    const ADD: &str = concat!(
        "INSERT INTO job_item (job_id, place, tenant_id, product_id, input, status) \
         SELECT $2, $3 + given.place, $4, given.id, l.marketplace || '/' || l.asin, 'pending' FROM (",
        uuids!(1),
        ") AS given JOIN product p ON p.id = given.id JOIN listing l ON l.id = p.listing_id"
    );
    const ADD_REPORT: &str =
        "INSERT INTO job_item (job_id, place, tenant_id, input, status) VALUES ($1, $2, $3, $4, 'pending')";
    const EXPANDED: &str = "UPDATE job SET is_expanded = true WHERE id = $1";
    hold(conn, lease).await?;
    let last: Option<(i32, Option<Uuid>)> = sqlx::query_as(LAST).bind(lease.id.0).fetch_optional(&mut *conn).await?;
    let (place, after) = last.map_or((0, None), |(place, product)| (place + 1, product));
    let limit = limit.min(most.saturating_sub(u32::try_from(place).unwrap_or_default()));
    let products = product_batch::active(conn, lease.tenant_id, tag, after, limit).await?;
    let added = i32::try_from(products.len()).unwrap_or(i32::MAX);
    let is_last = products.len() < limit as usize || limit == 0;
    if added > 0 {
        let query = sqlx::query(ADD).bind(Json(products)).bind(lease.id.0).bind(place).bind(lease.tenant_id.0);
        query.execute(&mut *conn).await?;
    }
    if is_last {
        let query = sqlx::query(ADD_REPORT).bind(lease.id.0).bind(place + added).bind(lease.tenant_id.0);
        query.bind(REPORT_ITEM).execute(&mut *conn).await?;
        sqlx::query(EXPANDED).bind(lease.id.0).execute(&mut *conn).await?;
    }
    let total = u64::from(added.unsigned_abs()) + u64::from(is_last);
    end(conn, lease, JobCounts { total, ..JobCounts::default() }, NextStep::AtOnce, clock).await
}

pub(super) async fn keep(
    conn: &mut Conn,
    lease: JobLease,
    summaries: Vec<ItemSummary>,
    clock: ClockParam,
) -> StoreResult<()> {
    const KEEP: &str = concat!(
        "WITH given AS MATERIALIZED (",
        records!(1, place integer, summary text),
        ") UPDATE job_item SET summary = given.summary, finished_at = ",
        now!(3),
        ", status = CASE WHEN given.summary IS NULL THEN 'skipped' ELSE 'done' END, \
           error = CASE WHEN given.summary IS NULL THEN 'the product was deleted' END \
         FROM given WHERE job_item.job_id = $2 AND job_item.place = given.place AND job_item.status = 'pending'"
    );
    hold(conn, lease).await?;
    let skipped = summaries.iter().filter(|item| item.summary.is_none()).count() as u64;
    let done = summaries.len() as u64 - skipped;
    let kept = sqlx::query(KEEP).bind(Json(summaries)).bind(lease.id.0).bind(clock).execute(&mut *conn).await?;
    if kept.rows_affected() < done + skipped {
        // A product was deleted meanwhile, and its item cancelled.
        super::job_steps::recount(conn, lease.id, clock).await?;
        return end(conn, lease, JobCounts::default(), NextStep::AtOnce, clock).await;
    }
    end(conn, lease, JobCounts { done, skipped, ..JobCounts::default() }, NextStep::AtOnce, clock).await
}

pub(super) async fn finish(
    conn: &mut Conn,
    lease: JobLease,
    report: FinishedReport,
    clock: ClockParam,
) -> StoreResult<()> {
    const FINISH: &str = concat!(
        "UPDATE report SET title = $3, has_data = $4, document = $5, finished_at = ",
        now!(6),
        ", expires_at = ",
        now!(6),
        " + $7 WHERE tenant_id = $1 AND job_id = $2 AND finished_at IS NULL"
    );
    const FORGET: &str = "UPDATE job_item SET summary = NULL WHERE job_id = $1 AND summary IS NOT NULL";
    const DONE: &str = concat!(
        "UPDATE job_item SET status = 'done', finished_at = ",
        now!(3),
        " WHERE job_id = $1 AND input = $2 AND status = 'pending'"
    );
    hold(conn, lease).await?;
    let FinishedReport { title, has_data, document, kept_for, mail } = report;
    let query = sqlx::query(FINISH).bind(lease.tenant_id.0).bind(lease.id.0).bind(title).bind(has_data).bind(document);
    let is_stored = query.bind(clock).bind(millis(kept_for)).execute(&mut *conn).await?.rows_affected() == 1;
    if let Some(mail) = mail.filter(|_| is_stored) {
        send(conn, lease, mail, clock).await?;
    }
    sqlx::query(FORGET).bind(lease.id.0).execute(&mut *conn).await?;
    let ended = sqlx::query(DONE).bind(lease.id.0).bind(REPORT_ITEM).bind(clock).execute(&mut *conn).await?;
    // Products that were deleted since have been cancelled without being counted.
    super::job_steps::recount(conn, lease.id, clock).await?;
    debug_assert_eq!(ended.rows_affected(), 1, "a report is one item");
    end(conn, lease, JobCounts::default(), NextStep::AtOnce, clock).await
}

/// Puts an e-mail to each recipient into the outbox.
async fn send(conn: &mut Conn, lease: JobLease, mail: ReportMail, clock: ClockParam) -> StoreResult<()> {
    const SEND: &str = concat!(
        "INSERT INTO delivery (id, tenant_id, mail, status, ready_at) VALUES ($1, $2, $3, 'pending', ",
        now!(4),
        ")"
    );
    let ReportMail { recipients, subject, text, html, attachment, useless_after } = mail;
    for to in recipients_of(conn, lease.tenant_id, &recipients).await? {
        let (subject, text, html) = (subject.clone(), text.clone(), Some(html.clone()));
        let mail = Email { to, subject, text, html, attachment: attachment.clone(), useless_after };
        let query = sqlx::query(SEND).bind(Uuid::now_v7()).bind(lease.tenant_id.0).bind(Json(mail)).bind(clock);
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

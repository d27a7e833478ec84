//! Reports.

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::newest::push_newest_first;
use super::report_recipients::recipients_of;
use super::{Backend, Conn, Db, HAS_TAG, report_steps};
use crate::domain::{
    EmailAddress, JobId, ProductStatus, ReportId, ReportInfo, ReportOutput, ReportPeriod, ReportSpec, ReportSubject,
    ReportWindow, ScheduleId, TenantId,
};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::jobs::JobLease;
use crate::store::reports::{FinishedReport, ItemSummary, MAX_REPORTS, ReportFilter, Reports};
use crate::store::rows::{count, time, word};
use crate::store::{Page, StoreError, StoreResult};

/// Its job may have been deleted, which leaves a report that is not done without one.
const STATUS: &str = "CASE WHEN finished_at IS NOT NULL THEN 'done' \
     ELSE coalesce((SELECT job.status FROM job WHERE job.id = report.job_id), 'failed') END";

const COLUMNS: &str = "id, tenant_id, job_id, schedule_id, subject, period, window_from, window_to, window_name, time_zone, title, \
     has_data, coalesce(length(document), 0) AS size_bytes, created_by, created_at, finished_at, expires_at, \
     (SELECT job.error FROM job WHERE job.id = report.job_id) AS error";

#[derive(sqlx::FromRow)]
struct ReportColumns {
    id: Uuid,
    tenant_id: Uuid,
    job_id: Uuid,
    schedule_id: Option<Uuid>,
    subject: Json<ReportSubject>,
    period: Json<ReportPeriod>,
    window_from: i64,
    window_to: i64,
    window_name: String,
    time_zone: String,
    title: Option<String>,
    has_data: Option<bool>,
    size_bytes: i32,
    created_by: String,
    created_at: i64,
    finished_at: Option<i64>,
    expires_at: Option<i64>,
    status: String,
    error: Option<String>,
}

impl TryFrom<ReportColumns> for ReportInfo {
    type Error = StoreError;

    fn try_from(row: ReportColumns) -> StoreResult<Self> {
        Ok(Self {
            id: ReportId(row.id),
            tenant_id: TenantId(row.tenant_id),
            job_id: JobId(row.job_id),
            schedule_id: row.schedule_id.map(ScheduleId),
            subject: row.subject.0,
            period: row.period.0,
            window: ReportWindow {
                from: time(row.window_from)?,
                to: time(row.window_to)?,
                time_zone: row.time_zone,
                name: row.window_name,
            },
            title: row.title,
            status: word(&row.status)?,
            error: row.error,
            has_data: row.has_data,
            size_bytes: count(row.size_bytes)?,
            created_by: row.created_by,
            created_at: time(row.created_at)?,
            finished_at: row.finished_at.map(time).transpose()?,
            expires_at: row.expires_at.map(time).transpose()?,
        })
    }
}

#[async_trait]
impl Reports for Backend {
    async fn reports(
        &self,
        tenant_id: TenantId,
        filter: ReportFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<ReportInfo>> {
        const LIST: &str = "reports";
        let mut query = select(tenant_id);
        if let Some(topic) = filter.topic {
            query.push(" AND topic = ").push_bind(topic.as_str());
        }
        if let Some(schedule) = filter.schedule_id {
            query.push(" AND schedule_id = ").push_bind(schedule.0);
        }
        if let Some(status) = filter.status {
            query.push(format_args!(" AND {STATUS} = ")).push_bind(status.as_str());
        }
        push_newest_first(&mut query, "created_at", Cursor::of(LIST, cursor)?, limit)?;
        let rows: Vec<ReportColumns> = query.build_query_as().fetch_all(&mut *self.reader(tenant_id).await?).await?;
        Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).readable(ReportInfo::try_from))
    }

    async fn report(&self, tenant_id: TenantId, id: ReportId) -> StoreResult<ReportInfo> {
        let mut query = select(tenant_id);
        query.push(" AND id = ").push_bind(id.0);
        let mut conn = self.reader(tenant_id).await?;
        let row: ReportColumns = query.build_query_as().fetch_one(&mut *conn).await.or_not_found("report")?;
        row.try_into()
    }

    async fn report_document(&self, tenant_id: TenantId, id: ReportId) -> StoreResult<Option<Vec<u8>>> {
        const DOCUMENT: &str = "SELECT document FROM report WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query_scalar(DOCUMENT).bind(tenant_id.0).bind(id.0);
        query.fetch_one(&mut *self.reader(tenant_id).await?).await.or_not_found("report")
    }

    async fn remove_report(&self, tenant_id: TenantId, id: ReportId) -> StoreResult<()> {
        const REMOVE: &str = "DELETE FROM report WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query(REMOVE).bind(tenant_id.0).bind(id.0);
        let removed = query.execute(&mut *self.writer(tenant_id).await?).await?;
        if removed.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound("report")) }
    }

    async fn mail_recipients(&self, tenant_id: TenantId, addresses: &[EmailAddress]) -> StoreResult<Vec<EmailAddress>> {
        recipients_of(&mut *self.reader(tenant_id).await?, tenant_id, addresses).await
    }

    async fn expand_report(&self, lease: &JobLease, tag: Option<&str>, limit: u32, most: u32) -> StoreResult<()> {
        let (clock, lease, tag) = (self.clock_param(), *lease, tag.map(str::to_owned));
        self.transaction(lease.tenant_id, move |conn| {
            report_steps::expand(conn, lease, tag, (limit, most), clock).boxed()
        })
        .await
    }

    async fn keep_summaries(&self, lease: &JobLease, summaries: Vec<ItemSummary>) -> StoreResult<()> {
        let (clock, lease) = (self.clock_param(), *lease);
        self.transaction(lease.tenant_id, move |conn| report_steps::keep(conn, lease, summaries, clock).boxed()).await
    }

    async fn report_summaries(&self, lease: &JobLease) -> StoreResult<Vec<String>> {
        const SUMMARIES: &str = "SELECT summary FROM job_item WHERE job_id = $1 AND summary IS NOT NULL ORDER BY place";
        let query = sqlx::query_scalar(SUMMARIES).bind(lease.id.0);
        Ok(query.fetch_all(&mut *self.reader(lease.tenant_id).await?).await?)
    }

    async fn count_active(&self, lease: &JobLease, tag: Option<&str>) -> StoreResult<u64> {
        let mut query = QueryBuilder::<Db>::new("SELECT count(*) FROM product p WHERE p.tenant_id = ");
        query.push_bind(lease.tenant_id.0).push(" AND p.status = ").push_bind(ProductStatus::Active.as_str());
        if let Some(tag) = tag {
            query.push(" AND ").push(HAS_TAG.0).push_bind(tag.to_owned()).push(HAS_TAG.1);
        }
        let total: i64 = query.build_query_scalar().fetch_one(&mut *self.reader(lease.tenant_id).await?).await?;
        count(total)
    }

    async fn finish_report(&self, lease: &JobLease, report: FinishedReport) -> StoreResult<()> {
        let (clock, lease) = (self.clock_param(), *lease);
        self.transaction(lease.tenant_id, move |conn| report_steps::finish(conn, lease, report, clock).boxed()).await
    }
}

fn select(tenant_id: TenantId) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::<Db>::new(format!("SELECT {COLUMNS}, {STATUS} AS status FROM report"));
    query.push(" WHERE tenant_id = ").push_bind(tenant_id.0);
    query
}

/// Refuses one more report of a tenant that has as many as it may. Under the lock of the tenant.
pub(super) async fn check_quota(conn: &mut Conn, tenant_id: TenantId) -> StoreResult<()> {
    const COUNT: &str = "SELECT count(*) FROM report WHERE tenant_id = $1";
    let total: i64 = sqlx::query_scalar(COUNT).bind(tenant_id.0).fetch_one(conn).await?;
    if total < i64::from(MAX_REPORTS) {
        Ok(())
    } else {
        Err(StoreError::OverQuota { quota: "reports", limit: MAX_REPORTS })
    }
}

/// Adds the report that a job makes. Under the lock of the tenant.
pub(super) async fn add(
    conn: &mut Conn,
    tenant_id: TenantId,
    job_id: JobId,
    spec: &ReportSpec,
    created_by: &str,
    clock: ClockParam,
) -> StoreResult<()> {
    const INSERT: &str = concat!(
        "INSERT INTO report (id, tenant_id, job_id, schedule_id, topic, subject, period, window_from, window_to, window_name, \
           time_zone, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, ",
        now!(13),
        ")"
    );
    let Some(ReportOutput { report_id, window, schedule_id }) = &spec.output else {
        return Err(StoreError::Corrupt("the job of a report without a window".to_owned()));
    };
    check_quota(conn, tenant_id).await?;
    let query = sqlx::query(INSERT).bind(report_id.0).bind(tenant_id.0).bind(job_id.0).bind(schedule_id.map(|id| id.0));
    let query = query.bind(spec.subject.topic().as_str()).bind(Json(spec.subject.clone())).bind(Json(spec.period));
    let query = query.bind(window.from.as_millisecond()).bind(window.to.as_millisecond()).bind(window.name.clone());
    let query = query.bind(window.time_zone.clone()).bind(created_by.to_owned()).bind(clock);
    query.execute(conn).await?;
    Ok(())
}

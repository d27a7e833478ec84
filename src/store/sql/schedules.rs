//! Schedules and their runs.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, QueryBuilder};
use uuid::Uuid;

use super::job_changes::create;
use super::lease::{NOW, not_negative};
use super::newest::push_newest_first;
use super::{Backend, Conn, Db, reports, usage};
use crate::domain::{
    JobId, JobSpec, Overrun, Recurrence, ReportOutput, ReportSpec, RunResult, Schedule, ScheduleId, ScheduleRun,
    ScheduleRunId, ScheduleSettings, TenantId,
};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::{OrNotFound, or_report};
use crate::store::jobs::NewJob;
use crate::store::rows::{time, word};
use crate::store::schedules::{NewSchedule, RunRequest, Schedules};
use crate::store::tenant_scope::TenantScope;
use crate::store::{Page, StoreError, StoreResult};

const COLUMNS: &str = "id, tenant_id, name, recurrence, spec, listings, overrun, is_enabled, is_queued, next_at, last_job_id, \
     (SELECT status FROM job WHERE job.id = schedule.last_job_id) AS last_job_status, created_by, created_at, updated_at, version";

#[derive(sqlx::FromRow)]
struct ScheduleColumns {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    recurrence: Json<Recurrence>,
    spec: Json<JobSpec>,
    listings: Json<Vec<String>>,
    overrun: String,
    is_enabled: bool,
    is_queued: bool,
    next_at: Option<i64>,
    last_job_id: Option<Uuid>,
    last_job_status: Option<String>,
    created_by: String,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

impl TryFrom<ScheduleColumns> for Schedule {
    type Error = StoreError;

    fn try_from(row: ScheduleColumns) -> StoreResult<Self> {
        Ok(Self {
            id: ScheduleId(row.id),
            tenant_id: TenantId(row.tenant_id),
            settings: ScheduleSettings {
                name: row.name,
                recurrence: row.recurrence.0,
                spec: row.spec.0,
                listings: row.listings.0,
                overrun: word(&row.overrun)?,
                is_enabled: row.is_enabled,
            },
            is_queued: row.is_queued,
            next_at: row.next_at.map(time).transpose()?,
            last_job_id: row.last_job_id.map(JobId),
            last_job_status: row.last_job_status.as_deref().map(word).transpose()?,
            created_by: row.created_by,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
            version: row.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct RunColumns {
    id: Uuid,
    due_at: i64,
    at: i64,
    result: String,
    job_id: Option<Uuid>,
    error: Option<String>,
}

impl TryFrom<RunColumns> for ScheduleRun {
    type Error = StoreError;

    fn try_from(row: RunColumns) -> StoreResult<Self> {
        Ok(Self {
            id: ScheduleRunId(row.id),
            due_at: time(row.due_at)?,
            at: time(row.at)?,
            result: word(&row.result)?,
            job_id: row.job_id.map(JobId),
            error: row.error,
        })
    }
}

#[async_trait]
impl Schedules for Backend {
    async fn add_schedule(&self, schedule: NewSchedule) -> StoreResult<Schedule> {
        let clock = self.clock_param();
        self.transaction(schedule.tenant_id, move |conn| add(conn, schedule, clock).boxed()).await
    }

    async fn schedules(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Schedule>> {
        const LIST: &str = "schedules";
        let mut query = QueryBuilder::<Db>::new(format!("SELECT {COLUMNS} FROM schedule WHERE tenant_id = "));
        query.push_bind(tenant_id.0);
        push_newest_first(&mut query, "created_at", Cursor::of(LIST, cursor)?, limit)?;
        let rows: Vec<ScheduleColumns> = query.build_query_as().fetch_all(&mut *self.reader(tenant_id).await?).await?;
        Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).readable(Schedule::try_from))
    }

    async fn schedule(&self, tenant_id: TenantId, id: ScheduleId) -> StoreResult<Schedule> {
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await
    }

    async fn update_schedule(
        &self,
        read: &Schedule,
        settings: ScheduleSettings,
        next_at: Option<Timestamp>,
    ) -> StoreResult<Schedule> {
        let clock = self.clock_param();
        let read = read.clone();
        self.transaction(read.tenant_id, move |conn| {
            async move {
                update(conn, &read, settings, next_at, clock).await?;
                find(conn, read.tenant_id, read.id).await
            }
            .boxed()
        })
        .await
    }

    async fn remove_schedule(&self, tenant_id: TenantId, id: ScheduleId) -> StoreResult<()> {
        const REMOVE: &str = "DELETE FROM schedule WHERE tenant_id = $1 AND id = $2";
        let removed =
            sqlx::query(REMOVE).bind(tenant_id.0).bind(id.0).execute(&mut *self.writer(tenant_id).await?).await?;
        if removed.rows_affected() == 0 { Err(StoreError::NotFound("schedule")) } else { Ok(()) }
    }

    async fn schedule_runs(
        &self,
        tenant_id: TenantId,
        id: ScheduleId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<ScheduleRun>> {
        const LIST: &str = "schedule runs";
        const RUNS: &str = "SELECT id, due_at, at, result, job_id, error FROM schedule_run WHERE tenant_id = ";
        let mut conn = self.reader(tenant_id).await?;
        find(&mut *conn, tenant_id, id).await?;
        let mut query = QueryBuilder::<Db>::new(RUNS);
        query.push_bind(tenant_id.0).push(" AND schedule_id = ").push_bind(id.0);
        push_newest_first(&mut query, "at", Cursor::of(LIST, cursor)?, limit)?;
        let rows: Vec<RunColumns> = query.build_query_as().fetch_all(&mut *conn).await?;
        Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.at), row.id)).readable(ScheduleRun::try_from))
    }

    async fn due_schedules(&self, limit: u32) -> StoreResult<Vec<Schedule>> {
        let due = format!(
            concat!(
                "SELECT {} FROM schedule WHERE id IN ( \
                   SELECT id FROM schedule WHERE is_enabled AND next_at <= ",
                now!(1),
                " ORDER BY next_at LIMIT $2) \
                 OR (is_queued AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = last_job_id \
                   AND job.status IN ('receiving', 'pending', 'running'))) \
                 ORDER BY next_at LIMIT $2"
            ),
            COLUMNS
        );
        let query = sqlx::query_as(AssertSqlSafe(due)).bind(self.clock_param()).bind(i64::from(limit));
        let rows: Vec<ScheduleColumns> = query.fetch_all(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(rows.into_iter().filter_map(|row| or_report(Schedule::try_from(row))).collect())
    }

    async fn next_schedule_in(&self) -> StoreResult<Option<Duration>> {
        const NEXT: &str = concat!("SELECT min(next_at) - ", now!(1), " FROM schedule WHERE is_enabled");
        let query = sqlx::query_scalar(NEXT).bind(self.clock_param());
        let left_ms: Option<i64> = query.fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(left_ms.map(not_negative))
    }

    async fn run_schedule(&self, run: RunRequest) -> StoreResult<Option<ScheduleRun>> {
        let clock = self.clock_param();
        self.transaction(run.tenant_id, move |conn| handle(conn, run, clock).boxed()).await
    }

    async fn run_schedule_now(&self, tenant_id: TenantId, id: ScheduleId, job_quota: u32) -> StoreResult<JobId> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| {
            async move {
                let schedule = find(&mut *conn, tenant_id, id).await?;
                let now = now(conn, clock).await?;
                match start(conn, &schedule, now, job_quota, clock).await? {
                    Start::Started(job) => {
                        record(conn, &schedule, None, (RunResult::Started, Some(job), None), clock).await?;
                        Ok(job)
                    }
                    Start::Refused(_, why) => Err(StoreError::AlreadyReported(why)),
                }
            }
            .boxed()
        })
        .await
    }
}

async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    tenant_id: TenantId,
    id: ScheduleId,
) -> StoreResult<Schedule> {
    let mut query = QueryBuilder::<Db>::new(format!("SELECT {COLUMNS} FROM schedule WHERE tenant_id = "));
    query.push_bind(tenant_id.0).push(" AND id = ").push_bind(id.0);
    let row: ScheduleColumns = query.build_query_as().fetch_one(executor).await.or_not_found("schedule")?;
    row.try_into()
}

async fn add(conn: &mut Conn, schedule: NewSchedule, clock: ClockParam) -> StoreResult<Schedule> {
    const INSERT: &str = concat!(
        "INSERT INTO schedule (id, tenant_id, name, recurrence, spec, listings, overrun, is_enabled, next_at, created_by, \
           created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ",
        now!(11),
        ", ",
        now!(11),
        ")"
    );
    const COUNT: &str = "SELECT count(*) FROM schedule WHERE tenant_id = $1";
    let NewSchedule { tenant_id, settings, next_at, created_by, quota } = schedule;
    usage::lock(conn, tenant_id).await?;
    let id = ScheduleId::new();
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(settings.name).bind(Json(settings.recurrence));
    let query = query.bind(Json(settings.spec)).bind(Json(settings.listings)).bind(settings.overrun.as_str());
    let query = query.bind(settings.is_enabled).bind(next_at.map(Timestamp::as_millisecond)).bind(created_by);
    query.bind(clock).execute(&mut *conn).await?;
    usage::check(conn, COUNT, tenant_id, "schedules", quota).await?;
    find(conn, tenant_id, id).await
}

async fn update(
    conn: &mut Conn,
    read: &Schedule,
    settings: ScheduleSettings,
    next_at: Option<Timestamp>,
    clock: ClockParam,
) -> StoreResult<()> {
    const UPDATE: &str = concat!(
        "UPDATE schedule SET name = $4, recurrence = $5, spec = $6, listings = $7, overrun = $8, is_enabled = $9, next_at = $10, \
           is_queued = is_queued AND $9, last_window = CASE WHEN $12 THEN last_window END, version = version + 1, updated_at = ",
        now!(11),
        " WHERE tenant_id = $1 AND id = $2 AND version = $3"
    );
    let is_same_report = reports_the_same(&read.settings.spec, &settings.spec);
    let query = sqlx::query(UPDATE).bind(read.tenant_id.0).bind(read.id.0).bind(read.version);
    let query = query.bind(settings.name).bind(Json(settings.recurrence)).bind(Json(settings.spec));
    let query = query.bind(Json(settings.listings)).bind(settings.overrun.as_str()).bind(settings.is_enabled);
    let query = query.bind(next_at.map(Timestamp::as_millisecond)).bind(clock).bind(is_same_report);
    if query.execute(&mut *conn).await?.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Changed) }
}

/// Whether a window of which there is a report needs no other one. Whom it is sent to does not matter.
fn reports_the_same(one: &JobSpec, other: &JobSpec) -> bool {
    match (one, other) {
        (JobSpec::Report(one), JobSpec::Report(other)) => one.subject == other.subject && one.period == other.period,
        _ => false,
    }
}

async fn handle(conn: &mut Conn, run: RunRequest, clock: ClockParam) -> StoreResult<Option<ScheduleRun>> {
    // Of several replicas that found it due, one finds it as it was.
    const TAKE: &str = "UPDATE schedule SET next_at = $3 WHERE id = $1 AND is_enabled AND next_at = $2";
    const TAKE_QUEUED: &str = "UPDATE schedule SET is_queued = false WHERE id = $1 AND is_queued";
    const PUT_BACK: &str = "UPDATE schedule SET is_queued = true WHERE id = $1";
    let taken = match run.due_at {
        Some(due_at) => {
            let query = sqlx::query(TAKE).bind(run.id.0).bind(due_at.as_millisecond());
            query.bind(run.next_at.map(Timestamp::as_millisecond)).execute(&mut *conn).await?
        }
        None => sqlx::query(TAKE_QUEUED).bind(run.id.0).execute(&mut *conn).await?,
    };
    if taken.rows_affected() == 0 {
        return Ok(None);
    }
    let schedule = find(&mut *conn, run.tenant_id, run.id).await?;
    let outcome = if is_open(conn, schedule.last_job_id).await? {
        let queues = schedule.settings.overrun == Overrun::Queue && !schedule.is_queued;
        if queues {
            sqlx::query(PUT_BACK).bind(run.id.0).execute(&mut *conn).await?;
        }
        if run.due_at.is_none() {
            return Ok(None);
        }
        (if queues { RunResult::Queued } else { RunResult::Skipped }, None, None)
    } else {
        let due_at = due_at(conn, &schedule, run.due_at, clock).await?;
        match start(conn, &schedule, due_at, run.job_quota, clock).await {
            Ok(Start::Started(job)) => (RunResult::Started, Some(job), None),
            Ok(Start::Refused(result, why)) => (result, None, Some(why)),
            // Counted before anything was written.
            Err(StoreError::OverQuota { quota: "reports", limit }) => {
                (RunResult::Failed, None, Some(format!("there are {limit} reports; delete some")))
            }
            Err(StoreError::OverQuota { limit, .. }) => {
                (RunResult::Failed, None, Some(format!("{limit} jobs are in progress")))
            }
            Err(error) => return Err(error),
        }
    };
    record(conn, &schedule, run.due_at, outcome, clock).await.map(Some)
}

async fn is_open(conn: &mut Conn, job: Option<JobId>) -> StoreResult<bool> {
    const OPEN: &str = "SELECT count(*) > 0 FROM job WHERE id = $1 AND status IN ('receiving', 'pending', 'running')";
    Ok(sqlx::query_scalar(OPEN).bind(job.map(|job| job.0)).fetch_one(conn).await?)
}

/// The due time that a job is started for: of several that were missed, the last; of a run that was queued, that of the run.
async fn due_at(
    conn: &mut Conn,
    schedule: &Schedule,
    due_at: Option<Timestamp>,
    clock: ClockParam,
) -> StoreResult<Timestamp> {
    const QUEUED: &str = "SELECT max(due_at) FROM schedule_run WHERE schedule_id = $1 AND result = 'queued'";
    let now = now(conn, clock).await?;
    // For all others it makes no difference.
    if !matches!(schedule.settings.spec, JobSpec::Report(_)) {
        return Ok(due_at.unwrap_or(now));
    }
    if let Some(first) = due_at {
        return Ok(schedule.settings.recurrence.last_due(first, now));
    }
    let queued: Option<i64> = sqlx::query_scalar(QUEUED).bind(schedule.id.0).fetch_one(conn).await?;
    Ok(queued.map(time).transpose()?.unwrap_or(now))
}

async fn now(conn: &mut Conn, clock: ClockParam) -> StoreResult<Timestamp> {
    time(sqlx::query_scalar(NOW).bind(clock).fetch_one(conn).await?)
}

/// What became of the start of a job.
enum Start {
    Started(JobId),
    /// There is none, and why.
    Refused(RunResult, String),
}

/// Starts the job of a schedule for a due time.
async fn start(
    conn: &mut Conn,
    schedule: &Schedule,
    due_at: Timestamp,
    job_quota: u32,
    clock: ClockParam,
) -> StoreResult<Start> {
    const COUNT: &str = "SELECT count(*) FROM job WHERE tenant_id = $1 AND kind <> 'crawl' \
         AND status IN ('receiving', 'pending', 'running')";
    const STARTED: &str = "UPDATE schedule SET last_job_id = $2, is_queued = false WHERE id = $1";
    let open: i64 = sqlx::query_scalar(COUNT).bind(schedule.tenant_id.0).fetch_one(&mut *conn).await?;
    if open >= i64::from(job_quota) {
        return Err(StoreError::OverQuota { quota: "jobs", limit: job_quota });
    }
    let spec = match schedule.settings.spec_due(due_at, schedule.id) {
        Ok(spec) => spec,
        Err(error) => return Ok(Start::Refused(RunResult::Failed, error.to_string())),
    };
    if let JobSpec::Report(report) = &spec {
        reports::check_quota(conn, schedule.tenant_id).await?;
        if let Some(why) = already_reported(conn, schedule.id, report).await? {
            return Ok(Start::Refused(RunResult::Skipped, why));
        }
    }
    let job = NewJob {
        tenant_id: schedule.tenant_id,
        spec,
        created_by: format!("schedule:{}", schedule.id),
        inputs: schedule.settings.listings.clone(),
        is_receiving: false,
        quota: u32::MAX,
    };
    let job = create(conn, job, clock).await?.id;
    sqlx::query(STARTED).bind(schedule.id.0).bind(job.0).execute(conn).await?;
    Ok(Start::Started(job))
}

/// Notes the window of the next report of a schedule; says so if its last report had the same, unless it could not be made.
async fn already_reported(conn: &mut Conn, id: ScheduleId, report: &ReportSpec) -> StoreResult<Option<String>> {
    const NOTE: &str = "UPDATE schedule SET last_window = $2 WHERE id = $1 AND (last_window IS NULL OR last_window <> $2 \
         OR EXISTS (SELECT 1 FROM job WHERE job.id = schedule.last_job_id AND job.status IN ('failed', 'cancelled')))";
    let Some(ReportOutput { window, .. }) = &report.output else { return Ok(None) };
    let key = format!("{}-{}", window.from.as_millisecond(), window.to.as_millisecond());
    let noted = sqlx::query(NOTE).bind(id.0).bind(key).execute(conn).await?.rows_affected() == 1;
    Ok((!noted).then(|| format!("this schedule has reported {} already", window.name)))
}

/// Adds a run to the history.
async fn record(
    conn: &mut Conn,
    schedule: &Schedule,
    due_at: Option<Timestamp>,
    (result, job_id, error): (RunResult, Option<JobId>, Option<String>),
    clock: ClockParam,
) -> StoreResult<ScheduleRun> {
    const INSERT: &str = "INSERT INTO schedule_run (id, schedule_id, tenant_id, due_at, at, result, job_id, error) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let at = now(conn, clock).await?;
    let run = ScheduleRun { id: ScheduleRunId::new(), due_at: due_at.unwrap_or(at), at, result, job_id, error };
    let query = sqlx::query(INSERT).bind(run.id.0).bind(schedule.id.0).bind(schedule.tenant_id.0);
    let query = query.bind(run.due_at.as_millisecond()).bind(at.as_millisecond()).bind(result.as_str());
    query.bind(job_id.map(|job| job.0)).bind(run.error.clone()).execute(conn).await?;
    Ok(run)
}

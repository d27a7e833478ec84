//! Jobs: what requests and steps ask of them.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::job_changes::{cancel, create, fail, find, receive, retry};
use super::job_rows::{CountColumns, ItemColumns, JOB_COLUMNS, JobColumns};
use super::job_steps;
use super::lease::not_negative;
use super::newest::push_newest_first;
use super::{Backend, Db};
use crate::domain::{ItemStatus, Job, JobId, JobItem, JobSpec, JobStatus, ProductSettings, TenantId};
use crate::store::clock::millis;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::error::or_report;
use crate::store::jobs::{
    BatchItem, ClaimedJob, ImportItem, JobFilter, JobLease, Jobs, ListedPage, NewJob, NewJobItem, UnprocessedItem,
};
use crate::store::rows::{count, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{Page, StoreError, StoreResult};

/// Selects items of a job behind a place, with a further condition.
macro_rules! items {
    ($condition:literal) => {
        concat!(
            "SELECT i.place, i.input, i.status, i.product_id, i.outcome, i.error, i.finished_at, \
               coalesce(q.owner IS NOT NULL AND q.ready_at > ",
            now!(1),
            ", false) AS is_leased FROM job_item i LEFT JOIN lease q ON q.listing_id = i.listing_id \
             WHERE i.tenant_id = $2 AND i.job_id = $3 AND i.place > $4",
            $condition,
            " ORDER BY i.place LIMIT $5"
        )
    };
}

#[async_trait]
impl Jobs for Backend {
    async fn create_job(&self, job: NewJob) -> StoreResult<Job> {
        let clock = self.clock_param();
        self.transaction(job.tenant_id, move |conn| create(conn, job, clock).boxed()).await
    }

    async fn add_job_items(
        &self,
        tenant_id: TenantId,
        id: JobId,
        items: Vec<NewJobItem>,
        patience: Duration,
    ) -> StoreResult<()> {
        let (clock, patience_ms) = (self.clock_param(), millis(patience));
        self.transaction(tenant_id, move |conn| receive(conn, tenant_id, id, items, patience_ms, clock).boxed()).await
    }

    async fn start_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job> {
        let start = format!(
            concat!(
                "UPDATE job SET status = 'pending', ready_at = ",
                now!(3),
                ", updated_at = ",
                now!(3),
                " WHERE tenant_id = $1 AND id = $2 AND status = 'receiving' RETURNING {}"
            ),
            JOB_COLUMNS
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(start)).bind(tenant_id.0).bind(id.0).bind(self.clock_param());
        let row: JobColumns = query.fetch_one(&mut *self.writer(tenant_id).await?).await.or_not_found("job")?;
        row.try_into()
    }

    async fn discard_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<()> {
        const DISCARD: &str = "DELETE FROM job WHERE tenant_id = $1 AND id = $2 AND status = 'receiving'";
        sqlx::query(DISCARD).bind(tenant_id.0).bind(id.0).execute(&mut *self.writer(tenant_id).await?).await?;
        Ok(())
    }

    async fn jobs(
        &self,
        tenant_id: TenantId,
        filter: JobFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<Job>> {
        self.with_replica_fallback(|| {
            async move {
                const LIST: &str = "jobs";
                let mut query = QueryBuilder::<Db>::new(format!("SELECT {JOB_COLUMNS} FROM job WHERE tenant_id = "));
                query.push_bind(tenant_id.0);
                if let Some(kind) = filter.kind {
                    query.push(" AND kind = ").push_bind(kind.as_str());
                }
                if let Some(status) = filter.status {
                    query.push(" AND status = ").push_bind(status.as_str());
                }
                push_newest_first(&mut query, "created_at", Cursor::of(LIST, cursor)?, limit)?;
                let mut conn = self.replica_reader(tenant_id).await?;
                let rows: Vec<JobColumns> = query.build_query_as().fetch_all(&mut *conn).await?;
                Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.created_at), row.id)).readable(Job::try_from))
            }
            .boxed()
        })
        .await
    }

    async fn job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job> {
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await
    }

    async fn job_items(
        &self,
        tenant_id: TenantId,
        id: JobId,
        status: Option<ItemStatus>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<JobItem>> {
        const LIST: &str = "job items";
        let after = match Cursor::of(LIST, cursor)? {
            None => -1,
            Some(Cursor { key: SortKey::Number(place), id: of_job, .. }) if of_job == id.0 => place,
            Some(_) => return Err(StoreError::InvalidCursor),
        };
        let mut conn = self.reader(tenant_id).await?;
        find(&mut *conn, tenant_id, id).await?;
        let statement = if status.is_some() { items!(" AND i.status = $6") } else { items!("") };
        let query = sqlx::query_as(statement).bind(self.clock_param()).bind(tenant_id.0).bind(id.0);
        let mut query = query.bind(after).bind(i64::from(limit) + 1);
        if let Some(status) = status {
            // A running item is stored as a pending one.
            let stored = if status == ItemStatus::Running { ItemStatus::Pending } else { status };
            query = query.bind(stored.as_str());
        }
        let rows: Vec<ItemColumns> = query.fetch_all(&mut *conn).await?;
        Ok(page(LIST, rows, limit, |row| (SortKey::Number(row.place.into()), id.0)).readable(JobItem::try_from))
    }

    async fn cancel_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| cancel(conn, tenant_id, id, clock).boxed()).await
    }

    async fn retry_job(&self, tenant_id: TenantId, id: JobId) -> StoreResult<Job> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| retry(conn, tenant_id, id, clock).boxed()).await
    }

    async fn claim_jobs(
        &self,
        limit: u32,
        lease: Duration,
        owner: &str,
        only: Option<JobId>,
    ) -> StoreResult<Vec<ClaimedJob>> {
        const CLAIM: &str = concat!(
            "WITH due AS MATERIALIZED (SELECT id FROM job \
               WHERE status IN ('receiving', 'pending', 'running') AND ready_at <= ",
            now!(1),
            " AND id = coalesce($5, id) ORDER BY ready_at LIMIT $2",
            skip_locked!(),
            ") UPDATE job SET ready_at = ",
            now!(1),
            " + $3, owner = $4, token = token + 1, attempt = attempt + 1, started_at = coalesce(started_at, ",
            now!(1),
            "), status = CASE WHEN status = 'pending' THEN 'running' ELSE status END \
             WHERE id IN (SELECT id FROM due) \
             RETURNING id, tenant_id, spec, token, attempt, status, is_expanded, pages, total, done, skipped, failed, cancelled, \
               (SELECT plan FROM tenant WHERE tenant.id = job.tenant_id) AS plan"
        );
        #[derive(sqlx::FromRow)]
        struct Claimed {
            id: Uuid,
            tenant_id: Uuid,
            spec: Json<JobSpec>,
            token: i64,
            attempt: i16,
            status: String,
            is_expanded: bool,
            pages: i32,
            #[sqlx(flatten)]
            counts: CountColumns,
            plan: String,
        }
        let query = sqlx::query_as(CLAIM).bind(self.clock_param()).bind(i64::from(limit)).bind(millis(lease));
        let query = query.bind(owner.to_owned()).bind(only.map(|job| job.0));
        let rows: Vec<Claimed> = query.fetch_all(&mut *self.writer(TenantScope::All).await?).await?;
        let claimed = |row: Claimed| {
            Ok(ClaimedJob {
                lease: JobLease { id: JobId(row.id), tenant_id: TenantId(row.tenant_id), token: row.token },
                spec: row.spec.0,
                plan: row.plan,
                attempt: count(row.attempt)?,
                counts: row.counts.try_into()?,
                is_receiving: word::<JobStatus>(&row.status)? == JobStatus::Receiving,
                is_expanded: row.is_expanded,
                pages: count(row.pages)?,
            })
        };
        Ok(rows.into_iter().filter_map(|row| or_report(claimed(row))).collect())
    }

    async fn next_job_in(&self) -> StoreResult<Option<Duration>> {
        const NEXT: &str = concat!(
            "SELECT min(ready_at) - ",
            now!(1),
            " FROM job WHERE status IN ('receiving', 'pending', 'running')"
        );
        let query = sqlx::query_scalar(NEXT).bind(self.clock_param());
        let left_ms: Option<i64> = query.fetch_one(&mut *self.reader(TenantScope::All).await?).await?;
        Ok(left_ms.map(not_negative))
    }

    async fn unprocessed_items(&self, lease: &JobLease, limit: u32) -> StoreResult<Vec<UnprocessedItem>> {
        const ITEMS: &str = "SELECT place, coalesce(input, '') FROM job_item \
             WHERE job_id = $1 AND status = 'pending' AND listing_id IS NULL ORDER BY place LIMIT $2";
        let query = sqlx::query_as(ITEMS).bind(lease.id.0).bind(i64::from(limit));
        let rows: Vec<(i32, String)> = query.fetch_all(&mut *self.reader(lease.tenant_id).await?).await?;
        rows.into_iter().map(|(place, input)| Ok(UnprocessedItem { place: count(place)?, input })).collect()
    }

    async fn expand_batch(&self, lease: &JobLease, tag: Option<&str>, limit: u32) -> StoreResult<()> {
        let (clock, lease, tag) = (self.clock_param(), *lease, tag.map(str::to_owned));
        self.transaction(lease.tenant_id, move |conn| job_steps::expand(conn, lease, tag, limit, clock).boxed()).await
    }

    async fn add_listed(
        &self,
        lease: &JobLease,
        page: ListedPage,
        adds: Option<(ProductSettings, u32)>,
    ) -> StoreResult<()> {
        let (clock, lease) = (self.clock_param(), *lease);
        self.transaction(lease.tenant_id, move |conn| job_steps::add_listed(conn, lease, page, adds, clock).boxed())
            .await
    }

    async fn request_batch(
        &self,
        lease: &JobLease,
        items: Vec<BatchItem>,
        crawls_per_day: u32,
        adds: Option<(ProductSettings, u32)>,
    ) -> StoreResult<()> {
        let (clock, lease) = (self.clock_param(), *lease);
        self.transaction(lease.tenant_id, move |conn| {
            job_steps::request(conn, lease, items, crawls_per_day, adds, clock).boxed()
        })
        .await
    }

    async fn settle_job(&self, lease: &JobLease) -> StoreResult<()> {
        let (clock, lease) = (self.clock_param(), *lease);
        self.transaction(lease.tenant_id, move |conn| job_steps::settle(conn, lease, clock).boxed()).await
    }

    async fn import_items(
        &self,
        lease: &JobLease,
        items: Vec<ImportItem>,
        quota: u32,
        is_dry_run: bool,
    ) -> StoreResult<()> {
        let (clock, lease) = (self.clock_param(), *lease);
        self.transaction(lease.tenant_id, move |conn| {
            job_steps::import(conn, lease, items, quota, is_dry_run, clock).boxed()
        })
        .await
    }

    async fn fail_job(&self, lease: &JobLease, error: &str) -> StoreResult<()> {
        let (clock, lease, error) = (self.clock_param(), *lease, error.to_owned());
        self.transaction(lease.tenant_id, move |conn| fail(conn, lease, error, clock).boxed()).await
    }

    async fn release_job(&self, lease: &JobLease, pause: Duration) -> StoreResult<()> {
        self.give_back(lease, pause, true).await
    }

    async fn postpone_job(&self, lease: &JobLease, pause: Duration) -> StoreResult<()> {
        self.give_back(lease, pause, false).await
    }
}

impl Backend {
    async fn give_back(&self, lease: &JobLease, pause: Duration, attempt_counts: bool) -> StoreResult<()> {
        const GIVE_BACK: &str = concat!(
            "UPDATE job SET ready_at = ",
            now!(3),
            " + $4, owner = NULL, attempt = CASE WHEN $5 THEN attempt ELSE attempt - 1 END \
             WHERE id = $1 AND token = $2 AND owner IS NOT NULL"
        );
        let query = sqlx::query(GIVE_BACK).bind(lease.id.0).bind(lease.token).bind(self.clock_param());
        let query = query.bind(millis(pause)).bind(attempt_counts);
        query.execute(&mut *self.writer(lease.tenant_id).await?).await?;
        Ok(())
    }
}

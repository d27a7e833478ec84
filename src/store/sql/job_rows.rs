//! Jobs and their items as rows.

use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{ItemStatus, Job, JobCounts, JobId, JobItem, JobSpec, ProductId, TenantId};
use crate::store::rows::{count, time, word};
use crate::store::{StoreError, StoreResult};

pub(super) const JOB_COLUMNS: &str = "id, tenant_id, spec, created_by, status, total, done, skipped, failed, cancelled, ended_before, error, \
     created_at, started_at, finished_at, updated_at";

#[derive(sqlx::FromRow)]
pub(super) struct JobColumns {
    pub(super) id: Uuid,
    tenant_id: Uuid,
    spec: Json<JobSpec>,
    created_by: Option<String>,
    status: String,
    #[sqlx(flatten)]
    counts: CountColumns,
    ended_before: i64,
    error: Option<String>,
    pub(super) created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    updated_at: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct CountColumns {
    total: i64,
    done: i64,
    skipped: i64,
    failed: i64,
    cancelled: i64,
}

impl TryFrom<CountColumns> for JobCounts {
    type Error = StoreError;

    fn try_from(row: CountColumns) -> StoreResult<Self> {
        Ok(Self {
            total: count(row.total)?,
            done: count(row.done)?,
            skipped: count(row.skipped)?,
            failed: count(row.failed)?,
            cancelled: count(row.cancelled)?,
        })
    }
}

impl TryFrom<JobColumns> for Job {
    type Error = StoreError;

    fn try_from(row: JobColumns) -> StoreResult<Self> {
        Ok(Self {
            id: JobId(row.id),
            tenant_id: TenantId(row.tenant_id),
            spec: row.spec.0,
            created_by: row.created_by,
            status: word(&row.status)?,
            counts: row.counts.try_into()?,
            ended_before: count(row.ended_before)?,
            error: row.error,
            created_at: time(row.created_at)?,
            started_at: row.started_at.map(time).transpose()?,
            finished_at: row.finished_at.map(time).transpose()?,
            // A replica of the previous version does not set it.
            updated_at: time(row.updated_at.max(row.created_at))?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ItemColumns {
    pub(super) place: i32,
    input: Option<String>,
    status: String,
    product_id: Option<Uuid>,
    outcome: Option<String>,
    error: Option<String>,
    finished_at: Option<i64>,
    is_leased: bool,
}

impl TryFrom<ItemColumns> for JobItem {
    type Error = StoreError;

    fn try_from(row: ItemColumns) -> StoreResult<Self> {
        Ok(Self {
            place: count(row.place)?,
            input: row.input,
            status: item_status(&row.status, row.is_leased)?,
            product_id: row.product_id.map(ProductId),
            outcome: row.outcome,
            error: row.error,
            finished_at: row.finished_at.map(time).transpose()?,
        })
    }
}

/// "Running" is not stored: a pending item runs while the lease of its listing is held.
pub(super) fn item_status(stored: &str, is_leased: bool) -> StoreResult<ItemStatus> {
    let stored = word(stored)?;
    Ok(if stored == ItemStatus::Pending && is_leased { ItemStatus::Running } else { stored })
}

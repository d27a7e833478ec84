//! Schedules and their runs.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreResult};
use crate::domain::{JobId, Schedule, ScheduleId, ScheduleRun, ScheduleSettings, TenantId};

/// A schedule to be created.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// The owner.
    pub tenant_id: TenantId,
    /// What it does.
    pub settings: ScheduleSettings,
    /// When it is due for the first time; `None`: it is disabled.
    pub next_at: Option<Timestamp>,
    /// Who creates it.
    pub created_by: String,
    /// How many the tenant may have, including this one.
    pub quota: u32,
}

/// One run of a schedule, as its due time asks for it, or a person.
#[derive(Debug, Clone, Copy)]
pub struct RunRequest {
    /// The schedule.
    pub id: ScheduleId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The due time that is handled; `None`: it is run by hand, or was queued.
    pub due_at: Option<Timestamp>,
    /// When it is due next.
    pub next_at: Option<Timestamp>,
    /// How many jobs of the tenant may be in progress.
    pub job_quota: u32,
}

/// The schedules of tenants.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Creates a schedule.
    ///
    /// # Errors
    /// [`OverQuota`](super::StoreError::OverQuota) `schedules`.
    async fn add_schedule(&self, schedule: NewSchedule) -> StoreResult<Schedule>;

    /// A page of a tenant's schedules, newest first.
    async fn schedules(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Schedule>>;

    /// One schedule of a tenant.
    async fn schedule(&self, tenant_id: TenantId, id: ScheduleId) -> StoreResult<Schedule>;

    /// Replaces the settings of a schedule that still has the version that was read.
    ///
    /// # Errors
    /// [`Changed`](super::StoreError::Changed) otherwise.
    async fn update_schedule(
        &self,
        read: &Schedule,
        settings: ScheduleSettings,
        next_at: Option<Timestamp>,
    ) -> StoreResult<Schedule>;

    /// Deletes a schedule with its runs. Jobs that it started go on.
    async fn remove_schedule(&self, tenant_id: TenantId, id: ScheduleId) -> StoreResult<()>;

    /// A page of the runs of a schedule, newest first.
    async fn schedule_runs(
        &self,
        tenant_id: TenantId,
        id: ScheduleId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<ScheduleRun>>;

    /// The schedules that are due, or whose queued run may start, the longest due first.
    async fn due_schedules(&self, limit: u32) -> StoreResult<Vec<Schedule>>;

    /// The time until the next schedule is due.
    async fn next_schedule_in(&self) -> StoreResult<Option<Duration>>;

    /// Handles one due time, exactly once on all replicas: starts the job, or leaves it out or queues it if the job before has not
    /// ended. `None`: another replica has handled it. A queued run whose job has not ended stays queued.
    async fn run_schedule(&self, run: RunRequest) -> StoreResult<Option<ScheduleRun>>;

    /// Starts the job of a schedule now, whatever became of the one before.
    ///
    /// # Errors
    /// [`OverQuota`](super::StoreError::OverQuota) `jobs`, `reports`; [`AlreadyReported`](super::StoreError::AlreadyReported): its last
    /// report covers the same time.
    async fn run_schedule_now(&self, tenant_id: TenantId, id: ScheduleId, job_quota: u32) -> StoreResult<JobId>;
}

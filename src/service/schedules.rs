//! Schedules.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::access::Caller;
use super::auth::check_name;
use super::jobs::{BatchTarget, CategoryTarget};
use super::products::valid;
use super::reports::ReportAction;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::domain::{
    Job, JobSpec, Marketplace, Overrun, ProductDefaults, Recurrence, Schedule, ScheduleId, ScheduleRun,
    ScheduleSettings, TenantId,
};
use crate::store::{Creation, IdempotencyClaim, NewSchedule, Page, StoreError, idempotently};

/// Maximum listings that a schedule names; more are tagged.
pub const MAX_LISTINGS_PER_SCHEDULE: usize = 1000;
/// No schedule starts jobs more often.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_secs(60);

/// Times that a preview of a recurrence shows.
const PREVIEWED_TIMES: usize = 5;

const MAX_UPDATE_ATTEMPTS: u32 = 5;

/// What a schedule does.
#[derive(Debug, Clone)]
pub enum ScheduleAction {
    /// Crawls listings; the marketplace is that of ASINs without one.
    Crawl(BatchTarget, Option<Marketplace>),
    /// Reads a list of products.
    Category(CategoryTarget),
    /// Makes a report.
    Report(ReportAction),
}

/// Settings of a schedule: `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct ScheduleChange {
    /// The name.
    pub name: Option<String>,
    /// When it is due.
    pub recurrence: Option<Recurrence>,
    /// What it does.
    pub action: Option<ScheduleAction>,
    /// What happens when the job before has not ended.
    pub overrun: Option<Overrun>,
    /// Whether it starts anything by itself.
    pub is_enabled: Option<bool>,
}

impl Service {
    /// Creates a schedule.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`]; [`ServiceError::Conflict`] `too_many_schedules`.
    pub async fn add_schedule(
        &self,
        caller: Caller,
        change: ScheduleChange,
        claim: Option<IdempotencyClaim<Schedule>>,
    ) -> ServiceResult<Creation<Schedule>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let now = deps.store.now().await?;
            let settings = deps.changed_settings(&caller, None, change, now).await?;
            let new = NewSchedule {
                tenant_id: caller.tenant_id,
                next_at: next_of(&settings, now),
                settings,
                created_by: caller.actor().to_string(),
                quota: deps.jobs.max_schedules,
            };
            let added = idempotently(claim, deps.store.add_schedule(new)).await.map_err(|error| match error {
                StoreError::OverQuota { limit, .. } => {
                    ServiceError::Conflict("too_many_schedules", format!("there may be at most {limit} schedules"))
                }
                other => other.into(),
            })?;
            if let Creation::Created(schedule) = &added {
                deps.schedule_changed(&caller, schedule.id, "schedule.add").await;
            }
            Ok(added)
        })
        .await
    }

    /// The next times of a recurrence, as a schedule of the caller would have them from now on.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] if the plan does not allow it.
    pub async fn preview_recurrence(&self, caller: Caller, recurrence: Recurrence) -> ServiceResult<Vec<Timestamp>> {
        self.run(async move |deps: Arc<Dependencies>| {
            let now = deps.store.now().await?;
            valid(interval_errors(&caller, &recurrence, now))?;
            let times = std::iter::successors(recurrence.next_after(now), |time| recurrence.next_after(*time));
            Ok(times.take(PREVIEWED_TIMES).collect())
        })
        .await
    }

    /// A page of schedules, newest first.
    pub async fn schedules(
        &self,
        tenant_id: TenantId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<Schedule>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.schedules(tenant_id, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// One schedule.
    pub async fn schedule(&self, tenant_id: TenantId, id: ScheduleId) -> ServiceResult<Schedule> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.schedule(tenant_id, id).await?)).await
    }

    /// Changes a schedule. If it is enabled, or due at other times, its next time is found anew.
    ///
    /// # Errors
    /// [`ServiceError::Changed`] if it does not have the expected version.
    pub async fn update_schedule(
        &self,
        caller: Caller,
        id: ScheduleId,
        change: ScheduleChange,
        expected_version: Option<i64>,
    ) -> ServiceResult<Schedule> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut attempts = 0;
            let schedule = loop {
                attempts += 1;
                match deps.try_update_schedule(&caller, id, change.clone(), expected_version).await {
                    // Another change came in between, and both are applied.
                    Err(ServiceError::Changed) if expected_version.is_none() && attempts < MAX_UPDATE_ATTEMPTS => {}
                    updated => break updated?,
                }
            };
            deps.schedule_changed(&caller, id, "schedule.update").await;
            Ok(schedule)
        })
        .await
    }

    /// Deletes a schedule. Jobs that it started go on.
    pub async fn remove_schedule(&self, caller: Caller, id: ScheduleId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.remove_schedule(caller.tenant_id, id).await?;
            deps.schedule_changed(&caller, id, "schedule.delete").await;
            Ok(())
        })
        .await
    }

    /// A page of the runs of a schedule, newest first.
    pub async fn schedule_runs(
        &self,
        tenant_id: TenantId,
        id: ScheduleId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<ScheduleRun>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.schedule_runs(tenant_id, id, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// Starts the job of a schedule now; its next time stays.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] `too_many_jobs`, `too_many_reports`; `already_reported`: its last report covers the same time.
    pub async fn run_schedule(&self, caller: Caller, id: ScheduleId) -> ServiceResult<Job> {
        self.run(async move |deps: Arc<Dependencies>| {
            let schedule = deps.store.schedule(caller.tenant_id, id).await?;
            caller.require(schedule.settings.spec.kind().scope())?;
            let started = deps.store.run_schedule_now(caller.tenant_id, id, deps.jobs.max_open).await;
            let job = started.map_err(|error| deps.job_error(error))?;
            deps.schedule_changed(&caller, id, "schedule.run").await;
            Ok(deps.store.job(caller.tenant_id, job).await?)
        })
        .await
    }
}

fn next_of(settings: &ScheduleSettings, now: Timestamp) -> Option<Timestamp> {
    if settings.is_enabled { settings.recurrence.next_after(now) } else { None }
}

/// What is wrong with a recurrence that is due more often than the plan allows.
fn interval_errors(caller: &Caller, recurrence: &Recurrence, now: Timestamp) -> Vec<FieldError> {
    let plan = SignedDuration::from_secs(caller.plan.min_interval.as_secs().into());
    let shortest = plan.max(MIN_INTERVAL);
    if recurrence.shortest_interval(now).is_none_or(|interval| interval >= shortest) {
        return Vec::new();
    }
    let message = format!("the plan allows at most one run every {} minutes", shortest.as_secs() / 60);
    vec![FieldError::new("recurrence", message)]
}

impl Dependencies {
    async fn try_update_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
        change: ScheduleChange,
        expected_version: Option<i64>,
    ) -> ServiceResult<Schedule> {
        let read = self.store.schedule(caller.tenant_id, id).await?;
        if expected_version.is_some_and(|expected| expected != read.version) {
            return Err(ServiceError::Changed);
        }
        let now = self.store.now().await?;
        let settings = self.changed_settings(caller, Some(read.settings.clone()), change, now).await?;
        let keeps_times = settings.recurrence == read.settings.recurrence && read.settings.is_enabled;
        let next_at = if keeps_times && settings.is_enabled { read.next_at } else { next_of(&settings, now) };
        Ok(self.store.update_schedule(&read, settings, next_at).await?)
    }

    /// The settings after a change; without any before, all but the last two are required.
    async fn changed_settings(
        &self,
        caller: &Caller,
        before: Option<ScheduleSettings>,
        change: ScheduleChange,
        now: Timestamp,
    ) -> ServiceResult<ScheduleSettings> {
        let mut errors = Vec::new();
        if let Some(name) = &change.name {
            check_name("name", name, &mut errors);
        }
        if let Some(recurrence) = &change.recurrence {
            errors.extend(interval_errors(caller, recurrence, now));
        }
        valid(errors)?;
        let action = match change.action {
            Some(action) => Some(self.scheduled(caller, action).await?),
            None => None,
        };
        let required = |field| ServiceError::invalid(field, "is required");
        let (before_spec, before) = match before {
            Some(before) => (Some((before.spec.clone(), before.listings.clone())), Some(before)),
            None => (None, None),
        };
        let (spec, listings) = action.or(before_spec).ok_or_else(|| required("action"))?;
        // Also to keep one: a route for all kinds asks for the scope of crawls.
        caller.require(spec.kind().scope())?;
        let of_before = before.as_ref();
        Ok(ScheduleSettings {
            name: change.name.or(of_before.map(|it| it.name.clone())).ok_or_else(|| required("name"))?,
            recurrence: change
                .recurrence
                .or(of_before.map(|it| it.recurrence.clone()))
                .ok_or_else(|| required("recurrence"))?,
            spec,
            listings,
            overrun: change.overrun.or(of_before.map(|it| it.overrun)).unwrap_or_default(),
            is_enabled: change.is_enabled.or(of_before.map(|it| it.is_enabled)).unwrap_or(true),
        })
    }

    /// The job of an action, and the inputs of its items.
    async fn scheduled(&self, caller: &Caller, action: ScheduleAction) -> ServiceResult<(JobSpec, Vec<String>)> {
        let (target, marketplace) = match action {
            ScheduleAction::Crawl(target, marketplace) => (target, marketplace),
            ScheduleAction::Category(list) => {
                return Ok((self.category_spec(caller, list, "action.")?, Vec::new()));
            }
            ScheduleAction::Report(report) => return Ok((self.scheduled_report(caller, report).await?, Vec::new())),
        };
        let defaults = ProductDefaults { marketplace, ..ProductDefaults::default() };
        let (target, listings) = self.inputs_of(target, &defaults, "action.")?;
        if listings.len() > MAX_LISTINGS_PER_SCHEDULE {
            let message = format!("must name 1 to {MAX_LISTINGS_PER_SCHEDULE} listings; tag the products of more");
            return Err(ServiceError::invalid("action.listings", message));
        }
        Ok((JobSpec::CrawlBatch { target, add: None }, listings))
    }

    async fn schedule_changed(self: &Arc<Self>, caller: &Caller, id: ScheduleId, action: &'static str) {
        self.job_runner.wake();
        self.audit(caller.audit_event(action, Some(format!("schedule:{id}")))).await;
    }
}

//! Schedules: what is started at which times.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{JobId, ReportId, ScheduleId, ScheduleRunId, TenantId};
use super::job::{JobSpec, JobStatus};
use super::recurrence::Recurrence;
use super::report::ReportOutput;
use super::report_period::ReportPeriodError;

/// What happens when a schedule is due and the job that it started before has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Overrun {
    /// This run is left out.
    #[default]
    Skip,
    /// It starts when that job has ended; further ones are left out meanwhile.
    Queue,
}

impl Overrun {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a tenant sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// Its name.
    pub name: String,
    /// When it is due.
    pub recurrence: Recurrence,
    /// The job that it starts.
    pub spec: JobSpec,
    /// The inputs of the items of that job, if it has any from the start.
    pub listings: Vec<String>,
    /// What happens when the job before has not ended.
    pub overrun: Overrun,
    /// Whether it starts anything by itself.
    pub is_enabled: bool,
}

impl ScheduleSettings {
    /// The job that it starts at a due time. A report covers its period as it is then, in the time zone of the schedule.
    ///
    /// # Errors
    /// [`ReportPeriodError`]
    pub fn spec_due(&self, due_at: Timestamp, id: ScheduleId) -> Result<JobSpec, ReportPeriodError> {
        let JobSpec::Report(report) = &self.spec else { return Ok(self.spec.clone()) };
        let window = report.period.window(due_at, self.recurrence.time_zone())?;
        let mut report = report.clone();
        report.output = Some(ReportOutput { report_id: ReportId::new(), window, schedule_id: Some(id) });
        Ok(JobSpec::Report(report))
    }
}

/// A schedule of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Identifier.
    pub id: ScheduleId,
    /// The owner.
    pub tenant_id: TenantId,
    /// What the tenant has set.
    pub settings: ScheduleSettings,
    /// A run waits for the end of the job before.
    pub is_queued: bool,
    /// When it is due next; `None`: disabled, or never again.
    pub next_at: Option<Timestamp>,
    /// The last job that it started.
    pub last_job_id: Option<JobId>,
    /// The status of that job; `None` also if the job was deleted.
    pub last_job_status: Option<JobStatus>,
    /// Who created it.
    pub created_by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
    /// Incremented by each change of the settings.
    pub version: i64,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunResult {
    /// A job was started.
    Started,
    /// The job before had not ended, or there is a report of this time already.
    Skipped,
    /// It waits for the end of the job before.
    Queued,
    /// No job could be started.
    Failed,
}

impl RunResult {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One time at which a schedule was due, or was run by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRun {
    /// Identifier.
    pub id: ScheduleRunId,
    /// When it was due.
    pub due_at: Timestamp,
    /// When it was handled.
    pub at: Timestamp,
    /// What became of it.
    pub result: RunResult,
    /// The job that was started.
    pub job_id: Option<JobId>,
    /// Why none could be started.
    pub error: Option<String>,
}

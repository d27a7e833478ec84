//! Schedules and their runs as responses show them.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::product_defaults::WireDefaults;
use crate::domain::{
    CrawlTarget, EmailAddress, JobId, JobSpec, JobStatus, Overrun, Recurrence, ReportFormat, ReportPeriod,
    ReportSubject, RunResult, Schedule, ScheduleId, ScheduleRun, ScheduleRunId,
};

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(super) struct WireSchedule {
    #[schema(value_type = Uuid)]
    id: ScheduleId,
    name: String,
    /// `every`, or `cron` with `time_zone`.
    #[schema(value_type = Object)]
    recurrence: Recurrence,
    action: WireAction,
    /// `skip` or `queue`.
    #[schema(value_type = String, example = "skip")]
    overrun: Overrun,
    is_enabled: bool,
    /// A run waits for the end of the job before.
    is_queued: bool,
    /// When it is due next; null if it is disabled, or never due again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_run_at: Option<Timestamp>,
    /// The last job that it started.
    #[schema(value_type = Option<Uuid>)]
    last_job_id: Option<JobId>,
    /// The status of that job.
    #[schema(value_type = Option<String>, example = "done")]
    last_job_status: Option<JobStatus>,
    /// `user:ID` or `key:ID`.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What a schedule does.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ScheduleAction)]
struct WireAction {
    /// `crawl`, `category` or `report`.
    kind: &'static str,
    /// Listings as `marketplace/ASIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    listings: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    /// The list of products.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    /// Settings of the products that are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<WireDefaults>,
    /// What the report is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    subject: Option<ReportSubject>,
    /// Which time the report covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    period: Option<ReportPeriod>,
    /// The formats that the e-mail offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    formats: Option<Vec<ReportFormat>>,
    /// Who gets an e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    recipients: Option<Vec<EmailAddress>>,
}

impl WireAction {
    fn of(spec: JobSpec, listings: Vec<String>) -> Self {
        let crawl = Self { kind: "crawl", ..Self::default() };
        match spec {
            JobSpec::CrawlBatch { target: CrawlTarget::Tag(tag), .. } => Self { tag: Some(tag), ..crawl },
            JobSpec::CrawlBatch { target: CrawlTarget::All, .. } => Self { all: Some(true), ..crawl },
            JobSpec::Category { url, pages, add } => {
                Self { kind: "category", url: Some(url), pages: Some(pages), add: add.map(WireDefaults::from), ..crawl }
            }
            JobSpec::Report(report) => Self {
                kind: "report",
                subject: Some(report.subject),
                period: Some(report.period),
                formats: Some(report.formats),
                recipients: Some(report.recipients),
                ..crawl
            },
            JobSpec::CrawlBatch { target: CrawlTarget::Listings, .. } | JobSpec::Crawl | JobSpec::Import { .. } => {
                Self { listings: Some(listings), ..crawl }
            }
        }
    }
}

impl From<Schedule> for WireSchedule {
    fn from(schedule: Schedule) -> Self {
        let settings = schedule.settings;
        Self {
            id: schedule.id,
            name: settings.name,
            recurrence: settings.recurrence,
            action: WireAction::of(settings.spec, settings.listings),
            overrun: settings.overrun,
            is_enabled: settings.is_enabled,
            is_queued: schedule.is_queued,
            next_run_at: schedule.next_at,
            last_job_id: schedule.last_job_id,
            last_job_status: schedule.last_job_status,
            created_by: schedule.created_by,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        }
    }
}

/// One run of a schedule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduleRun)]
pub(super) struct WireRun {
    #[schema(value_type = Uuid)]
    id: ScheduleRunId,
    /// When it was due.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// When it was handled: later after a downtime, when what was missed is run once.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `started`, `skipped`, `queued` or `failed`.
    #[schema(value_type = String, example = "started")]
    result: RunResult,
    #[schema(value_type = Option<Uuid>)]
    job_id: Option<JobId>,
    /// Why no job was started.
    error: Option<String>,
}

impl From<ScheduleRun> for WireRun {
    fn from(run: ScheduleRun) -> Self {
        let ScheduleRun { id, due_at, at, result, job_id, error } = run;
        Self { id, due_at, at, result, job_id, error }
    }
}

/// The next times of a recurrence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecurrencePreview)]
pub(super) struct WirePreview {
    /// Up to five.
    #[schema(value_type = Vec<String>)]
    pub(super) times: Vec<Timestamp>,
}

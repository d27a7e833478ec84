//! `/api/v1/schedules`: what is started at which times.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::crawl::batch_target;
use super::etag::{expected_version, versioned};
use super::field_parsing::parsed;
use super::idempotency::{RequestKey, rendered, respond};
use super::jobs::WireJob;
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::product_defaults::{BatchAdd, WireDefaults};
use super::report_requests::{PeriodBody, SubjectBody};
use super::routes::Routes;
use super::strict::{List, PathId, StrictJson, StrictQuery, optional_object};
use crate::domain::{
    CrawlTarget, CronTimes, EmailAddress, JobId, JobSpec, JobStatus, Marketplace, Overrun, Recurrence, ReportFormat,
    ReportPeriod, ReportSubject, RunResult, Schedule, ScheduleId, ScheduleRun, ScheduleRunId, Scope,
};
use crate::service::{
    Caller, CategoryTarget, FieldError, MAX_LISTINGS_PER_SCHEDULE, MAX_RECIPIENTS, ReportAction, ScheduleAction,
    ScheduleChange, StoredResponse,
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/schedules", |path| path.get(Scope::ProductRead, list).create(Scope::CrawlCreate, add));
    routes.path("/schedules/preview", |path| path.post(Scope::ProductRead, preview));
    routes.path("/schedules/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::CrawlCreate, patch).delete(Scope::CrawlCreate, remove)
    });
    routes.path("/schedules/{id}/run", |path| path.post(Scope::CrawlCreate, run));
    routes.path("/schedules/{id}/runs", |path| path.get(Scope::ProductRead, runs));
}

/// When a schedule is due: `every`, or `cron` with `time_zone`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin" }))]
pub(super) struct RecurrenceBody {
    /// `hourly`, `daily`, `weekly`, `monthly`, or an interval such as `6h`.
    every: Option<String>,
    /// A cron expression of five fields, or six with seconds in front. Days of the week are 0 to 7 or names; 0 and 7 are Sunday.
    cron: Option<String>,
    /// The time zone of the expression, by its name in the IANA database.
    time_zone: Option<String>,
}

impl RecurrenceBody {
    fn parsed(&self) -> Result<Recurrence, Problem> {
        let mut errors = Vec::new();
        let recurrence = match (&self.every, &self.cron, &self.time_zone) {
            (Some(every), None, None) => {
                parsed("recurrence.every", Some(every), &mut errors).map(|every| Recurrence::Every { every })
            }
            (None, Some(cron), Some(time_zone)) => match CronTimes::new(cron, time_zone) {
                Ok(times) => Some(Recurrence::Cron(times)),
                Err(error) => {
                    let field = if error.is_about_time_zone() { "recurrence.time_zone" } else { "recurrence.cron" };
                    errors.push(FieldError::new(field, error));
                    None
                }
            },
            _ => {
                errors.push(FieldError::new("recurrence", "give either `every`, or `cron` with `time_zone`"));
                None
            }
        };
        recurrence.ok_or_else(|| Problem::invalid(errors))
    }
}

/// What a schedule does. `crawl`: exactly one of `listings`, `tag` and `all`; `category`: a list of products, with `url`; `report`: a
/// report, with `subject` and `period`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "crawl", "tag": "toys" }))]
pub(super) struct ActionBody {
    kind: ActionKind,
    /// 1 to 1,000 ASINs, or URLs of product pages, of products that you track.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 1000)]
    listings: Option<List<String, MAX_LISTINGS_PER_SCHEDULE>>,
    /// All active products with this tag.
    tag: Option<String>,
    /// `true`: all active products.
    all: Option<bool>,
    /// The marketplace of ASINs; default: that of the installation.
    #[schema(value_type = Option<String>, example = "de")]
    marketplace: Option<Marketplace>,
    /// Of `category`: the URL of a bestseller list or of search results.
    url: Option<String>,
    /// Of `category`: how many pages to read, 1 to 20; default 1.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 20)]
    pages: Option<u32>,
    /// Of `category`: adds the listings that are not tracked yet, with these settings.
    #[serde(default, deserialize_with = "optional_object")]
    add: Option<BatchAdd>,
    /// Of `report`: what it is about.
    #[serde(default, deserialize_with = "optional_object")]
    subject: Option<SubjectBody>,
    /// Of `report`: which time it covers, as it is when the schedule is due, in its time zone (UTC if it has none). Not `dates`.
    #[serde(default, deserialize_with = "optional_object")]
    period: Option<PeriodBody>,
    /// Of `report`: the formats that its e-mail offers, of `json`, `markdown`, `html`, `csv` and `xlsx`; default: `html` and `xlsx`,
    /// which is attached if it has at most 5 MB.
    #[schema(value_type = Option<Vec<String>>, max_items = 5)]
    formats: Option<List<ReportFormat, 5>>,
    /// Of `report`: the addresses of up to 20 users of your tenant who get an e-mail when it is done.
    #[schema(value_type = Option<Vec<String>>, max_items = 20)]
    recipients: Option<List<String, MAX_RECIPIENTS>>,
}

impl ActionBody {
    fn action(self) -> Result<ScheduleAction, Problem> {
        let names_report = self.subject.is_some() || self.period.is_some();
        let names_report = names_report || self.formats.is_some() || self.recipients.is_some();
        let names_listings = self.listings.is_some() || self.tag.is_some() || self.all.is_some();
        let names_list = self.url.is_some() || self.pages.is_some() || self.add.is_some();
        if names_report && !matches!(self.kind, ActionKind::Report) {
            return Err(Problem::invalid_field("action.kind", "some fields belong to another kind"));
        }
        match self.kind {
            ActionKind::Report if !names_list && !names_listings && self.marketplace.is_none() => {
                let required = |field: &str| Problem::invalid_field(field, "is required");
                let subject = self.subject.ok_or_else(|| required("action.subject"))?;
                let period = self.period.ok_or_else(|| required("action.period"))?;
                Ok(ScheduleAction::Report(ReportAction {
                    subject: subject.subject("action.subject.")?,
                    period: period.period("action.period.")?,
                    formats: self.formats.map(|formats| formats.0).unwrap_or_default(),
                    recipients: self.recipients.map(|recipients| recipients.0).unwrap_or_default(),
                }))
            }
            ActionKind::Crawl if !names_list => {
                let listings = self.listings.map(|listings| listings.0);
                let target = batch_target(listings, self.tag, self.all, "action.")?;
                Ok(ScheduleAction::Crawl(target, self.marketplace))
            }
            ActionKind::Category if !names_listings && self.marketplace.is_none() => {
                let url = self.url.ok_or_else(|| Problem::invalid_field("action.url", "is required"))?;
                let add = self.add.map(|add| add.defaults(None));
                Ok(ScheduleAction::Category(CategoryTarget { url, pages: self.pages.unwrap_or(1), add }))
            }
            ActionKind::Crawl | ActionKind::Category | ActionKind::Report => {
                Err(Problem::invalid_field("action.kind", "some fields belong to another kind"))
            }
        }
    }
}

/// The kind of an action.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ActionKind {
    /// Crawl products.
    Crawl,
    /// Read a list of products, and add what it shows if asked to.
    Category,
    /// Make a report.
    Report,
}

/// A schedule to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleBody {
    /// Its name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "optional_object")]
    recurrence: Option<RecurrenceBody>,
    #[serde(default, deserialize_with = "optional_object")]
    action: Option<ActionBody>,
    /// What happens when it is due and the job that it started before has not ended: `skip` (default) leaves the run out, `queue`
    /// starts one when that job has ended.
    #[schema(value_type = Option<String>, example = "skip")]
    overrun: Option<Overrun>,
    /// `false`: it starts nothing by itself.
    is_enabled: Option<bool>,
}

impl ScheduleBody {
    fn change(self) -> Result<ScheduleChange, Problem> {
        Ok(ScheduleChange {
            name: self.name,
            recurrence: self.recurrence.as_ref().map(RecurrenceBody::parsed).transpose()?,
            action: self.action.map(ActionBody::action).transpose()?,
            overrun: self.overrun,
            is_enabled: self.is_enabled,
        })
    }
}

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

fn shown(schedule: Schedule) -> HttpResponse {
    versioned(StatusCode::OK, schedule.version, &WireSchedule::from(schedule))
}

/// Create a schedule. `name`, `recurrence` and `action` are required.
///
/// A time that does not exist, on the day when clocks are set forward, is due as much later; one that exists twice is due once, unless
/// the hour of the expression is `*`. Times that were missed during a downtime are made up for by one run.
#[utoipa::path(post, path = "/api/v1/schedules", tag = "schedules", request_body = ScheduleBody, responses(
    (status = 201, description = "Created", body = WireSchedule),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 409, description = "There are too many schedules", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<ScheduleBody>,
) -> Result<impl Responder, Problem> {
    let creation = shared.service.add_schedule(caller, body.change()?, key.claim(created)).await?;
    Ok(respond(creation, created))
}

fn created(schedule: &Schedule) -> StoredResponse {
    let location = format!("/api/v1/schedules/{}", schedule.id);
    rendered(StatusCode::CREATED, location, &WireSchedule::from(schedule.clone()))
}

/// The next times of a recurrence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecurrencePreview)]
pub(super) struct WirePreview {
    /// Up to five.
    #[schema(value_type = Vec<String>)]
    times: Vec<Timestamp>,
}

/// Find the next times of a recurrence. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/schedules/preview", tag = "schedules", request_body = RecurrenceBody, responses(
    (status = 200, description = "The times", body = WirePreview),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn preview(
    shared: Data<Shared>,
    caller: Caller,
    StrictJson(body): StrictJson<RecurrenceBody>,
) -> Result<impl Responder, Problem> {
    let times = shared.service.preview_recurrence(caller, body.parsed()?).await?;
    Ok(Json(WirePreview { times }))
}

/// List schedules, newest first.
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", params(PageQuery), responses(
    (status = 200, description = "A page of schedules", body = WirePage<WireSchedule>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    Ok(paged::<_, WireSchedule>(shared.service.schedules(caller.tenant_id, cursor, limit).await?))
}

/// Get a schedule.
#[utoipa::path(get, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The schedule", body = WireSchedule),
    (status = 404, description = "No such schedule", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ScheduleId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(shared.service.schedule(caller.tenant_id, id).await?))
}

/// Change a schedule. Omitted fields stay as they are.
#[utoipa::path(patch, path = "/api/v1/schedules/{id}", tag = "schedules", request_body = ScheduleBody,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that you read")), responses(
    (status = 200, description = "The schedule", body = WireSchedule),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such schedule", body = Problem),
    (status = 412, description = "It has changed since you read it", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ScheduleId>,
    StrictJson(body): StrictJson<ScheduleBody>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    Ok(shown(shared.service.update_schedule(caller, id, body.change()?, expected_version).await?))
}

/// Delete a schedule with the history of its runs. Jobs that it started go on.
#[utoipa::path(delete, path = "/api/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such schedule", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ScheduleId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_schedule(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

/// Run a schedule now, also a disabled one. Its next run stays as it is.
#[utoipa::path(post, path = "/api/v1/schedules/{id}/run", tag = "schedules", params(("id" = Uuid, Path)), responses(
    (status = 202, description = "The job", body = WireJob),
    (status = 404, description = "No such schedule", body = Problem),
    (status = 409, description = "Too many jobs are in progress, or its last report covers the same time", body = Problem),
))]
pub(super) async fn run(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ScheduleId>,
) -> Result<impl Responder, Problem> {
    let job = shared.service.run_schedule(caller, id).await?;
    Ok((Json(WireJob::from(job)), StatusCode::ACCEPTED))
}

/// List the runs of a schedule, newest first.
#[utoipa::path(get, path = "/api/v1/schedules/{id}/runs", tag = "schedules", params(("id" = Uuid, Path), PageQuery), responses(
    (status = 200, description = "A page of runs", body = WirePage<WireRun>),
    (status = 404, description = "No such schedule", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn runs(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ScheduleId>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    Ok(paged::<_, WireRun>(shared.service.schedule_runs(caller.tenant_id, id, cursor, limit).await?))
}

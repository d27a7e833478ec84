//! `/api/v1/reports`: documents about products over a time, in several formats; and `/auth/reports/TOKEN`, which reads one by a link.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Shared;
use super::charts::Picture;
use super::etag::tagged_body;
use super::field_parsing::parsed;
use super::idempotency::{RequestKey, rendered, respond};
use super::jobs::WireJob;
use super::paging::{WirePage, limit_of, paged};
use super::problem::Problem;
use super::report_requests::ReportBody;
use super::report_view::{WireReport, WireReportLink};
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{Job, ReportFormat, ReportId, Scope};
use crate::service::{Caller, RenderedReport, ReportFilter, StoredResponse};

const DEFAULT_LINK_HOURS: u32 = 7 * 24;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/reports", |path| path.get(Scope::ProductRead, list).create(Scope::ReportCreate, add));
    routes.path("/reports/{id}", |path| path.get(Scope::ProductRead, get).delete(Scope::ReportCreate, remove));
    routes.path("/reports/{id}/file", |path| path.get(Scope::ProductRead, file));
    routes.path("/reports/{id}/link", |path| path.post(Scope::ReportCreate, link));
}

/// Rendering costs time, so attempts are limited by address.
pub(super) fn link_routes(routes: &mut Routes<'_>) {
    routes.path("/auth/reports/{token}", |path| path.get(Access::RateLimited, linked));
}

/// Which reports to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportsQuery {
    /// `product`, `competitor_set`, `tag` or `tenant`.
    subject: Option<String>,
    /// `pending`, `running`, `done`, `failed` or `cancelled`.
    status: Option<String>,
    /// Only those that this schedule asked for.
    #[param(value_type = Option<Uuid>)]
    schedule_id: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

/// Which link to make.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LinkQuery {
    /// What it opens: `json`, `markdown` (or `md`), `html` (default), `csv` or `xlsx`.
    format: Option<String>,
    /// How long it is valid, 1 to 720; default 168. Never longer than the report is kept.
    #[param(minimum = 1, maximum = 720)]
    hours: Option<String>,
}

/// In which format.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FormatQuery {
    /// `json`, `markdown` (or `md`), `html` (default), `csv` or `xlsx`.
    format: Option<String>,
    /// Of `csv`: the id of the section whose table is wanted; default: the main one.
    section: Option<String>,
}

impl FormatQuery {
    fn format(&self) -> Result<ReportFormat, Problem> {
        let mut errors = Vec::new();
        let format = parsed("format", self.format.as_deref(), &mut errors).unwrap_or(ReportFormat::Html);
        if errors.is_empty() { Ok(format) } else { Err(Problem::invalid(errors)) }
    }
}

/// Make a report: of a product, a competitor set, the products with a tag, or all.
///
/// The report is made by a job; `parameters.report_id` of the job is its id. It covers whole days of the time zone. A report of many
/// products has at most 2,000 of them.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports", request_body = ReportBody, responses(
    (status = 202, description = "The job", body = WireJob),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such product or competitor set", body = Problem),
    (status = 409, description = "Too many jobs are in progress, or there are too many reports", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<ReportBody>,
) -> Result<impl Responder, Problem> {
    let creation = shared.service.create_report(caller, body.request()?, key.claim(created)).await?;
    Ok(respond(creation, created))
}

fn created(job: &Job) -> StoredResponse {
    rendered(StatusCode::ACCEPTED, format!("/api/v1/jobs/{}", job.id), &WireJob::from(job.clone()))
}

/// List reports, newest first.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", params(ReportsQuery), responses(
    (status = 200, description = "A page of reports", body = WirePage<WireReport>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ReportsQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let filter = ReportFilter {
        topic: parsed("subject", query.subject.as_deref(), &mut errors),
        status: parsed("status", query.status.as_deref(), &mut errors),
        schedule_id: parsed("schedule_id", query.schedule_id.as_deref(), &mut errors),
    };
    let limit = limit_of(query.limit.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    Ok(paged::<_, WireReport>(shared.service.reports(caller.tenant_id, filter, query.cursor, limit).await?))
}

/// Get a report: what it is about and its status.
#[utoipa::path(get, path = "/api/v1/reports/{id}", tag = "reports", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The report", body = WireReport),
    (status = 404, description = "No such report", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ReportId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireReport::from(shared.service.report(caller.tenant_id, id).await?)))
}

/// Download a report in a format.
#[utoipa::path(get, path = "/api/v1/reports/{id}/file", tag = "reports", params(("id" = Uuid, Path), FormatQuery), responses(
    (status = 200, description = "The file",
        content((Picture = "text/html"), (Picture = "text/markdown"), (Picture = "text/csv"), (Picture = "application/json"),
            (Picture = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    (status = 404, description = "No such report", body = Problem),
    (status = 409, description = "It is not done", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn file(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ReportId>,
    StrictQuery(query): StrictQuery<FormatQuery>,
) -> Result<impl Responder, Problem> {
    let report = shared.service.report_file(caller.tenant_id, id, query.format()?, query.section).await?;
    let mut response = HttpResponse::Ok();
    response.content_type(report.format.content_type());
    for (name, value) in headers(&report) {
        response.insert_header((name, value));
    }
    Ok(response.body(report.body))
}

/// Delete a report. Links to it end. A job that is making it is cancelled.
#[utoipa::path(delete, path = "/api/v1/reports/{id}", tag = "reports", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such report", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ReportId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_report(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

/// Make a link that downloads a report without a sign-in. Whoever has it can read the report until it expires or the report is deleted.
#[utoipa::path(post, path = "/api/v1/reports/{id}/link", tag = "reports", params(("id" = Uuid, Path), LinkQuery),
    responses(
        (status = 200, description = "The link", body = WireReportLink),
        (status = 404, description = "No such report", body = Problem),
        (status = 409, description = "It is not done", body = Problem),
        (status = 422, description = "A parameter is wrong", body = Problem),
    ))]
pub(super) async fn link(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ReportId>,
    StrictQuery(query): StrictQuery<LinkQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let format = parsed("format", query.format.as_deref(), &mut errors).unwrap_or(ReportFormat::Html);
    let hours = parsed("hours", query.hours.as_deref(), &mut errors).unwrap_or(DEFAULT_LINK_HOURS);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let link = shared.service.link_to_report(caller, id, format, hours).await?;
    Ok(Json(WireReportLink::from(link)))
}

/// Download a report by a link. It needs no credentials: whoever has the link can read it.
#[utoipa::path(get, path = "/auth/reports/{token}", tag = "pages", params(("token" = String, Path), FormatQuery), responses(
    (status = 200, description = "The file", content_type = "application/octet-stream", body = Picture),
    (status = 304, description = "`If-None-Match` has the `ETag` of the file"),
    (status = 404, description = "The link is not valid, or not any more", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn linked(
    shared: Data<Shared>,
    request: HttpRequest,
    token: Path<String>,
    StrictQuery(query): StrictQuery<FormatQuery>,
) -> Result<impl Responder, Problem> {
    let mut report = shared.service.linked_report(token.into_inner(), query.format()?, query.section).await?;
    let body = std::mem::take(&mut report.body);
    let mut response = tagged_body(&request, report.format.content_type(), body);
    let own: HeaderMap = headers(&report).collect();
    for (name, value) in own {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// A page opens in the browser, everything else is saved. Texts in it are a tenant's and Amazon's: a browser runs nothing of it. That types
/// are not guessed, and that the address of a link goes nowhere, is told with every response.
fn headers(report: &RenderedReport) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let disposition = if report.format == ReportFormat::Html { "inline" } else { "attachment" };
    let disposition = format!("{disposition}; filename=\"{}\"", report.file_name);
    let disposition = HeaderValue::from_str(&disposition).ok().map(|value| (CONTENT_DISPOSITION, value));
    let policy = report.content_security_policy();
    let policy = policy.map(|policy| (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)));
    disposition.into_iter().chain(policy)
}

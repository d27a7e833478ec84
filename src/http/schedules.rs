//! `/api/v1/schedules`: what is started at which times.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::Shared;
use super::etag::{expected_version, versioned};
use super::idempotency::{RequestKey, rendered, respond};
use super::jobs::WireJob;
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::routes::Routes;
use super::schedule_requests::{RecurrenceBody, ScheduleBody};
use super::schedule_view::{WirePreview, WireRun, WireSchedule};
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{Schedule, ScheduleId, Scope};
use crate::service::{Caller, StoredResponse};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/schedules", |path| path.get(Scope::ProductRead, list).create(Scope::CrawlCreate, add));
    routes.path("/schedules/preview", |path| path.post(Scope::ProductRead, preview));
    routes.path("/schedules/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::CrawlCreate, patch).delete(Scope::CrawlCreate, remove)
    });
    routes.path("/schedules/{id}/run", |path| path.post(Scope::CrawlCreate, run));
    routes.path("/schedules/{id}/runs", |path| path.get(Scope::ProductRead, runs));
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

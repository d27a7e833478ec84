//! `/api/v1/jobs`: durable long work and its progress.

use actix_web::Responder;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::field_parsing::parsed;
use super::paging::{WirePage, limit_of, paged};
use super::problem::Problem;
use super::product_defaults::WireDefaults;
use super::report_view::report_parameters;
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictQuery};
use crate::domain::{ItemStatus, Job, JobId, JobItem, JobKind, JobSpec, JobStatus, ProductId, Scope};
use crate::service::{Caller, JobFilter};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/jobs", |path| path.get(Scope::ProductRead, list));
    routes.path("/jobs/{id}", |path| path.get(Scope::ProductRead, get));
    routes.path("/jobs/{id}/items", |path| path.get(Scope::ProductRead, items));
    // The scope depends on the kind of job.
    routes.path("/jobs/{id}/cancel", |path| path.post(Access::Authenticated, cancel));
    routes.path("/jobs/{id}/retry", |path| path.post(Access::Authenticated, retry));
}

/// A job and its progress.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct WireJob {
    #[schema(value_type = Uuid)]
    id: JobId,
    /// `crawl`, `crawl_batch`, `import`, `category` or `report`.
    #[schema(value_type = String, example = "import")]
    kind: JobKind,
    /// `receiving`, `pending`, `running`, `done`, `failed` (at least one item has failed) or `cancelled`.
    #[schema(value_type = String, example = "running")]
    status: JobStatus,
    /// What it does.
    #[schema(value_type = Object)]
    parameters: Value,
    /// `user:ID` or `key:ID`; null for a requested crawl.
    created_by: Option<String>,
    progress: WireProgress,
    /// Why it ended before its items did.
    error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// When its status or its progress last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// How many items of a job are in which state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobProgress)]
struct WireProgress {
    /// All that are known so far.
    total: u64,
    done: u64,
    /// There was nothing to do, for example because the listing is tracked already.
    skipped: u64,
    failed: u64,
    cancelled: u64,
    remaining: u64,
    /// Items per second since the start; null before the first and after the last item.
    items_per_second: Option<f64>,
    /// When it will end at this rate.
    #[schema(value_type = Option<String>, format = DateTime)]
    estimated_end_at: Option<Timestamp>,
}

impl WireJob {
    pub(super) fn id(&self) -> JobId {
        self.id
    }
}

impl From<Job> for WireJob {
    fn from(job: Job) -> Self {
        let (counts, pace) = (job.counts, job.pace());
        let progress = WireProgress {
            total: counts.total,
            done: counts.done,
            skipped: counts.skipped,
            failed: counts.failed,
            cancelled: counts.cancelled,
            remaining: counts.remaining(),
            items_per_second: pace.map(|pace| pace.items_per_second),
            estimated_end_at: pace.map(|pace| pace.ends_at),
        };
        let kind = job.spec.kind();
        Self {
            id: job.id,
            kind,
            status: job.status,
            parameters: parameters(job.spec),
            created_by: job.created_by,
            progress,
            error: job.error,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            updated_at: job.updated_at,
        }
    }
}

/// What a job does, by the names that its request has for it.
fn parameters(spec: JobSpec) -> Value {
    match spec {
        JobSpec::Crawl => json!({}),
        JobSpec::CrawlBatch { target, add } => match add.map(WireDefaults::from) {
            Some(add) => json!({ "target": target, "add": add }),
            None => json!({ "target": target }),
        },
        JobSpec::Import { dry_run, defaults } => {
            json!({ "dry_run": dry_run, "defaults": WireDefaults::from(defaults) })
        }
        JobSpec::Category { url, pages, add } => match add.map(WireDefaults::from) {
            Some(add) => json!({ "url": url, "pages": pages, "add": add }),
            None => json!({ "url": url, "pages": pages }),
        },
        JobSpec::Report(spec) => report_parameters(*spec),
    }
}

/// One item of a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobItem)]
pub(super) struct WireJobItem {
    /// The line of the file, or the position in the request from 0 on.
    place: u32,
    /// What the request said of it: a listing, or the columns of a line.
    #[schema(schema_with = input_schema)]
    input: Option<Value>,
    /// `pending`, `running`, `done`, `skipped`, `failed` or `cancelled`.
    #[schema(value_type = String, example = "done")]
    status: ItemStatus,
    #[schema(value_type = Option<Uuid>)]
    product_id: Option<ProductId>,
    /// The outcome of the crawl.
    outcome: Option<String>,
    /// Why it failed or was skipped.
    error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// A text, the columns of a line by their names, or null.
fn input_schema() -> Schema {
    let types = [Type::String, Type::Object, Type::Null].into_iter().collect();
    let description = "What the request said of it: a listing, or the columns of a line";
    ObjectBuilder::new().schema_type(SchemaType::Array(types)).description(Some(description)).into()
}

impl From<JobItem> for WireJobItem {
    fn from(item: JobItem) -> Self {
        let input = item.input.filter(|input| !input.is_empty());
        let input = input.map(|input| serde_json::from_str(&input).unwrap_or(Value::String(input)));
        Self {
            place: item.place,
            input,
            status: item.status,
            product_id: item.product_id,
            outcome: item.outcome,
            error: item.error,
            finished_at: item.finished_at,
        }
    }
}

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `crawl`, `crawl_batch`, `import`, `category` or `report`.
    kind: Option<String>,
    /// `receiving`, `pending`, `running`, `done`, `failed` or `cancelled`.
    status: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

/// List jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(ListQuery), responses(
    (status = 200, description = "A page of jobs", body = WirePage<WireJob>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ListQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let filter = JobFilter {
        kind: parsed("kind", query.kind.as_deref(), &mut errors),
        status: parsed("status", query.status.as_deref(), &mut errors),
    };
    let limit = limit_of(query.limit.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    Ok(paged::<_, WireJob>(shared.service.jobs(caller.tenant_id, filter, query.cursor, limit).await?))
}

/// Get a job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The job", body = WireJob),
    (status = 404, description = "No such job", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<JobId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireJob::from(shared.service.job(caller.tenant_id, id).await?)))
}

/// Which items to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemsQuery {
    /// `pending` (includes `running`), `done`, `skipped`, `failed` or `cancelled`.
    status: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

/// List the items of a job, by their places.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/items", tag = "jobs", params(("id" = Uuid, Path), ItemsQuery), responses(
    (status = 200, description = "A page of items", body = WirePage<WireJobItem>),
    (status = 404, description = "No such job", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn items(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<JobId>,
    StrictQuery(query): StrictQuery<ItemsQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let status = parsed("status", query.status.as_deref(), &mut errors);
    let limit = limit_of(query.limit.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let items = shared.service.job_items(caller.tenant_id, id, status, query.cursor, limit).await?;
    Ok(paged::<_, WireJobItem>(items))
}

/// Cancel a job. What it has done stays; crawls that were requested may still run.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The job", body = WireJob),
    (status = 404, description = "No such job", body = Problem),
    (status = 409, description = "It has ended", body = Problem),
))]
pub(super) async fn cancel(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<JobId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireJob::from(shared.service.cancel_job(caller, id).await?)))
}

/// Start a job again that has ended, with the items that have failed or were cancelled.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The job", body = WireJob),
    (status = 404, description = "No such job", body = Problem),
    (status = 409, description = "It has not ended, or nothing has failed", body = Problem),
))]
pub(super) async fn retry(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<JobId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireJob::from(shared.service.retry_job(caller, id).await?)))
}

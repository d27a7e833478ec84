//! `/api/v1/crawl`: crawls on request.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::idempotency::{RequestKey, rendered, respond};
use super::observe::elapsed;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{List, PathId, StrictJson};
use crate::domain::{ProductId, Scope, Task, TaskId, TaskItem, TaskStatus};
use crate::service::{Caller, MAX_PRODUCTS_PER_TASK, StoredResponse};

/// The part of the request timeout that is not for waiting: what comes after it.
const WAIT_MARGIN: Duration = Duration::from_secs(1);

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/crawl", |path| path.create(Scope::CrawlCreate, request_crawl));
    routes.path("/crawl/tasks/{id}", |path| path.get(Scope::ProductRead, task));
}

/// Products to crawl now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CrawlBody {
    /// 1 to 250 products.
    #[schema(value_type = Vec<Uuid>, min_items = 1, max_items = 250)]
    product_ids: List<ProductId, MAX_PRODUCTS_PER_TASK>,
}

/// A requested crawl of some products, and its progress.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(super) struct WireTask {
    #[schema(value_type = Uuid)]
    id: TaskId,
    /// `pending`, `running`, `done`, `failed` or `cancelled`; final only when every item is.
    #[schema(value_type = String, example = "running")]
    status: TaskStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    items: Vec<WireTaskItem>,
}

/// One product of a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskItem)]
struct WireTaskItem {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    #[schema(value_type = String, example = "done")]
    status: TaskStatus,
    /// The outcome of the crawl.
    outcome: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

impl From<Task> for WireTask {
    fn from(task: Task) -> Self {
        let item = |item: TaskItem| WireTaskItem {
            product_id: item.product_id,
            status: item.status,
            outcome: item.outcome,
            finished_at: item.finished_at,
        };
        Self {
            id: task.id,
            status: task.status(),
            created_at: task.created_at,
            finished_at: task.finished_at(),
            items: task.items.into_iter().map(item).collect(),
        }
    }
}

/// Crawl some products now. With `Prefer: wait=SECONDS` the response is sent when all crawls have ended, or after that time.
#[utoipa::path(post, path = "/api/v1/crawl", tag = "crawl", request_body = CrawlBody,
    params(("Prefer" = Option<String>, Header, description = "`wait=5` (RFC 7240)")), responses(
    (status = 202, description = "Accepted; poll the task", body = WireTask),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "One of the products does not exist; nothing was requested", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn request_crawl(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    key: RequestKey,
    StrictJson(body): StrictJson<CrawlBody>,
) -> Result<impl Responder, Problem> {
    let left = shared.settings.request_timeout.saturating_sub(elapsed(&request) + WAIT_MARGIN);
    let wait = preferred_wait(&request).min(left);
    let creation = shared.service.request_crawl(caller, body.product_ids.0, wait, key.claim(accepted)).await?;
    Ok(respond(creation, accepted))
}

fn accepted(task: &Task) -> StoredResponse {
    let location = format!("/api/v1/crawl/tasks/{}", task.id);
    rendered(StatusCode::ACCEPTED, location, &WireTask::from(task.clone()))
}

fn preferred_wait(request: &HttpRequest) -> Duration {
    let preferences =
        request.headers().get_all("prefer").filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let secs = preferences.filter_map(|preference| preference.trim().strip_prefix("wait=")?.parse().ok()).next();
    Duration::from_secs(secs.unwrap_or_default())
}

/// Get a task.
#[utoipa::path(get, path = "/api/v1/crawl/tasks/{id}", tag = "crawl", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The task", body = WireTask),
    (status = 404, description = "No such task", body = Problem),
))]
pub(super) async fn task(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<TaskId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireTask::from(shared.service.task(caller.tenant_id, id).await?)))
}

//! `/api/v1/crawl`: crawls on request.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Shared;
use super::field_parsing::parsed;
use super::idempotency::{RequestKey, rendered, respond};
use super::jobs::WireJob;
use super::prefer::preferred_wait;
use super::problem::Problem;
use super::product_defaults::BatchAdd;
use super::routes::{Access, Routes};
use super::strict::{List, PathId, StrictJson, StrictQuery, optional_object};
use crate::domain::{
    FieldDrift, ItemStatus, Job, JobId, JobStatus, Marketplace, PeakHours, ProductDefaults, ProductId, Scope, Task,
    TaskItem,
};
use crate::service::{
    BatchTarget, Caller, CategoryTarget, CrawlSums, MAX_LISTINGS_PER_BATCH, MAX_PRODUCTS_PER_TASK, MarketplaceHealth,
    SourceHealth, StoredResponse,
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/crawl", |path| path.create(Scope::CrawlCreate, request_crawl));
    routes.path("/crawl/batch", |path| path.create(Scope::CrawlCreate, crawl_batch));
    routes.path("/crawl/category", |path| path.create(Scope::CrawlCreate, crawl_category));
    routes.path("/crawl/sources", |path| path.get(Scope::ProductRead, sources));
    routes.path("/crawl/apify/callback", |path| path.post(Access::Open, apify_callback));
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
    id: JobId,
    /// `pending`, `running`, `done`, `failed` or `cancelled`; final only when every item is.
    #[schema(value_type = String, example = "running")]
    status: JobStatus,
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
    status: ItemStatus,
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
    let wait = preferred_wait(&request, &shared.settings);
    let creation = shared.service.request_crawl(caller, body.product_ids.0, wait, key.claim(accepted)).await?;
    Ok(respond(creation, accepted))
}

fn accepted(task: &Task) -> StoredResponse {
    let location = format!("/api/v1/crawl/tasks/{}", task.id);
    rendered(StatusCode::ACCEPTED, location, &WireTask::from(task.clone()))
}

/// Get a task.
#[utoipa::path(get, path = "/api/v1/crawl/tasks/{id}", tag = "crawl", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The task", body = WireTask),
    (status = 404, description = "No such task", body = Problem),
))]
pub(super) async fn task(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<JobId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireTask::from(shared.service.task(caller.tenant_id, id).await?)))
}

/// Listings to crawl: exactly one of `listings`, `tag` and `all`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchBody {
    /// 1 to 10,000 ASINs, or URLs of product pages.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 10000)]
    listings: Option<List<String, MAX_LISTINGS_PER_BATCH>>,
    /// The listings of all active products with this tag.
    tag: Option<String>,
    /// `true`: the listings of all active products.
    all: Option<bool>,
    /// The marketplace of ASINs; default: that of the installation.
    #[schema(value_type = Option<String>, example = "de")]
    marketplace: Option<Marketplace>,
    /// Adds listings that are not tracked yet, with these settings; without it, their items fail.
    #[serde(default, deserialize_with = "optional_object")]
    add: Option<BatchAdd>,
}

/// The listings that a body names by exactly one of these fields `within` it.
pub(super) fn batch_target(
    listings: Option<Vec<String>>,
    tag: Option<String>,
    all: Option<bool>,
    within: &str,
) -> Result<BatchTarget, Problem> {
    match (listings, tag, all) {
        (Some(listings), None, None) => Ok(BatchTarget::Named(listings)),
        (None, Some(tag), None) => Ok(BatchTarget::Tag(tag)),
        (None, None, Some(true)) => Ok(BatchTarget::All),
        _ => {
            let field = format!("{within}listings");
            Err(Problem::invalid_field(&field, "give exactly one of `listings`, `tag` and `all: true`"))
        }
    }
}

/// Crawl many listings: the response is a job, whose items tell what became of each.
///
/// The crawls wait in the lane of scheduled crawls, so that they do not delay the crawl of a single product that somebody waits for.
/// Each counts as one of the `crawls_per_day` of the plan; when those are used up, the other items fail and can be retried.
#[utoipa::path(post, path = "/api/v1/crawl/batch", tag = "crawl", request_body = BatchBody, responses(
    (status = 202, description = "The job", body = WireJob, headers(("Location" = String, description = "The job"))),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 409, description = "Too many jobs are in progress", body = Problem),
    (status = 422, description = "A field is wrong; listings are named by their position", body = Problem),
))]
pub(super) async fn crawl_batch(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<BatchBody>,
) -> Result<impl Responder, Problem> {
    let target = batch_target(body.listings.map(|listings| listings.0), body.tag, body.all, "")?;
    let (marketplace, adds) = (body.marketplace, body.add.is_some());
    let unset = ProductDefaults { marketplace, ..ProductDefaults::default() };
    let defaults = body.add.map_or(unset, |add| add.defaults(marketplace));
    let creation = shared.service.crawl_batch(caller, target, defaults, adds, key.claim(accepted_job)).await?;
    Ok(respond(creation, accepted_job))
}

/// A list of products to read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://www.amazon.de/gp/bestsellers/electronics", "pages": 2, "add": { "tags": ["bestseller"] } }))]
pub(super) struct CategoryBody {
    /// The URL of a bestseller list or of search results on Amazon.
    url: String,
    /// How many of its pages to read, 1 to 20; default 1.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 20)]
    pages: Option<u32>,
    /// Adds the listings that are not tracked yet, with these settings; without it, they are only listed.
    #[serde(default, deserialize_with = "optional_object")]
    add: Option<BatchAdd>,
}

/// Read a bestseller list or search results: the response is a job, whose items are the listings in their order.
#[utoipa::path(post, path = "/api/v1/crawl/category", tag = "crawl", request_body = CategoryBody, responses(
    (status = 202, description = "The job", body = WireJob, headers(("Location" = String, description = "The job"))),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 409, description = "Too many jobs are in progress", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn crawl_category(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<CategoryBody>,
) -> Result<impl Responder, Problem> {
    let add = body.add.map(|add| add.defaults(None));
    let list = CategoryTarget { url: body.url, pages: body.pages.unwrap_or(1), add };
    let creation = shared.service.crawl_category(caller, list, key.claim(accepted_job)).await?;
    Ok(respond(creation, accepted_job))
}

fn accepted_job(job: &Job) -> StoredResponse {
    rendered(StatusCode::ACCEPTED, format!("/api/v1/jobs/{}", job.id), &WireJob::from(job.clone()))
}

/// Which run has ended.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CallbackQuery {
    /// The run, as it was asked for.
    #[param(value_type = Uuid)]
    run: String,
}

/// Tell that a run of an Apify actor has ended: called by Apify, with the secret of the run. The run is read again.
#[utoipa::path(post, path = "/api/v1/crawl/apify/callback", tag = "crawl", params(CallbackQuery), responses(
    (status = 204, description = "Taken"),
    (status = 401, description = "Not the secret of the run", body = Problem),
    (status = 422, description = "No run", body = Problem),
))]
pub(super) async fn apify_callback(
    shared: Data<Shared>,
    request: HttpRequest,
    StrictQuery(query): StrictQuery<CallbackQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let run = parsed::<Uuid>("run", Some(&query.run), &mut errors).ok_or_else(|| Problem::invalid(errors))?;
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    shared.service.take_run_callback(run, secret)?;
    Ok(HttpResponse::NoContent())
}

/// A source of observations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Source)]
pub(super) struct WireSource {
    /// `direct`, `apify`, or `keepa` for the past; `canary:direct`: its crawls of canaries, which are counted on their own too.
    name: String,
    /// Its crawls of the last 24 hours, by marketplace.
    marketplaces: Vec<WireSourceMarketplace>,
    /// Fields that its pages lack, or lacked within the last 24 hours, certainly more often than usual: pages may have changed.
    drifts: Vec<WireDrift>,
    /// Its runs of the last 30 days; null unless you are a superadmin.
    runs: Option<u64>,
    /// What they cost, in millionths of a US dollar, as far as they have ended; null unless you are a superadmin.
    cost_micros_usd: Option<u64>,
    /// Of a source of the past: how far its imports are; null otherwise.
    history: Option<WireHistoryImports>,
}

/// How far imports of the past are, of all tenants.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryImports)]
struct WireHistoryImports {
    /// Listings whose past was imported.
    imported: u64,
    /// Listings whose past is to be fetched.
    waiting: u64,
    /// Those of them whose last attempt failed.
    failing: u64,
    /// Tokens that were spent or reserved in the last 24 hours; null unless you are a superadmin.
    tokens: Option<u64>,
}

/// Crawls of the last 24 hours by a source on a marketplace, of all tenants.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceMarketplace)]
struct WireSourceMarketplace {
    #[schema(value_type = String, example = "de")]
    marketplace: Marketplace,
    /// All of them.
    crawls: u64,
    /// Those that brought a product page.
    observed: u64,
    /// Those of products that do not exist.
    not_found: u64,
    /// Those that brought a captcha or another refusal.
    blocked: u64,
    /// All others.
    failed: u64,
    /// The blocked ones among all of them, 0 to 1.
    blocked_share: f64,
    /// Since when the marketplace cannot be crawled by any source, because their circuit breakers are open; null: it can be.
    #[schema(value_type = Option<String>, format = DateTime)]
    outage_since: Option<Timestamp>,
    /// What the source may do there; null for a source that others operate.
    limits: Option<WireLimits>,
}

/// What the source `direct` may do on a marketplace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceLimits)]
struct WireLimits {
    /// Requests, of all replicas together.
    requests_per_minute: Option<u32>,
    /// Concurrent crawls of each process.
    concurrency: Option<usize>,
    /// Local times at which scheduled crawls are slowed down.
    #[schema(value_type = Vec<String>, example = json!(["07:00-23:00"]))]
    peak_hours: Vec<PeakHours>,
    /// Scheduled crawls at those times; null: as always.
    peak_requests_per_minute: Option<u32>,
}

/// A field that the pages of a marketplace lack more often than usual.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldDrift)]
struct WireDrift {
    #[schema(value_type = String, example = "de")]
    marketplace: Marketplace,
    #[schema(example = "rating")]
    field: String,
    /// When it was noticed.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it was over; null: it lasts.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Pages without the field among those of the week before, 0 to 1.
    usual_share: f64,
    /// Pages without the field among the latest ones, 0 to 1.
    recent_share: f64,
    /// The latest pages that were counted.
    recent_pages: u64,
}

impl From<FieldDrift> for WireDrift {
    fn from(drift: FieldDrift) -> Self {
        Self {
            usual_share: drift.usual.share(),
            recent_share: drift.recent.share(),
            recent_pages: drift.recent.pages,
            marketplace: drift.marketplace,
            field: drift.field,
            started_at: drift.started_at,
            ended_at: drift.ended_at,
        }
    }
}

impl From<(Marketplace, MarketplaceHealth)> for WireSourceMarketplace {
    fn from((marketplace, health): (Marketplace, MarketplaceHealth)) -> Self {
        let MarketplaceHealth { sums, outage_since, limits } = health;
        let CrawlSums { observed, not_found, blocked, failed } = sums;
        let limits = limits.map(|limits| WireLimits {
            requests_per_minute: limits.requests_per_minute,
            concurrency: limits.concurrency,
            peak_hours: limits.peak_hours,
            peak_requests_per_minute: limits.peak_requests_per_minute,
        });
        let crawls = sums.total();
        let blocked_share = blocked as f64 / crawls.max(1) as f64;
        Self { marketplace, crawls, observed, not_found, blocked, failed, blocked_share, outage_since, limits }
    }
}

impl WireSource {
    fn of((name, health): (String, SourceHealth), shows_costs: bool) -> Self {
        let marketplaces = health.marketplaces.into_iter().map(WireSourceMarketplace::from).collect();
        let shown = |number: u64| shows_costs.then_some(number);
        let drifts = health.drifts.into_iter().map(WireDrift::from).collect();
        let history = health.history.map(|sums| WireHistoryImports {
            imported: sums.imported,
            waiting: sums.waiting,
            failing: sums.failing,
            tokens: shown(sums.tokens),
        });
        Self {
            name,
            marketplaces,
            drifts,
            runs: shown(health.runs),
            cost_micros_usd: shown(health.cost_micros),
            history,
        }
    }
}

/// The sources, and what their crawls brought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sources)]
pub(super) struct WireSources {
    items: Vec<WireSource>,
}

/// List the sources that have crawled lately: outcomes of the last 24 hours, costs of the last 30 days, of the whole installation.
///
/// Crawls are counted within a minute.
#[utoipa::path(get, path = "/api/v1/crawl/sources", tag = "crawl", responses(
    (status = 200, description = "The sources", body = WireSources),
))]
pub(super) async fn sources(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let shows_costs = caller.require_superadmin().is_ok();
    let sources = shared.service.sources().await?;
    Ok(Json(WireSources { items: sources.into_iter().map(|source| WireSource::of(source, shows_costs)).collect() }))
}

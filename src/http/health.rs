//! Probes and metrics.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};
use crate::service::Health;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/health", |path| path.get(Access::Open, health));
    routes.path("/health/live", |path| path.get(Access::Open, live));
    routes.path("/health/ready", |path| path.get(Access::Open, ready));
}

/// On the main listener, or on a separate one.
pub(super) fn metrics_routes(routes: &mut Routes<'_>) {
    routes.path("/metrics", |path| path.get(Access::Open, metrics));
}

/// The health of this process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct WireHealth {
    /// `ok`, or `degraded`.
    status: &'static str,
    version: &'static str,
    alive: bool,
    /// The database can be read and written.
    database: bool,
    /// What keeps the database from serving: `disk_full`, `file_gone`, `read_only` or `unavailable`; absent while it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    database_problem: Option<&'static str>,
    /// Whether Redis can be reached; absent when none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<bool>,
    draining: bool,
    /// When this process last found the database's clock set back, and made the listings due that waited for a time past; absent if
    /// never since its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    clock_set_back_at: Option<Timestamp>,
}

impl From<Health> for WireHealth {
    fn from(health: Health) -> Self {
        let Health { alive, database_problem, redis, draining, clock_set_back_at } = health;
        let database = database_problem.is_none();
        let status = if health.is_ready() { "ok" } else { "degraded" };
        Self {
            status,
            version: env!("CARGO_PKG_VERSION"),
            alive,
            database,
            database_problem,
            redis,
            draining,
            clock_set_back_at,
        }
    }
}

/// Get the health of the process: 200 while it is alive.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, description = "Alive", body = WireHealth), (status = 503, description = "Not alive: a thread is blocked", body = WireHealth)))]
pub(super) async fn health(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    let health = shared.service.health().await?;
    Ok(answer(health.alive, health))
}

/// Liveness probe: restart the process when it fails. Does not use the database.
#[utoipa::path(get, path = "/health/live", tag = "health", responses(
    (status = 200, description = "Alive"), (status = 503, description = "Not alive: a thread is blocked")))]
pub(super) async fn live(shared: Data<Shared>) -> impl Responder {
    let alive = shared.service.is_alive();
    if alive { HttpResponse::Ok().json("alive") } else { HttpResponse::ServiceUnavailable().json("not alive") }
}

/// Readiness probe: send requests only while it succeeds. Every few seconds it writes a row of its own into the database.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "Ready", body = WireHealth), (status = 503, description = "Not ready", body = WireHealth)))]
pub(super) async fn ready(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    let health = shared.service.health().await?;
    Ok(answer(health.is_ready(), health))
}

fn answer(good: bool, health: Health) -> HttpResponse {
    let mut response = if good { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(WireHealth::from(health))
}

/// Get metrics in the Prometheus text format. With `server.metrics_listen` they are served on that address only.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Prometheus text", content_type = "text/plain")))]
pub(super) async fn metrics(shared: Data<Shared>) -> impl Responder {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body(shared.metrics.render())
}

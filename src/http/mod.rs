//! The HTTP API: parse, call one use case of [`crate::service`], render. One file per resource.

mod alert_condition;
mod alert_requests;
mod alert_view;
mod alerts;
mod api_keys;
mod auth;
mod board;
mod board_view;
mod browser_sessions;
mod caller;
mod channels;
mod chart_data;
mod charts;
mod competitor_view;
mod competitors;
mod cors;
mod crawl;
mod credential;
mod dashboard;
mod email_links;
mod etag;
mod events;
mod export;
mod export_stream;
mod feeds;
mod field_parsing;
mod health;
mod history;
mod html_text;
mod idempotency;
mod images;
mod imports;
mod insight;
mod insight_view;
mod jobs;
mod keepa;
mod listing_check;
mod listing_draft;
mod mcp;
mod message_link;
mod oauth;
mod observe;
mod offers;
mod openapi;
mod paging;
mod prefer;
mod preferences;
mod problem;
mod product_bulk;
mod product_crawls;
mod product_defaults;
mod product_requests;
mod product_view;
mod products;
mod public_path;
mod rate;
mod report_requests;
mod report_view;
mod reports;
mod request_id;
mod response_cache;
mod routes;
mod samples;
mod schedule_requests;
mod schedule_view;
mod schedules;
mod share_page;
mod share_text;
mod shared_responses;
mod shares;
mod spending;
mod stalled;
mod strict;
mod suggestion_view;
mod suggestions;
mod system;
mod system_status;
mod table_exports;
mod tenants;
mod user_agent;
mod users;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};
use ipnet::IpNet;

use crate::mcp::McpServer;
use crate::service::Service;
use crate::telemetry::Metrics;

use export_stream::Exports;
use response_cache::ResponseCache;
use routes::Routes;

pub use openapi::document as openapi_document;

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Worker threads.
    pub workers: usize,
    /// Serves the API; otherwise only probes and metrics.
    pub serves_api: bool,
    /// Serves `/metrics`; false when they have a listener of their own.
    pub serves_metrics: bool,
    /// A connection ends when its client reads nothing of a long response for so long.
    pub send_timeout: Duration,
    /// Timeout of a request (504).
    pub request_timeout: Duration,
    /// Maximum number of connections of each worker.
    pub max_connections: usize,
    /// Maximum size of a request body, in bytes.
    pub max_body_bytes: usize,
    /// Origins allowed by CORS: `https://app.example.com`.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Path of `auth.public_url`, without a slash at its end: see [`public_path`].
    pub public_path: String,
    /// Timeout of running requests when the server stops.
    pub drain: Duration,
}

impl HttpSettings {
    /// Timeout of reading a request body; the rest of the request timeout is for the handler.
    fn body_timeout(&self) -> Duration {
        self.request_timeout.mul_f64(0.8)
    }
}

/// State shared by all handlers.
#[derive(Clone)]
struct Shared {
    service: Service,
    metrics: Arc<Metrics>,
    settings: HttpSettings,
    response_cache: ResponseCache,
    exports: Exports,
    mcp: Arc<McpServer>,
}

/// Starts the server. It does not handle signals: stop it with the handle.
///
/// # Errors
/// When the server cannot use the listener.
pub fn serve(
    listener: TcpListener,
    service: Service,
    metrics: Arc<Metrics>,
    settings: HttpSettings,
) -> std::io::Result<(Server, ServerHandle)> {
    serve_routes(listener, service, metrics, settings, configure)
}

/// Starts a server of `/metrics` alone.
///
/// # Errors
/// When the server cannot use the listener.
pub fn serve_metrics(
    listener: TcpListener,
    service: Service,
    metrics: Arc<Metrics>,
    settings: HttpSettings,
) -> std::io::Result<(Server, ServerHandle)> {
    let settings = HttpSettings { workers: 1, ..settings };
    serve_routes(listener, service, metrics, settings, |_, config| health::metrics_routes(&mut Routes::to(config)))
}

fn serve_routes(
    listener: TcpListener,
    service: Service,
    metrics: Arc<Metrics>,
    settings: HttpSettings,
    configure: fn(&HttpSettings, &mut ServiceConfig),
) -> std::io::Result<(Server, ServerHandle)> {
    let seconds = settings.drain.as_secs().max(1);
    let (workers, max_connections) = (settings.workers, settings.max_connections);
    let mcp = Arc::new(McpServer::new(service.clone(), &settings.cors_origins));
    let shared = Data::new(Shared {
        service,
        metrics,
        settings,
        response_cache: ResponseCache::default(),
        exports: Exports::default(),
        mcp,
    });
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .wrap(Compress::default())
            .wrap(cors::rules(&shared.settings.cors_origins))
            .wrap(from_fn(observe::observe))
            .wrap(from_fn(keepa::enveloped))
            .configure(|config| configure(&shared.settings, config))
            .default_service(web::to(problem::no_such_route))
    };
    let server = HttpServer::new(app)
        .on_connect(stalled::remember)
        .workers(workers)
        .max_connections(max_connections)
        // Small responses must not wait for more data (Nagle).
        .tcp_nodelay(true)
        .disable_signals()
        .shutdown_timeout(seconds)
        .listen(listener)?
        .run();
    let handle = server.handle();
    Ok((server, handle))
}

fn configure(settings: &HttpSettings, config: &mut ServiceConfig) {
    let mut routes = Routes::to(config);
    health::routes(&mut routes);
    if settings.serves_metrics {
        health::metrics_routes(&mut routes);
    }
    if settings.serves_api {
        api_routes(&mut routes);
        dashboard::routes(routes.below(""));
        openapi::page(config);
    }
}

/// Every route of the API, as the OpenAPI document describes them. The dashboard is not among them: it is a client of the API.
fn all_routes(routes: &mut Routes<'_>) {
    health::routes(routes);
    health::metrics_routes(routes);
    api_routes(routes);
}

fn api_routes(routes: &mut Routes<'_>) {
    message_link::routes(routes);
    reports::link_routes(routes);
    feeds::routes(routes);
    share_page::routes(routes);
    mcp::routes(routes);
    oauth::routes(routes);
    keepa::routes(routes);
    let api = routes.below("/api/v1");
    openapi::routes(api);
    // Routes are matched in this order, one after the other: those that are read most come early, and names before `{id}`.
    imports::routes(api);
    product_bulk::routes(api);
    table_exports::routes(api);
    listing_check::routes(api);
    products::routes(api);
    history::routes(api);
    board::routes(api);
    chart_data::routes(api);
    offers::routes(api);
    product_crawls::routes(api);
    insight::routes(api);
    competitors::routes(api);
    suggestions::routes(api);
    crawl::routes(api);
    jobs::routes(api);
    samples::routes(api);
    schedules::routes(api);
    reports::routes(api);
    alerts::routes(api);
    channels::routes(api);
    charts::routes(api);
    shares::routes(api);
    images::routes(api);
    events::routes(api);
    auth::routes(api);
    email_links::routes(api);
    browser_sessions::routes(api);
    oauth::grant_routes(api);
    api_keys::routes(api);
    users::routes(api);
    export::routes(api);
    tenants::routes(api);
    spending::routes(api);
    system::routes(api);
    system_status::routes(api);
}

//! The thin facade: parse, call one use case of [`crate::service`], render. One file per resource.

mod alerts;
mod api_keys;
mod auth;
mod caller;
mod cors;
mod crawl;
mod etag;
mod events;
mod export;
mod health;
mod history;
mod idempotency;
mod link_page;
mod observe;
mod openapi;
mod paging;
mod problem;
mod products;
mod rate;
mod request_id;
mod response_cache;
mod routes;
mod strict;
mod tenants;
mod users;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};
use ipnet::IpNet;

use crate::service::Service;
use crate::telemetry::Metrics;

use export::Exports;
use response_cache::ResponseCache;
use routes::Routes;

pub use openapi::document as openapi_document;

/// How requests are taken.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Threads.
    pub workers: usize,
    /// Serves the API; otherwise nothing but probes and metrics.
    pub serves_api: bool,
    /// A request is answered with 504 after this time.
    pub request_timeout: Duration,
    /// Largest body that is read.
    pub max_body_bytes: usize,
    /// Sites whose pages may ask from a browser, as browsers name them: `https://app.example.com`.
    pub cors_origins: Vec<String>,
    /// Proxies whose word about a client's address is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long running requests may take to end when the server stops.
    pub drain: Duration,
}

impl HttpSettings {
    /// For the body of a request to arrive: what is left of the time is for answering.
    fn body_timeout(&self) -> Duration {
        self.request_timeout.mul_f64(0.8)
    }
}

/// What handlers share.
#[derive(Clone)]
struct Shared {
    service: Service,
    metrics: Arc<Metrics>,
    settings: HttpSettings,
    response_cache: ResponseCache,
    exports: Exports,
}

/// Starts to serve. Signals are not its business: stop it by the handle.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    service: Service,
    metrics: Arc<Metrics>,
    settings: HttpSettings,
) -> std::io::Result<(Server, ServerHandle)> {
    let seconds = settings.drain.as_secs().max(1);
    let workers = settings.workers;
    let shared = Data::new(Shared {
        service,
        metrics,
        settings,
        response_cache: ResponseCache::default(),
        exports: Exports::default(),
    });
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .wrap(Compress::default())
            .wrap(cors::rules(&shared.settings.cors_origins))
            .wrap(from_fn(observe::observe))
            .configure(|config| if shared.settings.serves_api { configure(config) } else { configure_probes(config) })
            .default_service(web::to(problem::no_such_route))
    };
    let server = HttpServer::new(app)
        .workers(workers)
        // The small answers of an API must not wait for more to send.
        .tcp_nodelay(true)
        .disable_signals()
        .shutdown_timeout(seconds)
        .listen(listener)?
        .run();
    let handle = server.handle();
    Ok((server, handle))
}

fn configure(config: &mut ServiceConfig) {
    register(&mut Routes::to(config));
    openapi::page(config);
}

fn configure_probes(config: &mut ServiceConfig) {
    health::routes(&mut Routes::to(config));
}

/// Every route there is.
fn register(routes: &mut Routes<'_>) {
    health::routes(routes);
    link_page::routes(routes);
    let api = routes.below("/api/v1");
    openapi::routes(api);
    // Before those of products: what is longer is matched first.
    history::routes(api);
    products::routes(api);
    crawl::routes(api);
    alerts::routes(api);
    events::routes(api);
    auth::routes(api);
    api_keys::routes(api);
    users::routes(api);
    export::routes(api);
    tenants::routes(api);
}

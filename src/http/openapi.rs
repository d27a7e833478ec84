//! The OpenAPI document, generated from the handlers, and a page to read it in.

use actix_web::Responder;
use actix_web::web::{self, Json, ServiceConfig};
use utoipa::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{alerts, crawl, health, history, products};

const DOCUMENT_PATH: &str = "/api/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(title = "amazon-tracker", description = "Watches Amazon listings, keeps their history, tells what changed."),
    paths(
        products::add,
        products::list,
        products::get,
        products::patch,
        products::remove,
        history::history,
        history::price_history,
        history::rank_history,
        history::stats,
        crawl::ask,
        crawl::task,
        alerts::add,
        alerts::list,
        alerts::get,
        alerts::remove,
        alerts::events,
        health::health,
        health::live,
        health::ready,
        health::metrics,
    )
)]
struct Document;

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(DOCUMENT_PATH).get(openapi))
        .service(web::redirect("/docs", "/docs/"))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from(DOCUMENT_PATH)));
}

async fn openapi() -> impl Responder {
    Json(document())
}

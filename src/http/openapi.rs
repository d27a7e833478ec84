//! The OpenAPI document, generated from the handlers, and a page to read it in.

use actix_web::Responder;
use actix_web::web::{self, Json, ServiceConfig};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::routes::{Access, path};
use super::{alerts, api_keys, auth, crawl, health, history, products, users};

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
        auth::register,
        auth::set_up,
        auth::login,
        auth::refresh,
        auth::verify_email,
        auth::forgot_password,
        auth::reset_password,
        auth::change_password,
        auth::logout,
        auth::logout_everywhere,
        auth::sessions,
        auth::revoke_session,
        auth::jwks,
        api_keys::add,
        api_keys::list,
        api_keys::revoke,
        users::me,
        users::patch_me,
        users::list,
        users::get,
        users::patch,
        users::tenant,
        users::audit,
        health::health,
        health::live,
        health::ready,
        health::metrics,
    ),
    security(("bearer" = []), ("api_key" = [])),
    modifiers(&Credentials)
)]
struct Document;

/// The two ways to say who is asking.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer =
            Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("an access token, or a key: at_…").build();
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(key));
    }
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub(super) fn routes(config: &mut ServiceConfig) {
    path(config, DOCUMENT_PATH, |path| path.get(Access::Open, openapi));
    config
        .service(web::redirect("/docs", "/docs/"))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from(DOCUMENT_PATH)));
}

async fn openapi() -> impl Responder {
    Json(document())
}

//! The OpenAPI document, generated from the handlers, and its documentation page.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::body::{MessageBody, SizedStream};
use actix_web::http::Method;
use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};
use futures_util::stream;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ArrayItems, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{self, Content, Ref, RefOr, Response, ResponseBuilder, Server};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::public_path::public_path;
use super::routes::{Access, CredentialPlace, Route, Routes};
use super::shared_responses::declare_once;
use super::stalled::watched;
use super::strict::MAX_TEXT_CHARS;
use super::{
    Shared, alerts, api_keys, auth, board, browser_sessions, channels, chart_data, charts, competitors, crawl,
    email_links, events, export, feeds, health, history, images, imports, insight, jobs, keepa, listing_check, mcp,
    message_link, oauth, offers, product_bulk, product_crawls, products, reports, samples, schedules, share_page,
    shares, spending, suggestions, system, system_status, table_exports, tenants, users,
};

/// From the documentation page. Relative: a proxy may serve both under another path.
const DOCUMENT_PATH: &str = "../api/v1/openapi.json";
/// The credential of Keepa's paths.
const KEEPA_KEY: &str = "keepa_key";
/// Of the document, at once.
const PART_BYTES: usize = 16 << 10;
const PROBLEM_TYPE: &str = "application/problem+json";

#[derive(OpenApi)]
#[openapi(
    info(title = "amazon-tracker", description = "Tracks Amazon listings, records their history and sends alerts."),
    paths(
        products::add,
        products::list,
        products::get,
        products::patch,
        products::release,
        products::remove,
        product_bulk::bulk,
        board::board,
        history::history,
        history::price_history,
        history::rank_history,
        history::stats,
        chart_data::chart,
        charts::svg,
        charts::png,
        offers::offers,
        offers::content,
        product_crawls::crawls,
        insight::insight,
        competitors::add,
        competitors::list,
        competitors::get,
        competitors::patch,
        competitors::remove,
        competitors::candidates,
        competitors::comparison,
        listing_check::check_listing,
        listing_check::check_draft,
        suggestions::get,
        suggestions::ask,
        imports::import,
        table_exports::products,
        table_exports::history,
        crawl::request_crawl,
        crawl::crawl_batch,
        crawl::crawl_category,
        crawl::task,
        crawl::sources,
        crawl::apify_callback,
        jobs::list,
        jobs::get,
        jobs::items,
        jobs::cancel,
        jobs::retry,
        samples::list,
        samples::get,
        schedules::add,
        schedules::preview,
        schedules::list,
        schedules::get,
        schedules::patch,
        schedules::remove,
        schedules::run,
        schedules::runs,
        reports::add,
        reports::list,
        reports::get,
        reports::file,
        reports::remove,
        reports::link,
        reports::linked,
        channels::add,
        channels::list,
        channels::get,
        channels::patch,
        channels::remove,
        channels::test,
        channels::usage,
        channels::messages,
        channels::retry,
        message_link::page,
        message_link::follow,
        feeds::feed,
        images::image,
        shares::add,
        shares::list,
        shares::remove,
        share_page::page,
        share_page::svg,
        share_page::png,
        keepa::token::token,
        keepa::product::product,
        keepa::query::query,
        keepa::graph::image,
        keepa::tracking::read,
        keepa::tracking::add,
        keepa::token::elsewhere,
        channels::preview_template,
        alerts::add,
        alerts::list,
        alerts::get,
        alerts::patch,
        alerts::preview,
        alerts::event,
        alerts::remove,
        alerts::events,
        alerts::retry,
        events::events,
        auth::options,
        auth::register,
        email_links::set_up,
        email_links::accept_invitation,
        auth::login,
        browser_sessions::sign_in,
        browser_sessions::sign_out,
        auth::refresh,
        email_links::verify_email,
        auth::forgot_password,
        email_links::reset_password,
        auth::change_password,
        auth::logout,
        auth::logout_everywhere,
        auth::sessions,
        auth::revoke_session,
        auth::jwks,
        oauth::grants,
        oauth::revoke_grant,
        api_keys::add,
        api_keys::list,
        api_keys::revoke,
        users::me,
        users::patch_me,
        users::leave,
        users::invite,
        users::list,
        users::get,
        users::patch,
        tenants::tenant,
        tenants::rename,
        tenants::schedule_deletion,
        tenants::cancel_deletion,
        export::export,
        export::export_any,
        tenants::remove,
        tenants::usage,
        spending::spending,
        tenants::audit,
        tenants::list,
        tenants::get,
        tenants::change_plan,
        system::actors,
        system_status::status,
        health::health,
        health::live,
        health::ready,
        health::metrics,
        mcp::message,
        oauth::protected_resource,
        oauth::protected_tools,
        oauth::authorization_server,
        oauth::ask,
        oauth::sign_in,
        oauth::answer,
        oauth::token,
        oauth::revoke,
        openapi_json,
    ),
    components(schemas(events::WireChange, events::WireBudgetSpent)),
    security(("bearer" = []), ("api_key" = [])),
    modifiers(&Credentials)
)]
struct Document;

/// The kinds of credentials.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("an access token, or an API key: at_…")
            .build();
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(key));
        let keepa_key =
            ApiKey::Query(ApiKeyValue::with_description("key", "An API key, for programs written for Keepa"));
        components.add_security_scheme(KEEPA_KEY, SecurityScheme::ApiKey(keepa_key));
    }
}

/// The document: what handlers declare, completed by what middleware does.
pub fn document() -> openapi::OpenApi {
    let mut document = Document::openapi();
    let mut routes = Routes::table_only();
    super::all_routes(&mut routes);
    for route in routes.into_table() {
        let path = document.paths.paths.get_mut(&route.pattern);
        if let Some(operation) = path.and_then(|path| operation_of(path, &route.method)) {
            complete(operation, &route);
            limit_parameters(operation);
        }
    }
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (name, schema) in schemas {
        if name.ends_with("Body") {
            limit_texts(schema);
        }
        if name.starts_with("Measure_") {
            allow_missing_value(schema);
        }
    }
    declare_once(&mut document);
    document
}

/// A measure has a value or says why it is missing. The schema of a generic type has its parameter in the place of an `Option` of it.
fn allow_missing_value(measure: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(measure)) = measure
        && let Some(RefOr::T(Schema::Object(value))) = measure.properties.get_mut("value")
        && let SchemaType::Type(kind) = &value.schema_type
    {
        value.schema_type = SchemaType::Array(vec![kind.clone(), Type::Null]);
    }
}

/// Texts without a limit of their own have the limit of the extractors.
fn limit_texts(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            let is_text = |kind: &SchemaType| match kind {
                SchemaType::Type(kind) => *kind == Type::String,
                SchemaType::Array(kinds) => kinds.contains(&Type::String),
                SchemaType::AnyValue => false,
            };
            let is_free = object.enum_values.is_none() && object.format.is_none();
            if is_text(&object.schema_type) && is_free && object.max_length.is_none() {
                object.max_length = Some(MAX_TEXT_CHARS);
            }
            object.properties.values_mut().for_each(limit_texts);
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                limit_texts(items);
            }
        }
        Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(limit_texts),
        Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(limit_texts),
        Schema::AnyOf(any_of) => any_of.items.iter_mut().for_each(limit_texts),
        _ => {}
    }
}

fn limit_parameters(operation: &mut Operation) {
    let parameters = operation.parameters.iter_mut().flatten();
    let parameters = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => parameter.schema.as_mut(),
        _ => None,
    });
    parameters.for_each(limit_texts);
}

fn operation_of<'d>(path: &'d mut PathItem, method: &Method) -> Option<&'d mut Operation> {
    match *method {
        Method::GET => path.get.as_mut(),
        Method::POST => path.post.as_mut(),
        Method::PATCH => path.patch.as_mut(),
        Method::DELETE => path.delete.as_mut(),
        _ => None,
    }
}

/// Adds to an operation what is common to all of its kind.
fn complete(operation: &mut Operation, route: &Route) {
    let is_open = matches!(route.access, Access::Open | Access::RateLimited);
    operation.operation_id = Some(operation_id(route));
    if is_open {
        operation.security = Some(vec![SecurityRequirement::default()]);
    }
    let mut permission =
        route.access.scope().map(|scope| format!("Requires the scope `{scope}`.")).into_iter().collect::<Vec<_>>();
    if matches!(route.access, Access::Bearer | Access::User | Access::UserScope(_) | Access::Superadmin) {
        operation.security = Some(vec![SecurityRequirement::new::<_, _, &str>("bearer", [])]);
    }
    if matches!(route.access, Access::User | Access::UserScope(_) | Access::Superadmin) {
        permission.push("API keys are refused.".to_owned());
    }
    if route.credential == CredentialPlace::KeyParameter {
        operation.security = Some(vec![SecurityRequirement::new::<_, _, &str>(KEEPA_KEY, [])]);
    }
    if !permission.is_empty() {
        let text = operation.description.take().map(|text| format!("{text}\n\n")).unwrap_or_default();
        operation.description = Some(format!("{text}{}", permission.join(" ")));
    }
    if route.idempotent {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
    }
    let has_body = operation.request_body.is_some();
    let responses = &mut operation.responses.responses;
    if route.credential == CredentialPlace::KeyParameter {
        for (status, description) in FURTHER_KEEPA_ERRORS {
            responses
                .entry((*status).to_owned())
                .or_insert_with(|| error("KeepaError", "application/json", description));
        }
        return;
    }
    for (status, description) in further_problems(route, has_body) {
        responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    }
    if !is_open && route.method == Method::GET {
        let unchanged = ResponseBuilder::new().description("Not modified (If-None-Match)").build();
        responses.insert("304".to_owned(), RefOr::T(unchanged));
    }
    responses.values_mut().for_each(use_problem_type);
}

/// Problems that middleware and extractors may return instead of the handler.
fn further_problems(route: &Route, has_body: bool) -> Vec<(&'static str, &'static str)> {
    let mut problems = vec![
        ("500", "Internal error"),
        ("503", "The database is unavailable; retry later"),
        ("504", "The request timed out"),
    ];
    match route.access {
        Access::Open => {}
        Access::RateLimited => problems.push(("429", "Too many attempts from this address")),
        Access::Authenticated
        | Access::Bearer
        | Access::User
        | Access::Superadmin
        | Access::Scope(_)
        | Access::UserScope(_) => problems.extend([
            ("401", "Missing or invalid credential"),
            ("403", "Not allowed for this credential"),
            ("429", "Rate limit of the caller exceeded"),
        ]),
    }
    if has_body {
        problems.extend([
            ("400", "Not JSON"),
            ("408", "The body was not received in time"),
            ("413", "The body is too large"),
            ("415", "The content type is not application/json"),
            ("422", "A field is wrong"),
        ]);
    }
    problems
}

fn idempotency_key() -> openapi::path::Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Chosen by the client. Within a day, a repeated request with the same key gets the response of the first one",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255)).build()))
        .build()
}

/// Made of method and path, and so unique: `get_products_id`.
fn operation_id(route: &Route) -> String {
    let path = route.pattern.strip_prefix("/api/v1").unwrap_or(&route.pattern);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let method = route.method.as_str().to_ascii_lowercase();
    std::iter::once(method.as_str()).chain(words).collect::<Vec<_>>().join("_")
}

fn problem(description: &str) -> RefOr<Response> {
    error("Problem", PROBLEM_TYPE, description)
}

fn error(schema: &str, media_type: &str, description: &str) -> RefOr<Response> {
    let content = Content::new(Some(Ref::from_schema_name(schema)));
    RefOr::T(ResponseBuilder::new().description(description).content(media_type, content).build())
}

/// Errors of Keepa's paths that middleware and extractors may return instead of the handler.
const FURTHER_KEEPA_ERRORS: &[(&str, &str)] = &[
    ("400", "The key or a parameter is wrong"),
    ("429", "No tokens are left"),
    ("500", "Internal error"),
    ("503", "The database is unavailable; retry later"),
    ("504", "The request timed out"),
];

/// Gives problems that handlers declare as JSON their own media type.
fn use_problem_type(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let is_problem = |content: &RefOr<Content>| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(reference)), .. }) => reference.ref_location.ends_with("/Problem"),
        _ => false,
    };
    if response.content.get("application/json").is_some_and(is_problem)
        && let Some(content) = response.content.shift_remove("application/json")
    {
        response.content.insert(PROBLEM_TYPE.to_owned(), content);
    }
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/openapi.json", |path| path.get(Access::Open, openapi_json));
}

/// The documentation page, whose files are part of the binary.
pub(super) fn page(config: &mut ServiceConfig) {
    config
        .service(web::redirect("/docs", "/docs/"))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from(DOCUMENT_PATH)));
}

/// Get this document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "documents", responses(
    (status = 200, description = "An OpenAPI 3.1 document", body = Object)))]
pub(super) async fn openapi_json(request: HttpRequest) -> impl Responder {
    let body = match public_path(&request).as_str() {
        "" => AT_THE_ROOT.clone(),
        path => Bytes::from(document_under(path)),
    };
    let patience = request.app_data::<Data<Shared>>().map_or(Duration::MAX, |shared| shared.settings.send_timeout);
    HttpResponse::Ok().content_type(ContentType::json()).body(in_parts(&request, patience, body))
}

/// A body that is copied to its connection part by part: one that is given as a whole would be copied for each client that reads slowly.
fn in_parts(request: &HttpRequest, patience: Duration, body: Bytes) -> impl MessageBody + use<> {
    let size = body.len();
    let parts = (0..size).step_by(PART_BYTES).map(move |from| {
        let to = size.min(from + PART_BYTES);
        io::Result::Ok(body.slice(from..to))
    });
    SizedStream::new(size as u64, watched(request, patience, stream::iter(parts)))
}

/// Made once: anybody may ask for it, and clients that read slowly share its memory.
static AT_THE_ROOT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document_under("")));

/// The document of a daemon that proxies serve under a path. Without a server, clients take the host of the document, and
/// lose the path.
fn document_under(path: &str) -> String {
    static WITHOUT_SERVERS: LazyLock<openapi::OpenApi> = LazyLock::new(document);
    let mut document = WITHOUT_SERVERS.clone();
    document.servers = Some(vec![Server::new(format!("{path}/"))]);
    document.to_json().expect("a document consists of texts, numbers and lists")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::Scope;

    #[test]
    fn the_document_describes_every_route_and_no_other() {
        let mut routes = Routes::table_only();
        crate::http::all_routes(&mut routes);
        let registered: BTreeSet<(String, String)> =
            routes.into_table().into_iter().map(|route| (route.pattern, route.method.to_string())).collect();
        let mut described = BTreeSet::new();
        for (pattern, mut path) in document().paths.paths {
            for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT] {
                if operation_of(&mut path, &method).is_some() {
                    described.insert((pattern.clone(), method.to_string()));
                }
            }
        }
        assert_eq!(registered, described);
    }

    #[test]
    fn every_scope_opens_a_route() {
        let mut routes = Routes::table_only();
        crate::http::all_routes(&mut routes);
        let opened: BTreeSet<Scope> =
            routes.into_table().into_iter().filter_map(|route| route.access.scope()).collect();
        assert_eq!(opened, Scope::ALL.iter().copied().collect());
    }

    #[test]
    fn operation_ids_are_unique() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap().values();
        let names: Vec<_> = paths
            .flat_map(|path| path.as_object().unwrap().values())
            .filter_map(|operation| operation["operationId"].as_str())
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}

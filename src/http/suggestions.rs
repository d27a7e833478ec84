//! `/api/v1/suggestions`: what could be improved about a product, by rule and by the advice of a model.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::field_parsing::parsed;
use super::prefer::preferred_wait;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{StrictJson, StrictQuery};
use super::suggestion_view::WireSuggestions;
use crate::domain::{Language, ProductId, Scope};
use crate::service::{AskAdvice, Caller};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/suggestions", |path| path.get(Scope::ProductRead, get).post(Scope::ReportCreate, ask));
}

/// Which product suggestions are about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SuggestionsQuery {
    /// The product.
    #[param(value_type = Uuid)]
    product_id: String,
}

/// What a model is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskAdviceBody {
    /// The product.
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// The language of the advice: `en`, `de`, `fr`, `es`, `it`, `pt`, `ja` or `zh`; default `en`. New texts are in that of the listing.
    #[schema(value_type = Option<String>, example = "en")]
    language: Option<Language>,
}

/// Get what could be improved about a product: findings by rules and formulas, and the latest advice of a model.
///
/// No model is asked, and nothing is charged.
#[utoipa::path(get, path = "/api/v1/suggestions", tag = "insight", params(SuggestionsQuery), responses(
    (status = 200, description = "The suggestions", body = WireSuggestions),
    (status = 404, description = "No such product", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<SuggestionsQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let product_id = parsed("product_id", Some(&query.product_id), &mut errors);
    let product_id = product_id.ok_or_else(|| Problem::invalid(errors))?;
    let suggestions = shared.service.suggestions(caller.tenant_id, product_id).await?;
    Ok(HttpResponse::Ok().json(WireSuggestions::from(suggestions)))
}

/// Ask a model what could be improved about a product.
///
/// The answer is stored: as long as nothing that it rests on changes, the same question is answered for nothing. A model can take minutes.
/// With `Prefer: wait=SECONDS` the response is sent when it has answered, or after that time; it is asked to the end in any case. Where no
/// model is asked, `not_asked` says why, and nothing is charged.
#[utoipa::path(post, path = "/api/v1/suggestions", tag = "insight", request_body = AskAdviceBody,
    params(("Prefer" = Option<String>, Header, description = "`wait=8` (RFC 7240)")), responses(
    (status = 200, description = "The suggestions", body = WireSuggestions),
    (status = 202, description = "The model is being asked; get the suggestions later", body = WireSuggestions,
        headers(("Location" = String, description = "The suggestions"))),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such product", body = Problem),
    (status = 409, description = "Too many questions are open", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
    (status = 429, description = "A budget has no room for the question: `over_tenant_budget` or `over_installation_budget`",
        body = Problem),
    (status = 502, description = "The model gave no advice; `code` says why", body = Problem),
    (status = 503, description = "The model is not available", body = Problem),
    (status = 504, description = "The model does not answer", body = Problem),
))]
pub(super) async fn ask(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictJson(body): StrictJson<AskAdviceBody>,
) -> Result<impl Responder, Problem> {
    let AskAdviceBody { product_id, language } = body;
    let ask = AskAdvice { product_id, language: language.unwrap_or_default() };
    let wait = preferred_wait(&request, &shared.settings);
    let asked = shared.service.ask_advice(caller, ask, wait).await?;
    let suggestions = WireSuggestions::from(asked.suggestions);
    if asked.is_asking {
        let location = format!("/api/v1/suggestions?product_id={product_id}");
        return Ok(HttpResponse::Accepted().insert_header(("Location", location)).json(suggestions));
    }
    Ok(HttpResponse::Ok().json(suggestions))
}

//! `/api/v1/competitors`: sets of an own product and the products that it is compared with.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::competitor_view::{WireCandidates, WireComparison, WireSet};
use super::etag::{expected_version, versioned};
use super::field_parsing::parsed;
use super::idempotency::{RequestKey, rendered, respond};
use super::insight::InsightQuery;
use super::paging::{WirePage, limit_of, paged};
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{List, PathId, StrictJson, StrictQuery};
use crate::domain::{CompetitorSet, CompetitorSetId, MAX_COMPETITORS, ProductId, Scope};
use crate::service::{AddCompetitorSet, Caller, ChangeCompetitorSet, CompareTarget, StoredResponse};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/competitors", |path| path.get(Scope::ProductRead, list).create(Scope::ProductWrite, add));
    routes.path("/competitors/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::ProductWrite, patch).delete(Scope::ProductWrite, remove)
    });
    routes.path("/competitors/{id}/candidates", |path| path.get(Scope::ProductRead, candidates));
    routes.path("/competitors/{id}/comparison", |path| path.get(Scope::ProductRead, comparison));
}

/// A competitor set to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompetitorSetBody {
    /// A name for people; default: the label or the title of the own product.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The own product.
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    /// The competitors: other products that you track. At most 20.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, max_items = 20)]
    competitor_ids: List<ProductId, MAX_COMPETITORS>,
}

/// Changes of a competitor set. Omitted fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompetitorSetPatchBody {
    /// A name for people.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Replaces all competitors.
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 20)]
    competitor_ids: Option<List<ProductId, MAX_COMPETITORS>>,
}

/// A page of competitor sets.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CompetitorSetsQuery {
    /// Only the sets of this own product.
    #[param(value_type = Option<Uuid>)]
    product_id: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    #[param(minimum = 1, maximum = 250)]
    limit: Option<String>,
}

fn shown(set: CompetitorSet) -> HttpResponse {
    versioned(StatusCode::OK, set.version, &WireSet::from(set))
}

fn created(set: &CompetitorSet) -> StoredResponse {
    let location = format!("/api/v1/competitors/{}", set.id);
    rendered(StatusCode::CREATED, location, &WireSet::from(set.clone()))
}

/// Create a competitor set: a product of yours, and up to 20 products to compare it with.
#[utoipa::path(post, path = "/api/v1/competitors", tag = "competitors", request_body = CompetitorSetBody, responses(
    (status = 201, description = "Created", body = WireSet),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "The body names a product that does not exist", body = Problem),
    (status = 409, description = "There are too many sets", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<CompetitorSetBody>,
) -> Result<impl Responder, Problem> {
    let CompetitorSetBody { name, product_id, competitor_ids } = body;
    let add = AddCompetitorSet { name, product_id, competitors: competitor_ids.0 };
    let creation = shared.service.add_competitor_set(caller, add, key.claim(created)).await?;
    Ok(respond(creation, created))
}

/// List competitor sets, newest first.
#[utoipa::path(get, path = "/api/v1/competitors", tag = "competitors", params(CompetitorSetsQuery), responses(
    (status = 200, description = "A page of competitor sets", body = WirePage<WireSet>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<CompetitorSetsQuery>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let limit = limit_of(query.limit.as_deref(), &mut errors);
    let product_id = parsed("product_id", query.product_id.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let sets = shared.service.competitor_sets(caller.tenant_id, product_id, query.cursor, limit).await?;
    Ok(paged::<_, WireSet>(sets))
}

/// Get a competitor set.
#[utoipa::path(get, path = "/api/v1/competitors/{id}", tag = "competitors", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The competitor set", body = WireSet),
    (status = 404, description = "No such competitor set", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<CompetitorSetId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(shared.service.competitor_set(caller.tenant_id, id).await?))
}

/// Change a competitor set. Omitted fields stay as they are.
#[utoipa::path(patch, path = "/api/v1/competitors/{id}", tag = "competitors", request_body = CompetitorSetPatchBody,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that you read")), responses(
    (status = 200, description = "The competitor set", body = WireSet),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such competitor set", body = Problem),
    (status = 412, description = "It has changed since you read it", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<CompetitorSetId>,
    StrictJson(body): StrictJson<CompetitorSetPatchBody>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    let change = ChangeCompetitorSet { name: body.name, competitors: body.competitor_ids.map(|list| list.0) };
    Ok(shown(shared.service.update_competitor_set(caller, id, change, expected_version).await?))
}

/// Delete a competitor set. Its products stay.
#[utoipa::path(delete, path = "/api/v1/competitors/{id}", tag = "competitors", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such competitor set", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<CompetitorSetId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_competitor_set(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

/// List candidates for the set, the likeliest first, each with the reasons.
///
/// They come from the bestseller lists and search results that you had read (`POST /api/v1/crawl/category`), at most ten places away, and
/// from your products with the same tags. Left out are variations of the product, other products of its brand, and what costs less than
/// half or more than twice as much. Nothing is added by itself.
#[utoipa::path(get, path = "/api/v1/competitors/{id}/candidates", tag = "competitors", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "At most 50 candidates", body = WireCandidates),
    (status = 404, description = "No such competitor set", body = Problem),
))]
pub(super) async fn candidates(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<CompetitorSetId>,
) -> Result<impl Responder, Problem> {
    let candidates = shared.service.competitor_candidates(caller.tenant_id, id).await?;
    Ok(HttpResponse::Ok().json(WireCandidates::from(candidates)))
}

/// Compare the own product of a set with its competitors: price, rank, rating, reviews, stock, Buy Box and content.
///
/// Prices are compared with their shipping where that of all is known. What cannot be compared is excluded, with the reason: another
/// currency or marketplace, no price, or a price that was last read too long ago.
#[utoipa::path(get, path = "/api/v1/competitors/{id}/comparison", tag = "competitors",
    params(("id" = Uuid, Path), InsightQuery), responses(
    (status = 200, description = "The comparison", body = WireComparison),
    (status = 404, description = "No such competitor set", body = Problem),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn comparison(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<CompetitorSetId>,
    StrictQuery(query): StrictQuery<InsightQuery>,
) -> Result<impl Responder, Problem> {
    let comparison = shared.service.compare(caller.tenant_id, CompareTarget::Set(id), query.days()?).await?;
    Ok(HttpResponse::Ok().json(WireComparison::from(comparison)))
}

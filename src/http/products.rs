//! `/api/v1/products`: products.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::Shared;
use super::etag::{expected_version, versioned};
use super::idempotency::{RequestKey, rendered, respond};
use super::paging::{WirePage, paged};
use super::problem::Problem;
use super::product_requests::{AddProductBody, ListProductsQuery, PatchProductBody};
use super::product_view::WireProduct;
use super::response_cache::{CacheTags, tagged};
use super::routes::Routes;
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{Product, ProductId, Scope};
use crate::service::{Caller, StoredResponse};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products", |path| path.get(Scope::ProductRead, list).create(Scope::ProductWrite, add));
    routes.path("/products/{id}/release", |path| path.post(Scope::ProductWrite, release));
    routes.path("/products/{id}", |path| {
        path.get(Scope::ProductRead, get).patch(Scope::ProductWrite, patch).delete(Scope::ProductDelete, remove)
    });
}

/// Add a product. Its listing is crawled immediately.
#[utoipa::path(post, path = "/api/v1/products", tag = "products", request_body = AddProductBody, responses(
    (status = 201, description = "Added; the first crawl is due immediately", body = WireProduct),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 402, description = "The plan allows no more products", body = Problem),
    (status = 409, description = "The tenant already tracks the listing; names the product", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    key: RequestKey,
    StrictJson(body): StrictJson<AddProductBody>,
) -> Result<impl Responder, Problem> {
    let request = body.into_request(shared.service.default_marketplace())?;
    let creation = shared.service.add_product(caller, request, key.claim(created)).await?;
    Ok(respond(creation, created))
}

fn created(product: &Product) -> StoredResponse {
    let location = format!("/api/v1/products/{}", product.id);
    rendered(StatusCode::CREATED, location, &WireProduct::from(product.clone()))
}

/// List products.
#[utoipa::path(get, path = "/api/v1/products", tag = "products", params(ListProductsQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireProduct>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<ListProductsQuery>,
) -> Result<impl Responder, Problem> {
    let page = shared.service.products(caller.tenant_id, query.into_request()?).await?;
    Ok(paged::<_, WireProduct>(page))
}

/// Get one product.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The product", body = WireProduct),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let product = shared.service.product(caller.tenant_id, id).await?;
    let of = CacheTags { product_id: product.id, listing_id: product.listing_id };
    Ok(tagged(of, shown(product)))
}

fn shown(product: Product) -> HttpResponse {
    versioned(StatusCode::OK, product.version, &WireProduct::from(product))
}

/// Change a product. With `If-Match` only if its settings have not changed since you read it.
#[utoipa::path(patch, path = "/api/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)),
    request_body = PatchProductBody, responses(
    (status = 200, description = "The changed product", body = WireProduct),
    (status = 400, description = "Not JSON", body = Problem),
    (status = 404, description = "No such product", body = Problem),
    (status = 412, description = "The product has changed since you read it (If-Match)", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ProductId>,
    StrictJson(body): StrictJson<PatchProductBody>,
) -> Result<impl Responder, Problem> {
    let patch = body.into_patch(expected_version(request.headers())?)?;
    Ok(shown(shared.service.update_product(caller, id, patch).await?))
}

/// Release a parked listing.
///
/// A listing is parked when too many of its crawls ended without an outcome. After its release it is due immediately.
#[utoipa::path(post, path = "/api/v1/products/{id}/release", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The product, due immediately", body = WireProduct),
    (status = 404, description = "No such product", body = Problem),
    (status = 409, description = "The listing is not parked, or the product is paused", body = Problem),
))]
pub(super) async fn release(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(shared.service.release_product(caller, id).await?))
}

/// Delete a product. The history of its listing stays.
#[utoipa::path(delete, path = "/api/v1/products/{id}", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    shared.service.remove_product(caller, id, expected_version).await?;
    Ok(HttpResponse::NoContent())
}

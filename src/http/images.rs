//! `/api/v1/products/{id}/image`: the picture of a product.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder};

use super::Shared;
use super::charts::Picture;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::PathId;
use crate::domain::{ProductId, Scope};
use crate::service::Caller;

/// Of the picture that the page shows: its URL changes with it, if a client adds something of the picture's URL to the query.
const CURRENT: &str = "private, max-age=604800";
/// Of no picture, which may be there soon.
const NONE: &str = "no-store";
/// Of the picture before, until the new one is there.
const PREVIOUS: &str = "private, max-age=60";

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/image", |path| path.get(Scope::ProductRead, image));
}

/// Get a small picture of a product, as its page shows it. It is fetched from Amazon once it was asked for; until then there is none. What
/// stands in the query is ignored: a part of `image_url` there makes another picture another URL.
#[utoipa::path(get, path = "/api/v1/products/{id}/image", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "A picture", content(
        (Picture = "image/jpeg"), (Picture = "image/png"), (Picture = "image/webp"), (Picture = "image/gif"))),
    (status = 204, description = "There is no picture of it, or none yet"),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn image(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let Some(found) = shared.service.product_image(caller.tenant_id, id).await? else {
        // No error: browsers would report each row without a picture.
        return Ok(HttpResponse::NoContent().insert_header((CACHE_CONTROL, NONE)).finish());
    };
    let caching = if found.is_current { CURRENT } else { PREVIOUS };
    Ok(HttpResponse::Ok()
        .content_type(found.image.kind.media_type())
        .insert_header((CACHE_CONTROL, caching))
        .body(found.image.content))
}

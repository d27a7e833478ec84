//! `/api/v1/products/{id}/shares` and `/api/v1/shares/{id}`: public links to products.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::routes::Routes;
use super::strict::{PathId, StrictJson};
use crate::domain::{ProductId, Scope, Share, ShareId, SharedParts};
use crate::service::Caller;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/products/{id}/shares", |path| path.get(Scope::ProductRead, list).post(Scope::ProductWrite, add));
    routes.path("/shares/{id}", |path| path.delete(Scope::ProductWrite, remove));
}

/// What of your own a share shows beside the listing: nothing, unless it is chosen.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ShareBody, example = json!({ "target": true }))]
#[derive(Default)]
pub(super) struct WireSharedParts {
    /// Your name for the product, instead of its title.
    label: bool,
    /// Its tags.
    tags: bool,
    /// The highest price that an active alert rule about it waits for.
    target: bool,
}

impl From<SharedParts> for WireSharedParts {
    fn from(SharedParts { label, tags, target }: SharedParts) -> Self {
        Self { label, tags, target }
    }
}

/// A public link to a product.
#[derive(Serialize, ToSchema)]
#[schema(as = Share)]
pub(super) struct WireShare {
    #[schema(value_type = uuid::Uuid)]
    id: ShareId,
    shows: WireSharedParts,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Last used, to the hour; null: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    used_at: Option<Timestamp>,
    /// Who has it can see the page; shown once, when the share is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The page; shown once. With `.svg` or `.png` at its end, its chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<Share> for WireShare {
    fn from(share: Share) -> Self {
        let Share { id, shows, created_at, used_at, .. } = share;
        Self { id, shows: shows.into(), created_at, used_at, token: None, url: None }
    }
}

/// The public links to a product.
#[derive(Serialize, ToSchema)]
#[schema(as = Shares)]
pub(super) struct WireShares {
    items: Vec<WireShare>,
}

/// Share a product: anybody with the link can see its price, until the share is revoked. Its token is shown only once.
#[utoipa::path(post, path = "/api/v1/products/{id}/shares", tag = "products", params(("id" = Uuid, Path)),
    request_body = WireSharedParts, responses(
    (status = 201, description = "Created; `token` and `url` are not shown again", body = WireShare),
    (status = 404, description = "No such product", body = Problem),
    (status = 409, description = "The product has as many shares as it may (`too_many_shares`)", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    StrictJson(WireSharedParts { label, tags, target }): StrictJson<WireSharedParts>,
) -> Result<impl Responder, Problem> {
    let (share, token) = shared.service.add_share(caller, id, SharedParts { label, tags, target }).await?;
    let url = shared.service.share_url(&token).map(String::from);
    Ok((Json(WireShare { token: Some(token), url, ..share.into() }), StatusCode::CREATED))
}

/// List the shares of a product, newest first.
#[utoipa::path(get, path = "/api/v1/products/{id}/shares", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "All of them", body = WireShares),
    (status = 404, description = "No such product", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<impl Responder, Problem> {
    let shares = shared.service.shares(caller.tenant_id, id).await?;
    Ok(Json(WireShares { items: shares.into_iter().map(WireShare::from).collect() }))
}

/// Revoke a share: its link is dead at once, but for copies that caches keep for five minutes.
#[utoipa::path(delete, path = "/api/v1/shares/{id}", tag = "products", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "Revoked"),
    (status = 404, description = "No such share", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ShareId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_share(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

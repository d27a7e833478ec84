//! `/api/v1/auth/grants`: what users have granted to clients.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{ClientGrant, Scopes, SessionId};
use crate::http::Shared;
use crate::http::problem::Problem;
use crate::http::strict::PathId;
use crate::service::Caller;

/// What you have granted to a client.
#[derive(Serialize, ToSchema)]
#[schema(as = Grant)]
pub(in crate::http) struct WireGrant {
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// The URL of the document of the client.
    client_id: String,
    /// Its name when it was granted.
    client_name: String,
    /// What it may do within your role, separated by spaces.
    #[schema(value_type = String)]
    scope: Scopes,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the client last got tokens.
    #[schema(value_type = String, format = DateTime)]
    used_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<ClientGrant> for WireGrant {
    fn from(grant: ClientGrant) -> Self {
        Self {
            id: grant.id,
            client_id: grant.client_id,
            client_name: grant.client_name,
            scope: grant.scopes,
            created_at: grant.created_at,
            used_at: grant.used_at,
            expires_at: grant.expires_at,
        }
    }
}

/// Grants.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct GrantList {
    items: Vec<WireGrant>,
}

/// List what you have granted to clients (OAuth).
#[utoipa::path(get, path = "/api/v1/auth/grants", tag = "auth", responses(
    (status = 200, description = "Your grants in force", body = GrantList),
))]
pub(in crate::http) async fn grants(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let items = shared.service.grants(&caller).await?.into_iter().map(WireGrant::from).collect();
    Ok(Json(GrantList { items }))
}

/// Take back what you have granted to a client. Its tokens are worth nothing from now on.
#[utoipa::path(delete, path = "/api/v1/auth/grants/{id}", tag = "auth",
    params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "Taken back"),
    (status = 404, description = "You have no such grant in force", body = Problem),
))]
pub(in crate::http) async fn revoke_grant(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<impl Responder, Problem> {
    shared.service.revoke_grant(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

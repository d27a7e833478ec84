//! Metadata by which clients find their way from the URL of the tools to a token.

use actix_web::Responder;
use actix_web::web::{Data, Json};

use crate::http::Shared;
use crate::http::problem::Problem;

/// Get the metadata of the tools as a protected resource (RFC 9728).
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource", tag = "oauth", responses(
    (status = 200, description = "Which authorization server gives tokens for `/mcp`", body = Object),
    (status = 404, description = "The settings accept no clients", body = Problem),
))]
pub(in crate::http) async fn protected_resource(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    Ok(Json(shared.service.protected_resource()?))
}

/// The same, where clients look that know the URL of the tools alone.
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource/mcp", tag = "oauth", responses(
    (status = 200, description = "Which authorization server gives tokens for `/mcp`", body = Object),
    (status = 404, description = "The settings accept no clients", body = Problem),
))]
pub(in crate::http) async fn protected_tools(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    Ok(Json(shared.service.protected_resource()?))
}

/// Get the metadata of the authorization server (RFC 8414).
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", responses(
    (status = 200, description = "Its endpoints, and what it supports", body = Object),
    (status = 404, description = "The settings accept no clients", body = Problem),
))]
pub(in crate::http) async fn authorization_server(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    Ok(Json(shared.service.authorization_server()?))
}

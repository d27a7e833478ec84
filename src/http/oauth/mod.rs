//! `/oauth/…` and `/.well-known/…`: clients that act for users at `/mcp` (OAuth 2.1).

mod authorize;
mod form;
mod grants;
mod metadata;
mod page;
mod token;

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};

pub(super) use authorize::{answer, ask, sign_in};
pub(super) use grants::{grants, revoke_grant};
pub(super) use metadata::{authorization_server, protected_resource, protected_tools};
pub(super) use token::{revoke, token};

// For the OpenAPI document, which looks for them beside the handlers.
pub(super) use authorize::{__path_answer, __path_ask, __path_sign_in};
pub(super) use grants::{__path_grants, __path_revoke_grant};
pub(super) use metadata::{__path_authorization_server, __path_protected_resource, __path_protected_tools};
pub(super) use token::{__path_revoke, __path_token};

/// Exchanging and revoking are not rate limited by address: their secrets have 256 bits, and a hosted client has one address for all of
/// its users.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/.well-known/oauth-protected-resource", |path| path.get(Access::Open, protected_resource));
    routes.path("/.well-known/oauth-protected-resource/mcp", |path| path.get(Access::Open, protected_tools));
    routes.path("/.well-known/oauth-authorization-server", |path| path.get(Access::Open, authorization_server));
    routes.path("/oauth/authorize", |path| path.get(Access::RateLimited, ask).post(Access::RateLimited, sign_in));
    routes.path("/oauth/consent", |path| path.post(Access::RateLimited, answer));
    routes.path("/oauth/token", |path| path.post(Access::Open, token));
    routes.path("/oauth/revoke", |path| path.post(Access::Open, revoke));
}

/// What users have granted, below the API.
pub(super) fn grant_routes(routes: &mut Routes<'_>) {
    routes.path("/auth/grants", |path| path.get(Access::User, grants));
    routes.path("/auth/grants/{id}", |path| path.delete(Access::User, revoke_grant));
}

fn check_clients_are_accepted(shared: &Shared) -> Result<(), Problem> {
    Ok(shared.service.check_clients_are_accepted()?)
}

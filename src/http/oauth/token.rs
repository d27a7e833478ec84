//! `/oauth/token` and `/oauth/revoke`: what clients ask without a user.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check_clients_are_accepted;
use super::form::{form_text, parameters, some};
use crate::domain::Scopes;
use crate::http::Shared;
use crate::http::problem::Problem;
use crate::service::{ClientTokens, CodeExchange, Origin, RefreshExchange, TokenRefusal};

/// A code or a refresh token of a client (RFC 6749, sections 4.1.3 and 6).
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct TokenBody {
    /// `authorization_code` or `refresh_token`
    #[serde(default, deserialize_with = "some")]
    grant_type: Option<String>,
    /// The URL of the document of the client.
    #[serde(default, deserialize_with = "some")]
    client_id: Option<String>,
    /// The code.
    #[serde(default, deserialize_with = "some")]
    code: Option<String>,
    /// The address that the user returned to.
    #[serde(default, deserialize_with = "some")]
    redirect_uri: Option<String>,
    /// The verifier of PKCE.
    #[serde(default, deserialize_with = "some")]
    code_verifier: Option<String>,
    /// The refresh token.
    #[serde(default, deserialize_with = "some")]
    refresh_token: Option<String>,
    /// With a refresh token: less than was granted.
    #[serde(default, deserialize_with = "some")]
    scope: Option<String>,
    /// The URL of `/mcp`.
    #[serde(default, deserialize_with = "some")]
    resource: Option<String>,
    #[serde(default, deserialize_with = "some")]
    #[schema(ignore)]
    client_secret: Option<String>,
    #[serde(default, deserialize_with = "some")]
    #[schema(ignore)]
    client_assertion: Option<String>,
}

/// Tokens of a client.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientTokens)]
pub(in crate::http) struct WireClientTokens {
    /// For `/mcp` alone.
    access_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Exchanges for the next pair of tokens, once.
    refresh_token: String,
    /// What was granted, separated by spaces.
    #[schema(value_type = String)]
    scope: Scopes,
}

impl From<ClientTokens> for WireClientTokens {
    fn from(tokens: ClientTokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in_secs,
            refresh_token: tokens.refresh_token,
            scope: tokens.scopes,
        }
    }
}

/// An error for a client (RFC 6749, section 5.2).
#[derive(Serialize, ToSchema)]
#[schema(as = OAuthError)]
pub(in crate::http) struct WireOAuthError {
    /// Stable, for programs.
    error: &'static str,
    /// For people.
    error_description: &'static str,
}

fn refused(error: &'static str, error_description: &'static str) -> HttpResponse {
    HttpResponse::BadRequest().json(WireOAuthError { error, error_description })
}

fn refusal(refusal: TokenRefusal) -> HttpResponse {
    match refusal {
        TokenRefusal::Grant => refused("invalid_grant", "the code or refresh token is not valid, or not any more"),
        TokenRefusal::Client => refused("invalid_client", "the client is not accepted here"),
        TokenRefusal::Scope => refused("invalid_scope", "scope must be some of what was granted"),
        TokenRefusal::Target => refused("invalid_target", "resource must be the URL of the tools"),
        TokenRefusal::Service(error) => Problem::from(error).error_response(),
    }
}

/// Exchange a code or a refresh token for tokens. Using one twice ends the grant.
#[utoipa::path(post, path = "/oauth/token", tag = "oauth",
    request_body(content = TokenBody, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "Tokens for `/mcp`", body = WireClientTokens),
    (status = 400, description = "An error of OAuth", body = WireOAuthError),
    (status = 404, description = "The settings accept no clients", body = Problem),
))]
pub(in crate::http) async fn token(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    check_clients_are_accepted(&shared)?;
    let body = match read::<TokenBody>(&shared, &request, payload).await {
        Ok(body) => body,
        Err(refused) => return Ok(refused),
    };
    if request.headers().contains_key(AUTHORIZATION) || body.client_secret.is_some() || body.client_assertion.is_some()
    {
        return Ok(refused("invalid_client", "clients have no secret here"));
    }
    let TokenBody { client_id, code, redirect_uri, code_verifier, refresh_token, scope, resource, .. } = body;
    let exchanged = match (body.grant_type.as_deref(), client_id) {
        (Some("authorization_code"), Some(client_id)) => {
            let (Some(code), Some(redirect_uri), Some(code_verifier)) = (code, redirect_uri, code_verifier) else {
                return Ok(refused("invalid_request", "code, redirect_uri and code_verifier are required"));
            };
            let exchange = CodeExchange { code, client_id, redirect_uri, code_verifier, resource };
            shared.service.redeem_code(exchange, origin).await
        }
        (Some("refresh_token"), Some(client_id)) => {
            let Some(refresh_token) = refresh_token else {
                return Ok(refused("invalid_request", "refresh_token is required"));
            };
            let exchange = RefreshExchange { refresh_token, client_id, scope, resource };
            shared.service.refresh_grant(exchange, origin).await
        }
        (None, _) | (Some("authorization_code" | "refresh_token"), None) => {
            return Ok(refused("invalid_request", "grant_type and client_id are required"));
        }
        (Some(_), _) => return Ok(refused("unsupported_grant_type", "must be authorization_code or refresh_token")),
    };
    Ok(exchanged.map_or_else(refusal, |tokens| HttpResponse::Ok().json(WireClientTokens::from(tokens))))
}

/// A token that a client gives back.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct RevokeBody {
    /// An access token or a refresh token.
    #[serde(default, deserialize_with = "some")]
    token: Option<String>,
    /// The URL of the document of the client.
    #[serde(default, deserialize_with = "some")]
    client_id: Option<String>,
}

/// Give a token back (RFC 7009). All tokens of its grant are worth nothing from now on.
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth",
    request_body(content = RevokeBody, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "The token is worth nothing, whatever it was"),
    (status = 400, description = "An error of OAuth", body = WireOAuthError),
    (status = 404, description = "The settings accept no clients", body = Problem),
))]
pub(in crate::http) async fn revoke(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    check_clients_are_accepted(&shared)?;
    let body = match read::<RevokeBody>(&shared, &request, payload).await {
        Ok(body) => body,
        Err(refused) => return Ok(refused),
    };
    let (Some(token), Some(client_id)) = (body.token, body.client_id) else {
        return Ok(refused("invalid_request", "token and client_id are required"));
    };
    shared.service.revoke_token(token, client_id, origin).await?;
    Ok(HttpResponse::Ok().finish())
}

/// Reads a form of a client; an error of OAuth if it cannot be read.
async fn read<T: serde::de::DeserializeOwned>(
    shared: &Shared,
    request: &HttpRequest,
    payload: Payload,
) -> Result<T, HttpResponse> {
    let wrong = "the body must be a form in which no parameter is repeated";
    let text = form_text(shared, request, payload).await.map_err(|problem| match problem.status_code() {
        StatusCode::REQUEST_TIMEOUT => problem.error_response(),
        _ => refused("invalid_request", wrong),
    })?;
    parameters(&text).map_err(|_| refused("invalid_request", wrong))
}

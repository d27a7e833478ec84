//! `/mcp`: tools for agents. The protocol is that of [`crate::mcp`]; this is its adapter to the HTTP server.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::Value;

use super::caller::{bearer_of, origin_of};
use super::observe::elapsed;
use super::problem::Problem;
use super::routes::{Access, REQUEST_COST, Routes};
use super::strict::{check_shape, read_body_within};
use super::{Shared, rate};
use crate::mcp::{CallContext, MAX_BODY_BYTES, McpServer};
use crate::service::{Audience, Caller, RateLimitStatus, ServiceError};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/mcp", |path| path.post(Access::Bearer, message));
}

/// Call a tool, or ask which there are (Model Context Protocol, Streamable HTTP): `docs/mcp.md`.
///
/// The body is one JSON-RPC message of the revision 2026-07-28, or of an earlier one. There are no sessions and no streams. A call of a
/// tool takes as many requests from the rate limit as the tool weighs.
#[utoipa::path(post, path = "/mcp", tag = "mcp", request_body = Object, responses(
    (status = 200, description = "The answer", body = Object),
    (status = 202, description = "A notification was taken"),
    (status = 400, description = "Not a message, or headers that contradict it",
        content((Object = "application/json"), (Problem = "application/problem+json"))),
    (status = 404, description = "No such method (since 2026-07-28)", body = Object),
    (status = 406, description = "The client must accept `application/json` and `text/event-stream`", body = Problem),
))]
pub(super) async fn message(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let most = shared.settings.max_body_bytes.min(MAX_BODY_BYTES);
    let body = read_body_within(payload.into_inner(), &shared.settings, most).await?;
    check_shape(&body)?;
    let Some((text, message)) = parsed(&body) else { return Ok(response_of(McpServer::not_json())) };
    let taken = take_weight(&shared, &request, McpServer::weight_of(&message)).await?;
    let deadline = Instant::now() + shared.settings.request_timeout.saturating_sub(elapsed(&request));
    let headers = request.headers().iter().filter(|(name, _)| **name != AUTHORIZATION);
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let answered = shared.mcp.answer(headers, text, CallContext::new(caller, deadline)).await;
    let mut response = response_of(answered);
    for (name, value) in taken.iter().flat_map(rate::headers) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The body as text and as JSON.
fn parsed(body: &[u8]) -> Option<(String, Value)> {
    let text = std::str::from_utf8(body).ok()?;
    Some((text.to_owned(), serde_json::from_str(text).ok()?))
}

/// Takes the rest of what a message weighs from the caller's rate limit.
async fn take_weight(shared: &Shared, request: &HttpRequest, weight: u32) -> Result<Option<RateLimitStatus>, Problem> {
    let rest = weight.saturating_sub(REQUEST_COST);
    if rest == 0 {
        return Ok(None);
    }
    let credential = bearer_of(request.headers()).ok_or(ServiceError::Unauthenticated)?;
    let (_, rate_limit) =
        shared.service.authenticate_for(Audience::Tools, credential, origin_of(request), rest).await?;
    Ok(Some(rate_limit))
}

/// The answer of the protocol. What its transport refuses in plain text becomes a problem, as everywhere.
fn response_of(answer: http::Response<Vec<u8>>) -> HttpResponse {
    let (parts, body) = answer.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_json = parts.headers.get("content-type").is_some_and(|kind| kind.as_bytes() == b"application/json");
    if status.is_server_error() {
        tracing::error!(detail = %String::from_utf8_lossy(&body), "the server of MCP failed");
        return Problem::from(ServiceError::Internal).error_response();
    }
    if status.is_client_error() && !is_json {
        return Problem::new(status, code_of(status), String::from_utf8_lossy(&body)).error_response();
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_ACCEPTABLE => "not_acceptable",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        _ => "invalid_request",
    }
}

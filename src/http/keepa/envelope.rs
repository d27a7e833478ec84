//! What every answer to programs written for Keepa has, errors too: the tokens, and how they refill.
//!
//! A token is a request of the caller's rate limit. What is not known because the key is not valid is null.
//!
//! Answers are compressed whenever a client does not rule gzip out, however short they are: the official client decompresses
//! everything.

use std::future::{Ready, ready};
use std::io::Write;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ResponseHead, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, VARY, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::observe::elapsed;
use crate::http::problem::Problem;
use crate::service::RateLimitStatus;

/// Where the paths of Keepa begin.
pub(super) const PREFIX: &str = "/keepa";
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const MINUTE_MS: u64 = 60_000;
/// What a request costs that was not refused for lack of tokens.
const COST: u32 = 1;

/// The tokens of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeepaEnvelope)]
pub(in crate::http) struct Envelope {
    /// Now, in milliseconds since 1970.
    timestamp: i64,
    /// Requests that may come at once now.
    tokens_left: Option<u32>,
    /// Milliseconds until there is one more.
    refill_in: Option<u64>,
    /// Requests a minute; at least 1.
    refill_rate: Option<u32>,
    /// Always 0: what is tracked costs no tokens.
    token_flow_reduction: f64,
    /// What this request has cost.
    tokens_consumed: u32,
    processing_time_in_ms: u64,
}

/// An answer without a payload.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct KeepaError {
    #[serde(flatten)]
    envelope: Envelope,
    error: WireError,
}

/// Why there is no payload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeepaErrorReason)]
struct WireError {
    /// Stable, for programs: `invalidKey`, `invalidParameter`, `notEnoughTokens`, `notFound` and others.
    #[schema(value_type = String)]
    r#type: &'static str,
    /// For people.
    message: String,
    /// The wrong parameters, if there are any.
    details: String,
}

/// An answer with its payload.
#[derive(Serialize)]
struct Reply<'p, P> {
    #[serde(flatten)]
    envelope: Envelope,
    #[serde(flatten)]
    payload: &'p P,
}

impl Envelope {
    fn new(rate_limit: Option<RateLimitStatus>, took: Duration) -> Self {
        Self {
            timestamp: Timestamp::now().as_millisecond(),
            tokens_left: rate_limit.map(|rate_limit| rate_limit.remaining),
            refill_in: rate_limit.map(refill_in),
            refill_rate: rate_limit.map(|rate_limit| rate_limit.per_minute.max(1)),
            token_flow_reduction: 0.0,
            tokens_consumed: if rate_limit.is_some_and(|rate_limit| rate_limit.wait.is_none()) { COST } else { 0 },
            processing_time_in_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Milliseconds until there is a token, or one more.
fn refill_in(rate_limit: RateLimitStatus) -> u64 {
    let per_minute = u64::from(rate_limit.per_minute.max(1));
    match rate_limit.wait {
        Some(wait) => u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1),
        None if rate_limit.remaining < rate_limit.per_minute => MINUTE_MS.div_ceil(per_minute),
        None => 0,
    }
}

/// The tokens of the caller of a request.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Tokens {
    rate_limit: Option<RateLimitStatus>,
    received_at: Instant,
}

impl FromRequest for Tokens {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let rate_limit = request.extensions().get::<RateLimitStatus>().copied();
        let now = Instant::now();
        ready(Ok(Self { rate_limit, received_at: now.checked_sub(elapsed(request)).unwrap_or(now) }))
    }
}

impl Tokens {
    /// An answer with a payload: an object, whose fields stand beside those of the envelope.
    pub(super) fn reply(self, payload: &impl Serialize) -> HttpResponse {
        let envelope = Envelope::new(self.rate_limit, self.received_at.elapsed());
        // Wire types always serialize: their map keys are strings.
        let body = serde_json::to_vec(&Reply { envelope, payload }).unwrap_or_default();
        HttpResponse::Ok().insert_header((CONTENT_TYPE, JSON)).body(body)
    }
}

/// Middleware: gives every error below `/keepa` an envelope, and lets every answer be compressed.
pub(in crate::http) async fn enveloped(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_ours = request.path().strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !is_ours {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let received_at = Instant::now();
    let takes_gzip = takes_gzip(request.headers());
    request.headers_mut().insert(ACCEPT_ENCODING, if takes_gzip { GZIP } else { IDENTITY });
    match next.call(request).await {
        Ok(response) if response.status().is_client_error() || response.status().is_server_error() => {
            let rate_limit = response.request().extensions().get::<RateLimitStatus>().copied();
            let problem = problem_of(response.response());
            let write = |head: &mut ResponseHead, _| write(head, &problem, rate_limit, received_at, takes_gzip);
            Ok(response.map_body(write))
        }
        Ok(response) => Ok(response.map_into_boxed_body()),
        // The request is gone, and with it who sent it.
        Err(error) => {
            let response = error.error_response();
            let problem = problem_of(&response);
            let response = response.map_body(|head, _| write(head, &problem, None, received_at, takes_gzip));
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// The error of a response.
fn problem_of<B>(response: &HttpResponse<B>) -> Problem {
    let known = response.extensions().get::<Problem>().cloned();
    known.unwrap_or_else(|| Problem::new(response.status(), "error", response.status()))
}

/// True unless the client takes other encodings alone. Without the header any encoding will do (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let Some(accepted) = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) else { return true };
    let weight = |wanted: &str| {
        let codings = accepted.split(',').map(|coding| coding.split_once(';').unwrap_or((coding, "")));
        let found = codings.into_iter().find(|(coding, _)| coding.trim().eq_ignore_ascii_case(wanted));
        found.map(|(_, weight)| !matches!(weight.trim().trim_start_matches("q="), "0" | "0.0" | "0.00" | "0.000"))
    };
    weight("gzip").or_else(|| weight("*")).unwrap_or(false)
}

/// Writes an error with its envelope into a response.
fn write(
    head: &mut ResponseHead,
    problem: &Problem,
    rate_limit: Option<RateLimitStatus>,
    received_at: Instant,
    takes_gzip: bool,
) -> BoxBody {
    let (status, kind) = status_and_type(head.status, problem.code());
    let (message, details) = problem.explanation();
    let envelope = Envelope::new(problem.rate_limit().or(rate_limit), received_at.elapsed());
    let error = KeepaError { envelope, error: WireError { r#type: kind, message, details } };
    let json = serde_json::to_vec(&error).unwrap_or_default();
    head.status = status;
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, WWW_AUTHENTICATE] {
        head.headers.remove(name);
    }
    head.headers.insert(CONTENT_TYPE, JSON);
    if !takes_gzip {
        return BoxBody::new(json);
    }
    head.headers.insert(CONTENT_ENCODING, GZIP);
    head.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    BoxBody::new(gzipped(&json))
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// The status that Keepa's clients know, and the name of the error. They read 401 and 403 as the failure of a server.
fn status_and_type(status: StatusCode, code: &str) -> (StatusCode, &'static str) {
    match (status, code) {
        // A quota of the plan: waiting for tokens, as clients do at 429, would not help.
        (_, "over_quota") => (StatusCode::PAYMENT_REQUIRED, "paymentRequired"),
        (StatusCode::UNAUTHORIZED, _) => (StatusCode::BAD_REQUEST, "invalidKey"),
        (StatusCode::FORBIDDEN, _) => (StatusCode::BAD_REQUEST, "forbidden"),
        (StatusCode::NOT_FOUND, _) => (status, "notFound"),
        (StatusCode::METHOD_NOT_ALLOWED, _) => (status, "methodNotAllowed"),
        (StatusCode::PAYMENT_REQUIRED, _) => (status, "paymentRequired"),
        (StatusCode::TOO_MANY_REQUESTS, _) => (status, "notEnoughTokens"),
        _ if status.is_server_error() => {
            (status, if code == "internal" { "internalServerError" } else { "unavailable" })
        }
        _ => (StatusCode::BAD_REQUEST, "invalidParameter"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compressed_unless_a_client_rules_it_out() {
        let takes = |accepted: Option<&'static str>| {
            let header = accepted.map(|value| (ACCEPT_ENCODING, HeaderValue::from_static(value)));
            takes_gzip(&header.into_iter().collect())
        };
        for accepted in [None, Some("gzip"), Some("zstd, gzip, deflate"), Some("*"), Some("br, GZIP;q=0.5")] {
            assert!(takes(accepted), "{accepted:?}");
        }
        for accepted in ["identity", "", "br", "gzip;q=0", "gzip; q=0.0, *"] {
            assert!(!takes(Some(accepted)), "{accepted}");
        }
    }

    #[test]
    fn errors_have_the_states_that_clients_know() {
        for (status, code, expected) in [
            (401, "unauthenticated", (400, "invalidKey")),
            (403, "forbidden", (400, "forbidden")),
            (422, "invalid_request", (400, "invalidParameter")),
            (413, "body_too_large", (400, "invalidParameter")),
            (404, "no_such_route", (404, "notFound")),
            (405, "method_not_allowed", (405, "methodNotAllowed")),
            (429, "too_many_requests", (429, "notEnoughTokens")),
            (429, "over_quota", (402, "paymentRequired")),
            (500, "internal", (500, "internalServerError")),
            (504, "timeout", (504, "unavailable")),
        ] {
            let (told, kind) = status_and_type(StatusCode::from_u16(status).unwrap(), code);
            assert_eq!((told.as_u16(), kind), expected, "{status} {code}");
        }
    }

    #[test]
    fn tokens_refill_one_by_one_or_when_the_wait_is_over() {
        let status = |remaining, wait| RateLimitStatus { per_minute: 120, remaining, wait };
        assert_eq!(refill_in(status(120, None)), 0);
        assert_eq!(refill_in(status(7, None)), 500);
        assert_eq!(refill_in(status(0, Some(Duration::from_millis(1500)))), 1501);
        let unlimited =
            Envelope::new(Some(RateLimitStatus { per_minute: 0, remaining: 0, wait: None }), Duration::ZERO);
        assert_eq!(unlimited.refill_rate, Some(1), "clients divide by it");
    }
}

//! Middleware around every request: request id, span, timeout, metrics and standard headers.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::caller::is_forwarded;
use super::problem::Problem;
use super::request_id::{REQUEST_ID, request_id, with_request_id};
use super::{Shared, imports, public_path};
use crate::telemetry::{TRACE, continue_from};

/// The trace that a request belongs to (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The label of a request that matches no route.
const NO_ROUTE: &str = "none";
/// The label of an unknown method.
const OTHER_METHOD: &str = "other";
/// Requested every few seconds: not traced.
const PROBES: &[&str] = &["/health", "/health/live", "/health/ready", "/metrics"];

/// When a request was received.
#[derive(Clone, Copy)]
struct ReceivedAt(Instant);

/// How much of its timeout a request has used.
pub(super) fn elapsed(request: &HttpRequest) -> Duration {
    request.extensions().get::<ReceivedAt>().map(|received| received.0.elapsed()).unwrap_or_default()
}

/// The middleware.
pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(&request);
    with_request_id(id.clone(), answer(id, request, next)).await
}

async fn answer(
    id: String,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started_at = Instant::now();
    request.extensions_mut().insert(ReceivedAt(started_at));
    let shared = request.app_data::<Data<Shared>>().cloned();
    let route = request.match_pattern().unwrap_or_else(|| NO_ROUTE.to_owned());
    let method = request.method().clone();
    let policy = if request.path().starts_with("/docs/") { PAGE_POLICY } else { DATA_POLICY };
    let public_path = public_path::public_path(request.request());
    let span = tracing::info_span!("request", %method, route, request_id = id);
    let timeout = shared
        .as_ref()
        .map_or(Duration::MAX, |shared| imports::upload_timeout(&route).unwrap_or(shared.settings.request_timeout));
    let trace = span.in_scope(|| span_of(&request, &route, &id));
    let handling = tokio::time::timeout(timeout, next.call(request));
    let handled = handling.instrument(trace.clone()).instrument(span).await;
    // The framework renders errors of handlers itself; errors here are those of middleware.
    let result = handled.unwrap_or_else(|_| {
        let detail = "the request timed out; it may or may not have been carried out";
        Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail).into())
    });
    let status = result.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
    trace.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        trace.record("otel.status_code", "error").record("error.type", status.as_str());
    }
    if let Some(shared) = shared {
        let labels = [route.as_str(), method_label(method.as_str()), status.as_str()];
        shared.metrics.http_requests.with_label_values(&labels).inc();
        shared.metrics.http_seconds.with_label_values(&[&route]).observe(started_at.elapsed().as_secs_f64());
    }
    match result {
        Ok(response) => {
            let mut response = response.map_into_boxed_body();
            add_standard_headers(response.headers_mut(), &id, policy);
            public_path::add_to(response.headers_mut(), &public_path);
            Ok(response)
        }
        Err(error) => {
            let mut response = error.error_response();
            add_standard_headers(response.headers_mut(), &id, policy);
            public_path::add_to(response.headers_mut(), &public_path);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// The span of a request in its trace. It never holds the path or the query, which may contain secrets. Only a trusted proxy can
/// continue a trace: other clients must not decide which traces are sampled.
fn span_of(request: &ServiceRequest, route: &str, id: &str) -> Span {
    if PROBES.contains(&route) {
        return Span::none();
    }
    let method = method_label(request.method().as_str());
    let known_route = (route != NO_ROUTE).then_some(route);
    let span = tracing::info_span!(
        target: TRACE,
        "request",
        otel.name = known_route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = if method == OTHER_METHOD { "_OTHER" } else { method },
        http.response.status_code = Empty,
        http.route = known_route,
        "error.type" = Empty,
        tracker.request.id = id,
    );
    if !span.is_disabled() && is_forwarded(request.request()) {
        let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
        traceparent.into_iter().for_each(|traceparent| continue_from(&span, traceparent));
    }
    span
}

/// A method is client input: only known methods become labels.
fn method_label(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => OTHER_METHOD,
    }
}

/// For data, which is never rendered as a page; and for the pages, which load their own files only.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

fn add_standard_headers(headers: &mut HeaderMap, id: &str, policy: HeaderValue) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // A page with a form may have another one: under this, browsers do not say where a form comes from.
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    // A response may have a stricter one.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

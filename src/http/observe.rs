//! Around every request: an id, a span, a deadline, and the metrics.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use tokio::task_local;
use tracing::Instrument;
use uuid::Uuid;

use super::problem::Problem;
use super::{Shared, link_page};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID_CHARS: usize = 128;

task_local! {
    static CURRENT_REQUEST_ID: String;
}

/// The id of the request that is being handled.
pub(super) fn current_request_id() -> Option<String> {
    CURRENT_REQUEST_ID.try_with(Clone::clone).ok()
}

/// Work of the request that is being handled, for another task: it keeps the request's id and span.
pub(super) fn kept_in_sight<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CURRENT_REQUEST_ID.scope(current_request_id().unwrap_or_default(), work.in_current_span())
}

/// The middleware.
pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(&request);
    CURRENT_REQUEST_ID.scope(id.clone(), answer(id, request, next)).await
}

async fn answer(
    id: String,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started_at = Instant::now();
    let shared = request.app_data::<Data<Shared>>().cloned();
    let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
    let method = request.method().clone();
    let is_page = ["/docs/", link_page::PREFIX].iter().any(|prefix| request.path().starts_with(prefix));
    let policy = if is_page { PAGE_POLICY } else { DATA_POLICY };
    let span = tracing::info_span!("request", %method, route, request_id = id);
    let timeout = shared.as_ref().map_or(std::time::Duration::MAX, |shared| shared.settings.request_timeout);
    let handled = tokio::time::timeout(timeout, next.call(request)).instrument(span).await;
    // The framework renders the errors of handlers itself: what comes here as an error is a middleware's, or ours.
    let result = handled.unwrap_or_else(|_| {
        let detail = "the request took too long; it may or may not have been carried out";
        Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "late", detail).into())
    });
    if let Some(shared) = shared {
        let status =
            result.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
        let labels = [route.as_str(), method_label(method.as_str()), status.as_str()];
        shared.metrics.http_requests.with_label_values(&labels).inc();
        shared.metrics.http_seconds.with_label_values(&[&route]).observe(started_at.elapsed().as_secs_f64());
    }
    let mut response = result?.map_into_boxed_body();
    add_standard_headers(response.headers_mut(), &id, policy);
    Ok(response)
}

/// A method is text from outside: only the known ones become labels.
fn method_label(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

/// Answers are data, and no page may be made of them; but for the pages there are, which are made of their own files.
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
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The caller's own id if it is a decent one, otherwise a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let decent = |id: &&str| {
        !id.is_empty() && id.len() <= LONGEST_REQUEST_ID_CHARS && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    given.filter(decent).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

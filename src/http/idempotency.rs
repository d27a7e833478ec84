//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a request that created something and is sent again gets
//! the first response, and creates nothing.
//!
//! The transaction that creates the item also stores the response, so either both exist or neither does: a request that failed,
//! or whose process died, may be sent again with the same key. The stored response is that of the creation: with
//! `Prefer: wait` it does not contain the outcomes of the crawls.

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::stream;

use super::Shared;
use super::problem::Problem;
use super::strict::read_body;
use crate::service::{Caller, Creation, IdempotencyClaim, IdempotencyKey, KeyedRequest, StoredResponse};

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Replays the response if a request with the same key succeeded before; otherwise calls the handler.
pub(super) async fn idempotent(
    caller: Caller,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let key = request.headers().get(KEY).map(|key| key.to_str().unwrap_or_default().to_owned());
    let shared = request.app_data::<Data<Shared>>().cloned();
    let (Some(key), Some(shared)) = (key, shared) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let body = match read_body(request.take_payload(), &shared.settings).await {
        Ok(body) => body,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let identity = identity_of(request.method().as_str(), request.path(), &body);
    match shared.service.keyed_request(&caller, &key, &identity).await {
        Ok(KeyedRequest::New(key)) => request.extensions_mut().insert(key),
        Ok(KeyedRequest::Repeated(stored)) => return Ok(request.into_response(replay(stored))),
        Err(error) => return Ok(request.into_response(Problem::from(error).error_response())),
    };
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(async move { Ok(body) })) });
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// What makes two requests the same: every byte of method, path and body.
fn identity_of(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    [method.as_bytes(), b" ", path.as_bytes(), b"\n", body].concat()
}

/// The key of a request, for its handler; none if the client sent none.
pub(super) struct RequestKey(Option<IdempotencyKey>);

impl FromRequest for RequestKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<IdempotencyKey>().cloned())))
    }
}

impl RequestKey {
    /// For the use case that creates a `T`, to which `render` is the response.
    pub(super) fn claim<T>(
        self,
        render: impl Fn(&T) -> StoredResponse + Send + Sync + 'static,
    ) -> Option<IdempotencyClaim<T>> {
        self.0.map(|key| IdempotencyClaim { key, render: Box::new(render) })
    }
}

/// The response to a request that creates a `T`.
pub(super) fn respond<T>(creation: Creation<T>, render: impl Fn(&T) -> StoredResponse) -> HttpResponse {
    match creation {
        Creation::Created(created) => response_of(render(&created)),
        Creation::Replayed(stored) => replay(stored),
    }
}

fn replay(stored: StoredResponse) -> HttpResponse {
    let mut response = response_of(stored);
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn response_of(stored: StoredResponse) -> HttpResponse {
    HttpResponse::build(StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK))
        .content_type(ContentType::json())
        .insert_header((LOCATION, stored.location))
        .body(stored.body)
}

/// The response to the creation of an item.
pub(super) fn rendered(status: StatusCode, location: String, body: &impl serde::Serialize) -> StoredResponse {
    // Wire types always serialize: their map keys are strings.
    let body = serde_json::to_string(body).unwrap_or_default();
    StoredResponse { status: status.as_u16(), location, body }
}

#[cfg(test)]
mod tests {
    use super::identity_of;

    #[test]
    fn requests_that_differ_in_any_byte_are_different() {
        let bodies: [&[u8]; 4] = [b"\xff", b"\xfe", "\u{fffd}".as_bytes(), b""];
        let identities = bodies.map(|body| identity_of("POST", "/api/v1/crawl", body));
        for (n, one) in identities.iter().enumerate() {
            assert!(identities[..n].iter().all(|other| one != other), "{one:?}");
        }
    }
}

//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a request that creates something and comes again is
//! answered as it was the first time, and not carried out again.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpResponse, ResponseError, rt};
use futures_util::stream;

use super::problem::Problem;
use super::strict::read_body;
use super::{Shared, observe};
use crate::service::{Caller, IdempotentStart, ServiceError, StoredResponse};

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Lets a request through, unless it came before.
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
    let what = format!("{} {}\n{}", request.method(), request.path(), String::from_utf8_lossy(&body));
    let started = match shared.service.begin_idempotent(&caller, &key, &what).await {
        Ok(IdempotentStart::First(started)) => started,
        Ok(IdempotentStart::Completed(answer)) => return Ok(request.into_response(replay(answer))),
        Err(error) => return Ok(request.into_response(Problem::from(error).error_response())),
    };
    let whole = Box::pin(stream::once(async move { Ok(body) }));
    request.set_payload(Payload::Stream { payload: whole });
    // On a task of its own: it goes on to its end, and its answer is kept, also when the client was told that it took too long.
    let carried_out = observe::with_request_context(async move {
        match next.call(request).await {
            Ok(response) => {
                let (response, answer) = read(response.map_into_boxed_body());
                shared.service.end_idempotent(started, answer).await;
                Ok(response)
            }
            Err(error) => {
                shared.service.end_idempotent(started, None).await;
                Err(error)
            }
        }
    });
    rt::spawn(carried_out).await.unwrap_or_else(|_| Err(Problem::from(ServiceError::Internal).into()))
}

/// The answer, and what is kept of it: nothing if it was our fault, or if another time may go better.
fn read(response: ServiceResponse<BoxBody>) -> (ServiceResponse<BoxBody>, Option<StoredResponse>) {
    let status = response.status();
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYMENT_REQUIRED) {
        return (response, None);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let location = head.headers().get(LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
    match body.try_into_bytes() {
        Ok(bytes) => {
            let body = String::from_utf8_lossy(&bytes).into_owned();
            let answer = StoredResponse { status: status.as_u16(), location, body };
            (ServiceResponse::new(request, head.set_body(BoxBody::new(bytes))), Some(answer))
        }
        // A stream has no end to wait for; no handler that creates something answers by one.
        Err(body) => (ServiceResponse::new(request, head.set_body(body)), None),
    }
}

fn replay(answer: StoredResponse) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    let content_type = if status.is_success() { "application/json" } else { "application/problem+json" };
    response.insert_header((CONTENT_TYPE, content_type));
    response.insert_header((REPLAYED, HeaderValue::from_static("true")));
    if let Some(location) = answer.location {
        response.insert_header((LOCATION, location));
    }
    response.body(Bytes::from(answer.body))
}

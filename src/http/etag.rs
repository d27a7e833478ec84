//! `ETag`, `If-None-Match` and `If-Match` (RFC 9110, section 13): who has the answer already is spared its body, and who
//! changes something may say that it must still be what they saw.
//!
//! Tags are weak because bodies may be compressed on their way; they are compared weakly everywhere.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::service::ServiceError;

/// Kept by nobody between us and the client, and by the client only to ask whether it still holds.
const OWN_AND_ASKED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Adds the tag to a good answer to a reading request; without its body when the client has it.
pub(super) fn conditional(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let reads = matches!(*response.request().method(), Method::GET | Method::HEAD);
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(stream) => return ServiceResponse::new(request, head.set_body(stream)),
    };
    let tag = tag_of(&bytes);
    let mut response = if is_among(request.headers(), IF_NONE_MATCH, &tag) {
        HttpResponse::NotModified().finish()
    } else {
        head.set_body(BoxBody::new(bytes))
    };
    let tag = HeaderValue::from_str(&tag).expect("base64 and quotes are visible ASCII");
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(CACHE_CONTROL, OWN_AND_ASKED);
    ServiceResponse::new(request, response)
}

fn tag_of(body: &[u8]) -> String {
    format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..12]))
}

fn is_among(headers: &HeaderMap, header: HeaderName, tag: &str) -> bool {
    let named = headers.get_all(header).filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    named.map(opaque).any(|named| named == "*" || named == opaque(tag))
}

/// True if the request says what it must still be.
pub(super) fn has_condition(request: &HttpRequest) -> bool {
    request.headers().contains_key(IF_MATCH)
}

/// Refuses a change of what is not any more what the client saw: `current` is how it would be answered now.
pub(super) fn check_condition(request: &HttpRequest, current: &impl Serialize) -> Result<(), Problem> {
    let body = serde_json::to_vec(current).unwrap_or_default();
    let holds = is_among(request.headers(), IF_MATCH, &tag_of(&body));
    if holds { Ok(()) } else { Err(ServiceError::Changed.into()) }
}

//! `ETag`, `If-None-Match` and `If-Match` (RFC 9110, section 13): who has the answer already is spared its body, and who
//! changes something may say that it must still be what they saw.
//!
//! Tags are weak because bodies may be compressed on their way; they are compared weakly everywhere.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::service::ServiceError;

/// CachedResponse by nobody between us and the client, and by the client only to ask whether it still holds.
const OWN_AND_ASKED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// An answer with its tag.
#[derive(Clone)]
pub(super) struct Tagged {
    body: Bytes,
    tag: HeaderValue,
}

impl Tagged {
    fn new(body: Bytes) -> Self {
        let tag = HeaderValue::from_str(&tag_of(&body)).expect("base64 and quotes are visible ASCII");
        Self { body, tag }
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.tag.len()
    }

    /// Without its body when the client has it.
    pub(super) fn answer(&self, request: &HeaderMap, head: HttpResponse<()>) -> HttpResponse {
        let tag = self.tag.to_str().unwrap_or_default();
        let mut response = if is_among(request, IF_NONE_MATCH, tag) {
            HttpResponse::NotModified().finish()
        } else {
            head.set_body(BoxBody::new(self.body.clone()))
        };
        response.headers_mut().insert(ETAG, self.tag.clone());
        response.headers_mut().insert(CACHE_CONTROL, OWN_AND_ASKED);
        response
    }
}

/// Adds the tag to a good answer to a reading request; without its body when the client has it.
pub(super) fn conditional(response: ServiceResponse<BoxBody>) -> (ServiceResponse<BoxBody>, Option<Tagged>) {
    if !is_reading(response.request().method()) || response.status() != StatusCode::OK {
        return (response, None);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    match body.try_into_bytes() {
        Ok(bytes) => {
            let tagged = Tagged::new(bytes);
            (ServiceResponse::new(request.clone(), tagged.answer(request.headers(), head)), Some(tagged))
        }
        Err(stream) => (ServiceResponse::new(request, head.set_body(stream)), None),
    }
}

/// Requests that change nothing.
pub(super) fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
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

//! `ETag` and `If-None-Match` (RFC 9110, section 13): who has the answer already is spared its body.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

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
    // Weak: the body may be compressed on its way, and is the same answer still.
    let tag = format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]));
    let mut response = if is_among(request.headers(), &tag) {
        HttpResponse::NotModified().finish()
    } else {
        head.set_body(BoxBody::new(bytes))
    };
    let tag = HeaderValue::from_str(&tag).expect("base64 and quotes are visible ASCII");
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(CACHE_CONTROL, OWN_AND_ASKED);
    ServiceResponse::new(request, response)
}

/// Compared weakly, as reading allows.
fn is_among(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    named.map(opaque).any(|named| named == "*" || named == opaque(tag))
}

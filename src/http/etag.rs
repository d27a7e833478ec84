//! `ETag`, `If-None-Match` and `If-Match` (RFC 9110, section 13).
//!
//! **Resources that cannot be patched** have a weak tag, a hash of the body, for `If-None-Match`.
//!
//! **Resources that can be patched** (a product, user or tenant) have a strong tag, `"VERSION-HASH"`. The version of the row rises
//! with each update. The hash of the body is needed because a product also shows its listing, which crawls change without an
//! update of the product. `If-Match` compares the version only: it protects what a patch changes, and a crawl in between is not a
//! conflict. It never matches a weak tag, and `*` matches any existing resource. The `UPDATE` statement itself names the expected
//! version, so that no other update can come between the comparison and the change.
//!
//! Responses may be compressed, and a strong tag should differ per content encoding. These tags do not: the difference matters for
//! range requests, which are not served here, and a tag of an encoding could not serve `If-Match`. Proxies that compress responses
//! themselves weaken tags; they leave responses alone that are compressed already.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    CACHE_CONTROL, ContentType, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::service::ServiceError;

/// Stored by no cache between us and the client, and by the client only to be validated.
const OWN_AND_ASKED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A body with its tag.
#[derive(Clone)]
pub(super) struct Tagged {
    body: Bytes,
    tag: HeaderValue,
    caching: HeaderValue,
}

impl Tagged {
    /// With the tag of the handler, or a weak one; and with the caching that it allows.
    fn new(body: Bytes, headers: &HeaderMap) -> Self {
        let tag = headers.get(ETAG).cloned();
        let tag = tag.unwrap_or_else(|| header_value(&format!("W/\"{}\"", hash_of(&body))));
        let caching = headers.get(CACHE_CONTROL).cloned().unwrap_or(OWN_AND_ASKED);
        Self { body, tag, caching }
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.tag.len()
    }

    /// The response: 304 without a body if the client has it.
    pub(super) fn answer(&self, request: &HeaderMap, head: HttpResponse<()>) -> HttpResponse {
        let tag = self.tag.to_str().unwrap_or_default();
        let mut response = if has_seen(request, tag) {
            HttpResponse::NotModified().finish()
        } else {
            head.set_body(BoxBody::new(self.body.clone()))
        };
        response.headers_mut().insert(ETAG, self.tag.clone());
        response.headers_mut().insert(CACHE_CONTROL, self.caching.clone());
        response
    }
}

/// Adds the tag to a successful response to `GET`; replaces it by 304 if the client has it.
pub(super) fn conditional(response: ServiceResponse<BoxBody>) -> (ServiceResponse<BoxBody>, Option<Tagged>) {
    if !is_reading(response.request().method()) || response.status() != StatusCode::OK {
        return (response, None);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    match body.try_into_bytes() {
        Ok(bytes) => {
            let tagged = Tagged::new(bytes, head.headers());
            (ServiceResponse::new(request.clone(), tagged.answer(request.headers(), head)), Some(tagged))
        }
        Err(stream) => (ServiceResponse::new(request, head.set_body(stream)), None),
    }
}

/// A body of a route without a caller, whose responses are not tagged otherwise; 304 if the client has it.
pub(super) fn tagged_body(request: &HttpRequest, content_type: &'static str, body: impl Into<Bytes>) -> HttpResponse {
    tagged_response(request, HttpResponse::Ok().content_type(content_type).finish().drop_body(), body)
}

/// The same with the headers of a response; of those, a 304 has the caching alone.
pub(super) fn tagged_response(request: &HttpRequest, head: HttpResponse<()>, body: impl Into<Bytes>) -> HttpResponse {
    let tagged = Tagged::new(body.into(), head.headers());
    tagged.answer(request.headers(), head)
}

/// Methods that only read.
pub(super) fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A response with a resource that can be patched, with its strong tag.
pub(super) fn versioned(status: StatusCode, version: i64, wire: &impl Serialize) -> HttpResponse {
    // Wire types always serialize: their map keys are strings.
    let body = serde_json::to_vec(wire).unwrap_or_default();
    let tag = header_value(&format!("\"{version}-{}\"", hash_of(&body)));
    HttpResponse::build(status).content_type(ContentType::json()).insert_header((ETAG, tag)).body(body)
}

fn hash_of(body: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..12])
}

fn header_value(tag: &str) -> HeaderValue {
    HeaderValue::from_str(tag).expect("digits, base64 and quotes are visible ASCII")
}

/// The tags of a header.
fn tags(headers: &HeaderMap, header: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header).filter_map(|tags| tags.to_str().ok());
    values.flat_map(|tags| tags.split(',')).map(str::trim)
}

/// Whether the client has the body with this tag (`If-None-Match`, weak comparison).
fn has_seen(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    tags(headers, IF_NONE_MATCH).any(|seen| seen == "*" || opaque(seen) == opaque(tag))
}

/// The version that the resource must have (`If-Match`).
///
/// # Errors
/// [`ServiceError::Changed`] when `If-Match` has no strong tag of this API, which no version could match.
pub(super) fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    if !headers.contains_key(IF_MATCH) || tags(headers, IF_MATCH).any(|tag| tag == "*") {
        return Ok(None);
    }
    // Versions rise: of several tags only the highest version can be the current one.
    let newest = tags(headers, IF_MATCH).filter_map(version_of).max();
    newest.map(Some).ok_or_else(|| ServiceError::Changed.into())
}

/// The version in a strong tag of this API.
fn version_of(tag: &str) -> Option<i64> {
    let (version, _) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    version.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_takes_the_version_of_strong_tags_alone() {
        let expected = |value: &str| {
            let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_str(value).unwrap())]);
            expected_version(&headers).map_err(|problem| problem.to_string())
        };
        assert_eq!(expected("\"7-abc\""), Ok(Some(7)));
        assert_eq!(expected("\"7-abc\", \"12-x-y\" , W/\"30-abc\""), Ok(Some(12)));
        assert_eq!(expected("*"), Ok(None));
        assert_eq!(expected_version(&HeaderMap::new()).unwrap_or_default(), None);
        for never in ["W/\"7-abc\"", "7-abc", "\"abc\"", "\"x-abc\"", ""] {
            assert!(expected(never).unwrap_err().starts_with("changed"), "{never}");
        }
    }
}

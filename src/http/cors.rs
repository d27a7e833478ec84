//! Cross-origin requests (CORS).

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};

const MAX_AGE_SECS: usize = 600;

/// Allows the configured origins, with the headers of the API. Credentials are headers, never cookies.
pub(super) fn rules(origins: &[String]) -> Cors {
    let own = |name| HeaderName::from_static(name);
    let taken = ["idempotency-key", "last-event-id", "prefer", "x-api-key", "x-request-id"].map(own);
    let of_mcp = ["mcp-protocol-version", "mcp-method", "mcp-name"].map(own);
    let given = ["idempotency-replayed", "ratelimit", "ratelimit-policy", "x-request-id"].map(own);
    let rules = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
        .allowed_headers(taken)
        .allowed_headers(of_mcp)
        .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER])
        .expose_headers(given)
        .max_age(MAX_AGE_SECS)
        // Other origins get a response that their pages cannot read; clients that are not browsers do not care.
        .block_on_origin_mismatch(false);
    origins.iter().fold(rules, |rules, origin| rules.allowed_origin(origin))
}

//! Who is asking: what the gate of a route has found out, for its handler.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, USER_AGENT};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::observe;
use super::problem::Problem;
use crate::service::{Caller, Origin};

const API_KEY: &str = "x-api-key";

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        // A handler behind a route that is open to all has asked for a caller: our mistake, and nobody gets in by it.
        let nobody = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side");
        ready(caller.ok_or_else(nobody))
    }
}

impl FromRequest for Origin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(origin_of(request)))
    }
}

/// From where a request comes.
pub(super) fn origin_of(request: &HttpRequest) -> Origin {
    let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
    Origin { address, agent, request_id: observe::current_request_id() }
}

/// The credential that a request carries: `Authorization: Bearer …`, or `X-API-Key`.
pub(super) fn credential_of(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).map(|value| {
        let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
    });
    // A wrong `Authorization` is not made good by another header.
    let key = || headers.get(API_KEY).and_then(|key| key.to_str().ok());
    bearer.unwrap_or_else(key).filter(|credential| !credential.is_empty())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn credential(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        credential_of(&headers.iter().map(header).collect()).map(str::to_owned)
    }

    #[test]
    fn a_credential_stands_in_either_header_and_authorization_goes_first() {
        assert_eq!(credential(&[("authorization", "Bearer a.b.c")]).as_deref(), Some("a.b.c"));
        assert_eq!(credential(&[("authorization", "bearer  at_x ")]).as_deref(), Some("at_x"));
        assert_eq!(credential(&[("x-api-key", "at_x")]).as_deref(), Some("at_x"));
        assert_eq!(credential(&[("authorization", "Bearer a"), ("x-api-key", "b")]).as_deref(), Some("a"));
        for wrong in [
            &[("authorization", "Basic a")][..],
            &[("authorization", "Basic a"), ("x-api-key", "b")],
            &[("authorization", "Bearer ")],
            &[("authorization", "a.b.c")],
            &[("x-api-key", "")],
            &[],
        ] {
            assert_eq!(credential(wrong), None, "{wrong:?}");
        }
    }
}

//! Who is asking: what the gate of a route has found out, for its handler.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, USER_AGENT};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use ipnet::IpNet;

use super::Shared;
use super::problem::Problem;
use super::request_id::current_request_id;
use crate::service::{Caller, Origin};

const API_KEY: &str = "x-api-key";
const X_FORWARDED_FOR: &str = "x-forwarded-for";

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
    let address = client_of(peer_of(request), request.headers(), trusted_by(request));
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
    Origin { address, agent, request_id: current_request_id() }
}

/// True when a trusted proxy has handed the request on: then what its headers say beside what the client asks is believed.
pub(super) fn is_handed_on(request: &HttpRequest) -> bool {
    is_among(trusted_by(request), &peer_of(request))
}

fn peer_of(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}

fn trusted_by(request: &HttpRequest) -> &[IpNet] {
    request.app_data::<Data<Shared>>().map_or(&[][..], |shared| &shared.settings.trusted_proxies)
}

fn is_among(trusted: &[IpNet], address: &IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The last address on the way here that no trusted proxy has: each proxy appends whom it was asked by, and what stands before
/// that anybody may have written.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    let named: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for address in named.iter().rev() {
        if !is_among(trusted, &client) {
            break;
        }
        let Ok(before) = address.trim().parse::<IpAddr>() else { break };
        client = before.to_canonical();
    }
    client
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
    fn a_clients_address_is_told_by_trusted_proxies_alone() {
        let client = |peer: &str, forwarded: &[&'static str], trusted: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(HeaderName::from_static(X_FORWARDED_FOR), HeaderValue::from_static(value));
            }
            let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
            client_of(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        let ours = &["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &["203.0.113.7"], ours), "203.0.113.7");
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1, 203.0.113.7, 10.0.0.2"], ours),
            "203.0.113.7",
            "what they wrote is not it"
        );
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "203.0.113.7"], ours), "203.0.113.7", "in several headers");
        assert_eq!(client("10.0.0.1", &["::ffff:203.0.113.7"], ours), "203.0.113.7");
        assert_eq!(client("203.0.113.9", &["1.1.1.1"], ours), "203.0.113.9", "a stranger says anything");
        assert_eq!(client("10.0.0.1", &["1.1.1.1"], &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, nonsense"], ours), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], ours), "10.0.0.1");
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

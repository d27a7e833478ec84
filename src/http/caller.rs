//! The caller of a request, and where it comes from.

use std::borrow::Cow;
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
use crate::auth::TokenKind;
use crate::service::{Caller, Origin};

const API_KEY: &str = "x-api-key";
const KEY_PARAMETER: &str = "key";
const X_FORWARDED_FOR: &str = "x-forwarded-for";

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        // A bug: the handler of an open route asks for a caller. Nothing is let through by it.
        let missing = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error");
        ready(caller.ok_or_else(missing))
    }
}

impl FromRequest for Origin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(origin_of(request)))
    }
}

/// The origin of a request.
pub(super) fn origin_of(request: &HttpRequest) -> Origin {
    let address = client_of(peer_of(request), request.headers(), trusted_by(request));
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
    Origin { address, agent, request_id: current_request_id() }
}

/// True when a trusted proxy forwarded the request: then its forwarding and tracing headers are trusted.
pub(super) fn is_forwarded(request: &HttpRequest) -> bool {
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

/// The nearest address that is not a trusted proxy's. Each proxy appends the address of its peer; entries before those of
/// trusted proxies can be forged.
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

/// The credential that a request carries: `Authorization: Bearer …`, or `X-API-Key`. The scheme has the two spellings
/// that the gateway knows, so that a request has the same answer with and without it.
pub(super) fn credential_of(headers: &HeaderMap) -> Option<&str> {
    // A malformed `Authorization` is not replaced by another header.
    if headers.contains_key(AUTHORIZATION) {
        return bearer_of(headers);
    }
    headers.get(API_KEY).and_then(|key| key.to_str().ok()).filter(|key| !key.is_empty())
}

/// The credential of the header `Authorization`.
pub(super) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    matches!(scheme, "Bearer" | "bearer").then(|| credential.trim()).filter(|credential| !credential.is_empty())
}

/// The API key in the parameter `key` of a query. Access tokens are not taken there: they are for headers alone. Of several keys none
/// is taken, so that a proxy that looks at one and the daemon cannot mean different ones.
pub(super) fn key_parameter_of(query: &str) -> Option<Cow<'_, str>> {
    let mut keys = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == KEY_PARAMETER);
    let (_, key) = keys.next()?;
    (keys.next().is_none() && key.starts_with(TokenKind::ApiKey.prefix())).then_some(key)
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
    fn only_trusted_proxies_can_name_a_clients_address() {
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
            "what the client wrote does not count"
        );
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "203.0.113.7"], ours), "203.0.113.7", "in several headers");
        assert_eq!(client("10.0.0.1", &["::ffff:203.0.113.7"], ours), "203.0.113.7");
        assert_eq!(
            client("203.0.113.9", &["1.1.1.1"], ours),
            "203.0.113.9",
            "an untrusted peer cannot choose its address"
        );
        assert_eq!(client("10.0.0.1", &["1.1.1.1"], &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, nonsense"], ours), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], ours), "10.0.0.1");
    }

    #[test]
    fn an_api_key_is_read_from_the_query_if_it_is_the_only_one() {
        assert_eq!(key_parameter_of("domain=1&key=at_x%5F&asin=B0").as_deref(), Some("at_x_"));
        for query in ["", "domain=1", "key=", "key=a.b.c", "key=at_a&key=at_b", "Key=at_a"] {
            assert_eq!(key_parameter_of(query), None, "{query}");
        }
    }

    #[test]
    fn a_credential_is_read_from_either_header_and_authorization_wins() {
        assert_eq!(credential(&[("authorization", "Bearer a.b.c")]).as_deref(), Some("a.b.c"));
        assert_eq!(credential(&[("authorization", "bearer  at_x ")]).as_deref(), Some("at_x"));
        assert_eq!(credential(&[("x-api-key", "at_x")]).as_deref(), Some("at_x"));
        assert_eq!(credential(&[("authorization", "Bearer a"), ("x-api-key", "b")]).as_deref(), Some("a"));
        for wrong in [
            &[("authorization", "Basic a")][..],
            &[("authorization", "BEARER a")],
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

//! The credential of a request: that of a header, or the cookie of a browser.
//!
//! Cookies are sent by themselves, also when another site asks for it. So a cookie counts only for requests of our own pages: they say
//! so in `Sec-Fetch-Site` where browsers send it, and requests that change something must come from our own origin.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use url::Url;

use super::caller::{credential_of, is_forwarded};
use crate::auth::TokenKind;
use crate::service::{ServiceError, ServiceResult};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Browsers take a cookie with this prefix from HTTPS alone, for all paths of one host (RFC 6265bis).
pub(super) const SECURE_COOKIE: &str = "__Host-tracker";
/// The cookie on plain HTTP.
pub(super) const PLAIN_COOKIE: &str = "tracker";

/// The credential of a request; `None`: it has none.
///
/// # Errors
/// [`ServiceError::Forbidden`] for a cookie that came with the request of another site.
pub(super) fn credential(request: &HttpRequest) -> ServiceResult<Option<String>> {
    if let Some(credential) = credential_of(request.headers()) {
        return Ok(Some(credential.to_owned()));
    }
    let Some(token) = token_of(request.headers()) else { return Ok(None) };
    check_site(request)?;
    Ok(Some(token.to_owned()))
}

/// The token of a browser: of several cookies the first that can be one.
fn token_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    let mut tokens = pairs.filter(|(name, _)| [SECURE_COOKIE, PLAIN_COOKIE].contains(name)).map(|(_, value)| value);
    tokens.find(|value| value.starts_with(TokenKind::Browser.prefix()))
}

fn check_site(request: &HttpRequest) -> ServiceResult<()> {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(SEC_FETCH_SITE).filter(|site| !matches!(*site, "same-origin" | "none")) {
        return Err(ServiceError::Forbidden(format!("the request comes from another site (Sec-Fetch-Site: {site})")));
    }
    if request.method().is_safe() {
        return Ok(());
    }
    let origin = text(ORIGIN).unwrap_or("none");
    let host = text(HOST).unwrap_or_default();
    let forwarded = text(X_FORWARDED_HOST).filter(|_| is_forwarded(request));
    let own = [Some(host), forwarded];
    if own.into_iter().flatten().any(|host| is_origin_of(origin, host)) {
        return Ok(());
    }
    Err(ServiceError::Forbidden(format!(
        "the request comes from {origin}, and this is {}; if a proxy stands between, it must pass on the host",
        forwarded.unwrap_or(host)
    )))
}

/// True if an origin has this host and port. Its scheme is not known behind a proxy.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let Ok(url) = origin.parse::<Url>() else { return false };
    let same_scheme = format!("{}://{host}", url.scheme()).parse::<Url>();
    matches!(url.scheme(), "http" | "https") && same_scheme.is_ok_and(|own| own.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use super::*;

    fn with(method: Method, headers: &[(&'static str, &str)]) -> ServiceResult<Option<String>> {
        let request = headers.iter().fold(TestRequest::default().method(method), |request, header| {
            request.append_header((header.0, header.1.to_owned()))
        });
        credential(&request.to_http_request())
    }

    #[test]
    fn a_cookie_counts_for_requests_of_our_own_pages() {
        let cookie = ("cookie", "theme=dark; __Host-tracker=st_x; other=1");
        let host = ("host", "tracker.lan:8000");
        let found = |given: ServiceResult<Option<String>>| given.ok().flatten();
        assert_eq!(found(with(Method::GET, &[cookie, host])).as_deref(), Some("st_x"));
        assert_eq!(found(with(Method::GET, &[("cookie", "tracker=st_y")])).as_deref(), Some("st_y"));
        for site in ["cross-site", "same-site"] {
            assert!(with(Method::GET, &[cookie, ("sec-fetch-site", site)]).is_err(), "{site}");
        }
        for (origin, is_ours) in [
            ("http://tracker.lan:8000", true),
            ("https://tracker.lan:8000", true),
            ("http://tracker.lan", false),
            ("http://evil.example", false),
            ("null", false),
        ] {
            assert_eq!(with(Method::POST, &[cookie, host, ("origin", origin)]).is_ok(), is_ours, "{origin}");
        }
        assert!(with(Method::DELETE, &[cookie, host]).is_err(), "nothing says where it comes from");
        let https = [cookie, ("host", "tracker.example"), ("origin", "https://tracker.example")];
        assert_eq!(found(with(Method::POST, &https)).as_deref(), Some("st_x"));
    }

    #[test]
    fn a_header_comes_before_a_cookie_and_other_cookies_are_none() {
        let both = [("cookie", "tracker=st_x"), ("x-api-key", "at_y"), ("sec-fetch-site", "cross-site")];
        assert_eq!(with(Method::POST, &both).ok().flatten().as_deref(), Some("at_y"));
        for cookie in ["tracker=at_y", "tracker=", "x=st_x", "tracker"] {
            assert!(matches!(with(Method::GET, &[("cookie", cookie)]), Ok(None)), "{cookie}");
        }
    }

    #[test]
    fn a_refusal_names_both_sides() {
        let refused = with(
            Method::POST,
            &[("cookie", "tracker=st_x"), ("host", "10.0.0.1"), ("origin", "https://tracker.example")],
        );
        let Err(ServiceError::Forbidden(detail)) = refused else { panic!("it must be refused") };
        assert!(detail.contains("https://tracker.example") && detail.contains("10.0.0.1"), "{detail}");
    }
}

//! The path under which clients reach this server when a proxy serves it under one: `https://example.com/tracker`.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK, LOCATION};
use actix_web::web::Data;

use super::Shared;
use super::caller::is_forwarded;

/// What a proxy has removed from the front of the path.
const X_FORWARDED_PREFIX: &str = "x-forwarded-prefix";
const MAX_BYTES: usize = 200;

/// The path before that of the request, without a slash at its end: that of the header `X-Forwarded-Prefix`, if a trusted proxy sent
/// it, or that of `auth.public_url`. Empty if there is none.
pub(super) fn public_path(request: &HttpRequest) -> String {
    let forwarded = request.headers().get(X_FORWARDED_PREFIX).filter(|_| is_forwarded(request));
    if let Some(path) = forwarded.and_then(|value| value.to_str().ok()).and_then(checked) {
        return path.to_owned();
    }
    request.app_data::<Data<Shared>>().map_or_else(String::new, |shared| shared.settings.public_path.clone())
}

/// A path that can stand in front of another one. Anything else is ignored: `//evil.example` would be another host.
fn checked(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    let is_path = path.is_empty() || (path.starts_with('/') && !path.contains("//") && path.chars().all(is_plain));
    (is_path && path.len() <= MAX_BYTES).then_some(path)
}

/// Puts the path in front of those in `Location` and `Link`.
pub(super) fn add_to(headers: &mut HeaderMap, public_path: &str) {
    if public_path.is_empty() {
        return;
    }
    prefix(headers, LOCATION, "/", &format!("{public_path}/"));
    prefix(headers, LINK, "</", &format!("<{public_path}/"));
}

fn prefix(headers: &mut HeaderMap, name: HeaderName, before: &str, after: &str) {
    let value = headers.get(&name).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix(before));
    if let Some(value) = value.and_then(|rest| HeaderValue::from_str(&format!("{after}{rest}")).ok()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn only_a_path_can_stand_in_front_of_another_one() {
        assert_eq!(checked("/tracker/"), Some("/tracker"));
        assert_eq!(checked("/a/b.c"), Some("/a/b.c"));
        assert_eq!(checked("/"), Some(""));
        for refused in ["tracker", "//evil.example", "/a//b", "/a b", "/a\"", "https://evil.example", "/<x>"] {
            assert_eq!(checked(refused), None, "{refused}");
        }
    }
}

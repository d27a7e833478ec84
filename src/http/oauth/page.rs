//! The pages of the sign-in and of the question. Names of clients and of tenants are others' texts: everything is escaped.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY};
use url::{Host, Url};

use super::super::html_text::escaped;
use crate::domain::{AuthorizationRequest, Scope};
use crate::service::ConsentQuestion;

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:8vh auto;padding:0 1rem}\
     label{display:block;margin:.5rem 0}input:not([type=checkbox]){font:inherit;width:100%;box-sizing:border-box;padding:.4rem}\
     button{font:inherit;padding:.5rem 1.5rem;margin:1rem .5rem 0 0}.notice{font-weight:bold}dt{font-weight:bold}";

/// Asks who the user is.
pub(super) fn sign_in(request: &AuthorizationRequest, email: &str, notice: Option<&str>) -> HttpResponse {
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let notice = notice.map(|notice| format!("<p class=\"notice\" role=\"alert\">{}</p>", escaped(notice)));
    let body = format!(
        "<h1>Sign in</h1>{notice}<p><strong>{client}</strong> asks for access to your account at amazon-tracker. \
         Sign in to see what it asks for.</p>{about}<form method=\"post\">\
         <label>E-mail address<input type=\"email\" name=\"email\" value=\"{email}\" autocomplete=\"username\" required></label>\
         <label>Password<input type=\"password\" name=\"password\" autocomplete=\"current-password\" required></label>\
         <button name=\"decision\" value=\"continue\">Sign in</button>\
         <button name=\"decision\" value=\"deny\" formnovalidate>Cancel</button></form>",
        notice = notice.unwrap_or_default(),
        client = escaped(&request.client_name),
        about = about(request),
        email = escaped(email),
    );
    html(status, &body, Some(request))
}

/// Asks whether a client may do what it asks for.
pub(super) fn question(question: &ConsentQuestion) -> HttpResponse {
    let boxes: String = question.offered.iter().map(checkbox).collect();
    let body = format!(
        "<h1>Allow access?</h1><p><strong>{client}</strong> asks to do this for you in the tenant \
         <strong>{tenant}</strong>, as {email}:</p><form method=\"post\" action=\"consent\">{boxes}{about}\
         <p>Allow it only if you have just asked for it yourself. You can take it back at any time.</p>\
         <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
         <button name=\"decision\" value=\"allow\">Allow</button><button name=\"decision\" value=\"deny\">Deny</button></form>",
        client = escaped(&question.request.client_name),
        tenant = escaped(&question.tenant_name),
        email = escaped(question.email.as_str()),
        about = about(&question.request),
        ticket = escaped(&question.ticket),
    );
    html(StatusCode::OK, &body, Some(&question.request))
}

/// Says what is wrong, and sends the user nowhere.
pub(super) fn message(status: StatusCode, text: &str) -> HttpResponse {
    html(status, &format!("<h1>This does not work</h1><p>{}</p>", escaped(text)), None)
}

/// By what users know whose client it is: its name alone can be anybody's.
fn about(request: &AuthorizationRequest) -> String {
    let host =
        |url: &str| url.parse::<Url>().ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let redirect = host(&request.redirect_uri);
    let note = if is_own_computer(&redirect) { " (a program on your own computer)" } else { "" };
    format!(
        "<dl><dt>The app is that of</dt><dd>{}</dd><dt>You return to</dt><dd>{}{note}</dd></dl>",
        escaped(&host(&request.client_id)),
        escaped(&redirect),
    )
}

fn is_own_computer(host: &str) -> bool {
    // Addresses to return to are on the loopback, or have a public name and TLS.
    matches!(host, "localhost" | "[::1]") || host.starts_with("127.")
}

fn checkbox(scope: Scope) -> String {
    let words = match scope {
        Scope::ProductRead => "Read your products, their history, insight and alerts",
        Scope::ProductWrite => "Track products for you",
        Scope::CrawlCreate => "Request crawls, which count towards your plan",
        Scope::AlertWrite => "Create alerts, which are sent to your channels",
        Scope::ReportCreate => "Make reports, and ask for advice within your budget",
        // Not for clients.
        Scope::ProductDelete | Scope::AdminUsers | Scope::AdminTenant => scope.as_str(),
    };
    format!("<label><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked> {words}</label>")
}

fn html(status: StatusCode, body: &str, request: Option<&AuthorizationRequest>) -> HttpResponse {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>amazon-tracker</title><style>{STYLE}</style>{body}</html>"
    );
    let redirect = request.and_then(|request| request.redirect_uri.parse().ok());
    HttpResponse::build(status)
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, policy(redirect.as_ref())))
        // The form must come back with its origin, which browsers leave out under `no-referrer`.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .body(page)
}

/// Nothing but the form. Browsers apply `form-action` to the redirect after it as well, so it names where the user returns to. It comes
/// last: of repeated directives the first counts.
fn policy(redirect: Option<&Url>) -> String {
    let target = redirect.map(|redirect| format!(" {}", source_of(redirect))).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'{target}"
    )
}

/// The origin of a URL as a source of a policy; only the scheme if its host cannot be one.
fn source_of(url: &Url) -> String {
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let host = match url.host() {
        Some(Host::Domain(name)) if is_plain(name) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        _ => return format!("{}:", url.scheme()),
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_where_the_user_returns_to_and_nothing_else() {
        let source = |url: &str| source_of(&url.parse().unwrap());
        assert_eq!(source("https://app.example/callback?x=1"), "https://app.example");
        assert_eq!(source("http://127.0.0.1:3118/callback"), "http://127.0.0.1:3118");
        assert_eq!(source("http://[::1]:3118/"), "http:");
        assert_eq!(source("https://a;script-src.example/"), "https:", "a host cannot add a directive");
        assert!(policy(None).ends_with("form-action 'self'"));
    }

    #[test]
    fn texts_of_others_are_no_markup() {
        assert_eq!(escaped("<b a=\"x\" b='y'>&"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
    }
}

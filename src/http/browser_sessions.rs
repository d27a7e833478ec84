//! `/api/v1/auth/session`: the sign-in of a browser, whose token is in a cookie that scripts cannot read.

use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Shared;
use super::auth::email_of;
use super::caller::is_forwarded;
use super::credential::{PLAIN_COOKIE, SECURE_COOKIE};
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::StrictJson;
use super::users::WireAccount;
use crate::service::{Caller, Origin, SignedInBrowser};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/auth/session", |path| path.post(Access::RateLimited, sign_in).delete(Access::User, sign_out));
}

/// `email` and `password`, or the `token` of a link that signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "jo@example.com", "password": "correct horse battery staple" }))]
pub(super) struct SignInBody {
    #[schema(max_length = 254)]
    email: Option<String>,
    #[schema(max_length = 256)]
    password: Option<String>,
    /// From the link: what follows `#enter=`.
    #[schema(max_length = 100)]
    token: Option<String>,
}

/// Sign a browser in: the response sets a cookie that scripts cannot read and that other sites cannot use.
#[utoipa::path(post, path = "/api/v1/auth/session", tag = "auth", request_body = SignInBody, responses(
    (status = 200, description = "Signed in", body = WireAccount),
    (status = 401, description = "Wrong e-mail address or password, or the account is temporarily locked", body = Problem),
    (status = 422, description = "A field is wrong, or the link cannot be used", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn sign_in(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    StrictJson(body): StrictJson<SignInBody>,
) -> Result<impl Responder, Problem> {
    let signed_in = match (body.token, body.email, body.password) {
        (Some(token), None, None) => shared.service.sign_in_browser_by_link(token, origin).await?,
        (None, Some(email), Some(password)) => {
            shared.service.sign_in_browser(email_of(&email)?, password, origin).await?
        }
        _ => return Err(Problem::invalid_field("email", "give either email and password, or token")),
    };
    let cookie = cookie_of(&shared, &request, &signed_in);
    Ok(HttpResponse::Ok().insert_header((SET_COOKIE, cookie)).json(WireAccount::from(signed_in.user)))
}

/// Sign a browser out, and remove its cookie.
#[utoipa::path(delete, path = "/api/v1/auth/session", tag = "auth", responses(
    (status = 204, description = "Signed out"),
))]
pub(super) async fn sign_out(
    shared: Data<Shared>,
    request: HttpRequest,
    caller: Caller,
) -> Result<impl Responder, Problem> {
    shared.service.logout(caller).await?;
    let removal = cookie(is_secure(&shared, &request), "", 0);
    Ok(HttpResponse::NoContent().insert_header((SET_COOKIE, removal)).finish())
}

/// The cookie of a browser that has signed in.
pub(super) fn cookie_of(shared: &Shared, request: &HttpRequest, signed_in: &SignedInBrowser) -> String {
    cookie(is_secure(shared, request), &signed_in.token, signed_in.lasts_secs)
}

/// True if the browser speaks HTTPS with us, or with the proxy before us.
pub(super) fn is_secure(shared: &Shared, request: &HttpRequest) -> bool {
    if is_forwarded(request) {
        let scheme = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        return scheme.map_or_else(|| shared.service.has_secure_public_url(), |scheme| scheme == "https");
    }
    false
}

/// Tokens are letters, digits, `-` and `_`: nothing in them ends the value.
fn cookie(is_secure: bool, token: &str, lasts_secs: u64) -> String {
    let (name, secure) = if is_secure { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    format!("{name}={token}; Path=/; Max-Age={lasts_secs}; HttpOnly; SameSite=Strict{secure}")
}

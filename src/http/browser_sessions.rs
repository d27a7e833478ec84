//! `/api/v1/auth/session`: the sign-in of a browser, whose token is in a cookie that scripts cannot read.

use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::Shared;
use super::auth::{LoginBody, email_of};
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

/// Sign a browser in: the response sets a cookie that scripts cannot read and that other sites cannot use.
#[utoipa::path(post, path = "/api/v1/auth/session", tag = "auth", request_body = LoginBody, responses(
    (status = 200, description = "Signed in", body = WireAccount),
    (status = 401, description = "Wrong e-mail address or password, or the account is temporarily locked", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn sign_in(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    StrictJson(body): StrictJson<LoginBody>,
) -> Result<impl Responder, Problem> {
    let (email, password) = (email_of(&body.email)?, body.password);
    let signed_in = shared.service.sign_in_browser(email, password, origin).await?;
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
fn is_secure(shared: &Shared, request: &HttpRequest) -> bool {
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

//! `/api/v1/auth`: what the links in e-mails do. With `sign_in`, a link that sets a password also signs the browser in that used it.

use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Shared;
use super::auth::email_of;
use super::browser_sessions::cookie_of;
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::StrictJson;
use super::users::WireUser;
use crate::domain::User;
use crate::service::{FirstUser, Origin};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/auth/set-up", |path| path.post(Access::RateLimited, set_up));
    routes.path("/auth/accept-invitation", |path| path.post(Access::RateLimited, accept_invitation));
    routes.path("/auth/verify-email", |path| path.post(Access::RateLimited, verify_email));
    routes.path("/auth/reset-password", |path| path.post(Access::RateLimited, reset_password));
}

/// The first user of an empty installation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetUpBody {
    /// The token in the link that the log shows at the first start.
    token: String,
    /// The e-mail address to sign in with.
    email: String,
    /// Long, and hard to guess.
    password: String,
    /// Your name.
    name: String,
    /// Sign the browser in too: the response sets its cookie, as that of `POST /auth/session`.
    #[serde(default)]
    sign_in: bool,
}

/// Create the first user of an empty installation, with the link in its log.
#[utoipa::path(post, path = "/api/v1/auth/set-up", tag = "auth",
    request_body = SetUpBody, responses(
    (status = 201, description = "The superadmin", body = WireUser),
    (status = 409, description = "The installation already has users", body = Problem),
    (status = 422, description = "A field is wrong, or the link was already used", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn set_up(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    StrictJson(body): StrictJson<SetUpBody>,
) -> Result<impl Responder, Problem> {
    let SetUpBody { token, email, password, name, sign_in } = body;
    let first = FirstUser { email: email_of(&email)?, password, name };
    let user = shared.service.set_up(token, first, origin.clone()).await?;
    Ok(used(&shared, &request, StatusCode::CREATED, user, sign_in.then_some(origin)).await)
}

/// An invitation's token, and the new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptInvitationBody {
    token: String,
    /// Your name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Long, and hard to guess.
    password: String,
    /// Sign the browser in too: the response sets its cookie, as that of `POST /auth/session`.
    #[serde(default)]
    sign_in: bool,
}

/// Accept an invitation to a tenant.
#[utoipa::path(post, path = "/api/v1/auth/accept-invitation", tag = "auth", request_body = AcceptInvitationBody, responses(
    (status = 201, description = "Your account", body = WireUser),
    (status = 402, description = "The tenant's plan allows no more users", body = Problem),
))]
pub(super) async fn accept_invitation(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    StrictJson(body): StrictJson<AcceptInvitationBody>,
) -> Result<impl Responder, Problem> {
    let AcceptInvitationBody { token, name, password, sign_in } = body;
    let user = shared.service.accept_invitation(token, name, password, origin.clone()).await?;
    Ok(used(&shared, &request, StatusCode::CREATED, user, sign_in.then_some(origin)).await)
}

/// The token of a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyEmailBody {
    token: String,
}

/// Verify an e-mail address with the link that was sent to it.
#[utoipa::path(post, path = "/api/v1/auth/verify-email", tag = "auth",
    request_body = VerifyEmailBody, responses(
    (status = 204, description = "Verified"),
    (status = 422, description = "The link is invalid or expired", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn verify_email(
    shared: Data<Shared>,
    origin: Origin,
    StrictJson(body): StrictJson<VerifyEmailBody>,
) -> Result<impl Responder, Problem> {
    shared.service.verify_email(body.token, origin).await?;
    Ok(HttpResponse::NoContent())
}

/// The token of a link, and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetPasswordBody {
    token: String,
    password: String,
    /// Sign the browser in too: the response sets its cookie, as that of `POST /auth/session`.
    #[serde(default)]
    sign_in: bool,
}

/// Set a new password with a link. All sessions end.
#[utoipa::path(post, path = "/api/v1/auth/reset-password", tag = "auth",
    request_body = ResetPasswordBody, responses(
    (status = 204, description = "Set; sign in with the new password"),
    (status = 422, description = "The link is invalid or expired, or the password is refused", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn reset_password(
    shared: Data<Shared>,
    request: HttpRequest,
    origin: Origin,
    StrictJson(body): StrictJson<ResetPasswordBody>,
) -> Result<impl Responder, Problem> {
    let ResetPasswordBody { token, password, sign_in } = body;
    let user = shared.service.reset_password(token, password, origin.clone()).await?;
    Ok(used(&shared, &request, StatusCode::NO_CONTENT, user, sign_in.then_some(origin)).await)
}

/// A response to the use of a link. With the origin of a browser it sets its cookie; where that fails, the user signs in with the password.
async fn used(
    shared: &Shared,
    request: &HttpRequest,
    status: StatusCode,
    user: User,
    browser: Option<Origin>,
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if let Some(origin) = browser
        && let Some(signed_in) = shared.service.sign_in_after_link(user.clone(), origin).await
    {
        response.insert_header((SET_COOKIE, cookie_of(shared, request, &signed_in)));
    }
    match status {
        StatusCode::NO_CONTENT => response.finish(),
        _ => response.json(WireUser::from(user)),
    }
}

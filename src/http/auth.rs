//! `/api/v1/auth`: registration, sessions and passwords.

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictJson};
use super::user_agent::client_of;
use super::users::WireUser;
use crate::domain::{EmailAddress, Scopes, Session, SessionId};
use crate::service::{Caller, FieldError, Origin, Registration, SignInOptions, SignedIn};

/// Refreshing is not rate limited by address: its secrets have 256 bits, and many users may share an address.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/auth/register", |path| path.post(Access::RateLimited, register));
    routes.path("/auth/options", |path| path.get(Access::Open, options));
    routes.path("/auth/login", |path| path.post(Access::RateLimited, login));
    routes.path("/auth/refresh", |path| path.post(Access::Open, refresh));
    routes.path("/auth/forgot-password", |path| path.post(Access::RateLimited, forgot_password));
    routes.path("/auth/change-password", |path| path.post(Access::User, change_password));
    routes.path("/auth/logout", |path| path.post(Access::User, logout));
    routes.path("/auth/logout-everywhere", |path| path.post(Access::User, logout_everywhere));
    routes.path("/auth/sessions", |path| path.get(Access::User, sessions));
    routes.path("/auth/sessions/{id}", |path| path.delete(Access::User, revoke_session));
    routes.path("/auth/jwks.json", |path| path.get(Access::Open, jwks));
}

/// Parses an e-mail address.
pub(super) fn email_of(email: &str) -> Result<EmailAddress, Problem> {
    email.parse().map_err(|error| Problem::invalid(vec![FieldError::new("email", error)]))
}

/// What is offered to someone who has not signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignInOptions)]
pub(super) struct WireOptions {
    /// Everybody may register a tenant.
    can_register: bool,
    /// The first user exists.
    is_set_up: bool,
    /// Links are sent by e-mail; otherwise they are in the log.
    sends_mail: bool,
}

/// Get what is offered to someone who has not signed in.
#[utoipa::path(get, path = "/api/v1/auth/options", tag = "auth", responses(
    (status = 200, description = "What is offered", body = WireOptions),
))]
pub(super) async fn options(shared: Data<Shared>) -> Result<impl Responder, Problem> {
    let SignInOptions { can_register, is_set_up, sends_mail } = shared.service.sign_in_options().await?;
    Ok(Json(WireOptions { can_register, is_set_up, sends_mail }))
}

/// A new tenant and its first admin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "jo@example.com", "password": "correct horse battery staple", "name": "Jo", "tenant_name": "Jo's shop"
}))]
pub(super) struct RegisterBody {
    /// The e-mail address to sign in with.
    #[schema(max_length = 254)]
    email: String,
    /// Long, and hard to guess.
    #[schema(max_length = 256)]
    password: String,
    /// Your name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The name of your organisation.
    #[schema(min_length = 1, max_length = 200)]
    tenant_name: String,
}

/// Register a new tenant with its first admin. The response is the same if the address already has an account.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth",
    request_body = RegisterBody, responses(
    (status = 202, description = "An e-mail will be sent; if the address already has an account, nothing changes"),
    (status = 403, description = "Registration is closed", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn register(
    shared: Data<Shared>,
    origin: Origin,
    StrictJson(body): StrictJson<RegisterBody>,
) -> Result<impl Responder, Problem> {
    let RegisterBody { email, password, name, tenant_name } = body;
    let registration = Registration { email: email_of(&email)?, password, name, tenant_name };
    shared.service.register(registration, origin).await?;
    Ok(HttpResponse::Accepted())
}

/// E-mail address and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "jo@example.com", "password": "correct horse battery staple" }))]
pub(super) struct LoginBody {
    email: String,
    password: String,
}

/// Tokens of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(super) struct WireTokens {
    /// For `Authorization: Bearer …`
    access_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Exchanges for the next pair of tokens, once.
    refresh_token: String,
    /// Scopes, separated by spaces.
    #[schema(value_type = String)]
    scope: Scopes,
    /// The session.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    user: WireUser,
}

impl From<SignedIn> for WireTokens {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in_secs,
            refresh_token: signed_in.refresh_token,
            scope: signed_in.user.role.scopes(),
            session_id: signed_in.session_id,
            user: signed_in.user.into(),
        }
    }
}

/// Sign in.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth",
    request_body = LoginBody, responses(
    (status = 200, description = "Signed in", body = WireTokens),
    (status = 401, description = "Wrong e-mail address or password, or the account is temporarily locked", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn login(
    shared: Data<Shared>,
    origin: Origin,
    StrictJson(body): StrictJson<LoginBody>,
) -> Result<impl Responder, Problem> {
    let signed_in = shared.service.login(email_of(&body.email)?, body.password, origin).await?;
    Ok(Json(WireTokens::from(signed_in)))
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    refresh_token: String,
}

/// Exchange a refresh token for a new pair of tokens. Using one twice ends the session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth",
    request_body = RefreshBody, responses(
    (status = 200, description = "A new pair of tokens", body = WireTokens),
    (status = 401, description = "Expired or revoked; sign in again", body = Problem),
    (status = 409, description = "Already rotated by another request of yours; use the newer token", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn refresh(
    shared: Data<Shared>,
    origin: Origin,
    StrictJson(body): StrictJson<RefreshBody>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireTokens::from(shared.service.refresh(body.refresh_token, origin).await?)))
}

/// Sign out.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", responses(
    (status = 204, description = "Signed out"),
))]
pub(super) async fn logout(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    shared.service.logout(caller).await?;
    Ok(HttpResponse::NoContent())
}

/// Sign out of all of your sessions.
#[utoipa::path(post, path = "/api/v1/auth/logout-everywhere", tag = "auth", responses(
    (status = 204, description = "Signed out everywhere"),
))]
pub(super) async fn logout_everywhere(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    shared.service.logout_everywhere(caller).await?;
    Ok(HttpResponse::NoContent())
}

/// An e-mail address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgotPasswordBody {
    email: String,
}

/// Request a link that sets a new password. The response is the same if the address has no account.
#[utoipa::path(post, path = "/api/v1/auth/forgot-password", tag = "auth",
    request_body = ForgotPasswordBody, responses(
    (status = 202, description = "If the address has an account, an e-mail will be sent"),
    (status = 422, description = "A field is wrong", body = Problem),
    (status = 429, description = "Too many attempts from this address", body = Problem),
))]
pub(super) async fn forgot_password(
    shared: Data<Shared>,
    origin: Origin,
    StrictJson(body): StrictJson<ForgotPasswordBody>,
) -> Result<impl Responder, Problem> {
    shared.service.forgot_password(email_of(&body.email)?, origin).await?;
    Ok(HttpResponse::Accepted())
}

/// The current password, and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePasswordBody {
    old_password: String,
    new_password: String,
}

/// Change your password. All other sessions end.
#[utoipa::path(post, path = "/api/v1/auth/change-password", tag = "auth",
    request_body = ChangePasswordBody, responses(
    (status = 204, description = "Set"),
    (status = 422, description = "The current password is wrong, or the new one is refused", body = Problem),
))]
pub(super) async fn change_password(
    shared: Data<Shared>,
    caller: Caller,
    StrictJson(body): StrictJson<ChangePasswordBody>,
) -> Result<impl Responder, Problem> {
    shared.service.change_password(caller, body.old_password, body.new_password).await?;
    Ok(HttpResponse::NoContent())
}

/// An active session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct WireSession {
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// True for the session of this request.
    is_current: bool,
    /// The client's IP address when it began.
    #[schema(value_type = Option<String>)]
    address: Option<std::net::IpAddr>,
    /// The client's `User-Agent` when it began.
    agent: Option<String>,
    /// The same in a few words.
    #[schema(example = "Firefox, Windows")]
    client: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    used_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl WireSession {
    pub(super) fn of(session: Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            is_current: Some(session.id) == current,
            address: session.address,
            client: session.agent.as_deref().map(client_of),
            agent: session.agent,
            created_at: session.created_at,
            used_at: session.used_at,
            expires_at: session.expires_at,
        }
    }
}

/// Sessions.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionList {
    items: Vec<WireSession>,
}

/// List your sessions.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth", responses(
    (status = 200, description = "Your active sessions", body = SessionList),
))]
pub(super) async fn sessions(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let (_, current) = caller.user()?;
    let sessions = shared.service.sessions(&caller).await?.into_iter();
    let items = sessions.map(|session| WireSession::of(session, Some(current))).collect();
    Ok(Json(SessionList { items }))
}

/// End one of your sessions.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "auth",
    params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "Ended"),
    (status = 404, description = "You have no such session", body = Problem),
))]
pub(super) async fn revoke_session(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<impl Responder, Problem> {
    shared.service.revoke_session(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

/// The public keys that verify access tokens (RFC 7517).
#[utoipa::path(get, path = "/api/v1/auth/jwks.json", tag = "auth", responses(
    (status = 200, description = "A JWK set", body = Object),
))]
pub(super) async fn jwks(shared: Data<Shared>) -> impl Responder {
    Json(shared.service.published_keys())
}

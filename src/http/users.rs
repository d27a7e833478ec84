//! `/api/v1/users`: the users of a tenant.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::etag::{expected_version, versioned};
use super::field_parsing::parsed;
use super::paging::{PageQuery, WirePage, paged};
use super::preferences::{PatchPreferencesBody, WirePreferences};
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictJson, StrictQuery, optional_object};
use crate::domain::{Role, Scope, TenantId, User, UserId, UserStatus};
use crate::service::{Caller, UserPatch};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .path("/users/me", |path| path.get(Access::User, me).patch(Access::User, patch_me).delete(Access::User, leave));
    routes.path("/users/invitations", |path| path.post(Access::UserScope(Scope::AdminUsers), invite));
    routes.path("/users", |path| path.get(Scope::AdminUsers, list));
    routes.path("/users/{id}", |path| {
        path.get(Scope::AdminUsers, get).patch(Access::UserScope(Scope::AdminUsers), patch)
    });
}

/// A user of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct WireUser {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    #[schema(value_type = uuid::Uuid)]
    tenant_id: TenantId,
    email: String,
    name: String,
    /// `superadmin`, `tenant_admin`, `user` or `viewer`.
    #[schema(value_type = String, example = "user")]
    role: Role,
    /// `active`, `disabled` or `pending_deletion`.
    #[schema(value_type = String, example = "active")]
    status: UserStatus,
    /// When the user will be deleted; null if no deletion is scheduled. Signing in cancels it.
    #[schema(value_type = Option<String>, format = DateTime)]
    deletion_scheduled_at: Option<Timestamp>,
    /// When the e-mail address was verified.
    #[schema(value_type = Option<String>, format = DateTime)]
    verified_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<User> for WireUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            tenant_id: user.tenant_id,
            email: user.email.into(),
            name: user.name,
            role: user.role,
            status: user.status,
            deletion_scheduled_at: user.deletion_scheduled_at,
            verified_at: user.verified_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// Your own account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct WireAccount {
    #[serde(flatten)]
    user: WireUser,
    /// What your role allows.
    #[schema(example = json!(["product:read"]))]
    scopes: Vec<&'static str>,
    /// What you prefer of the dashboard.
    preferences: WirePreferences,
}

impl From<User> for WireAccount {
    fn from(mut user: User) -> Self {
        let scopes = user.role.scopes().iter().map(Scope::as_str).collect();
        let preferences = std::mem::take(&mut user.preferences).into();
        Self { user: user.into(), scopes, preferences }
    }
}

/// Get your account.
#[utoipa::path(get, path = "/api/v1/users/me", tag = "users", responses(
    (status = 200, description = "Your account", body = WireAccount),
))]
pub(super) async fn me(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let (id, _) = caller.user()?;
    Ok(account(shared.service.user(caller.tenant_id, id).await?))
}

fn account(user: User) -> HttpResponse {
    versioned(StatusCode::OK, user.version, &WireAccount::from(user))
}

fn shown(status: StatusCode, user: User) -> HttpResponse {
    versioned(status, user.version, &WireUser::from(user))
}

/// Changes to your account. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchMeBody {
    /// Your name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// What you prefer of the dashboard.
    #[serde(default, deserialize_with = "optional_object")]
    preferences: Option<PatchPreferencesBody>,
}

/// Change your account.
#[utoipa::path(patch, path = "/api/v1/users/me", tag = "users", request_body = PatchMeBody,
    responses(
    (status = 200, description = "Your changed account", body = WireAccount),
    (status = 412, description = "The user has changed since you read it (If-Match)", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch_me(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictJson(body): StrictJson<PatchMeBody>,
) -> Result<impl Responder, Problem> {
    let (id, _) = caller.user()?;
    let expected_version = expected_version(request.headers())?;
    let preferences = body.preferences.map(Into::into);
    let patch = UserPatch { name: body.name, preferences, expected_version, ..UserPatch::default() };
    Ok(account(shared.service.update_user(caller, id, patch).await?))
}

/// Schedule the deletion of your account in 14 days. You are signed out; signing in again cancels it.
#[utoipa::path(delete, path = "/api/v1/users/me", tag = "users", responses(
    (status = 202, description = "Will be deleted at `deletion_scheduled_at`", body = WireUser),
    (status = 409, description = "The tenant would have no admin", body = Problem),
))]
pub(super) async fn leave(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    Ok(shown(StatusCode::ACCEPTED, shared.service.leave(caller, expected_version).await?))
}

/// List the users of your tenant, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(PageQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireUser>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    let page = shared.service.users(caller.tenant_id, cursor, limit).await?;
    Ok(paged::<_, WireUser>(page))
}

/// An invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "al@example.com", "role": "viewer" }))]
pub(super) struct InviteBody {
    /// The e-mail address that the link is sent to.
    #[schema(max_length = 254)]
    email: String,
    /// `tenant_admin`, `user` or `viewer`.
    role: String,
}

/// Invite a user to your tenant. The response is the same if the address already has an account.
#[utoipa::path(post, path = "/api/v1/users/invitations", tag = "users", request_body = InviteBody, responses(
    (status = 202, description = "An e-mail with a link will be sent"),
))]
pub(super) async fn invite(
    shared: Data<Shared>,
    caller: Caller,
    StrictJson(body): StrictJson<InviteBody>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let email = parsed("email", Some(&body.email), &mut errors);
    let role = parsed("role", Some(&body.role), &mut errors);
    let (Some(email), Some(role)) = (email, role) else { return Err(Problem::invalid(errors)) };
    shared.service.invite(caller, email, role).await?;
    Ok(HttpResponse::Accepted())
}

/// Get a user of your tenant.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users",
    params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, description = "The user", body = WireUser),
    (status = 404, description = "No such user", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(StatusCode::OK, shared.service.user(caller.tenant_id, id).await?))
}

/// Changes to a user. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "viewer" }))]
pub(super) struct PatchUserBody {
    /// The user's name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// `tenant_admin`, `user` or `viewer`.
    role: Option<String>,
    /// `active` or `disabled`.
    status: Option<String>,
}

/// Change a user of your tenant. A disabled user is signed out. The last admin cannot be removed.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users",
    params(("id" = uuid::Uuid, Path)), request_body = PatchUserBody, responses(
    (status = 200, description = "The changed user", body = WireUser),
    (status = 404, description = "No such user", body = Problem),
    (status = 409, description = "The tenant would have no admin", body = Problem),
    (status = 412, description = "The user has changed since you read it (If-Match)", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<UserId>,
    StrictJson(body): StrictJson<PatchUserBody>,
) -> Result<impl Responder, Problem> {
    let mut errors = Vec::new();
    let role = parsed("role", body.role.as_deref(), &mut errors);
    let status = parsed("status", body.status.as_deref(), &mut errors);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let expected_version = expected_version(request.headers())?;
    let patch = UserPatch { name: body.name, role, status, expected_version, ..UserPatch::default() };
    Ok(shown(StatusCode::OK, shared.service.update_user(caller, id, patch).await?))
}

//! `/api/v1/users`: the people of a tenant.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::etag::{check_condition, has_condition};
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::products::parsed;
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictJson, StrictQuery};
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

/// A person of a tenant.
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
    /// `active`, `disabled` or `leaving`.
    #[schema(value_type = String, example = "active")]
    status: UserStatus,
    /// When they are deleted, if they are leaving; signing in again takes it back.
    #[schema(value_type = Option<String>, format = DateTime)]
    deletion_scheduled_at: Option<Timestamp>,
    /// When the address was proved to be theirs.
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

/// Get yourself.
#[utoipa::path(get, path = "/api/v1/users/me", tag = "users", responses(
    (status = 200, description = "You", body = WireUser),
))]
pub(super) async fn me(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let (id, _) = caller.user()?;
    Ok(Json(WireUser::from(shared.service.user(caller.tenant_id, id).await?)))
}

/// When the user was read whom the client saw, if it says which it saw (`If-Match`).
async fn read_as_of(
    shared: &Shared,
    caller: &Caller,
    request: &HttpRequest,
    id: UserId,
) -> Result<Option<Timestamp>, Problem> {
    if !has_condition(request) {
        return Ok(None);
    }
    let current = shared.service.user(caller.tenant_id, id).await?;
    let updated_at = current.updated_at;
    check_condition(request, &WireUser::from(current))?;
    Ok(Some(updated_at))
}

/// CacheInvalidation to yourself; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchMeBody {
    /// How to call you.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Change yourself.
#[utoipa::path(patch, path = "/api/v1/users/me", tag = "users", request_body = PatchMeBody,
    responses(
    (status = 200, description = "You, as you are now", body = WireUser),
    (status = 412, description = "It is not any more what you saw (If-Match)", body = Problem),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn patch_me(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictJson(body): StrictJson<PatchMeBody>,
) -> Result<impl Responder, Problem> {
    let (id, _) = caller.user()?;
    let read_as_of = read_as_of(&shared, &caller, &request, id).await?;
    let patch = UserPatch { name: body.name, read_as_of, ..UserPatch::default() };
    Ok(Json(WireUser::from(shared.service.update_user(caller, id, patch).await?)))
}

/// Leave: you are signed out, and deleted in 14 days unless you sign in again before.
#[utoipa::path(delete, path = "/api/v1/users/me", tag = "users", responses(
    (status = 202, description = "Leaving; `deletion_scheduled_at` says when", body = WireUser),
    (status = 409, description = "The tenant would be without an admin", body = Problem),
))]
pub(super) async fn leave(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    Ok((Json(WireUser::from(shared.service.leave(caller).await?)), StatusCode::ACCEPTED))
}

/// List the tenant's users, the newest first.
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

/// Somebody to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "al@example.com", "role": "viewer" }))]
pub(super) struct InviteBody {
    /// Where the link is sent.
    #[schema(max_length = 254)]
    email: String,
    /// `tenant_admin`, `user` or `viewer`.
    role: String,
}

/// Invite somebody into your tenant. The answer is the same when the address has an account already.
#[utoipa::path(post, path = "/api/v1/users/invitations", tag = "users", request_body = InviteBody, responses(
    (status = 202, description = "A mail with a link is on its way"),
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
    Ok(Json(WireUser::from(shared.service.user(caller.tenant_id, id).await?)))
}

/// CacheInvalidation to a user; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "viewer" }))]
pub(super) struct PatchUserBody {
    /// How to call them.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// `tenant_admin`, `user` or `viewer`.
    role: Option<String>,
    /// `active` or `disabled`.
    status: Option<String>,
}

/// Change a user of your tenant. Who is disabled is signed out; the last admin stays one.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users",
    params(("id" = uuid::Uuid, Path)), request_body = PatchUserBody, responses(
    (status = 200, description = "The user as they are now", body = WireUser),
    (status = 404, description = "No such user", body = Problem),
    (status = 409, description = "The tenant would be without an admin", body = Problem),
    (status = 412, description = "It is not any more what you saw (If-Match)", body = Problem),
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
    let read_as_of = read_as_of(&shared, &caller, &request, id).await?;
    let patch = UserPatch { name: body.name, role, status, deletion_scheduled_at: None, read_as_of };
    Ok(Json(WireUser::from(shared.service.update_user(caller, id, patch).await?)))
}

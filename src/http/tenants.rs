//! `/api/v1/tenants`: one's own tenant, and, for who runs the installation, all of them.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::etag::{check_condition, has_condition};
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{Frequency, Scope, Tenant, TenantId};
use crate::service::{AuditEntry, Caller};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/tenants/me", |path| {
        path.get(Access::Authenticated, tenant)
            .patch(Scope::AdminTenant, rename)
            .delete(Access::UserScope(Scope::AdminTenant), leave)
    });
    routes.path("/tenants/me/cancel-deletion", |path| path.post(Access::UserScope(Scope::AdminTenant), keep));
    routes.path("/tenants/me/usage", |path| path.get(Access::Authenticated, usage));
    routes.path("/tenants/me/audit", |path| path.get(Scope::AdminTenant, audit));
    routes.path("/tenants", |path| path.get(Access::Superadmin, list));
    routes.path("/tenants/{id}", |path| {
        path.get(Access::Superadmin, get).patch(Access::Superadmin, change_plan).delete(Access::Superadmin, remove)
    });
}

/// An organisation.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(super) struct WireTenant {
    #[schema(value_type = uuid::Uuid)]
    id: TenantId,
    name: String,
    /// What it may have.
    plan: String,
    /// When it is deleted with everything of it, if it is leaving.
    #[schema(value_type = Option<String>, format = DateTime)]
    deletion_scheduled_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Tenant> for WireTenant {
    fn from(tenant: Tenant) -> Self {
        let Tenant { id, name, plan, deletion_scheduled_at, created_at, updated_at } = tenant;
        Self { id, name, plan, deletion_scheduled_at, created_at, updated_at }
    }
}

/// Get your tenant.
#[utoipa::path(get, path = "/api/v1/tenants/me", tag = "tenants", responses(
    (status = 200, description = "Your tenant", body = WireTenant),
))]
pub(super) async fn tenant(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    Ok(Json(WireTenant::from(shared.service.tenant(caller.tenant_id).await?)))
}

/// When the tenant was read that the client saw, if it says which it saw (`If-Match`).
async fn read_as_of(shared: &Shared, request: &HttpRequest, id: TenantId) -> Result<Option<Timestamp>, Problem> {
    if !has_condition(request) {
        return Ok(None);
    }
    let current = shared.service.tenant(id).await?;
    let updated_at = current.updated_at;
    check_condition(request, &WireTenant::from(current))?;
    Ok(Some(updated_at))
}

/// CacheInvalidation to a tenant; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Jo's shop" }))]
pub(super) struct PatchTenantBody {
    /// How to call it.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Rename your tenant.
#[utoipa::path(patch, path = "/api/v1/tenants/me", tag = "tenants", request_body = PatchTenantBody, responses(
    (status = 200, description = "Your tenant as it is now", body = WireTenant),
    (status = 412, description = "It is not any more what you saw (If-Match)", body = Problem),
))]
pub(super) async fn rename(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictJson(body): StrictJson<PatchTenantBody>,
) -> Result<impl Responder, Problem> {
    let read_as_of = read_as_of(&shared, &request, caller.tenant_id).await?;
    Ok(Json(WireTenant::from(shared.service.rename_tenant(caller, body.name, read_as_of).await?)))
}

/// Delete your tenant with everything of it, in two weeks; until then it can be kept.
#[utoipa::path(delete, path = "/api/v1/tenants/me", tag = "tenants", responses(
    (status = 202, description = "It is deleted at `deletion_scheduled_at`", body = WireTenant),
    (status = 409, description = "The installation's own tenant cannot be deleted", body = Problem),
))]
pub(super) async fn leave(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    Ok(HttpResponse::Accepted().json(WireTenant::from(shared.service.schedule_tenant_deletion(caller).await?)))
}

/// Take the deletion of your tenant back.
#[utoipa::path(post, path = "/api/v1/tenants/me/cancel-deletion", tag = "tenants", responses(
    (status = 200, description = "It stays", body = WireTenant),
))]
pub(super) async fn keep(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    Ok(Json(WireTenant::from(shared.service.cancel_tenant_deletion(caller).await?)))
}

/// So many of so many.
#[derive(Serialize, ToSchema)]
pub(super) struct Quota {
    used: u32,
    limit: u32,
    /// When `used` begins again; null: it does not.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

/// What a tenant has of what it may have.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub(super) struct WireUsage {
    products: Quota,
    users: Quota,
    alerts: Quota,
    /// Looks that were asked for today (UTC), one for each product.
    crawls_per_day: Quota,
    /// Requests a minute, of each user and each key.
    requests_per_minute: u32,
    /// The shortest rhythm a product may have.
    #[schema(value_type = String, example = "hourly")]
    min_interval: Frequency,
}

/// What your tenant has of what its plan allows.
#[utoipa::path(get, path = "/api/v1/tenants/me/usage", tag = "tenants", responses(
    (status = 200, description = "Used and allowed", body = WireUsage),
))]
pub(super) async fn usage(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    let (usage, plan) = shared.service.usage(&caller).await?;
    let lasting = |used, limit| Quota { used, limit, resets_at: None };
    Ok(Json(WireUsage {
        products: lasting(usage.products, plan.products),
        users: lasting(usage.users, plan.users),
        alerts: lasting(usage.alerts, plan.alerts),
        crawls_per_day: Quota {
            used: usage.crawls_today,
            limit: plan.crawls_per_day,
            resets_at: Some(usage.day_ends_at),
        },
        requests_per_minute: plan.requests_per_minute,
        min_interval: plan.min_interval,
    }))
}

/// List all tenants, the newest first. For superadmins.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", params(PageQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireTenant>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    let page = shared.service.tenants(caller, cursor, limit).await?;
    Ok(paged::<_, WireTenant>(page))
}

/// Get any tenant. For superadmins.
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, description = "The tenant", body = WireTenant),
    (status = 404, description = "No such tenant", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
) -> Result<impl Responder, Problem> {
    Ok(Json(WireTenant::from(shared.service.any_tenant(caller, id).await?)))
}

/// Another plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "plan": "pro" }))]
pub(super) struct ChangePlanBody {
    /// The name of a plan in the settings.
    plan: String,
}

/// Put a tenant on another plan. For superadmins.
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = uuid::Uuid, Path)),
    request_body = ChangePlanBody, responses(
    (status = 200, description = "The tenant as it is now", body = WireTenant),
    (status = 404, description = "No such tenant", body = Problem),
    (status = 412, description = "It is not any more what you saw (If-Match)", body = Problem),
))]
pub(super) async fn change_plan(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<TenantId>,
    StrictJson(body): StrictJson<ChangePlanBody>,
) -> Result<impl Responder, Problem> {
    caller.require_superadmin()?;
    let read_as_of = read_as_of(&shared, &request, id).await?;
    Ok(Json(WireTenant::from(shared.service.change_plan(caller, id, body.plan, read_as_of).await?)))
}

/// Delete a tenant with everything of it, now. For superadmins.
#[utoipa::path(delete, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 404, description = "No such tenant", body = Problem),
    (status = 409, description = "The installation's own tenant cannot be deleted", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
) -> Result<impl Responder, Problem> {
    shared.service.remove_tenant(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

/// Who did what.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct WireAuditEntry {
    id: uuid::Uuid,
    /// `user:ID`, `key:ID`, `system` or `nobody`.
    actor: String,
    /// Such as `product.add`.
    action: String,
    /// Such as `product:ID`.
    resource: Option<String>,
    /// From where.
    address: Option<String>,
    /// In which request.
    request_id: Option<String>,
    /// What else is worth knowing, such as the role that was given.
    #[schema(value_type = Object)]
    facts: serde_json::Value,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<AuditEntry> for WireAuditEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            actor: entry.actor,
            action: entry.action,
            resource: entry.resource,
            address: entry.address,
            request_id: entry.request_id,
            facts: entry.facts,
            at: entry.at,
        }
    }
}

/// Read who did what in your tenant, the latest first.
#[utoipa::path(get, path = "/api/v1/tenants/me/audit", tag = "tenants", params(PageQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireAuditEntry>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn audit(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    let page = shared.service.audit(caller.tenant_id, cursor, limit).await?;
    Ok(paged::<_, WireAuditEntry>(page))
}

//! `/api/v1/tenants`: the caller's tenant, and all tenants for superadmins.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::etag::{expected_version, versioned};
use super::field_parsing::{check_text, parsed};
use super::paging::{PageQuery, WirePage, limit_of, paged};
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::{PathId, StrictJson, StrictQuery};
use crate::domain::{Interval, Scope, SellerId, Tenant, TenantId};
use crate::service::{AuditEntry, AuditFilter, Caller};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/tenants/me", |path| {
        path.get(Access::Authenticated, tenant)
            .patch(Scope::AdminTenant, rename)
            .delete(Access::UserScope(Scope::AdminTenant), schedule_deletion)
    });
    routes
        .path("/tenants/me/cancel-deletion", |path| path.post(Access::UserScope(Scope::AdminTenant), cancel_deletion));
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
    /// The name of its plan.
    plan: String,
    /// The ids under which you sell on Amazon; alerts call them `me`.
    #[schema(value_type = Vec<String>, example = json!(["A2LDP1W1XYZABC"]))]
    seller_ids: Vec<SellerId>,
    /// When it will be deleted with all of its data; null if no deletion is scheduled.
    #[schema(value_type = Option<String>, format = DateTime)]
    deletion_scheduled_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Tenant> for WireTenant {
    fn from(tenant: Tenant) -> Self {
        let Tenant { id, name, plan, seller_ids, deletion_scheduled_at, created_at, updated_at, version: _ } = tenant;
        Self { id, name, plan, seller_ids, deletion_scheduled_at, created_at, updated_at }
    }
}

/// Get your tenant.
#[utoipa::path(get, path = "/api/v1/tenants/me", tag = "tenants", responses(
    (status = 200, description = "Your tenant", body = WireTenant),
))]
pub(super) async fn tenant(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    Ok(shown(StatusCode::OK, shared.service.tenant(caller.tenant_id).await?))
}

fn shown(status: StatusCode, tenant: Tenant) -> HttpResponse {
    versioned(status, tenant.version, &WireTenant::from(tenant))
}

/// Changes to a tenant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Jo's shop" }))]
pub(super) struct PatchTenantBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The ids under which you sell on Amazon; replaces all of them.
    #[schema(max_items = 100)]
    seller_ids: Option<Vec<String>>,
}

/// Change your tenant. Omitted fields stay as they are.
#[utoipa::path(patch, path = "/api/v1/tenants/me", tag = "tenants", request_body = PatchTenantBody, responses(
    (status = 200, description = "The changed tenant", body = WireTenant),
    (status = 412, description = "The tenant has changed since you read it (If-Match)", body = Problem),
))]
pub(super) async fn rename(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    StrictJson(body): StrictJson<PatchTenantBody>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    Ok(shown(StatusCode::OK, shared.service.change_tenant(caller, body.name, body.seller_ids, expected_version).await?))
}

/// Schedule the deletion of your tenant with all of its data, in 14 days. Until then it can be cancelled.
#[utoipa::path(delete, path = "/api/v1/tenants/me", tag = "tenants", responses(
    (status = 202, description = "Will be deleted at `deletion_scheduled_at`", body = WireTenant),
    (status = 409, description = "The installation's own tenant cannot be deleted", body = Problem),
))]
pub(super) async fn schedule_deletion(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    Ok(shown(StatusCode::ACCEPTED, shared.service.schedule_tenant_deletion(caller, expected_version).await?))
}

/// Cancel the scheduled deletion of your tenant.
#[utoipa::path(post, path = "/api/v1/tenants/me/cancel-deletion", tag = "tenants", responses(
    (status = 200, description = "Your tenant", body = WireTenant),
))]
pub(super) async fn cancel_deletion(shared: Data<Shared>, caller: Caller) -> Result<impl Responder, Problem> {
    Ok(shown(StatusCode::OK, shared.service.cancel_tenant_deletion(caller).await?))
}

/// A quota of the plan.
#[derive(Serialize, ToSchema)]
pub(super) struct Quota {
    used: u32,
    limit: u32,
    /// When `used` is reset; null: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

/// Used and allowed quotas.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub(super) struct WireUsage {
    products: Quota,
    users: Quota,
    alerts: Quota,
    channels: Quota,
    /// Messages today (UTC) to all channels together. The limit counts by the days of each channel's time zone; what is beyond it is
    /// told on the next.
    messages_per_day: Quota,
    /// Requested crawls today (UTC), one per product.
    crawls_per_day: Quota,
    /// API keys that may be in force.
    api_keys: u32,
    /// Requests per minute of each user and each API key.
    requests_per_minute: u32,
    /// Requests per minute of all users and API keys together.
    tenant_requests_per_minute: u32,
    /// The shortest interval between crawls of a product.
    #[schema(value_type = String, example = "hourly")]
    min_interval: Interval,
}

/// Get the usage and the quotas of your tenant.
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
        channels: lasting(usage.channels, plan.channels),
        messages_per_day: Quota {
            used: usage.messages_today,
            limit: plan.messages_per_day,
            resets_at: Some(usage.day_ends_at),
        },
        crawls_per_day: Quota {
            used: usage.crawls_today,
            limit: plan.crawls_per_day,
            resets_at: Some(usage.day_ends_at),
        },
        api_keys: plan.api_keys,
        requests_per_minute: plan.requests_per_minute,
        tenant_requests_per_minute: plan.requests_per_minute_of_tenant(),
        min_interval: plan.min_interval,
    }))
}

/// List all tenants, newest first. Requires a superadmin.
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

/// Get any tenant. Requires a superadmin.
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, description = "The tenant", body = WireTenant),
    (status = 404, description = "No such tenant", body = Problem),
))]
pub(super) async fn get(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
) -> Result<impl Responder, Problem> {
    Ok(shown(StatusCode::OK, shared.service.any_tenant(caller, id).await?))
}

/// A new plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "plan": "pro" }))]
pub(super) struct ChangePlanBody {
    /// The name of a configured plan.
    plan: String,
}

/// Change the plan of a tenant. Requires a superadmin.
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = uuid::Uuid, Path)),
    request_body = ChangePlanBody, responses(
    (status = 200, description = "The changed tenant", body = WireTenant),
    (status = 404, description = "No such tenant", body = Problem),
    (status = 412, description = "The tenant has changed since you read it (If-Match)", body = Problem),
))]
pub(super) async fn change_plan(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<TenantId>,
    StrictJson(body): StrictJson<ChangePlanBody>,
) -> Result<impl Responder, Problem> {
    caller.require_superadmin()?;
    let expected_version = expected_version(request.headers())?;
    Ok(shown(StatusCode::OK, shared.service.change_plan(caller, id, body.plan, expected_version).await?))
}

/// Delete a tenant with all of its data, now. Requires a superadmin.
#[utoipa::path(delete, path = "/api/v1/tenants/{id}", tag = "tenants", params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such tenant", body = Problem),
    (status = 409, description = "The installation's own tenant cannot be deleted", body = Problem),
))]
pub(super) async fn remove(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<TenantId>,
) -> Result<impl Responder, Problem> {
    let expected_version = expected_version(request.headers())?;
    shared.service.remove_tenant(caller, id, expected_version).await?;
    Ok(HttpResponse::NoContent())
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct WireAuditEntry {
    id: uuid::Uuid,
    /// Who acted: `user:ID`, `key:ID`, `system` or `anonymous`.
    actor: String,
    /// Such as `product.add`.
    action: String,
    /// Such as `product:ID`.
    resource: Option<String>,
    /// The client's IP address.
    address: Option<String>,
    /// The id of the request.
    request_id: Option<String>,
    /// Further facts, such as the role that was granted.
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

/// Filter and page of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only what this author did: `user:ID`, `key:ID`, `system` or `anonymous`.
    #[param(max_length = 64)]
    actor: Option<String>,
    /// Only this action (`product.add`), or all of a kind (`product`).
    #[param(max_length = 64)]
    action: Option<String>,
    /// Only at or after this time (RFC 3339).
    since: Option<String>,
    /// Only before this time (RFC 3339).
    until: Option<String>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Rows, 1 to 250; default 50.
    limit: Option<String>,
}

impl AuditQuery {
    fn parsed(self) -> Result<(AuditFilter, Option<String>, u32), Problem> {
        let mut errors = Vec::new();
        check_text("actor", self.actor.as_deref(), &mut errors);
        check_text("action", self.action.as_deref(), &mut errors);
        let since = parsed("since", self.since.as_deref(), &mut errors);
        let until = parsed("until", self.until.as_deref(), &mut errors);
        let limit = limit_of(self.limit.as_deref(), &mut errors);
        let filter = AuditFilter { actor: self.actor, action: self.action, since, until };
        if errors.is_empty() { Ok((filter, self.cursor, limit)) } else { Err(Problem::invalid(errors)) }
    }
}

/// List the audit log of your tenant, newest first.
#[utoipa::path(get, path = "/api/v1/tenants/me/audit", tag = "tenants", params(AuditQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireAuditEntry>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn audit(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<AuditQuery>,
) -> Result<impl Responder, Problem> {
    let (filter, cursor, limit) = query.parsed()?;
    let page = shared.service.audit(caller.tenant_id, filter, cursor, limit).await?;
    Ok(paged::<_, WireAuditEntry>(page))
}

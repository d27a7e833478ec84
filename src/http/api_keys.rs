//! `/api/v1/auth/api-keys`: API keys.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::paging::{PageQuery, WirePage, paged};
use super::problem::Problem;
use super::routes::{Access, Routes};
use super::strict::{List, PathId, StrictJson, StrictQuery};
use crate::domain::{ApiKey, ApiKeyId, Scope, UserId};
use crate::service::{AddApiKey, Caller, FieldError, MAX_NETWORKS};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.path("/auth/api-keys", |path| {
        path.get(Scope::AdminTenant, list).post(Access::UserScope(Scope::AdminTenant), add)
    });
    routes.path("/auth/api-keys/{id}", |path| path.delete(Scope::AdminTenant, revoke));
}

/// An API key to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "price sync", "scopes": ["product:read"], "networks": ["203.0.113.0/24"] }))]
pub(super) struct AddApiKeyBody {
    /// A human-readable name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Its scopes; they must be among your own.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 50)]
    scopes: List<String, 50>,
    /// Networks that it may be used from (CIDR); empty: any.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    networks: List<String, MAX_NETWORKS>,
    /// Its own rate limit, below that of the plan.
    #[schema(minimum = 1)]
    requests_per_minute: Option<u32>,
    /// When it expires; default: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl AddApiKeyBody {
    fn into_request(self) -> Result<AddApiKey, Problem> {
        let mut errors = Vec::new();
        let scopes = all_parsed::<Scope>("scopes", &self.scopes.0, &mut errors);
        let networks = all_parsed("networks", &self.networks.0, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(AddApiKey {
            name: self.name,
            scopes: scopes.into_iter().collect(),
            networks,
            requests_per_minute: self.requests_per_minute,
            expires_at: self.expires_at,
        })
    }
}

fn all_parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    texts: &[String],
    errors: &mut Vec<FieldError>,
) -> Vec<T> {
    let mut parsed = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(value) => parsed.push(value),
            Err(error) => errors.push(FieldError::new(&format!("{field}[{place}]"), error)),
        }
    }
    parsed
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(super) struct WireApiKey {
    #[schema(value_type = uuid::Uuid)]
    id: ApiKeyId,
    /// A human-readable name.
    name: String,
    /// Its first characters.
    hint: String,
    /// The secret; shown once, when the key is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Its scopes.
    scopes: Vec<&'static str>,
    /// Networks that it may be used from; empty: any.
    networks: Vec<String>,
    /// Its own rate limit.
    requests_per_minute: Option<u32>,
    /// The user who created it.
    #[schema(value_type = uuid::Uuid)]
    created_by: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    used_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

impl From<ApiKey> for WireApiKey {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            hint: key.hint,
            key: None,
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            networks: key.networks.iter().map(ToString::to_string).collect(),
            requests_per_minute: key.requests_per_minute,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            used_at: key.used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// Create an API key. Its secret is shown only once.
#[utoipa::path(post, path = "/api/v1/auth/api-keys", tag = "auth",
    request_body = AddApiKeyBody, responses(
    (status = 201, description = "Created; `key` is not shown again", body = WireApiKey),
    (status = 422, description = "A field is wrong", body = Problem),
))]
pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    StrictJson(body): StrictJson<AddApiKeyBody>,
) -> Result<impl Responder, Problem> {
    let (key, token) = shared.service.add_api_key(caller, body.into_request()?).await?;
    Ok((Json(WireApiKey { key: Some(token), ..key.into() }), StatusCode::CREATED))
}

/// List the tenant's API keys, newest first.
#[utoipa::path(get, path = "/api/v1/auth/api-keys", tag = "auth", params(PageQuery), responses(
    (status = 200, description = "A page", body = WirePage<WireApiKey>),
    (status = 422, description = "A parameter is wrong", body = Problem),
))]
pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<impl Responder, Problem> {
    let (cursor, limit) = query.parsed()?;
    let page = shared.service.api_keys(caller.tenant_id, cursor, limit).await?;
    Ok(paged::<_, WireApiKey>(page))
}

/// Revoke an API key. This cannot be undone.
#[utoipa::path(delete, path = "/api/v1/auth/api-keys/{id}", tag = "auth",
    params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "Revoked"),
    (status = 404, description = "No such active key", body = Problem),
))]
pub(super) async fn revoke(
    shared: Data<Shared>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<impl Responder, Problem> {
    shared.service.revoke_api_key(caller, id).await?;
    Ok(HttpResponse::NoContent())
}

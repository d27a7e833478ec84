//! API keys.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::access::Caller;
use super::auth::check_name;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceResult};
use crate::actors::user::{Principal, UserMessage};
use crate::auth::{OpaqueToken, TokenKind};
use crate::domain::{ApiKey, ApiKeyId, Scopes, TenantId};
use crate::store::{AuditEvent, NewApiKey, Page};

/// Maximum number of networks of a key.
pub const MAX_NETWORKS: usize = 50;
/// Maximum lifetime of a key that expires. Later times do not fit into a database or a calendar.
const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 366 * 100);

/// An API key to create.
#[derive(Debug, Clone)]
pub struct AddApiKey {
    /// Its name.
    pub name: String,
    /// Its scopes.
    pub scopes: Scopes,
    /// Networks that it may be used from; empty: any.
    pub networks: Vec<IpNet>,
    /// Its own rate limit, below that of the plan.
    pub requests_per_minute: Option<u32>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

impl Service {
    /// Creates an API key, and returns its secret, which is not stored. Its scopes must be among those of the caller.
    pub async fn add_api_key(&self, caller: Caller, request: AddApiKey) -> ServiceResult<(ApiKey, String)> {
        let (created_by, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            request.check(caller.scopes)?;
            let token = OpaqueToken::new(TokenKind::ApiKey);
            let new = NewApiKey {
                tenant_id: caller.tenant_id,
                created_by,
                name: request.name,
                hint: token.hint().to_owned(),
                hash: token.hash(),
                scopes: request.scopes,
                networks: request.networks,
                requests_per_minute: request.requests_per_minute,
                quota: caller.plan.api_keys,
                expires_at: request.expires_at,
            };
            let key = deps.store.add_api_key(new).await?;
            let scopes = json!({ "scopes": key.scopes.to_string() });
            let event =
                AuditEvent { facts: scopes, ..caller.audit_event("api_key.add", Some(format!("api_key:{}", key.id))) };
            deps.audit(event).await;
            Ok((key, token.reveal()))
        })
        .await
    }

    /// A page of a tenant's keys, newest first, including revoked ones.
    pub async fn api_keys(
        &self,
        tenant_id: TenantId,
        cursor: Option<String>,
        limit: u32,
    ) -> ServiceResult<Page<ApiKey>> {
        self.run(async move |deps: Arc<Dependencies>| {
            Ok(deps.store.api_keys(tenant_id, cursor.as_deref(), limit).await?)
        })
        .await
    }

    /// Revokes a key.
    pub async fn revoke_api_key(&self, caller: Caller, id: ApiKeyId) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let hash = deps.store.revoke_api_key(caller.tenant_id, id).await?;
            deps.principal_cache.send_control(Principal::Key(hash), UserMessage::Invalidate);
            deps.audit(caller.audit_event("api_key.revoke", Some(format!("api_key:{id}")))).await;
            Ok(())
        })
        .await
    }
}

impl AddApiKey {
    fn check(&self, allowed: Scopes) -> ServiceResult<()> {
        let mut errors = Vec::new();
        check_name("name", &self.name, &mut errors);
        if self.scopes == Scopes::NONE {
            errors.push(FieldError::new("scopes", format!("must name at least one of: {allowed}")));
        } else if !self.scopes.are_within(allowed) {
            errors.push(FieldError::new("scopes", format!("must be among your own: {allowed}")));
        }
        if self.networks.len() > MAX_NETWORKS {
            errors.push(FieldError::new("networks", format!("must be at most {MAX_NETWORKS}")));
        }
        if self.requests_per_minute == Some(0) {
            errors.push(FieldError::new("requests_per_minute", "must be at least 1"));
        }
        if self.expires_at.is_some_and(|end| end <= Timestamp::now()) {
            errors.push(FieldError::new("expires_at", "must be in the future"));
        }
        if self.expires_at.is_some_and(|end| end.duration_since(Timestamp::now()) > MAX_LIFETIME) {
            errors.push(FieldError::new(
                "expires_at",
                "must be within 100 years; omit it for a key that does not expire",
            ));
        }
        valid(errors)
    }
}

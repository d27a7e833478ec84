//! The keys of a tenant's machines.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::json;

use super::access::Caller;
use super::auth::check_name;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceResult};
use crate::actors::user::{Principal, UserMessage};
use crate::auth::{OpaqueToken, TokenKind};
use crate::domain::{ApiKey, ApiKeyId, Scopes, TenantId};
use crate::store::{AuditEvent, NewApiKey, Page};

const MAX_NETWORKS: usize = 50;

/// A key to make.
#[derive(Debug, Clone)]
pub struct AddApiKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From where it may be used; none: from anywhere.
    pub networks: Vec<IpNet>,
    /// Its own limit, below its tenant's.
    pub requests_per_minute: Option<u32>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

impl Service {
    /// Makes a key, and shows it this once. It may do no more than whoever makes it.
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
                expires_at: request.expires_at,
            };
            let key = deps.store.add_api_key(new).await?;
            let scopes = json!({ "scopes": key.scopes.to_string() });
            let act =
                AuditEvent { facts: scopes, ..caller.audit_event("api_key.add", Some(format!("api_key:{}", key.id))) };
            deps.audit(act).await;
            Ok((key, token.reveal()))
        })
        .await
    }

    /// A page of a tenant's keys, the newest first, revoked ones too.
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

    /// Revokes a key, here at once.
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
            errors.push(FieldError::new("scopes", format!("name at least one of: {allowed}")));
        } else if !self.scopes.are_within(allowed) {
            errors.push(FieldError::new("scopes", format!("a key may do no more than you: {allowed}")));
        }
        if self.networks.len() > MAX_NETWORKS {
            errors.push(FieldError::new("networks", format!("at most {MAX_NETWORKS}")));
        }
        if self.requests_per_minute == Some(0) {
            errors.push(FieldError::new("requests_per_minute", "at least 1"));
        }
        if self.expires_at.is_some_and(|end| end <= Timestamp::now()) {
            errors.push(FieldError::new("expires_at", "is over already"));
        }
        valid(errors)
    }
}

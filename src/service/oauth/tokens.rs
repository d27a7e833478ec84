//! What clients exchange codes and refresh tokens for, and how they give it back.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{Grant, OpaqueToken, TokenKind, hash_of};
use crate::domain::{ClientId, PkceChallenge, Scopes};
use crate::service::{Dependencies, Origin, Service, ServiceError, ServiceResult};
use crate::store::{AuditActor, AuditEvent, CodeRedemption, EndedGrant, GrantRefresh, GrantedAccess, Granting};

/// A code, and what a client shows for it.
#[derive(Debug, Clone)]
pub struct CodeExchange {
    /// The code.
    pub code: String,
    /// The id of the client.
    pub client_id: String,
    /// The address that the user returned to.
    pub redirect_uri: String,
    /// The verifier of PKCE.
    pub code_verifier: String,
    /// For which resource; without it, the only one that there is.
    pub resource: Option<String>,
}

/// A refresh token, and what a client shows for it.
#[derive(Debug, Clone)]
pub struct RefreshExchange {
    /// The token.
    pub refresh_token: String,
    /// The id of the client.
    pub client_id: String,
    /// Less than was granted; without it, all of it.
    pub scope: Option<String>,
    /// For which resource; without it, the only one that there is.
    pub resource: Option<String>,
}

/// The tokens of a client.
pub struct ClientTokens {
    /// The access token.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in_secs: u64,
    /// The refresh token.
    pub refresh_token: String,
    /// What the access token is for.
    pub scopes: Scopes,
}

/// Why a client gets no tokens (RFC 6749, section 5.2).
#[derive(Debug)]
pub enum TokenRefusal {
    /// The code or token is unknown, expired, spent, or another client's. Which of these is not disclosed.
    Grant,
    /// The settings do not accept the client any more.
    Client,
    /// More than was granted, or nothing that there is.
    Scope,
    /// Another resource.
    Target,
    /// A failure of ours.
    Service(ServiceError),
}

impl From<ServiceError> for TokenRefusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl Service {
    /// Exchanges a code for tokens, once.
    ///
    /// # Errors
    /// See [`TokenRefusal`].
    pub async fn redeem_code(&self, exchange: CodeExchange, origin: Origin) -> Result<ClientTokens, TokenRefusal> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.redeem_code(exchange, &origin).await)).await?
    }

    /// Exchanges a refresh token of a client for new tokens, once.
    ///
    /// # Errors
    /// See [`TokenRefusal`].
    pub async fn refresh_grant(&self, exchange: RefreshExchange, origin: Origin) -> Result<ClientTokens, TokenRefusal> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.refresh_grant(exchange, &origin).await)).await?
    }

    /// Ends the grant of an access or refresh token of a client (RFC 7009). A token that is not one ends nothing.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]
    pub async fn revoke_token(&self, token: String, client_id: String, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            deps.check_clients_are_accepted()?;
            if let Some(ended) = deps.end_grant_of(&token, client_id).await? {
                deps.grant_ended(&ended, "auth.grant_revoke", AuditActor::User(ended.user_id), &origin).await;
            }
            Ok(())
        })
        .await
    }
}

impl Dependencies {
    async fn redeem_code(
        self: &Arc<Self>,
        exchange: CodeExchange,
        origin: &Origin,
    ) -> Result<ClientTokens, TokenRefusal> {
        let resource = self.checked_target(&exchange.client_id, exchange.resource)?;
        let challenge = PkceChallenge::of_verifier(&exchange.code_verifier).ok_or(TokenRefusal::Grant)?;
        let next = OpaqueToken::new(TokenKind::GrantRefresh);
        let redemption = CodeRedemption {
            code: hash_of(&exchange.code),
            client_id: exchange.client_id.clone(),
            redirect_uri: exchange.redirect_uri,
            challenge,
            resource,
            token: next.hash(),
            lasts: self.refresh_lasts(),
        };
        let granting = self.store.redeem_code(redemption).await.map_err(ServiceError::from)?;
        let access = self.granted(granting, "auth.grant_code_reused", origin).await?;
        let facts = serde_json::json!({ "client_id": exchange.client_id, "scopes": access.scopes });
        let resource = Some(format!("grant:{}", access.grant_id));
        let actor = AuditActor::User(access.user.id);
        let event = origin.audit_event(access.user.tenant_id, actor, "auth.grant_add", resource);
        self.audit(AuditEvent { facts, ..event }).await;
        Ok(self.client_tokens(access, exchange.client_id, next)?)
    }

    async fn refresh_grant(
        self: &Arc<Self>,
        exchange: RefreshExchange,
        origin: &Origin,
    ) -> Result<ClientTokens, TokenRefusal> {
        let resource = self.checked_target(&exchange.client_id, exchange.resource)?;
        let scopes =
            exchange.scope.map(|scope| scope.parse::<Scopes>()).transpose().map_err(|_| TokenRefusal::Scope)?;
        let next = OpaqueToken::new(TokenKind::GrantRefresh);
        let refresh = GrantRefresh {
            spent: hash_of(&exchange.refresh_token),
            new: next.hash(),
            client_id: exchange.client_id.clone(),
            resource,
            scopes: scopes.filter(|scopes| *scopes != Scopes::NONE),
            lasts: self.refresh_lasts(),
            grace: Duration::from_secs(self.auth.token.refresh_grace_secs),
        };
        let granting = self.store.refresh_grant(refresh).await.map_err(ServiceError::from)?;
        let access = self.granted(granting, "auth.grant_refresh_reused", origin).await?;
        Ok(self.client_tokens(access, exchange.client_id, next)?)
    }

    /// The resource, if the client is accepted and means no other one.
    fn checked_target(&self, client_id: &str, wanted: Option<String>) -> Result<String, TokenRefusal> {
        self.check_clients_are_accepted()?;
        let id = ClientId::parse(client_id, self.oauth.allow_private_clients).map_err(|_| TokenRefusal::Client)?;
        if !self.clients.accepts(&id) {
            return Err(TokenRefusal::Client);
        }
        let resource = self.resource();
        if wanted.is_some_and(|wanted| wanted != resource) { Err(TokenRefusal::Target) } else { Ok(resource) }
    }

    async fn granted(
        self: &Arc<Self>,
        granting: Granting,
        reused: &'static str,
        origin: &Origin,
    ) -> Result<GrantedAccess, TokenRefusal> {
        match granting {
            Granting::Granted(access) => {
                self.invalidate_user(access.user.tenant_id, access.user.id);
                Ok(*access)
            }
            Granting::TooMuch => Err(TokenRefusal::Scope),
            Granting::RecentlyRotated | Granting::Unknown => Err(TokenRefusal::Grant),
            Granting::Reused(ended) => {
                tracing::warn!(user_id = %ended.user_id, grant_id = %ended.grant_id, "{reused}: the grant was ended");
                self.grant_ended(&ended, reused, AuditActor::Anonymous, origin).await;
                Err(TokenRefusal::Grant)
            }
        }
    }

    fn client_tokens(
        &self,
        access: GrantedAccess,
        client_id: String,
        next: OpaqueToken,
    ) -> ServiceResult<ClientTokens> {
        let GrantedAccess { user, grant_id, scopes, at } = access;
        let grant = Grant { user_id: user.id, tenant_id: user.tenant_id, session_id: grant_id, role: user.role };
        // By the database's clock, which all replicas share.
        self.keyring.set_time(at);
        let access_token = self.keyring.issue_to_client(grant, client_id, scopes, at).map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            ServiceError::Internal
        })?;
        let expires_in_secs = self.auth.token.access_secs;
        let scopes = scopes.and(user.role.scopes());
        Ok(ClientTokens { access_token, expires_in_secs, refresh_token: next.reveal(), scopes })
    }

    async fn end_grant_of(&self, token: &str, client_id: String) -> ServiceResult<Option<EndedGrant>> {
        if token.starts_with(TokenKind::GrantRefresh.prefix()) {
            return Ok(self.store.end_grant_of_token(hash_of(token), client_id).await?);
        }
        let Ok(claims) = self.keyring.verify(token) else { return Ok(None) };
        if claims.client_id != Some(client_id) {
            return Ok(None);
        }
        match self.store.end_grant(claims.sub, claims.sid).await {
            Ok(()) => Ok(Some(EndedGrant { tenant_id: claims.tid, user_id: claims.sub, grant_id: claims.sid })),
            Err(crate::store::StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn grant_ended(
        self: &Arc<Self>,
        ended: &EndedGrant,
        action: &'static str,
        actor: AuditActor,
        origin: &Origin,
    ) {
        self.invalidate_user(ended.tenant_id, ended.user_id);
        let resource = Some(format!("grant:{}", ended.grant_id));
        self.audit(origin.audit_event(ended.tenant_id, actor, action, resource)).await;
    }
}

//! Authentication and authorization.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Dependencies, Service, ServiceError, ServiceResult};
use crate::actors::user::{AuthDecision, AuthRequest, Identity, Principal, UserMessage};
use crate::auth::{Claims, TokenError, TokenKind, hash_of};
use crate::config::Plan;
use crate::domain::{ApiKeyId, Role, Scope, Scopes, SessionId, TenantId, UserId};
use crate::limits::RateLimitStatus;
use crate::store::{AuditActor, AuditEvent, BrowserSession};

/// Timeout of an authentication: the principal cache answers at once, or reads a few rows.
const AUTH_TIMEOUT: Duration = Duration::from_secs(5);

/// How often an expired token makes us read the database's clock.
const CLOCK_INTERVAL: Duration = Duration::from_secs(5);

/// `at_` or `st_`, and 256 bits in base64. Anything else is refused without a lookup.
const OPAQUE_BYTES: usize = 46;

/// The origin of a request.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client's IP address.
    pub address: IpAddr,
    /// The client's `User-Agent`.
    pub agent: Option<String>,
    /// The request id.
    pub request_id: Option<String>,
}

/// The identity of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A user.
    User {
        /// The user.
        id: UserId,
        /// The session.
        session_id: SessionId,
        /// The role.
        role: Role,
    },
    /// A client that a user has let in.
    Client {
        /// The user for whom it acts.
        user_id: UserId,
        /// The grant.
        grant_id: SessionId,
    },
    /// An API key.
    Key {
        /// The key.
        id: ApiKeyId,
        /// The user who created it.
        created_by: UserId,
    },
}

/// What a credential is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The API. Clients of users have no access.
    Api,
    /// The tools of agents.
    Tools,
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The identity.
    pub who: Who,
    /// The scopes.
    pub scopes: Scopes,
    /// The plan of the tenant.
    pub plan: Plan,
    /// The origin of the request.
    pub origin: Origin,
}

impl Caller {
    /// The user and the session; an error for an API key.
    pub fn user(&self) -> ServiceResult<(UserId, SessionId)> {
        match self.who {
            Who::User { id, session_id, .. } => Ok((id, session_id)),
            Who::Client { .. } => Err(ServiceError::Forbidden("clients cannot do this; sign in as a user".to_owned())),
            Who::Key { .. } => Err(ServiceError::Forbidden("API keys cannot do this; sign in as a user".to_owned())),
        }
    }

    /// Requires a scope.
    pub fn require(&self, scope: Scope) -> ServiceResult<()> {
        let missing = || ServiceError::Forbidden(format!("requires the scope {scope}"));
        self.scopes.contains(scope).then_some(()).ok_or_else(missing)
    }

    /// Requires all scopes of a role: a caller cannot grant a role above its own.
    pub(super) fn require_all_of(&self, role: Role) -> ServiceResult<()> {
        let above = || ServiceError::Forbidden("you cannot grant a role above your own".to_owned());
        role.scopes().are_within(self.scopes).then_some(()).ok_or_else(above)
    }

    /// Requires a superadmin.
    pub fn require_superadmin(&self) -> ServiceResult<()> {
        match self.who {
            Who::User { role: Role::Superadmin, .. } => Ok(()),
            _ => Err(ServiceError::Forbidden("requires the role superadmin".to_owned())),
        }
    }

    /// The caller's name in the audit log.
    pub(super) fn actor(&self) -> AuditActor {
        match self.who {
            Who::User { id, .. } | Who::Client { user_id: id, .. } => AuditActor::User(id),
            Who::Key { id, .. } => AuditActor::Key(id),
        }
    }

    /// An event for the audit log.
    pub(super) fn audit_event(&self, action: &'static str, resource: Option<String>) -> AuditEvent {
        let event = self.origin.audit_event(self.tenant_id, self.actor(), action, resource);
        match self.who {
            Who::Client { grant_id, .. } => AuditEvent { facts: serde_json::json!({ "grant_id": grant_id }), ..event },
            Who::User { .. } | Who::Key { .. } => event,
        }
    }
}

impl Origin {
    pub(super) fn audit_event(
        &self,
        tenant_id: TenantId,
        actor: AuditActor,
        action: &'static str,
        resource: Option<String>,
    ) -> AuditEvent {
        AuditEvent {
            tenant_id,
            actor,
            action,
            resource,
            address: Some(self.address),
            request_id: self.request_id.clone(),
            facts: serde_json::Value::Object(serde_json::Map::new()),
        }
    }
}

impl Service {
    /// Authenticates a credential for the API, and takes the cost from its rate limit.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`], [`ServiceError::RateLimited`], [`ServiceError::Forbidden`] for an API key outside of its networks.
    pub async fn authenticate(
        &self,
        credential: &str,
        origin: Origin,
        cost: u32,
    ) -> ServiceResult<(Caller, RateLimitStatus)> {
        self.authenticate_for(Audience::Api, credential, origin, cost).await
    }

    /// The same for the API or for tools.
    ///
    /// # Errors
    /// See [`Service::authenticate`].
    pub async fn authenticate_for(
        &self,
        audience: Audience,
        credential: &str,
        origin: Origin,
        cost: u32,
    ) -> ServiceResult<(Caller, RateLimitStatus)> {
        let Credential { principal, session_id, granted } = self.credential_of(credential).await?;
        if granted.is_some() && audience != Audience::Tools {
            return Err(ServiceError::Unauthenticated);
        }
        let request = AuthRequest { session_id, address: origin.address, cost };
        let asked = self
            .deps
            .principal_cache
            .ask(principal, Instant::now() + AUTH_TIMEOUT, |reply| UserMessage::Authenticate(request, reply));
        match asked.await.map_err(|_| ServiceError::Unavailable)? {
            AuthDecision::Allowed(identity, plan, rate_limit) => {
                let caller = caller_of(&identity, session_id, granted, plan, origin)?;
                if self.deps.invalidation.is_deleted(caller.tenant_id) {
                    return Err(ServiceError::Unauthenticated);
                }
                Ok((caller, rate_limit))
            }
            AuthDecision::Limited(rate_limit) => Err(ServiceError::RateLimited(rate_limit)),
            AuthDecision::Refused => Err(ServiceError::Unauthenticated),
            AuthDecision::WrongNetwork => {
                Err(ServiceError::Forbidden("this API key cannot be used from this address".to_owned()))
            }
            AuthDecision::Unavailable => Err(ServiceError::Unavailable),
        }
    }

    /// Whether a credential is still valid. While the database is unavailable it counts as valid.
    pub async fn is_still_authorized(&self, credential: &str, origin: Origin) -> bool {
        let admitted = self.authenticate(credential, origin, 0).await;
        !matches!(admitted, Err(ServiceError::Unauthenticated | ServiceError::Forbidden(_)))
    }

    /// Takes one attempt from the rate limit of an address, at a route without credentials.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAttempts`]
    pub async fn attempt(&self, address: IpAddr) -> ServiceResult<RateLimitStatus> {
        self.run(async move |deps: Arc<Dependencies>| {
            let rate_limit = deps.attempts.take(address).await;
            if rate_limit.wait.is_some() { Err(ServiceError::TooManyAttempts(rate_limit)) } else { Ok(rate_limit) }
        })
        .await
    }

    /// The public keys that verify access tokens (RFC 7517), as JSON.
    pub fn published_keys(&self) -> serde_json::Value {
        serde_json::to_value(self.deps.keyring.published()).unwrap_or_default()
    }

    async fn credential_of(&self, credential: &str) -> ServiceResult<Credential> {
        if credential.starts_with(TokenKind::ApiKey.prefix()) {
            if credential.len() != OPAQUE_BYTES {
                return Err(ServiceError::Unauthenticated);
            }
            return Ok(Credential { principal: Principal::Key(hash_of(credential)), session_id: None, granted: None });
        }
        if credential.starts_with(TokenKind::Browser.prefix()) {
            if credential.len() != OPAQUE_BYTES {
                return Err(ServiceError::Unauthenticated);
            }
            let BrowserSession { id, tenant_id, user_id } = self.browser_session(credential).await?;
            let principal = Principal::User(tenant_id, user_id);
            return Ok(Credential { principal, session_id: Some(id), granted: None });
        }
        let claims = self.claims_of(credential).await.map_err(|error| {
            tracing::debug!(%error, "an access token was refused");
            ServiceError::Unauthenticated
        })?;
        let granted = claims.client_id.is_some().then_some(claims.scope);
        Ok(Credential { principal: Principal::User(claims.tid, claims.sub), session_id: Some(claims.sid), granted })
    }

    /// Verifies an access token. If it seems expired, this process's clock may be wrong: then the database's clock, which all
    /// replicas share, is read, but not too often.
    async fn claims_of(&self, credential: &str) -> Result<Claims, TokenError> {
        let keyring = &self.deps.keyring;
        let verified = keyring.verify(credential);
        let may_be_clock_skew = matches!(verified, Err(TokenError::OutOfTime))
            && keyring.time_set_since().is_none_or(|since| since > CLOCK_INTERVAL);
        if !may_be_clock_skew {
            return verified;
        }
        let synced = self.run(async |deps: Arc<Dependencies>| deps.sync_clock().await).await;
        if synced.is_ok() { keyring.verify(credential) } else { verified }
    }
}

impl Dependencies {
    /// Sets the keyring's clock by the database's, and returns the time.
    pub(super) async fn sync_clock(&self) -> ServiceResult<Timestamp> {
        let now = self.store.now().await?;
        self.keyring.set_time(now);
        Ok(now)
    }
}

/// What a credential says before it is looked up.
struct Credential {
    principal: Principal,
    /// The session of a user, or the grant of a client.
    session_id: Option<SessionId>,
    /// What a client was granted; `None`: it is not one.
    granted: Option<Scopes>,
}

fn caller_of(
    identity: &Identity,
    session_id: Option<SessionId>,
    granted: Option<Scopes>,
    plan: Plan,
    origin: Origin,
) -> ServiceResult<Caller> {
    match (identity, session_id, granted) {
        (Identity::User(user), Some(grant_id), Some(granted)) => {
            let who = Who::Client { user_id: user.id, grant_id };
            // The role may have been reduced since.
            Ok(Caller { tenant_id: user.tenant_id, who, scopes: granted.and(user.role.scopes()), plan, origin })
        }
        (Identity::User(user), Some(session_id), None) => {
            let who = Who::User { id: user.id, session_id, role: user.role };
            Ok(Caller { tenant_id: user.tenant_id, who, scopes: user.role.scopes(), plan, origin })
        }
        (Identity::Key(key), ..) => {
            let who = Who::Key { id: key.id, created_by: key.created_by };
            Ok(Caller { tenant_id: key.tenant_id, who, scopes: key.scopes, plan, origin })
        }
        (Identity::User(_), None, _) => Err(ServiceError::Unauthenticated),
    }
}

impl Dependencies {
    /// Invalidates what is cached of a user.
    pub(super) fn invalidate_user(&self, tenant_id: TenantId, id: UserId) {
        self.principal_cache.send_control(Principal::User(tenant_id, id), UserMessage::Invalidate);
    }

    /// Records an event in the audit log. A failure is logged; it does not undo what was done.
    pub(super) async fn audit(self: &Arc<Self>, event: AuditEvent) {
        let action = event.action;
        if let Err(error) = self.store.record(event).await {
            tracing::error!(%error, action, "an audit event could not be recorded");
        }
    }
}

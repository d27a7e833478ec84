//! Who is asking, and whether they may.

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
use crate::store::{AuditActor, AuditEvent};

/// A principal cache answers at once, or has to read a few rows.
const GATE_PATIENCE: Duration = Duration::from_secs(5);

/// Whoever comes with tokens of long ago again and again does not make us ask more often.
const TIME_TOLD_EVERY: Duration = Duration::from_secs(5);

/// `at_` and 256 bits in base64: what is no key wakes nobody.
const API_KEY_BYTES: usize = 46;

/// From where a request comes.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address of the client.
    pub address: IpAddr,
    /// The client's program, in its own words.
    pub agent: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person.
    User {
        /// Who.
        id: UserId,
        /// In which sign-in.
        session_id: SessionId,
        /// As what.
        role: Role,
    },
    /// A machine.
    Key {
        /// Which key.
        id: ApiKeyId,
        /// Who made it.
        created_by: UserId,
    },
}

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For which tenant they act.
    pub tenant_id: TenantId,
    /// Who.
    pub who: Who,
    /// What they may do.
    pub scopes: Scopes,
    /// What their tenant may have.
    pub plan: Plan,
    /// From where.
    pub origin: Origin,
}

impl Caller {
    /// The person who asks, with their sign-in; machines have neither.
    pub fn user(&self) -> ServiceResult<(UserId, SessionId)> {
        match self.who {
            Who::User { id, session_id, .. } => Ok((id, session_id)),
            Who::Key { .. } => Err(ServiceError::Forbidden("a key is no person: sign in for this".to_owned())),
        }
    }

    /// Refuses whoever lacks a scope.
    pub fn require(&self, scope: Scope) -> ServiceResult<()> {
        let missing = || ServiceError::Forbidden(format!("this needs the scope {scope}"));
        self.scopes.contains(scope).then_some(()).ok_or_else(missing)
    }

    /// Refuses whoever may not all that a role may: nobody gives what they do not have.
    pub(super) fn require_all_of(&self, role: Role) -> ServiceResult<()> {
        let more = || ServiceError::Forbidden(format!("the role {role} may do more than you"));
        role.scopes().are_within(self.scopes).then_some(()).ok_or_else(more)
    }

    /// Refuses everybody but who runs the installation.
    pub fn require_superadmin(&self) -> ServiceResult<()> {
        match self.who {
            Who::User { role: Role::Superadmin, .. } => Ok(()),
            _ => Err(ServiceError::Forbidden("this needs the role superadmin".to_owned())),
        }
    }

    /// How the audit log calls them.
    pub(super) fn actor(&self) -> AuditActor {
        match self.who {
            Who::User { id, .. } => AuditActor::User(id),
            Who::Key { id, .. } => AuditActor::Key(id),
        }
    }

    /// An act of theirs for the audit log.
    pub(super) fn audit_event(&self, action: &'static str, resource: Option<String>) -> AuditEvent {
        self.origin.audit_event(self.tenant_id, self.actor(), action, resource)
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
    /// Lets in whoever a credential belongs to, and takes the cost from what they may ask.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`], [`ServiceError::RateLimited`], [`ServiceError::Forbidden`] for a key from a foreign network.
    pub async fn authenticate(
        &self,
        credential: &str,
        origin: Origin,
        cost: u32,
    ) -> ServiceResult<(Caller, RateLimitStatus)> {
        let (principal, session_id) = self.principal_of(credential).await?;
        let request = AuthRequest { session_id, address: origin.address, cost };
        let asked = self
            .deps
            .principal_cache
            .ask(principal, Instant::now() + GATE_PATIENCE, |reply| UserMessage::Authenticate(request, reply));
        match asked.await.map_err(|_| ServiceError::Unavailable)? {
            AuthDecision::Allowed(identity, plan, rate_limit) => {
                let caller = caller_of(&identity, session_id, plan, origin)?;
                if self.deps.invalidation.is_deleted(caller.tenant_id) {
                    return Err(ServiceError::Unauthenticated);
                }
                Ok((caller, rate_limit))
            }
            AuthDecision::Limited(rate_limit) => Err(ServiceError::RateLimited(rate_limit)),
            AuthDecision::Refused => Err(ServiceError::Unauthenticated),
            AuthDecision::WrongNetwork => {
                Err(ServiceError::Forbidden("this key may not be used from this address".to_owned()))
            }
            AuthDecision::Unavailable => Err(ServiceError::Unavailable),
        }
    }

    /// Whether somebody who was let in would still be. A database that is away throws nobody out.
    pub async fn is_still_authorized(&self, credential: &str, origin: Origin) -> bool {
        let admitted = self.authenticate(credential, origin, 0).await;
        !matches!(admitted, Err(ServiceError::Unauthenticated | ServiceError::Forbidden(_)))
    }

    /// One attempt at a door that needs no credential.
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

    async fn principal_of(&self, credential: &str) -> ServiceResult<(Principal, Option<SessionId>)> {
        if credential.starts_with(TokenKind::ApiKey.prefix()) {
            if credential.len() != API_KEY_BYTES {
                return Err(ServiceError::Unauthenticated);
            }
            return Ok((Principal::Key(hash_of(credential)), None));
        }
        let claims = self.claims_of(credential).await.map_err(|error| {
            tracing::debug!(%error, "an access token was refused");
            ServiceError::Unauthenticated
        })?;
        Ok((Principal::User(claims.tid, claims.sub), Some(claims.sid)))
    }

    /// A token that is out of time may be so by the wrong clock: then the database's, which is everybody's, is asked for the
    /// time, once in a while.
    async fn claims_of(&self, credential: &str) -> Result<Claims, TokenError> {
        let keyring = &self.deps.keyring;
        let verified = keyring.verify(credential);
        let is_doubtful = matches!(verified, Err(TokenError::OutOfTime))
            && keyring.time_told_since().is_none_or(|since| since > TIME_TOLD_EVERY);
        if !is_doubtful {
            return verified;
        }
        let told = self.run(async |deps: Arc<Dependencies>| deps.tell_time().await).await;
        if told.is_ok() { keyring.verify(credential) } else { verified }
    }
}

impl Dependencies {
    /// Tells the keyring the database's time, and returns it.
    pub(super) async fn tell_time(&self) -> ServiceResult<Timestamp> {
        let now = self.store.now().await?;
        self.keyring.set_time(now);
        Ok(now)
    }
}

fn caller_of(identity: &Identity, session_id: Option<SessionId>, plan: Plan, origin: Origin) -> ServiceResult<Caller> {
    match (identity, session_id) {
        (Identity::User(user), Some(session_id)) => {
            let who = Who::User { id: user.id, session_id, role: user.role };
            Ok(Caller { tenant_id: user.tenant_id, who, scopes: user.role.scopes(), plan, origin })
        }
        (Identity::Key(key), _) => {
            let who = Who::Key { id: key.id, created_by: key.created_by };
            Ok(Caller { tenant_id: key.tenant_id, who, scopes: key.scopes, plan, origin })
        }
        (Identity::User(_), None) => Err(ServiceError::Unauthenticated),
    }
}

impl Dependencies {
    /// What is remembered of a person is void.
    pub(super) fn forget_user(&self, tenant_id: TenantId, id: UserId) {
        // A shard whose inbox is full forgets when the memory is old: within two seconds.
        self.principal_cache.send_control(Principal::User(tenant_id, id), UserMessage::Invalidate);
    }

    /// Notes an act that has been done. That it cannot be noted does not undo it.
    pub(super) async fn audit(self: &Arc<Self>, act: AuditEvent) {
        let action = act.action;
        if let Err(error) = self.store.record(act).await {
            tracing::error!(%error, action, "an act could not be noted in the audit log");
        }
    }
}

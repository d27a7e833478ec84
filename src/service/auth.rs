//! Registration, sessions and e-mail verification.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::access::{Caller, Origin};
use super::links::Written;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::auth::{Grant, OpaqueToken, TokenKind, hash_of};
use crate::config::Plans;
use crate::domain::{Backoff, EmailAddress, LinkPurpose, Role, Session, SessionId, User, UserId, UserStatus};
use crate::store::{AuditActor, Credentials, FirstLink, LinkUse, NewSession, NewUser, Rotation, StoreError};

const MAX_NAME_CHARS: usize = 200;
pub(super) const MAX_AGENT_CHARS: usize = 300;
/// Failures in a row without a lock. Each further one doubles the lock, up to the maximum.
const FREE_FAILURES: u32 = 5;
const LOCK: Backoff = Backoff::doubling(Duration::from_secs(30), Duration::from_secs(15 * 60));
/// Longer than responses differ in work.
const BEAT: Duration = Duration::from_millis(250);
pub(super) const LOGIN_FAILED: &str = "auth.login_failed";
/// A lock does not apply to an address that signed in within this time: failures of others cannot lock out a user.
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// A new tenant and its first admin.
pub struct Registration {
    /// The e-mail address.
    pub email: EmailAddress,
    /// The password.
    pub password: String,
    /// The user's name.
    pub name: String,
    /// The tenant's name.
    pub tenant_name: String,
}

/// A new session.
pub struct SignedIn {
    /// The access token.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in_secs: u64,
    /// The refresh token.
    pub refresh_token: String,
    /// The user.
    pub user: User,
    /// The session.
    pub session_id: SessionId,
}

/// What is offered to someone who has not signed in.
pub struct SignInOptions {
    /// Everybody may register a tenant.
    pub can_register: bool,
    /// The first user exists.
    pub is_set_up: bool,
    /// Links are sent by e-mail; otherwise they are in the log.
    pub sends_mail: bool,
}

impl Service {
    /// What is offered to someone who has not signed in.
    pub async fn sign_in_options(&self) -> ServiceResult<SignInOptions> {
        self.run(async move |deps: Arc<Dependencies>| {
            let is_set_up = deps.is_set_up().await?;
            Ok(SignInOptions { can_register: deps.can_register(is_set_up), is_set_up, sends_mail: deps.sends_mail })
        })
        .await
    }

    /// Registers a tenant with its first admin. Does not disclose whether the address already has an account.
    pub async fn register(&self, registration: Registration, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let began_at = Instant::now();
            let registered = deps.register(registration, origin).await;
            pad_response_time(began_at).await;
            registered
        })
        .await
    }

    /// Signs in.
    pub async fn login(&self, email: EmailAddress, password: String, origin: Origin) -> ServiceResult<SignedIn> {
        self.run(async move |deps: Arc<Dependencies>| {
            let began_at = Instant::now();
            let signed_in = deps.login(email, password, origin).await;
            if signed_in.is_err() {
                pad_response_time(began_at).await;
            }
            signed_in
        })
        .await
    }

    /// Exchanges a refresh token for a new pair of tokens.
    pub async fn refresh(&self, token: String, origin: Origin) -> ServiceResult<SignedIn> {
        self.run(async move |deps: Arc<Dependencies>| {
            let next = OpaqueToken::new(TokenKind::Refresh);
            let grace = Duration::from_secs(deps.auth.token.refresh_grace_secs);
            let rotated = deps.store.rotate(hash_of(&token), next.hash(), deps.refresh_lasts(), grace).await;
            match rotated? {
                Rotation::Rotated(user, session_id, at) => deps.tokens(*user, session_id, next, at),
                Rotation::RecentlyRotated => Err(ServiceError::RecentlyRotated),
                Rotation::Unknown => Err(ServiceError::WrongCredentials),
                Rotation::Reused(user_id, session_id) => {
                    deps.record_token_reuse(user_id, session_id, &origin).await;
                    Err(ServiceError::WrongCredentials)
                }
            }
        })
        .await
    }

    /// Ends the caller's session.
    pub async fn logout(&self, caller: Caller) -> ServiceResult<()> {
        let (_, session_id) = caller.user()?;
        self.end_session(caller, session_id, "auth.logout").await
    }

    /// Ends one of the caller's sessions.
    pub async fn revoke_session(&self, caller: Caller, session_id: SessionId) -> ServiceResult<()> {
        self.end_session(caller, session_id, "auth.session_revoke").await
    }

    async fn end_session(&self, caller: Caller, session_id: SessionId, action: &'static str) -> ServiceResult<()> {
        let (user_id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            let ended = deps.store.end_session(user_id, session_id).await;
            ended?;
            deps.invalidate_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event(action, Some(format!("session:{session_id}")))).await;
            Ok(())
        })
        .await
    }

    /// Ends all of the caller's sessions.
    pub async fn logout_everywhere(&self, caller: Caller) -> ServiceResult<()> {
        let (user_id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.end_sessions(user_id).await?;
            deps.invalidate_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event("auth.logout_everywhere", None)).await;
            Ok(())
        })
        .await
    }

    /// The caller's sessions.
    pub async fn sessions(&self, caller: &Caller) -> ServiceResult<Vec<Session>> {
        let (user_id, _) = caller.user()?;
        self.sessions_of(user_id).await
    }

    /// The sessions of a user.
    pub async fn sessions_of(&self, user_id: UserId) -> ServiceResult<Vec<Session>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.sessions(user_id).await?)).await
    }

    /// Verifies an e-mail address with the link that was sent to it.
    pub async fn verify_email(&self, token: String, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let user = deps.use_link(&token, LinkPurpose::VerifyEmail, LinkUse::VerifyEmail).await?;
            deps.invalidate_user(user.tenant_id, user.id);
            deps.audit(origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.verify_email", None)).await;
            Ok(())
        })
        .await
    }
}

pub(super) fn check_name(field: &str, name: &str, errors: &mut Vec<FieldError>) {
    let chars = name.chars().count();
    if name.trim().is_empty() || chars > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let message = format!("must have 1 to {MAX_NAME_CHARS} characters and no control characters");
        errors.push(FieldError::new(field, message));
    }
}

fn lock_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(further) => LOCK.after(further),
    }
}

impl Dependencies {
    fn can_register(&self, is_set_up: bool) -> bool {
        self.auth.registration && is_set_up
    }

    async fn register(self: &Arc<Self>, registration: Registration, origin: Origin) -> ServiceResult<()> {
        if !self.can_register(self.is_set_up().await?) {
            return Err(ServiceError::Forbidden("registration is closed; ask for an invitation".to_owned()));
        }
        let Registration { email, password, name, tenant_name } = registration;
        let mut errors = Vec::new();
        check_name("name", &name, &mut errors);
        check_name("tenant_name", &tenant_name, &mut errors);
        self.check_password("password", &password, &[email.as_str(), &name, &tenant_name], &mut errors).await?;
        valid(errors)?;
        let password_hash = self.hash(password).await?;
        let role = Role::TenantAdmin;
        let first = NewUser { email: email.clone(), name, role, password_hash, is_verified: false, quota: u32::MAX };
        let Written { hash, lasts, mail, url } = self.write_link(&email, LinkPurpose::VerifyEmail);
        match self.store.add_tenant(&tenant_name, Plans::FIRST, first, Some(FirstLink { hash, lasts, mail })).await {
            Ok(user) => {
                self.tell_link(&email, LinkPurpose::VerifyEmail, &url);
                let event = origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.register", None);
                let deps = Arc::clone(self);
                tokio::spawn(async move { deps.audit(event).await });
                Ok(())
            }
            Err(StoreError::EmailTaken) => {
                tracing::info!("a registration used an address that already has an account");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn login(self: &Arc<Self>, email: EmailAddress, password: String, origin: Origin) -> ServiceResult<SignedIn> {
        let user = self.user_with_password(email, password, &origin).await?;
        let signed_in = self.sign_in(user, &origin).await?;
        self.record_login(&signed_in.user, "auth.login", &origin).await;
        Ok(signed_in)
    }

    /// The user with this address and password, if the account is not locked, disabled or unverified.
    pub(super) async fn user_with_password(
        self: &Arc<Self>,
        email: EmailAddress,
        password: String,
        origin: &Origin,
    ) -> ServiceResult<User> {
        let credentials = match self.store.credentials(&email).await {
            Ok(credentials) => Some(credentials),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let stored_hash = credentials.and_then(|credentials| credentials.password_hash);
        // Before any other check, so that response times disclose nothing.
        let is_right = self.verify(password, stored_hash.clone()).await?;
        // Hashing may have waited: what counts is the state now.
        let credentials = match self.store.credentials(&email).await {
            Ok(credentials) => credentials,
            Err(StoreError::NotFound(_)) => return Err(ServiceError::WrongCredentials),
            Err(error) => return Err(error.into()),
        };
        let is_right = is_right && credentials.password_hash == stored_hash;
        let user = &credentials.user;
        let refused = if self.is_locked(&credentials, origin).await? {
            Some("auth.login_locked")
        } else if is_right && user.verified_at.is_none() {
            // Registering another person's address gains and discloses nothing.
            Some("auth.login_unverified")
        } else {
            (!is_right || user.status == UserStatus::Disabled).then_some(LOGIN_FAILED)
        };
        if let Some(action) = refused {
            // In the background: without an account there is nothing to write, and times would differ.
            let (deps, origin) = (Arc::clone(self), origin.clone());
            tokio::spawn(async move { deps.refused(&credentials, action, &origin).await });
            return Err(ServiceError::WrongCredentials);
        }
        Ok(credentials.user)
    }

    async fn is_locked(&self, credentials: &Credentials, origin: &Origin) -> ServiceResult<bool> {
        if !credentials.is_locked {
            return Ok(false);
        }
        let known = self.store.knows_address(credentials.user.id, origin.address, KNOWN_FOR).await;
        Ok(!known?)
    }

    /// Records a refused sign-in, and counts it.
    async fn refused(self: &Arc<Self>, credentials: &Credentials, action: &'static str, origin: &Origin) {
        if action == LOGIN_FAILED
            && let Err(error) = self.failed(credentials).await
        {
            tracing::warn!(%error, "a failed sign-in could not be counted");
        }
        self.record_login(&credentials.user, action, origin).await;
    }

    /// Counts a failed sign-in.
    pub(super) async fn failed(&self, credentials: &Credentials) -> ServiceResult<()> {
        let lock = lock_after(credentials.failed_logins.saturating_add(1));
        let noted = self.store.record_failed_login(credentials.user.id, lock).await;
        Ok(noted?)
    }

    pub(super) async fn record_login(self: &Arc<Self>, user: &User, action: &'static str, origin: &Origin) {
        let resource = Some(format!("user:{}", user.id));
        let actor = if action == "auth.login" { AuditActor::User(user.id) } else { AuditActor::Anonymous };
        self.audit(origin.audit_event(user.tenant_id, actor, action, resource)).await;
    }

    async fn record_token_reuse(self: &Arc<Self>, user_id: UserId, session_id: SessionId, origin: &Origin) {
        tracing::warn!(%user_id, %session_id, "a refresh token was reused; the session was ended");
        let Ok(tenant_id) = self.store.tenant_of_user(user_id).await else { return };
        self.invalidate_user(tenant_id, user_id);
        let resource = Some(format!("session:{session_id}"));
        self.audit(origin.audit_event(tenant_id, AuditActor::Anonymous, "auth.refresh_reused", resource)).await;
    }

    pub(super) fn refresh_lasts(&self) -> Duration {
        Duration::from_secs(u64::from(self.auth.token.refresh_days) * 24 * 3600)
    }

    pub(super) async fn sign_in(&self, user: User, origin: &Origin) -> ServiceResult<SignedIn> {
        let token = OpaqueToken::new(TokenKind::Refresh);
        let agent = origin.agent.as_ref().map(|agent| agent.chars().take(MAX_AGENT_CHARS).collect());
        let (address, lasts) = (Some(origin.address), self.refresh_lasts());
        let session = NewSession { user_id: user.id, address, agent, token: token.hash(), is_browser: false, lasts };
        let session = self.store.open_session(session).await?;
        self.invalidate_user(user.tenant_id, user.id);
        // Signing in cancels a scheduled deletion.
        let user = User { status: UserStatus::Active, deletion_scheduled_at: None, ..user };
        self.tokens(user, session.id, token, session.used_at)
    }

    fn tokens(
        &self,
        user: User,
        session_id: SessionId,
        refresh: OpaqueToken,
        now: Timestamp,
    ) -> ServiceResult<SignedIn> {
        let grant = Grant { user_id: user.id, tenant_id: user.tenant_id, session_id, role: user.role };
        // By the database's clock, which all replicas share.
        self.keyring.set_time(now);
        let access_token = self.keyring.issue(grant, now).map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            ServiceError::Internal
        })?;
        let expires_in_secs = self.auth.token.access_secs;
        Ok(SignedIn { access_token, expires_in_secs, refresh_token: refresh.reveal(), user, session_id })
    }
}

/// Waits for the next multiple of [`BEAT`], so that the response time does not disclose whether an address has an account.
pub(super) async fn pad_response_time(began_at: Instant) {
    let beats = u32::try_from(began_at.elapsed().as_millis() / BEAT.as_millis()).unwrap_or_default() + 1;
    tokio::time::sleep_until((began_at + BEAT * beats).into()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_failures_do_not_lock_and_every_lock_ends() {
        assert_eq!([1, 4, 5, 6, 7, 60].map(|failures| lock_after(failures).as_secs()), [0, 0, 30, 60, 120, 900]);
    }
}

//! Signing up, in and out; links that prove or reset; passwords.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::access::{Caller, Origin};
use super::links::Written;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::auth::{Grant, HashError, OpaqueToken, TokenKind, hash_of};
use crate::config::Plans;
use crate::domain::{EmailAddress, LinkPurpose, Role, Session, SessionId, User, UserId, UserStatus};
use crate::store::{AuditActor, Credentials, FirstLink, LinkUse, NewSession, NewUser, Rotation, StoreError};

const MAX_NAME_CHARS: usize = 200;
const MAX_AGENT_CHARS: usize = 300;
/// So many failures in a row are nobody's business; each further one locks twice as long, up to the longest.
const FREE_FAILURES: u32 = 5;
const FIRST_LOCK: Duration = Duration::from_secs(30);
const MAX_LOCK: Duration = Duration::from_secs(15 * 60);
/// Longer than what an answer's work differs by.
const BEAT: Duration = Duration::from_millis(250);
const LOGIN_FAILED: &str = "auth.login_failed";
/// From an address that signed in within this time a lock does not hold: a stranger's failures shut nobody out.
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// Somebody who wants a tenant of their own.
pub struct Registration {
    /// The address that will sign in.
    pub email: EmailAddress,
    /// The password.
    pub password: String,
    /// How to call them.
    pub name: String,
    /// How to call their tenant.
    pub tenant_name: String,
}

/// What signing in gives.
pub struct SignedIn {
    /// For the header `Authorization`.
    pub access_token: String,
    /// Seconds until it expires.
    pub expires_in_secs: u64,
    /// For the next one.
    pub refresh_token: String,
    /// Who.
    pub user: User,
    /// The sign-in.
    pub session_id: SessionId,
}

impl Service {
    /// Makes a tenant and its first admin. Whether the address has an account already is not told.
    pub async fn register(&self, registration: Registration, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let began_at = Instant::now();
            let registered = deps.register(registration, origin).await;
            next_beat(began_at).await;
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
                next_beat(began_at).await;
            }
            signed_in
        })
        .await
    }

    /// Spends a refresh token for a new pair.
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

    /// Ends the sign-in that asks.
    pub async fn logout(&self, caller: Caller) -> ServiceResult<()> {
        let (_, session_id) = caller.user()?;
        self.end_session(caller, session_id, "auth.logout").await
    }

    /// Ends one of the caller's own sign-ins.
    pub async fn revoke_session(&self, caller: Caller, session_id: SessionId) -> ServiceResult<()> {
        self.end_session(caller, session_id, "auth.session_revoke").await
    }

    async fn end_session(&self, caller: Caller, session_id: SessionId, action: &'static str) -> ServiceResult<()> {
        let (user_id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.end_session(user_id, session_id).await?;
            deps.forget_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event(action, Some(format!("session:{session_id}")))).await;
            Ok(())
        })
        .await
    }

    /// Ends all of the caller's sign-ins.
    pub async fn logout_everywhere(&self, caller: Caller) -> ServiceResult<()> {
        let (user_id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            deps.store.end_sessions(user_id).await?;
            deps.forget_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event("auth.logout_everywhere", None)).await;
            Ok(())
        })
        .await
    }

    /// The caller's sign-ins.
    pub async fn sessions(&self, caller: &Caller) -> ServiceResult<Vec<Session>> {
        let (user_id, _) = caller.user()?;
        self.sessions_of(user_id).await
    }

    /// The sign-ins of somebody.
    pub async fn sessions_of(&self, user_id: UserId) -> ServiceResult<Vec<Session>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.sessions(user_id).await?)).await
    }

    /// Proves an address by the link that was sent there.
    pub async fn verify_email(&self, token: String, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let user = deps.use_link(&token, LinkPurpose::VerifyEmail, LinkUse::VerifyEmail).await?;
            deps.forget_user(user.tenant_id, user.id);
            deps.audit(origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.verify_email", None)).await;
            Ok(())
        })
        .await
    }

    /// Sends a link that sets a new password, if the address has an account; whether it has is not told.
    pub async fn forgot_password(&self, email: EmailAddress, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let began_at = Instant::now();
            let sent = deps.forgot_password(email, origin).await;
            next_beat(began_at).await;
            sent
        })
        .await
    }

    /// Sets a new password by a link. Every sign-in ends.
    pub async fn reset_password(&self, token: String, password: String, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let mut errors = Vec::new();
            deps.check_password("password", &password, &[], &mut errors);
            if !errors.is_empty() {
                return Err(ServiceError::Invalid(errors));
            }
            let hash = deps.hash(password).await?;
            let user = deps.use_link(&token, LinkPurpose::ResetPassword, LinkUse::SetPassword(hash)).await?;
            deps.forget_user(user.tenant_id, user.id);
            deps.audit(origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.reset_password", None))
                .await;
            Ok(())
        })
        .await
    }

    /// Sets a new password by the old one. Every other sign-in ends.
    pub async fn change_password(&self, caller: Caller, old: String, new: String) -> ServiceResult<()> {
        let (user_id, session_id) = caller.user()?;
        // Who has a token for a while is not to find out the password by it.
        self.attempt(caller.origin.address).await?;
        self.run(async move |deps: Arc<Dependencies>| {
            let user = deps.store.user(caller.tenant_id, user_id).await?;
            let credentials = deps.store.credentials(&user.email).await?;
            if !deps.verify(old, credentials.password_hash.clone()).await? {
                deps.failed(&credentials).await?;
                deps.record_login(&credentials.user, LOGIN_FAILED, &caller.origin).await;
                return Err(ServiceError::invalid("old_password", "is not the password in force"));
            }
            let mut errors = Vec::new();
            deps.check_password("new_password", &new, &[user.email.as_str(), &user.name], &mut errors);
            if !errors.is_empty() {
                return Err(ServiceError::Invalid(errors));
            }
            let hash = deps.hash(new).await?;
            deps.store.set_password(user_id, &hash, Some(session_id)).await?;
            deps.forget_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event("auth.change_password", None)).await;
            Ok(())
        })
        .await
    }
}

pub(super) fn check_name(field: &str, name: &str, errors: &mut Vec<FieldError>) {
    let chars = name.chars().count();
    if name.trim().is_empty() || chars > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let message = format!("has 1 to {MAX_NAME_CHARS} characters and no control characters");
        errors.push(FieldError::new(field, message));
    }
}

fn lock_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(further) => FIRST_LOCK.saturating_mul(2u32.saturating_pow(further)).min(MAX_LOCK),
    }
}

impl Dependencies {
    async fn register(self: &Arc<Self>, registration: Registration, origin: Origin) -> ServiceResult<()> {
        let is_set_up = self.store.has_superadmin().await?;
        if !self.auth.registration || !is_set_up {
            return Err(ServiceError::Forbidden("registration is closed: ask for an invitation".to_owned()));
        }
        let Registration { email, password, name, tenant_name } = registration;
        let mut errors = Vec::new();
        check_name("name", &name, &mut errors);
        check_name("tenant_name", &tenant_name, &mut errors);
        self.check_password("password", &password, &[email.as_str(), &name, &tenant_name], &mut errors);
        if !errors.is_empty() {
            return Err(ServiceError::Invalid(errors));
        }
        let password_hash = self.hash(password).await?;
        let role = Role::TenantAdmin;
        let first = NewUser { email: email.clone(), name, role, password_hash, is_verified: false, quota: u32::MAX };
        let Written { hash, lasts, mail, url } = self.write_link(&email, LinkPurpose::VerifyEmail);
        match self.store.add_tenant(&tenant_name, Plans::FIRST, first, Some(FirstLink { hash, lasts, mail })).await {
            Ok(user) => {
                self.tell_link(&email, LinkPurpose::VerifyEmail, &url);
                let act = origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.register", None);
                let deps = Arc::clone(self);
                tokio::spawn(async move { deps.audit(act).await });
                Ok(())
            }
            Err(StoreError::EmailTaken) => {
                tracing::info!("somebody registered with an address that has an account");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn login(self: &Arc<Self>, email: EmailAddress, password: String, origin: Origin) -> ServiceResult<SignedIn> {
        let credentials = match self.store.credentials(&email).await {
            Ok(credentials) => Some(credentials),
            Err(StoreError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let kept = credentials.and_then(|credentials| credentials.password_hash);
        // Before anything else is looked at, so that the time of an answer tells nothing.
        let is_right = self.verify(password, kept.clone()).await?;
        // The line before the hashing may have been long: how things stand now counts.
        let credentials = match self.store.credentials(&email).await {
            Ok(credentials) => credentials,
            Err(StoreError::NotFound(_)) => return Err(ServiceError::WrongCredentials),
            Err(error) => return Err(error.into()),
        };
        let is_right = is_right && credentials.password_hash == kept;
        let user = &credentials.user;
        let refused = if self.is_locked(&credentials, &origin).await? {
            Some("auth.login_locked")
        } else if is_right && user.verified_at.is_none() {
            // Whoever registers an address that is not theirs gets nothing by it, and learns nothing.
            Some("auth.login_unverified")
        } else {
            (!is_right || user.status == UserStatus::Disabled).then_some(LOGIN_FAILED)
        };
        if let Some(action) = refused {
            // Not waited for: there is nothing to write for an address without an account.
            let deps = Arc::clone(self);
            tokio::spawn(async move { deps.refused(&credentials, action, &origin).await });
            return Err(ServiceError::WrongCredentials);
        }
        let signed_in = self.sign_in(credentials.user, &origin).await?;
        self.record_login(&signed_in.user, "auth.login", &origin).await;
        Ok(signed_in)
    }

    async fn forgot_password(self: &Arc<Self>, email: EmailAddress, origin: Origin) -> ServiceResult<()> {
        match self.store.credentials(&email).await {
            Ok(Credentials { user, .. }) if user.status != UserStatus::Disabled => {
                // Not waited for: there is nothing to do for an address without an account.
                let deps = Arc::clone(self);
                tokio::spawn(async move {
                    if let Err(error) = deps.send_link(&user, LinkPurpose::ResetPassword).await {
                        tracing::warn!(user_id = %user.id, %error, "a link could not be sent");
                    }
                    deps.record_login(&user, "auth.forgot_password", &origin).await;
                });
                Ok(())
            }
            Ok(_) | Err(StoreError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn check_password(&self, field: &str, password: &str, about: &[&str], errors: &mut Vec<FieldError>) {
        if let Err(refused) = self.passwords.judge(password, about) {
            errors.push(FieldError::new(field, refused));
        }
    }

    pub(super) async fn hash(&self, password: String) -> ServiceResult<String> {
        self.passwords.hash(password).await.map_err(hash_failed)
    }

    async fn verify(&self, password: String, kept: Option<String>) -> ServiceResult<bool> {
        self.passwords.verify(password, kept).await.map_err(hash_failed)
    }

    async fn is_locked(&self, credentials: &Credentials, origin: &Origin) -> ServiceResult<bool> {
        if !credentials.is_locked {
            return Ok(false);
        }
        let known = self.store.knows_address(credentials.user.id, origin.address, KNOWN_FOR).await;
        Ok(!known?)
    }

    /// Notes a sign-in that was refused. What failed counts.
    async fn refused(self: &Arc<Self>, credentials: &Credentials, action: &'static str, origin: &Origin) {
        if action == LOGIN_FAILED
            && let Err(error) = self.failed(credentials).await
        {
            tracing::warn!(%error, "a failed sign-in could not be counted");
        }
        self.record_login(&credentials.user, action, origin).await;
    }

    async fn failed(&self, credentials: &Credentials) -> ServiceResult<()> {
        let lock = lock_after(credentials.failed_logins.saturating_add(1));
        let noted = self.store.record_failed_login(credentials.user.id, lock).await;
        Ok(noted?)
    }

    async fn record_login(self: &Arc<Self>, user: &User, action: &'static str, origin: &Origin) {
        let resource = Some(format!("user:{}", user.id));
        let actor = if action == "auth.login" { AuditActor::User(user.id) } else { AuditActor::Nobody };
        self.audit(origin.audit_event(user.tenant_id, actor, action, resource)).await;
    }

    async fn record_token_reuse(self: &Arc<Self>, user_id: UserId, session_id: SessionId, origin: &Origin) {
        tracing::warn!(%user_id, %session_id, "a spent refresh token came again: the sign-in is over");
        let Ok(tenant_id) = self.store.tenant_of_user(user_id).await else { return };
        self.forget_user(tenant_id, user_id);
        let resource = Some(format!("session:{session_id}"));
        self.audit(origin.audit_event(tenant_id, AuditActor::Nobody, "auth.refresh_reused", resource)).await;
    }

    fn refresh_lasts(&self) -> Duration {
        Duration::from_secs(u64::from(self.auth.token.refresh_days) * 24 * 3600)
    }

    pub(super) async fn sign_in(&self, user: User, origin: &Origin) -> ServiceResult<SignedIn> {
        let token = OpaqueToken::new(TokenKind::Refresh);
        let agent = origin.agent.as_ref().map(|agent| agent.chars().take(MAX_AGENT_CHARS).collect());
        let (address, lasts) = (Some(origin.address), self.refresh_lasts());
        let session = NewSession { user_id: user.id, address, agent, token: token.hash(), lasts };
        let session = self.store.open_session(session).await?;
        self.forget_user(user.tenant_id, user.id);
        // Who was leaving stays.
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
        // Other replicas and the gateway have clocks of their own: the clock that they share is the database's.
        self.keyring.set_time(now);
        let access_token = self.keyring.issue(grant, now).map_err(|error| {
            tracing::error!(%error, "an access token could not be signed");
            ServiceError::Internal
        })?;
        let expires_in_secs = self.auth.token.access_secs;
        Ok(SignedIn { access_token, expires_in_secs, refresh_token: refresh.reveal(), user, session_id })
    }
}

/// What depends on whether an address has an account is answered on the next beat after its work, so that the time it took
/// tells nothing.
async fn next_beat(began_at: Instant) {
    let beats = u32::try_from(began_at.elapsed().as_millis() / BEAT.as_millis()).unwrap_or_default() + 1;
    tokio::time::sleep_until((began_at + BEAT * beats).into()).await;
}

fn hash_failed(error: HashError) -> ServiceError {
    if matches!(error, HashError::Busy) {
        return ServiceError::Unavailable;
    }
    tracing::error!(%error, "a password could not be hashed");
    ServiceError::Internal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_failures_are_free_and_no_lock_lasts_for_good() {
        assert_eq!([1, 4, 5, 6, 7, 60].map(|failures| lock_after(failures).as_secs()), [0, 0, 30, 60, 120, 900]);
    }
}

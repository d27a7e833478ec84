//! Passwords: forgotten, set by a link, changed, judged and verified.

use std::sync::Arc;
use std::time::Instant;

use super::access::{Caller, Origin};
use super::auth::{LOGIN_FAILED, pad_response_time};
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::auth::HashError;
use crate::domain::{EmailAddress, LinkPurpose, User, UserStatus};
use crate::store::{AuditActor, Credentials, LinkUse, StoreError};

impl Service {
    /// Sends a link that sets a new password, if the address has an account. Does not disclose whether it has.
    pub async fn forgot_password(&self, email: EmailAddress, origin: Origin) -> ServiceResult<()> {
        self.run(async move |deps: Arc<Dependencies>| {
            let began_at = Instant::now();
            let sent = deps.forgot_password(email, origin).await;
            pad_response_time(began_at).await;
            sent
        })
        .await
    }

    /// Sets a new password with a link. All sessions end.
    pub async fn reset_password(&self, token: String, password: String, origin: Origin) -> ServiceResult<User> {
        self.run(async move |deps: Arc<Dependencies>| {
            // First, so that only the owner of a link makes work.
            deps.link(&token, LinkPurpose::ResetPassword).await?;
            let mut errors = Vec::new();
            deps.check_password("password", &password, &[], &mut errors).await?;
            valid(errors)?;
            let hash = deps.hash(password).await?;
            let user = deps.use_link(&token, LinkPurpose::ResetPassword, LinkUse::SetPassword(hash)).await?;
            deps.invalidate_user(user.tenant_id, user.id);
            deps.audit(origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.reset_password", None))
                .await;
            Ok(user)
        })
        .await
    }

    /// Changes the caller's password. All other sessions end.
    pub async fn change_password(&self, caller: Caller, old: String, new: String) -> ServiceResult<()> {
        let (user_id, session_id) = caller.user()?;
        // A stolen token must not serve to guess the password.
        self.attempt(caller.origin.address).await?;
        self.run(async move |deps: Arc<Dependencies>| {
            let user = deps.store.user(caller.tenant_id, user_id).await?;
            let credentials = deps.store.credentials(&user.email).await?;
            if !deps.verify(old, credentials.password_hash.clone()).await? {
                deps.failed(&credentials).await?;
                deps.record_login(&credentials.user, LOGIN_FAILED, &caller.origin).await;
                return Err(ServiceError::invalid("old_password", "is not the current password"));
            }
            let mut errors = Vec::new();
            deps.check_password("new_password", &new, &[user.email.as_str(), &user.name], &mut errors).await?;
            valid(errors)?;
            let hash = deps.hash(new).await?;
            let set = deps.store.set_password(user_id, &hash, Some(session_id)).await;
            set?;
            deps.invalidate_user(caller.tenant_id, user_id);
            deps.audit(caller.audit_event("auth.change_password", None)).await;
            Ok(())
        })
        .await
    }
}

impl Dependencies {
    async fn forgot_password(self: &Arc<Self>, email: EmailAddress, origin: Origin) -> ServiceResult<()> {
        match self.store.credentials(&email).await {
            Ok(Credentials { user, .. }) if user.status != UserStatus::Disabled => {
                // In the background: without an account there is nothing to do, and times would differ.
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

    pub(super) async fn check_password(
        &self,
        field: &str,
        password: &str,
        about: &[&str],
        errors: &mut Vec<FieldError>,
    ) -> ServiceResult<()> {
        if let Err(refused) = self.passwords.judge_on_hashing_thread(password, about).await.map_err(hash_failed)? {
            errors.push(FieldError::new(field, refused));
        }
        Ok(())
    }

    pub(super) async fn hash(&self, password: String) -> ServiceResult<String> {
        self.passwords.hash(password).await.map_err(hash_failed)
    }

    pub(super) async fn verify(&self, password: String, stored_hash: Option<String>) -> ServiceResult<bool> {
        self.passwords.verify(password, stored_hash).await.map_err(hash_failed)
    }
}

fn hash_failed(error: HashError) -> ServiceError {
    if matches!(error, HashError::Busy) {
        return ServiceError::Unavailable;
    }
    tracing::error!(%error, "a password could not be hashed");
    ServiceError::Internal
}

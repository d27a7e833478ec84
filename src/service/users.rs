//! Users.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::access::{Caller, Origin};
use super::auth::check_name;
use super::links::useless_link;
use super::products::valid;
use super::{Dependencies, FieldError, Service, ServiceError, ServiceResult};
use crate::auth::hash_of;
use crate::config::AuthSettings;
use crate::domain::{EmailAddress, LinkPurpose, Role, TenantId, User, UserId, UserStatus};
use crate::store::{AuditActor, AuditEvent, LinkFacts, LinkUse, NewUser, Page, StoreError, UserPatch};

/// Between the request for a deletion and the deletion.
pub(super) const GRACE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The first user of an installation.
pub struct FirstUser {
    /// The e-mail address.
    pub email: EmailAddress,
    /// The password.
    pub password: String,
    /// The name.
    pub name: String,
}

impl Service {
    /// One user of the caller's tenant.
    pub async fn user(&self, tenant_id: TenantId, id: UserId) -> ServiceResult<User> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.user(tenant_id, id).await?)).await
    }

    /// A page of a tenant's users, newest first.
    pub async fn users(&self, tenant_id: TenantId, cursor: Option<String>, limit: u32) -> ServiceResult<Page<User>> {
        self.run(async move |deps: Arc<Dependencies>| Ok(deps.store.users(tenant_id, cursor.as_deref(), limit).await?))
            .await
    }

    /// Changes a user: users change their own name, admins everything.
    pub async fn update_user(&self, caller: Caller, id: UserId, mut patch: UserPatch) -> ServiceResult<User> {
        self.run(async move |deps: Arc<Dependencies>| {
            check_patch(&patch)?;
            let before = deps.store.user(caller.tenant_id, id).await?;
            if patch.role.is_some() || patch.status.is_some() {
                // Only a superadmin may change a superadmin.
                if before.role == Role::Superadmin {
                    caller.require_superadmin()?;
                }
                caller.require_all_of(before.role)?;
                patch.role.map_or(Ok(()), |role| caller.require_all_of(role))?;
                // The user must not change between this check and the update.
                patch.expected_version.get_or_insert(before.version);
            }
            let updated = deps.store.update_user(caller.tenant_id, id, &patch).await;
            let user = updated?;
            deps.invalidate_user(caller.tenant_id, id);
            let facts = json!({ "role": patch.role, "status": patch.status, "role_before": before.role });
            deps.audit(AuditEvent { facts, ..caller.audit_event("user.update", Some(format!("user:{id}"))) }).await;
            Ok(user)
        })
        .await
    }

    /// Schedules the deletion of the caller after the grace period, and signs the caller out. Signing in cancels it.
    pub async fn leave(&self, caller: Caller, expected_version: Option<i64>) -> ServiceResult<User> {
        let (id, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            let now = deps.store.now().await?;
            let deletion_scheduled_at = Some(now.saturating_add(GRACE).unwrap_or(Timestamp::MAX));
            let status = Some(UserStatus::PendingDeletion);
            let patch = UserPatch { status, deletion_scheduled_at, expected_version, ..UserPatch::default() };
            let user = deps.store.update_user(caller.tenant_id, id, &patch).await?;
            deps.invalidate_user(caller.tenant_id, id);
            deps.audit(caller.audit_event("user.leave", Some(format!("user:{id}")))).await;
            Ok(user)
        })
        .await
    }

    /// Sends an invitation to the caller's tenant. Does not disclose whether the address already has an account.
    pub async fn invite(&self, caller: Caller, email: EmailAddress, role: Role) -> ServiceResult<()> {
        let (inviter, _) = caller.user()?;
        self.run(async move |deps: Arc<Dependencies>| {
            if role == Role::Superadmin {
                return Err(ServiceError::invalid("role", "must be tenant_admin, user or viewer"));
            }
            caller.require_all_of(role)?;
            let facts = LinkFacts { email: Some(email.clone()), role: Some(role), inviter: Some(inviter) };
            deps.send_invitation(&email, caller.tenant_id, facts).await?;
            let facts = json!({ "email": email, "role": role });
            deps.audit(AuditEvent { facts, ..caller.audit_event("user.invite", None) }).await;
            Ok(())
        })
        .await
    }

    /// Accepts an invitation.
    pub async fn accept_invitation(
        &self,
        token: String,
        name: String,
        password: String,
        origin: Origin,
    ) -> ServiceResult<User> {
        self.run(async move |deps: Arc<Dependencies>| {
            // First, so that only the owner of a link makes work.
            let link = deps.link(&token, LinkPurpose::Invite).await?;
            let mut errors = Vec::new();
            check_name("name", &name, &mut errors);
            deps.check_password("password", &password, &[&name], &mut errors).await?;
            valid(errors)?;
            let password_hash = deps.hash(password).await?;
            let LinkFacts { email: Some(email), role: Some(role), inviter: Some(inviter) } = link.facts else {
                return Err(useless_link());
            };
            // The inviting user must still be allowed to grant the role.
            let inviter = deps.store.user(link.tenant_id, inviter).await.map_err(|error| match error {
                StoreError::NotFound(_) => useless_link(),
                other => other.into(),
            })?;
            let may_invite = role.scopes().are_within(inviter.role.scopes());
            if inviter.status != UserStatus::Active || !may_invite {
                return Err(useless_link());
            }
            let tenant = deps.store.tenant(link.tenant_id).await?;
            let quota = deps.plans.of(&tenant.plan).users;
            let user = NewUser { email, name, role, password_hash, is_verified: true, quota };
            let joined = deps.store.use_link(hash_of(&token), LinkPurpose::Invite, LinkUse::Join(user)).await;
            let user = joined.map_err(|error| match error {
                StoreError::NotFound(_) => useless_link(),
                other => other.into(),
            })?;
            let resource = Some(format!("user:{}", user.id));
            deps.audit(origin.audit_event(tenant.id, AuditActor::User(user.id), "user.join", resource)).await;
            Ok(user)
        })
        .await
    }

    /// Creates the first user of an empty installation, with the link that the log shows at the first start.
    pub async fn set_up(&self, token: String, first: FirstUser, origin: Origin) -> ServiceResult<User> {
        self.run(async move |deps: Arc<Dependencies>| {
            if deps.is_set_up().await? {
                let detail = "the installation is already set up; sign in";
                return Err(ServiceError::Conflict("set_up", detail.to_owned()));
            }
            let user = deps.new_superadmin(first).await?;
            let user = deps.use_link(&token, LinkPurpose::SetUp, LinkUse::Join(user)).await?;
            deps.audit(origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.set_up", None)).await;
            Ok(user)
        })
        .await
    }

    /// At the start: creates the admin that the settings name, or logs a link that creates the first user. True if the
    /// installation was empty.
    pub async fn welcome(&self) -> ServiceResult<bool> {
        self.run(async move |deps: Arc<Dependencies>| {
            if deps.is_set_up().await? {
                return Ok(false);
            }
            let AuthSettings { admin_email, admin_password, .. } = &deps.auth;
            if let (Some(email), Some(password)) = (admin_email.clone(), admin_password) {
                let first = FirstUser { name: email.to_string(), email, password: password.reveal().to_owned() };
                let user = deps.new_superadmin(first).await?;
                let origin = Origin { address: IpAddr::V4(Ipv4Addr::LOCALHOST), agent: None, request_id: None };
                match deps.add_superadmin(user, &origin).await {
                    // Another replica created it first.
                    Err(ServiceError::Invalid(_)) => return Ok(false),
                    added => drop(added?),
                }
                tracing::info!("the configured admin can sign in");
            } else {
                deps.tell_set_up_link().await?;
            }
            Ok(true)
        })
        .await
    }
}

impl Dependencies {
    async fn is_set_up(&self) -> ServiceResult<bool> {
        Ok(self.store.has_superadmin().await?)
    }

    async fn new_superadmin(&self, first: FirstUser) -> ServiceResult<NewUser> {
        let FirstUser { email, password, name } = first;
        let mut errors = Vec::new();
        check_name("name", &name, &mut errors);
        self.check_password("password", &password, &[email.as_str(), &name], &mut errors).await?;
        valid(errors)?;
        let password_hash = self.hash(password).await?;
        Ok(NewUser { email, name, role: Role::Superadmin, password_hash, is_verified: true, quota: u32::MAX })
    }

    async fn add_superadmin(self: &Arc<Self>, user: NewUser, origin: &Origin) -> ServiceResult<User> {
        let user = self.store.add_user(TenantId::BUILT_IN, user).await?;
        self.audit(origin.audit_event(user.tenant_id, AuditActor::User(user.id), "auth.set_up", None)).await;
        Ok(user)
    }

    async fn tell_set_up_link(&self) -> ServiceResult<()> {
        let link = self.new_set_up_link().await?;
        tracing::warn!("no users yet; create the first one (link valid for 24 h, once): {link}");
        Ok(())
    }
}

fn check_patch(patch: &UserPatch) -> ServiceResult<()> {
    let mut errors = Vec::new();
    if let Some(name) = &patch.name {
        check_name("name", name, &mut errors);
    }
    if patch.role == Some(Role::Superadmin) {
        errors.push(FieldError::new("role", "must be tenant_admin, user or viewer"));
    }
    if patch.status == Some(UserStatus::PendingDeletion) {
        errors.push(FieldError::new("status", "must be active or disabled"));
    }
    valid(errors)
}

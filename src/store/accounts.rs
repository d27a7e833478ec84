//! Users and the links that are sent to them.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Page, StoreResult};
use crate::domain::{Email, EmailAddress, LinkPurpose, Role, TenantId, TokenHash, User, UserId, UserStatus};

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The address that will sign in.
    pub email: EmailAddress,
    /// How to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The hash of their password.
    pub password_hash: String,
    /// True when the address is known to be theirs: they came by a link that was sent there.
    pub is_verified: bool,
    /// How many users the tenant may have, this one among them.
    pub quota: u32,
}

/// Changes to a user; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// How to call them.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they get in. Who does not is signed out.
    pub status: Option<UserStatus>,
    /// With [`UserStatus::PendingDeletion`]: deleted then.
    pub deletion_scheduled_at: Option<Timestamp>,
    /// Only if the user has not changed since they were read with this time: otherwise [`Changed`](super::StoreError::Changed).
    pub read_as_of: Option<Timestamp>,
}

/// What a sign-in is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub user: User,
    /// The hash of the password, if there is one.
    pub password_hash: Option<String>,
    /// Failures in a row.
    pub failed_logins: u32,
    /// True while sign-ins from unknown addresses are refused.
    pub is_locked: bool,
}

/// A link to be sent.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// The hash of its token.
    pub hash: TokenHash,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// For whom, if they are a user already.
    pub user_id: Option<UserId>,
    /// What it was made for.
    pub facts: LinkFacts,
    /// How long it works.
    pub lasts: Duration,
    /// Goes out with it, if there is a mail server.
    pub mail: Option<Email>,
}

/// A link to the first user of a tenant that is yet to be.
#[derive(Debug, Clone)]
pub struct FirstLink {
    /// The hash of its token.
    pub hash: TokenHash,
    /// How long it works.
    pub lasts: Duration,
    /// Goes out with it, if there is a mail server.
    pub mail: Option<Email>,
}

/// What a link was made for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinkFacts {
    /// To whom it was sent.
    pub email: Option<EmailAddress>,
    /// As what they are invited.
    pub role: Option<Role>,
    /// By whom.
    pub inviter: Option<UserId>,
}

/// A link as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLink {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// For whom, if they are a user already.
    pub user_id: Option<UserId>,
    /// What it was made for.
    pub facts: LinkFacts,
}

/// What a link is used for.
#[derive(Debug, Clone)]
pub enum LinkUse {
    /// The address of its user is theirs.
    VerifyEmail,
    /// Its user gets this password. Every sign-in ends; whoever has the link has the mailbox.
    SetPassword(String),
    /// Somebody joins its tenant. Who sets an installation up uses up every other link that could.
    Join(NewUser),
}

/// Tenants, users and links.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// A new tenant with its first user, and the link that proves their address. [`EmailTaken`](super::StoreError::EmailTaken)
    /// adds none of these.
    async fn add_tenant(&self, name: &str, plan: &str, first: NewUser, link: Option<FirstLink>) -> StoreResult<User>;

    /// A user of a tenant, or [`EmailTaken`](super::StoreError::EmailTaken).
    async fn add_user(&self, tenant_id: TenantId, user: NewUser) -> StoreResult<User>;

    /// One user of a tenant.
    async fn user(&self, tenant_id: TenantId, id: UserId) -> StoreResult<User>;

    /// Whose user somebody is.
    async fn tenant_of_user(&self, id: UserId) -> StoreResult<TenantId>;

    /// A page of a tenant's users, the newest first.
    async fn users(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<User>>;

    /// Changes a user. The last active admin of a tenant stays one: [`LastAdmin`](super::StoreError::LastAdmin).
    async fn update_user(&self, tenant_id: TenantId, id: UserId, patch: &UserPatch) -> StoreResult<User>;

    /// True as soon as somebody runs the installation.
    async fn has_superadmin(&self) -> StoreResult<bool>;

    /// By the address that signs in, whatever the tenant.
    async fn credentials(&self, email: &EmailAddress) -> StoreResult<Credentials>;

    /// One more failure in a row; from unknown addresses there is no sign-in for `lock`.
    async fn record_failed_login(&self, id: UserId, lock: Duration) -> StoreResult<()>;

    /// True if the user used a sign-in from the address within this time.
    async fn knows_address(&self, id: UserId, address: IpAddr, within: Duration) -> StoreResult<bool>;

    /// A new password. Failures are forgotten; every sign-in but `keep` ends.
    async fn set_password(&self, id: UserId, hash: &str, keep: Option<crate::domain::SessionId>) -> StoreResult<()>;

    /// Keeps a link, and puts its mail into the outbox. [`OverQuota`](super::StoreError::OverQuota): as many as `most` were made
    /// for the same user, or invitations of the same tenant, within the last hour.
    async fn add_link(&self, link: NewLink, most: u32) -> StoreResult<()>;

    /// A link that can be used. [`NotFound`](super::StoreError::NotFound): there is none, it is over, or it was used.
    async fn link(&self, hash: TokenHash, purpose: LinkPurpose) -> StoreResult<StoredLink>;

    /// Uses a link, all or nothing: what it is used for fails, and it can be used again.
    /// [`NotFound`](super::StoreError::NotFound) as for [`link`](Self::link).
    async fn use_link(&self, hash: TokenHash, purpose: LinkPurpose, r#use: LinkUse) -> StoreResult<User>;
}

//! Users and the links that are sent to them.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Page, StoreResult};
use crate::domain::{
    Email, EmailAddress, LinkPurpose, PreferencesPatch, Role, TenantId, TokenHash, User, UserId, UserStatus,
};

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The address to sign in with.
    pub email: EmailAddress,
    /// The display name.
    pub name: String,
    /// The permissions.
    pub role: Role,
    /// The hash of the password.
    pub password_hash: String,
    /// True when the user followed a link that was sent to the address.
    pub is_verified: bool,
    /// How many users the tenant may have, including this one.
    pub quota: u32,
}

/// Changes to a user; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// The display name.
    pub name: Option<String>,
    /// The permissions.
    pub role: Option<Role>,
    /// Whether the user may sign in. Any status but active ends all sign-ins.
    pub status: Option<UserStatus>,
    /// What the user prefers of the dashboard.
    pub preferences: Option<PreferencesPatch>,
    /// When the user is deleted, with [`UserStatus::PendingDeletion`].
    pub deletion_scheduled_at: Option<Timestamp>,
    /// Only if the row still has this version: otherwise [`Changed`](super::StoreError::Changed).
    pub expected_version: Option<i64>,
}

/// What a sign-in is checked against.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// The hash of the password, if there is one.
    pub password_hash: Option<String>,
    /// Failed sign-ins since the last successful one.
    pub failed_logins: u32,
    /// True while sign-ins from unknown addresses are refused.
    pub is_locked: bool,
}

/// A link to be stored and sent.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// The hash of its token.
    pub hash: TokenHash,
    /// The purpose.
    pub purpose: LinkPurpose,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user, if it is for an existing one.
    pub user_id: Option<UserId>,
    /// Its data.
    pub facts: LinkFacts,
    /// How long it is valid.
    pub lasts: Duration,
    /// The e-mail that carries it, if there is a mail server.
    pub mail: Option<Email>,
}

/// The link for the first user of a new tenant.
#[derive(Debug, Clone)]
pub struct FirstLink {
    /// The hash of its token.
    pub hash: TokenHash,
    /// How long it is valid.
    pub lasts: Duration,
    /// The e-mail that carries it, if there is a mail server.
    pub mail: Option<Email>,
}

/// The data of a link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinkFacts {
    /// The address that it was sent to.
    pub email: Option<EmailAddress>,
    /// The role that an invitation grants.
    pub role: Option<Role>,
    /// The user who invites.
    pub inviter: Option<UserId>,
}

/// A stored link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLink {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user, if it is for an existing one.
    pub user_id: Option<UserId>,
    /// Its data.
    pub facts: LinkFacts,
}

/// The effect of using a link.
#[derive(Debug, Clone)]
pub enum LinkUse {
    /// The address of its user is verified.
    VerifyEmail,
    /// Its user gets this password, and every sign-in ends. This also verifies the address.
    SetPassword(String),
    /// Its user signs in. This verifies nothing: an operator made the link.
    SignIn,
    /// A new user joins its tenant. Setting up an installation uses up all other set-up links.
    Join(NewUser),
}

/// Tenants, users and links.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Adds a tenant with its first user and the link that verifies the address. With
    /// [`EmailTaken`](super::StoreError::EmailTaken) nothing is added.
    async fn add_tenant(&self, name: &str, plan: &str, first: NewUser, link: Option<FirstLink>) -> StoreResult<User>;

    /// Adds a user to a tenant, or returns [`EmailTaken`](super::StoreError::EmailTaken).
    async fn add_user(&self, tenant_id: TenantId, user: NewUser) -> StoreResult<User>;

    /// One user of a tenant.
    async fn user(&self, tenant_id: TenantId, id: UserId) -> StoreResult<User>;

    /// The tenant of a user.
    async fn tenant_of_user(&self, id: UserId) -> StoreResult<TenantId>;

    /// A page of a tenant's users, newest first.
    async fn users(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<User>>;

    /// Changes a user. A tenant keeps at least one active admin: [`LastAdmin`](super::StoreError::LastAdmin).
    async fn update_user(&self, tenant_id: TenantId, id: UserId, patch: &UserPatch) -> StoreResult<User>;

    /// True if the installation has a superadmin.
    async fn has_superadmin(&self) -> StoreResult<bool>;

    /// The credentials of the user with this address, in any tenant.
    async fn credentials(&self, email: &EmailAddress) -> StoreResult<Credentials>;

    /// Counts a failed sign-in. Sign-ins from unknown addresses are refused for `lock`.
    async fn record_failed_login(&self, id: UserId, lock: Duration) -> StoreResult<()>;

    /// True if the user used a sign-in from the address within this time.
    async fn knows_address(&self, id: UserId, address: IpAddr, within: Duration) -> StoreResult<bool>;

    /// Sets a password, resets the count of failures, and ends every sign-in except `keep`.
    async fn set_password(&self, id: UserId, hash: &str, keep: Option<crate::domain::SessionId>) -> StoreResult<()>;

    /// Stores a link, and puts its e-mail into the outbox. [`OverQuota`](super::StoreError::OverQuota): `max_per_hour` links were
    /// made for the same user, or invitations for the same tenant, within the last hour.
    async fn add_link(&self, link: NewLink, max_per_hour: u32) -> StoreResult<()>;

    /// A link that can be used. [`NotFound`](super::StoreError::NotFound): it does not exist, has expired, or was used.
    async fn link(&self, hash: TokenHash, purpose: LinkPurpose) -> StoreResult<StoredLink>;

    /// Uses a link. If its effect fails, the link stays unused.
    /// [`NotFound`](super::StoreError::NotFound) as for [`link`](Self::link).
    async fn use_link(&self, hash: TokenHash, purpose: LinkPurpose, r#use: LinkUse) -> StoreResult<User>;
}

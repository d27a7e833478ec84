//! Tenants, their users, and the users' sessions and API keys.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::access::{Role, Scopes};
use super::email::EmailAddress;
use super::ids::{ApiKeyId, SessionId, TenantId, UserId};
use super::offer::SellerId;
use super::preferences::Preferences;

/// An organisation: the unit of isolation and of quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Identifier.
    pub id: TenantId,
    /// Display name.
    pub name: String,
    /// Name of its plan in the settings, which sets its quotas.
    pub plan: String,
    /// The ids under which it sells itself; alerts call them `me`.
    pub seller_ids: Vec<SellerId>,
    /// When the tenant and all its data are deleted, if deletion was requested.
    pub deletion_scheduled_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When any of these fields last changed.
    pub updated_at: Timestamp,
    /// Rises by one with each change.
    pub version: i64,
}

/// Whether a user can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UserStatusError, parse_err_fn = UserStatusError::of)]
pub enum UserStatus {
    /// Can sign in.
    Active,
    /// Disabled by an admin; cannot sign in.
    Disabled,
    /// Deletion was requested and happens at the end of the grace period. Signing in cancels it.
    PendingDeletion,
}

/// The text is not a user status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown user status `{0}`; valid statuses: active, disabled")]
pub struct UserStatusError(String);

impl UserStatusError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl UserStatus {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A user of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identifier.
    pub id: UserId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The address used to sign in; unique across all tenants.
    pub email: EmailAddress,
    /// Display name.
    pub name: String,
    /// Role within the tenant.
    pub role: Role,
    /// Whether the user can sign in.
    pub status: UserStatus,
    /// What the user prefers of the dashboard.
    pub preferences: Preferences,
    /// When the address was verified.
    pub verified_at: Option<Timestamp>,
    /// When the user is deleted, if deletion was requested.
    pub deletion_scheduled_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When any of these fields last changed.
    pub updated_at: Timestamp,
    /// Rises by one with each change.
    pub version: i64,
}

/// One sign-in, from login to logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// The user it belongs to.
    pub user_id: UserId,
    /// Client address at sign-in.
    pub address: Option<IpAddr>,
    /// `User-Agent` header at sign-in.
    pub agent: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its refresh token was last used.
    pub used_at: Timestamp,
    /// When it expires if it is not used again.
    pub expires_at: Timestamp,
}

/// An API key as it is stored: without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Identifier.
    pub id: ApiKeyId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The user who created it.
    pub created_by: UserId,
    /// Display name.
    pub name: String,
    /// The first characters of the key, to recognise it by.
    pub hint: String,
    /// Scopes that it grants.
    pub scopes: Scopes,
    /// Networks from which it is accepted; empty: any.
    pub networks: Vec<IpNet>,
    /// Its own rate limit, within the tenant's; `None`: the tenant's alone.
    pub requests_per_minute: Option<u32>,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// The last recorded use.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// True if the key is neither revoked nor expired at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// True if the key is accepted from `address`.
    pub fn is_usable_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// The purpose of a single-use link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum LinkPurpose {
    /// Verifies a user's e-mail address.
    VerifyEmail,
    /// Sets a new password without the old one.
    ResetPassword,
    /// Accepts an invitation to a tenant.
    Invite,
    /// Creates the first user of an empty installation.
    SetUp,
    /// Signs a browser in without a password.
    SignIn,
}

impl LinkPurpose {
    /// The name used in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The SHA-256 hash under which an opaque token is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(networks: &[&str], expires_at: Option<&str>) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(),
            tenant_id: TenantId::new(),
            created_by: UserId::new(),
            name: "ci".into(),
            hint: "at_abcdef".into(),
            scopes: Scopes::ALL,
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            requests_per_minute: None,
            expires_at: expires_at.map(|at| at.parse().unwrap()),
            used_at: None,
            revoked_at: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_key_is_usable_only_from_its_networks_and_a_mapped_ipv4_address_counts_as_ipv4() {
        let usable = |networks: &[&str], address: &str| key(networks, None).is_usable_from(address.parse().unwrap());
        assert!(usable(&[], "198.51.100.7"));
        assert!(usable(&["10.0.0.0/8", "2001:db8::/32"], "10.1.2.3") && usable(&["2001:db8::/32"], "2001:db8::1"));
        assert!(usable(&["10.0.0.0/8"], "::ffff:10.1.2.3"));
        assert!(!usable(&["10.0.0.0/8"], "11.0.0.1") && !usable(&["10.0.0.0/8"], "::1"));
    }

    #[test]
    fn a_key_is_in_force_until_it_expires_or_is_revoked() {
        let at = |time: &str| -> Timestamp { time.parse().unwrap() };
        let key = key(&[], Some("2026-01-01T00:00:00Z"));
        assert!(key.is_in_force(at("2025-12-31T23:59:59Z")) && !key.is_in_force(at("2026-01-01T00:00:00Z")));
        let revoked = ApiKey { revoked_at: Some(Timestamp::UNIX_EPOCH), ..key };
        assert!(!revoked.is_in_force(at("2025-01-01T00:00:00Z")));
    }
}

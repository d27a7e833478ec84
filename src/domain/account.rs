//! Tenants, their users, and the credentials that stand for them.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::access::{Role, Scopes};
use super::email::EmailAddress;
use super::ids::{ApiKeyId, SessionId, TenantId, UserId};

/// An organisation: the unit of isolation and of quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Identity.
    pub id: TenantId,
    /// How it calls itself.
    pub name: String,
    /// What it may have, by the name of its plan in the settings.
    pub plan: String,
    /// When it is deleted with everything of it, if it is leaving.
    pub deletion_scheduled_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// When any of this last changed.
    pub updated_at: Timestamp,
}

/// Whether a person gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UserStatusError, parse_err_fn = UserStatusError::of)]
pub enum UserStatus {
    /// Gets in.
    Active,
    /// Kept out by an admin.
    Disabled,
    /// Asked to be deleted, and will be when the time of grace is over; signing in again takes it back.
    PendingDeletion,
}

/// The word is not a status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status; use active or disabled")]
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

/// A person of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// The address that signs in; nobody else has it, in any tenant.
    pub email: EmailAddress,
    /// How to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they get in.
    pub status: UserStatus,
    /// When the address was proved to be theirs.
    pub verified_at: Option<Timestamp>,
    /// When they are deleted, if they are leaving.
    pub deletion_scheduled_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// When any of this last changed.
    pub updated_at: Timestamp,
}

/// One sign-in, from login to logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Identity.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which program, in its own words.
    pub agent: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// When its refresh token was last used.
    pub used_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
}

/// A machine's credential, as it is kept: without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// Who made it.
    pub created_by: UserId,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub hint: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From where it may be used; none: from anywhere.
    pub networks: Vec<IpNet>,
    /// Its own limit, below its tenant's.
    pub requests_per_minute: Option<u32>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// The last use that was noted.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// Whether it may be used at a moment, whatever it is used for.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may be used from an address.
    pub fn is_usable_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// What a link that works once is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum LinkPurpose {
    /// Proves that an address belongs to its user.
    VerifyEmail,
    /// Sets a new password without the old one.
    ResetPassword,
    /// Joins a tenant.
    Invite,
    /// Makes the first user of an empty installation.
    SetUp,
}

impl LinkPurpose {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The hash under which an opaque token is kept (SHA-256).
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
    fn a_key_is_usable_from_its_networks_alone_and_an_old_address_in_new_clothes_is_the_same() {
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

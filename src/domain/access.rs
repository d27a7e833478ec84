//! Authorisation: scopes, and the roles that grant them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{Display, EnumString, IntoStaticStr};

/// A permission that a credential can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, IntoStaticStr, EnumString)]
#[strum(parse_err_ty = ScopeError, parse_err_fn = ScopeError::of)]
pub enum Scope {
    /// Read products, their history and alerts.
    #[strum(serialize = "product:read")]
    ProductRead,
    /// Create and update products.
    #[strum(serialize = "product:write")]
    ProductWrite,
    /// Delete products.
    #[strum(serialize = "product:delete")]
    ProductDelete,
    /// Request a crawl now.
    #[strum(serialize = "crawl:create")]
    CrawlCreate,
    /// Create and delete alerts.
    #[strum(serialize = "alert:write")]
    AlertWrite,
    /// Create and delete reports, and ask for advice.
    #[strum(serialize = "report:create")]
    ReportCreate,
    /// Invite, update and disable the tenant's users.
    #[strum(serialize = "admin:users")]
    AdminUsers,
    /// Read and update the tenant itself.
    #[strum(serialize = "admin:tenant")]
    AdminTenant,
}

/// The text is not the name of a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope `{0}`; valid scopes: {names}", names = Scopes::ALL)]
pub struct ScopeError(String);

impl Scope {
    /// Every scope, in the order in which a set is printed.
    pub const ALL: &[Scope] = &[
        Self::ProductRead,
        Self::ProductWrite,
        Self::ProductDelete,
        Self::CrawlCreate,
        Self::AlertWrite,
        Self::ReportCreate,
        Self::AdminUsers,
        Self::AdminTenant,
    ];

    /// The name used in tokens, API keys and JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl ScopeError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A set of scopes. Its text form separates the scopes by spaces (RFC 6749, section 3.3).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u16);

impl Scopes {
    /// The empty set.
    pub const NONE: Scopes = Scopes(0);
    /// The set of all scopes.
    pub const ALL: Scopes = Scopes((1 << Scope::ALL.len()) - 1);

    /// True if the set contains the scope.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// The intersection of two sets.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True if every scope of this set is also in `others`.
    pub fn are_within(self, others: Self) -> bool {
        self.and(others) == self
    }

    /// The scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }

    fn bit(scope: Scope) -> u16 {
        1 << scope as u16
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | Self::bit(scope)))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, scope) in self.iter().enumerate() {
            write!(f, "{}{scope}", if number == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A user's role within a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = RoleError, parse_err_fn = RoleError::of)]
pub enum Role {
    /// Administers the whole installation. Has access to every tenant, but only to the tenant records themselves.
    Superadmin,
    /// Administers one tenant.
    TenantAdmin,
    /// Works with the tenant's products, alerts and reports.
    User,
    /// Read-only access.
    Viewer,
}

/// The text is not the name of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role `{0}`; valid roles: tenant_admin, user, viewer")]
pub struct RoleError(String);

impl Role {
    /// Every role, from the most to the least privileged.
    pub const ALL: &[Role] = &[Self::Superadmin, Self::TenantAdmin, Self::User, Self::Viewer];

    /// The name used in tokens and JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The scopes that the role grants within its tenant.
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Superadmin | Self::TenantAdmin => Scopes::ALL,
            Self::User => Scopes::from_iter([
                Scope::ProductRead,
                Scope::ProductWrite,
                Scope::ProductDelete,
                Scope::CrawlCreate,
                Scope::AlertWrite,
                Scope::ReportCreate,
            ]),
            Self::Viewer => Scopes::from_iter([Scope::ProductRead]),
        }
    }
}

impl RoleError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_and_role_survives_its_own_text() {
        assert!(Scope::ALL.iter().all(|scope| scope.to_string().parse() == Ok(*scope)));
        assert!(Role::ALL.iter().all(|role| role.to_string().parse() == Ok(*role)));
        assert_eq!(Scopes::ALL.to_string().parse(), Ok(Scopes::ALL));
        assert_eq!("".parse(), Ok(Scopes::NONE));
        assert!("product:read all".parse::<Scopes>().unwrap_err().to_string().contains("`all`"));
        assert_eq!(Scopes::ALL.iter().count(), Scope::ALL.len());
    }

    #[test]
    fn each_role_includes_the_scopes_of_the_next_one_and_a_viewer_is_read_only() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[1].scopes().are_within(pair[0].scopes()), "{pair:?}");
        }
        assert_eq!(Role::Viewer.scopes().to_string(), "product:read");
        assert!(!Role::User.scopes().contains(Scope::AdminUsers));
    }
}

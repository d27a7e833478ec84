//! What an access token says, and about whom.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{Role, Scopes, SessionId, TenantId, UserId};

/// The claims of an access token (RFC 7519; `scope` from RFC 8693).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: UserId,
    /// The user's tenant.
    pub tid: TenantId,
    /// The sign-in.
    pub sid: SessionId,
    /// The user's roles.
    pub roles: Vec<Role>,
    /// The scopes granted by the roles.
    pub scope: Scopes,
    /// Issued at; `nbf` is not before and `exp` is expiry. Seconds since 1970.
    pub iat: i64,
    /// See `iat`.
    pub nbf: i64,
    /// See `iat`.
    pub exp: i64,
    /// Identifier of the token.
    pub jti: Uuid,
    /// The issuer.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The client that acts for the user, in a token for tools alone (RFC 9068); none: the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The name of the APISIX consumer.
    pub key: String,
}

/// The subject of a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The user.
    pub user_id: UserId,
    /// The user's tenant.
    pub tenant_id: TenantId,
    /// The sign-in.
    pub session_id: SessionId,
    /// The user's role.
    pub role: Role,
}

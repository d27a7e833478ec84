//! What users have granted to clients: authorization codes, grants and their refresh tokens.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreResult;
use crate::domain::{
    AuthorizationRequest, ClientGrant, PkceChallenge, Scopes, SessionId, TenantId, TokenHash, User, UserId,
};

/// A code to be stored: the user has approved the request.
#[derive(Debug, Clone)]
pub struct NewAuthorizationCode {
    /// Its hash.
    pub hash: TokenHash,
    /// The user's tenant.
    pub tenant_id: TenantId,
    /// Who approved.
    pub user_id: UserId,
    /// What was approved. Its scopes are those that were granted.
    pub request: AuthorizationRequest,
    /// The address of whoever approved.
    pub address: Option<IpAddr>,
    /// It must be used within this time.
    pub lasts: Duration,
}

/// A code that a client redeems, with all that it must show for it.
#[derive(Debug, Clone)]
pub struct CodeRedemption {
    /// The hash of the code.
    pub code: TokenHash,
    /// The id of the client.
    pub client_id: String,
    /// Where the user returned to.
    pub redirect_uri: String,
    /// What the verifier of PKCE answers.
    pub challenge: PkceChallenge,
    /// For which resource.
    pub resource: String,
    /// The first refresh token of the grant.
    pub token: TokenHash,
    /// The grant expires when it is not used for this long.
    pub lasts: Duration,
}

/// A refresh token that a client exchanges, with all that it must show for it.
#[derive(Debug, Clone)]
pub struct GrantRefresh {
    /// The hash of the token.
    pub spent: TokenHash,
    /// The next one.
    pub new: TokenHash,
    /// The id of the client.
    pub client_id: String,
    /// For which resource.
    pub resource: String,
    /// What the next access token is for; `None`: all that was granted.
    pub scopes: Option<Scopes>,
    /// The grant expires when it is not used for this long.
    pub lasts: Duration,
    /// Another use within this time is one of the same client.
    pub grace: Duration,
}

/// What a client may do from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedAccess {
    /// For whom.
    pub user: User,
    /// By which grant.
    pub grant_id: SessionId,
    /// What was granted.
    pub scopes: Scopes,
    /// By the database's clock.
    pub at: Timestamp,
}

/// A grant that has ended because a copy of one of its secrets is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedGrant {
    /// The tenant of the user.
    pub tenant_id: TenantId,
    /// Whose it was.
    pub user_id: UserId,
    /// Which.
    pub grant_id: SessionId,
}

/// The result of redeeming a code, or of exchanging a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granting {
    /// The secret is spent; the client has access.
    Granted(Box<GrantedAccess>),
    /// Another request has exchanged the refresh token within the grace period; nothing changed.
    RecentlyRotated,
    /// More was asked for than was granted; nothing changed.
    TooMuch,
    /// It was spent before: the grant has ended.
    Reused(EndedGrant),
    /// Never issued, expired, or not for this client, address, verifier or resource. A code is spent by that.
    Unknown,
}

/// Grants, part of [`super::Store`].
#[async_trait]
pub trait Grants: Send + Sync {
    /// Stores a code.
    ///
    /// # Errors
    /// [`super::StoreError::NotFound`] if the user is not active any more.
    async fn add_authorization_code(&self, code: NewAuthorizationCode) -> StoreResult<()>;

    /// Exchanges a code for a grant, once.
    async fn redeem_code(&self, redemption: CodeRedemption) -> StoreResult<Granting>;

    /// Exchanges a refresh token of a grant for a new one, once.
    async fn refresh_grant(&self, refresh: GrantRefresh) -> StoreResult<Granting>;

    /// A user's grants in force, newest first.
    async fn grants(&self, user_id: UserId) -> StoreResult<Vec<ClientGrant>>;

    /// Ends one of a user's grants.
    async fn end_grant(&self, user_id: UserId, id: SessionId) -> StoreResult<()>;

    /// Ends the grant of a client's refresh token, used or not; `None`: there is none in force.
    async fn end_grant_of_token(&self, token: TokenHash, client_id: String) -> StoreResult<Option<EndedGrant>>;
}

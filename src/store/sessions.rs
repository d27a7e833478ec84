//! Sign-ins, and the keys of machines.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use jiff::Timestamp;

use super::{Page, StoreResult};
use crate::domain::{ApiKey, ApiKeyId, Scopes, Session, SessionId, TenantId, TokenHash, User, UserId};

/// A sign-in that begins.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose.
    pub user_id: UserId,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which program.
    pub agent: Option<String>,
    /// The first refresh token.
    pub token: TokenHash,
    /// How long it lasts without being used.
    pub lasts: Duration,
}

/// What became of a refresh token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It is spent, and the new token is valid. With the time of the rotation.
    Rotated(Box<User>, SessionId, Timestamp),
    /// Another request of the same client was quicker by a moment; nothing changed.
    RecentlyRotated,
    /// It was spent long ago: somebody has a copy. The sign-in is over for everybody.
    Reused(UserId, SessionId),
    /// Never given out, or its sign-in is over.
    Unknown,
}

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// Who makes it.
    pub created_by: UserId,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub hint: String,
    /// Its hash.
    pub hash: TokenHash,
    /// What it may do.
    pub scopes: Scopes,
    /// From where it may be used.
    pub networks: Vec<IpNet>,
    /// Its own limit.
    pub requests_per_minute: Option<u32>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// Sign-ins and keys.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a sign-in of an active user; failures are forgotten, and who was leaving stays. Of more than fifty the oldest
    /// ends.
    async fn open_session(&self, session: NewSession) -> StoreResult<Session>;

    /// Spends a refresh token for a new one, once. Of two that come at the same moment one wins; the other is
    /// [`Rotation::RecentlyRotated`] for as long as `grace`.
    async fn rotate(&self, spent: TokenHash, new: TokenHash, lasts: Duration, grace: Duration)
    -> StoreResult<Rotation>;

    /// True until it ends.
    async fn is_session_open(&self, id: SessionId) -> StoreResult<bool>;

    /// A user's sign-ins that have not ended, the newest first.
    async fn sessions(&self, user_id: UserId) -> StoreResult<Vec<Session>>;

    /// Ends one of a user's sign-ins.
    async fn end_session(&self, user_id: UserId, id: SessionId) -> StoreResult<()>;

    /// Ends all of a user's sign-ins, and says which.
    async fn end_sessions(&self, user_id: UserId) -> StoreResult<Vec<SessionId>>;

    /// Keeps a key.
    async fn add_api_key(&self, key: NewApiKey) -> StoreResult<ApiKey>;

    /// The key with this hash, in force or not.
    async fn api_key_by_hash(&self, hash: TokenHash) -> StoreResult<ApiKey>;

    /// A page of a tenant's keys, the newest first.
    async fn api_keys(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<ApiKey>>;

    /// Revokes a key for good, and tells its hash.
    async fn revoke_api_key(&self, tenant_id: TenantId, id: ApiKeyId) -> StoreResult<TokenHash>;

    /// Notes that a key was used.
    async fn record_api_key_use(&self, id: ApiKeyId, at: Timestamp) -> StoreResult<()>;
}

//! Sign-ins and API keys.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use jiff::Timestamp;

use super::{Page, StoreResult};
use crate::domain::{ApiKey, ApiKeyId, Scopes, Session, SessionId, TenantId, TokenHash, User, UserId};

/// A new sign-in.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The user.
    pub user_id: UserId,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The user agent.
    pub agent: Option<String>,
    /// The first refresh token, or the token of a browser.
    pub token: TokenHash,
    /// It is the sign-in of a browser: its token is not exchanged for others.
    pub is_browser: bool,
    /// It expires when it is not used for this long.
    pub lasts: Duration,
}

/// Whose the sign-in of a browser is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrowserSession {
    /// The sign-in.
    pub id: SessionId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user.
    pub user_id: UserId,
}

/// How long the sign-in of a browser lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrowserLifetime {
    /// It expires when it is not used for this long.
    pub idle: Duration,
    /// It expires this long after it began, however it is used.
    pub longest: Duration,
    /// A use is recorded, and puts the end off, no more often than this.
    pub recorded_every: Duration,
}

/// The result of rotating a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It is spent, and the new token is valid. With the time of the rotation.
    Rotated(Box<User>, SessionId, Timestamp),
    /// Another request has rotated it within the grace period; nothing changed.
    RecentlyRotated,
    /// It was rotated before the grace period: a copy of it is in use. The sign-in has ended.
    Reused(UserId, SessionId),
    /// Never issued, or its sign-in has ended.
    Unknown,
}

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user who creates it.
    pub created_by: UserId,
    /// Its name.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// Its hash.
    pub hash: TokenHash,
    /// Its scopes.
    pub scopes: Scopes,
    /// The networks that it may be used from; none: all.
    pub networks: Vec<IpNet>,
    /// Its own rate limit.
    pub requests_per_minute: Option<u32>,
    /// How many keys in force the tenant may have, including this one.
    pub quota: u32,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// Sign-ins and keys.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a sign-in, unless the user is disabled. The count of failures is reset, and a scheduled deletion is cancelled. Of
    /// more than fifty sign-ins the oldest ends.
    async fn open_session(&self, session: NewSession) -> StoreResult<Session>;

    /// Replaces a refresh token by a new one, once. Of two concurrent requests one wins; the other gets
    /// [`Rotation::RecentlyRotated`] within `grace`.
    async fn rotate(&self, spent: TokenHash, new: TokenHash, lasts: Duration, grace: Duration)
    -> StoreResult<Rotation>;

    /// The open sign-in of a browser with this token. Its use is recorded, and puts its end off.
    async fn browser_session(&self, token: TokenHash, lifetime: BrowserLifetime) -> StoreResult<BrowserSession>;

    /// True if the sign-in has neither ended nor expired.
    async fn is_session_open(&self, id: SessionId) -> StoreResult<bool>;

    /// A user's open sign-ins, newest first. Grants of clients are not among them.
    async fn sessions(&self, user_id: UserId) -> StoreResult<Vec<Session>>;

    /// The ids of a user's open sign-ins and of the user's grants in force.
    async fn open_session_ids(&self, user_id: UserId) -> StoreResult<Vec<SessionId>>;

    /// Ends one of a user's sign-ins.
    async fn end_session(&self, user_id: UserId, id: SessionId) -> StoreResult<()>;

    /// Ends all sign-ins and grants of a user. Returns which.
    async fn end_sessions(&self, user_id: UserId) -> StoreResult<Vec<SessionId>>;

    /// Stores a key.
    async fn add_api_key(&self, key: NewApiKey) -> StoreResult<ApiKey>;

    /// The key with this hash, also when it is expired or revoked.
    async fn api_key_by_hash(&self, hash: TokenHash) -> StoreResult<ApiKey>;

    /// A page of a tenant's keys, newest first.
    async fn api_keys(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<ApiKey>>;

    /// Revokes a key. Returns its hash.
    async fn revoke_api_key(&self, tenant_id: TenantId, id: ApiKeyId) -> StoreResult<TokenHash>;

    /// Records the use of a key.
    async fn record_api_key_use(&self, id: ApiKeyId, at: Timestamp) -> StoreResult<()>;
}

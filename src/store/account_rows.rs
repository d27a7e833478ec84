//! Rows about users and credentials, and their conversion to the domain. The same for both engines.

use ipnet::IpNet;
use sqlx::types::Json;
use uuid::Uuid;

use super::audit::AuditEntry;
use super::rows::{count, time, word};
use super::{Credentials, StoreError, StoreResult};
use crate::domain::{
    ApiKey, ApiKeyId, ClientGrant, Preferences, SellerId, Session, SessionId, Tenant, TenantId, User, UserId,
};

pub(super) const USER_COLUMNS: &str = "id, tenant_id, email, name, role, status, preferences, verified_at, \
     deletion_scheduled_at, created_at, updated_at, version";

/// A user.
#[derive(sqlx::FromRow)]
pub(super) struct UserColumns {
    pub id: Uuid,
    tenant_id: Uuid,
    email: String,
    name: String,
    role: String,
    status: String,
    preferences: Json<Preferences>,
    verified_at: Option<i64>,
    deletion_scheduled_at: Option<i64>,
    pub created_at: i64,
    updated_at: i64,
    version: i64,
}

impl TryFrom<UserColumns> for User {
    type Error = StoreError;

    fn try_from(row: UserColumns) -> StoreResult<Self> {
        Ok(Self {
            id: UserId(row.id),
            tenant_id: TenantId(row.tenant_id),
            email: word(&row.email)?,
            name: row.name,
            role: word(&row.role)?,
            status: word(&row.status)?,
            preferences: row.preferences.0,
            verified_at: row.verified_at.map(time).transpose()?,
            deletion_scheduled_at: row.deletion_scheduled_at.map(time).transpose()?,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
            version: row.version,
        })
    }
}

/// A user with what a sign-in is checked against.
#[derive(sqlx::FromRow)]
pub(super) struct CredentialsColumns {
    #[sqlx(flatten)]
    user: UserColumns,
    password_hash: Option<String>,
    failed_logins: i32,
    is_locked: bool,
}

impl TryFrom<CredentialsColumns> for Credentials {
    type Error = StoreError;

    fn try_from(row: CredentialsColumns) -> StoreResult<Self> {
        let CredentialsColumns { user, password_hash, failed_logins, is_locked } = row;
        Ok(Self { user: user.try_into()?, password_hash, failed_logins: count(failed_logins)?, is_locked })
    }
}

pub(super) const TENANT_COLUMNS: &str =
    "id, name, plan, seller_ids, created_at, updated_at, version, deletion_scheduled_at";

/// A tenant.
#[derive(sqlx::FromRow)]
pub(super) struct TenantColumns {
    pub id: Uuid,
    name: String,
    plan: String,
    seller_ids: Json<Vec<SellerId>>,
    pub created_at: i64,
    updated_at: i64,
    version: i64,
    deletion_scheduled_at: Option<i64>,
}

impl TryFrom<TenantColumns> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantColumns) -> StoreResult<Self> {
        Ok(Self {
            id: TenantId(row.id),
            name: row.name,
            plan: row.plan,
            seller_ids: row.seller_ids.0,
            deletion_scheduled_at: row.deletion_scheduled_at.map(time).transpose()?,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
            version: row.version,
        })
    }
}

/// A sign-in.
#[derive(sqlx::FromRow)]
pub(super) struct SessionColumns {
    id: Uuid,
    user_id: Uuid,
    address: Option<String>,
    agent: Option<String>,
    created_at: i64,
    used_at: i64,
    expires_at: i64,
}

impl TryFrom<SessionColumns> for Session {
    type Error = StoreError;

    fn try_from(row: SessionColumns) -> StoreResult<Self> {
        Ok(Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            address: row.address.as_deref().map(word).transpose()?,
            agent: row.agent,
            created_at: time(row.created_at)?,
            used_at: time(row.used_at)?,
            expires_at: time(row.expires_at)?,
        })
    }
}

/// A grant of a client.
#[derive(sqlx::FromRow)]
pub(super) struct ClientGrantColumns {
    id: Uuid,
    user_id: Uuid,
    client_id: String,
    client_name: String,
    scopes: String,
    created_at: i64,
    used_at: i64,
    expires_at: i64,
}

impl TryFrom<ClientGrantColumns> for ClientGrant {
    type Error = StoreError;

    fn try_from(row: ClientGrantColumns) -> StoreResult<Self> {
        Ok(Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            client_id: row.client_id,
            client_name: row.client_name,
            scopes: word(&row.scopes)?,
            created_at: time(row.created_at)?,
            used_at: time(row.used_at)?,
            expires_at: time(row.expires_at)?,
        })
    }
}

/// A key.
#[derive(sqlx::FromRow)]
pub(super) struct ApiKeyColumns {
    pub id: Uuid,
    tenant_id: Uuid,
    created_by: Uuid,
    name: String,
    hint: String,
    scopes: String,
    networks: Json<Vec<IpNet>>,
    requests_per_minute: Option<i32>,
    expires_at: Option<i64>,
    used_at: Option<i64>,
    revoked_at: Option<i64>,
    pub created_at: i64,
}

impl TryFrom<ApiKeyColumns> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyColumns) -> StoreResult<Self> {
        Ok(Self {
            id: ApiKeyId(row.id),
            tenant_id: TenantId(row.tenant_id),
            created_by: UserId(row.created_by),
            name: row.name,
            hint: row.hint,
            scopes: word(&row.scopes)?,
            networks: row.networks.0,
            requests_per_minute: row.requests_per_minute.map(count).transpose()?,
            expires_at: row.expires_at.map(time).transpose()?,
            used_at: row.used_at.map(time).transpose()?,
            revoked_at: row.revoked_at.map(time).transpose()?,
            created_at: time(row.created_at)?,
        })
    }
}

/// An act.
#[derive(sqlx::FromRow)]
pub(super) struct AuditEntryColumns {
    pub id: Uuid,
    actor: String,
    action: String,
    resource: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    facts: Json<serde_json::Value>,
    pub at: i64,
}

impl TryFrom<AuditEntryColumns> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: AuditEntryColumns) -> StoreResult<Self> {
        Ok(Self {
            id: row.id,
            actor: row.actor,
            action: row.action,
            resource: row.resource,
            address: row.address,
            request_id: row.request_id,
            facts: row.facts.0,
            at: time(row.at)?,
        })
    }
}

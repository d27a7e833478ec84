//! Rows of channels and messages.

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::encryption::EncryptionKeys;
use super::rows::{count, time, word};
use super::{MessageRow, StoreError, StoreResult};
use crate::domain::{Channel, ChannelConfig, ChannelId, MessageId, NoticeFacts, Policy, TenantId};

/// The columns of [`ChannelColumns`].
pub(super) const CHANNEL_COLUMNS: &str = "c.id, c.tenant_id, c.name, c.config, c.policy, c.language, c.status, c.last_error, \
       c.failing_since, c.delivered_at, c.version, c.created_at, c.updated_at";

/// A channel.
#[derive(sqlx::FromRow)]
pub(super) struct ChannelColumns {
    pub id: Uuid,
    tenant_id: Uuid,
    name: String,
    config: String,
    policy: Json<Policy>,
    language: String,
    status: String,
    last_error: Option<String>,
    failing_since: Option<i64>,
    delivered_at: Option<i64>,
    version: i64,
    pub created_at: i64,
    updated_at: i64,
}

impl ChannelColumns {
    pub fn channel(self, keys: &EncryptionKeys) -> StoreResult<Channel> {
        let config = keys.decrypt(&self.config, self.id)?;
        let config: ChannelConfig = serde_json::from_str(&config)
            .map_err(|_| StoreError::Corrupt(format!("the credentials of {}", self.id)))?;
        let optional = |ms: Option<i64>| -> StoreResult<Option<Timestamp>> { ms.map(time).transpose() };
        Ok(Channel {
            id: ChannelId(self.id),
            tenant_id: TenantId(self.tenant_id),
            name: self.name,
            config,
            policy: self.policy.0,
            language: word(&self.language)?,
            status: word(&self.status)?,
            last_error: self.last_error,
            failing_since: optional(self.failing_since)?,
            delivered_at: optional(self.delivered_at)?,
            version: self.version,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
        })
    }
}

/// A message, as its owner sees it.
#[derive(sqlx::FromRow)]
pub(super) struct MessageColumns {
    pub id: Uuid,
    kind: String,
    status: String,
    events: i64,
    attempts: i32,
    last_error: Option<String>,
    pub created_at: i64,
    delivered_at: Option<i64>,
}

impl TryFrom<MessageColumns> for MessageRow {
    type Error = StoreError;

    fn try_from(row: MessageColumns) -> StoreResult<Self> {
        Ok(Self {
            id: MessageId(row.id),
            kind: word(&row.kind)?,
            status: word(&row.status)?,
            events: count(row.events)?,
            attempts: count(row.attempts)?,
            last_error: row.last_error,
            created_at: time(row.created_at)?,
            delivered_at: row.delivered_at.map(time).transpose()?,
        })
    }
}

/// What a notice is about.
pub(super) fn notice_facts(notice: serde_json::Value) -> StoreResult<NoticeFacts> {
    serde_json::from_value(notice).map_err(|error| StoreError::Corrupt(format!("a notice: {error}")))
}

//! Channels: created, changed, deleted; their log.

use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, QueryBuilder};
use uuid::Uuid;

use super::newest::push_newest_first;
use super::{Backend, Conn, Db, usage};
use crate::config::Secret;
use crate::domain::{Channel, ChannelConfig, ChannelId, ChannelStatus, MessageId, TenantId};
use crate::store::channel_rows::{CHANNEL_COLUMNS, ChannelColumns, MessageColumns};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::encryption::{EncryptionKeys, new_key};
use crate::store::error::OrNotFound;
use crate::store::rows::{count, time};
use crate::store::tenant_scope::TenantScope;
use crate::store::{ChannelPatch, ChannelUsage, MessageRow, NewChannel, Page, StoreError, StoreResult};

/// When what waits for a channel that is not used is due: never, as long as it is not.
pub(super) const NEVER_MS: i64 = 253_000_000_000_000;

impl Backend {
    /// The keys of the settings, and that of the installation.
    pub(super) async fn encryption(&self) -> StoreResult<&EncryptionKeys> {
        self.encryption
            .get_or_try_init(|| async {
                let own = Secret::from(self.key_of_installation("encryption").await?);
                EncryptionKeys::new(self.encryption_keys.iter().chain([&own]))
            })
            .await
    }

    /// A secret of the installation; made when it is first asked for.
    pub(super) async fn key_of_installation(&self, name: &'static str) -> StoreResult<String> {
        const MAKE: &str = "INSERT INTO installation_key (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        const KEY: &str = "SELECT value FROM installation_key WHERE name = $1";
        let known = sqlx::query_scalar(KEY).bind(name);
        let known: Option<String> = known.fetch_optional(&mut *self.writer(TenantScope::All).await?).await?;
        if let Some(known) = known {
            return Ok(known);
        }
        sqlx::query(MAKE).bind(name).bind(new_key()).execute(&mut *self.writer(TenantScope::All).await?).await?;
        let made = sqlx::query_scalar(KEY).bind(name);
        Ok(made.fetch_one(&mut *self.writer(TenantScope::All).await?).await?)
    }

    pub(super) async fn insert_channel(&self, channel: NewChannel) -> StoreResult<Channel> {
        let (id, clock) = (ChannelId::new(), self.clock_param());
        let config = self.sealed(&channel.config, id).await?;
        let tenant_id = channel.tenant_id;
        let keys = self.encryption().await?;
        let added = self.transaction(tenant_id, move |conn| add(conn, id, channel, config, clock).boxed()).await?;
        added.channel(keys)
    }

    pub(super) async fn change_channel(
        &self,
        tenant_id: TenantId,
        id: ChannelId,
        patch: ChannelPatch,
    ) -> StoreResult<Channel> {
        let clock = self.clock_param();
        let config = match &patch.config {
            Some(config) => Some(self.sealed(config, id).await?),
            None => None,
        };
        let keys = self.encryption().await?;
        let changed =
            self.transaction(tenant_id, move |conn| update(conn, tenant_id, id, patch, config, clock).boxed()).await?;
        changed.channel(keys)
    }

    async fn sealed(&self, config: &ChannelConfig, id: ChannelId) -> StoreResult<String> {
        let json = serde_json::to_string(config).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        self.encryption().await?.encrypt(&json, id.0)
    }

    pub(super) async fn find_channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<Channel> {
        let keys = self.encryption().await?;
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await?.channel(keys)
    }

    pub(super) async fn list_channels(
        &self,
        tenant_id: TenantId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<Channel>> {
        let keys = self.encryption().await?;
        let mut query = select(tenant_id);
        push_newest_first(&mut query, "created_at", Cursor::of("channels", cursor)?, limit)?;
        let rows: Vec<ChannelColumns> = query.build_query_as().fetch_all(&mut *self.reader(tenant_id).await?).await?;
        let page = page("channels", rows, limit, |row| (SortKey::Number(row.created_at), row.id));
        Ok(page.readable(|row| row.channel(keys)))
    }

    pub(super) async fn usage_of_channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<ChannelUsage> {
        const USAGE: &str = concat!(
            "SELECT coalesce((SELECT sent FROM channel_day WHERE channel_id = $1 AND day = $2), 0), \
               coalesce((SELECT CAST(sum(sent) AS bigint) FROM channel_day WHERE channel_id = $1 AND day > $2 - 30), 0), \
               (SELECT count(*) FROM delivery WHERE channel_id = $1 AND status = 'held'), \
               (SELECT min(ready_at) FROM delivery WHERE channel_id = $1 AND status = 'held' AND ready_at < $3), ",
            now!(4)
        );
        let policy = self.find_channel(tenant_id, id).await?.policy;
        let now = self.now_of_database(tenant_id).await?;
        let query = sqlx::query_as(USAGE).bind(id.0).bind(policy.local_day(now)).bind(NEVER_MS);
        let query = query.bind(self.clock_param());
        let (today, month, held, next_at, _): (i32, i64, i64, Option<i64>, i64) =
            query.fetch_one(&mut *self.reader(tenant_id).await?).await?;
        Ok(ChannelUsage {
            sent_today: count(today)?,
            sent_30_days: count(month)?,
            held: count(held)?,
            next_at: next_at.map(time).transpose()?,
        })
    }

    async fn now_of_database(&self, tenant_id: TenantId) -> StoreResult<Timestamp> {
        const NOW: &str = concat!("SELECT ", now!(1));
        let query = sqlx::query_scalar(NOW).bind(self.clock_param());
        time(query.fetch_one(&mut *self.reader(tenant_id).await?).await?)
    }

    pub(super) async fn messages_of(
        &self,
        tenant_id: TenantId,
        id: ChannelId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<MessageRow>> {
        // Of another tenant, there is none.
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await?;
        let mut query = QueryBuilder::<Db>::new(
            "SELECT id, kind, status, attempts, last_error, created_at, delivered_at, \
               (SELECT count(*) FROM delivery d WHERE d.message_id = message.id) AS events FROM message WHERE tenant_id = ",
        );
        query.push_bind(tenant_id.0).push(" AND channel_id = ").push_bind(id.0);
        push_newest_first(&mut query, "created_at", Cursor::of("messages", cursor)?, limit)?;
        let rows: Vec<MessageColumns> = query.build_query_as().fetch_all(&mut *self.reader(tenant_id).await?).await?;
        let page = page("messages", rows, limit, |row| (SortKey::Number(row.created_at), row.id));
        Ok(page.readable(MessageRow::try_from))
    }

    pub(super) async fn revive_message(&self, tenant_id: TenantId, id: MessageId) -> StoreResult<bool> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| revive(conn, tenant_id, id, clock).boxed()).await
    }

    pub(super) async fn delete_channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<()> {
        self.transaction(tenant_id, move |conn| remove(conn, tenant_id, id).boxed()).await
    }
}

fn select(tenant_id: TenantId) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::<Db>::new(format!("SELECT {CHANNEL_COLUMNS} FROM channel c WHERE c.tenant_id = "));
    query.push_bind(tenant_id.0);
    query
}

async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    tenant_id: TenantId,
    id: ChannelId,
) -> StoreResult<ChannelColumns> {
    let mut query = select(tenant_id);
    query.push(" AND c.id = ").push_bind(id.0);
    query.build_query_as().fetch_one(executor).await.or_not_found("channel")
}

async fn add(
    conn: &mut Conn,
    id: ChannelId,
    channel: NewChannel,
    config: String,
    clock: ClockParam,
) -> StoreResult<ChannelColumns> {
    const INSERT: &str = concat!(
        "INSERT INTO channel (id, tenant_id, kind, name, config, policy, language, status, host, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ",
        now!(10),
        ", ",
        now!(10),
        ")"
    );
    const COUNT: &str = "SELECT count(*) FROM channel WHERE tenant_id = $1";
    usage::lock(conn, channel.tenant_id).await?;
    let query = sqlx::query(INSERT).bind(id.0).bind(channel.tenant_id.0).bind(channel.config.kind().as_str());
    let query = query.bind(channel.name).bind(config).bind(Json(channel.policy)).bind(<&str>::from(channel.language));
    let query = query.bind(<&str>::from(channel.status)).bind(channel.config.host().map(str::to_owned));
    query.bind(clock).execute(&mut *conn).await?;
    usage::check(conn, COUNT, channel.tenant_id, "channels", channel.quota).await?;
    find(conn, channel.tenant_id, id).await
}

async fn update(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: ChannelId,
    patch: ChannelPatch,
    config: Option<String>,
    clock: ClockParam,
) -> StoreResult<ChannelColumns> {
    const UPDATE: &str = concat!(
        "UPDATE channel SET name = coalesce($3, name), config = coalesce($4, config), policy = coalesce($5, policy), \
           language = coalesce($6, language), status = coalesce($7, status), \
           host = CASE WHEN $4 IS NULL THEN host ELSE $10 END, \
           failing_since = CASE WHEN $7 = 'ok' THEN NULL ELSE failing_since END, \
           last_error = CASE WHEN $7 = 'ok' THEN NULL ELSE last_error END, \
           dead_in_a_row = CASE WHEN $7 = 'ok' THEN 0 ELSE dead_in_a_row END, \
           version = version + 1, updated_at = ",
        now!(8),
        " WHERE tenant_id = $1 AND id = $2 AND version = coalesce($9, version)"
    );
    // So that what updates no row has another version.
    find(&mut *conn, tenant_id, id).await?;
    let query = sqlx::query(UPDATE).bind(tenant_id.0).bind(id.0).bind(patch.name).bind(config);
    let has_policy = patch.policy.is_some();
    let host = patch.config.as_ref().and_then(ChannelConfig::host).map(str::to_owned);
    let query = query.bind(patch.policy.map(Json)).bind(patch.language.map(<&str>::from));
    let query = query.bind(patch.status.map(<&str>::from)).bind(clock).bind(patch.expected_version).bind(host);
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    match patch.status {
        Some(ChannelStatus::Ok) => wake_held(conn, id, clock).await?,
        Some(_) => park_held(conn, id).await?,
        None if has_policy => reconsider_held(conn, id, clock).await?,
        None => {}
    }
    find(conn, tenant_id, id).await
}

/// What waits for a channel that is used again is told, as one message if its policy lets it.
pub(super) async fn wake_held(conn: &mut Conn, id: ChannelId, clock: ClockParam) -> StoreResult<()> {
    const WAKE: &str = concat!(
        "UPDATE delivery SET ready_at = ",
        now!(2),
        ", held_for = CASE WHEN held_for IN ('fallback', 'cooldown') THEN held_for END \
           WHERE channel_id = $1 AND status = 'held' AND ready_at >= $3"
    );
    const WAKE_MESSAGES: &str = concat!(
        "UPDATE message SET ready_at = ",
        now!(2),
        " WHERE channel_id = $1 AND status = 'pending' AND owner IS NULL AND ready_at >= $3"
    );
    for statement in [WAKE, WAKE_MESSAGES] {
        sqlx::query(statement).bind(id.0).bind(clock).bind(NEVER_MS).execute(&mut *conn).await?;
    }
    Ok(())
}

/// What waits for a channel that is not used waits until it is.
pub(super) async fn park_held(conn: &mut Conn, id: ChannelId) -> StoreResult<()> {
    const PARK: &str = "UPDATE delivery SET ready_at = $2 WHERE channel_id = $1 AND status = 'held'";
    const PARK_MESSAGES: &str =
        "UPDATE message SET ready_at = $2 WHERE channel_id = $1 AND status = 'pending' AND owner IS NULL";
    for statement in [PARK, PARK_MESSAGES] {
        sqlx::query(statement).bind(id.0).bind(NEVER_MS).execute(&mut *conn).await?;
    }
    Ok(())
}

/// A new policy may say otherwise about what waits because of the old one.
async fn reconsider_held(conn: &mut Conn, id: ChannelId, clock: ClockParam) -> StoreResult<()> {
    const RECONSIDER: &str = concat!(
        "UPDATE delivery SET ready_at = ",
        now!(2),
        ", held_for = NULL WHERE channel_id = $1 AND status = 'held' AND ready_at < $3 \
           AND held_for IN ('quiet', 'max_per_day', 'digest', 'coalesce')"
    );
    sqlx::query(RECONSIDER).bind(id.0).bind(clock).bind(NEVER_MS).execute(conn).await?;
    Ok(())
}

async fn revive(conn: &mut Conn, tenant_id: TenantId, id: MessageId, clock: ClockParam) -> StoreResult<bool> {
    const REVIVE: &str = concat!(
        "UPDATE message SET status = 'pending', attempts = 0, ready_at = ",
        now!(3),
        " WHERE id = $1 AND tenant_id = $2 AND status = 'dead' \
           AND (notice IS NOT NULL OR EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.id))"
    );
    const MEMBERS: &str = "UPDATE delivery SET status = 'sending' WHERE message_id = $1 AND status = 'dead'";
    let revived = sqlx::query(REVIVE).bind(id.0).bind(tenant_id.0).bind(clock).execute(&mut *conn).await?;
    if revived.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(MEMBERS).bind(id.0).execute(conn).await?;
    Ok(true)
}

async fn remove(conn: &mut Conn, tenant_id: TenantId, id: ChannelId) -> StoreResult<()> {
    // First: whoever sends to the channel locks it before its messages and deliveries.
    const LOCK: &str = concat!("SELECT id FROM channel WHERE tenant_id = $1 AND id = $2", lock_rows!("channel"));
    const REMOVE: &str = "DELETE FROM channel WHERE tenant_id = $1 AND id = $2";
    const DROP: &str = "UPDATE delivery SET status = 'dropped', last_error = 'the channel was deleted' \
         WHERE channel_id = $1 AND status IN ('held', 'sending')";
    let locked: Option<Uuid> = sqlx::query_scalar(LOCK).bind(tenant_id.0).bind(id.0).fetch_optional(&mut *conn).await?;
    if locked.is_none() {
        return Err(StoreError::NotFound("channel"));
    }
    let rest = ["message", "channel_day", "rule_channel"];
    for table in rest {
        let delete = AssertSqlSafe(format!("DELETE FROM {table} WHERE tenant_id = $1 AND channel_id = $2"));
        sqlx::query(delete).bind(tenant_id.0).bind(id.0).execute(&mut *conn).await?;
    }
    sqlx::query(REMOVE).bind(tenant_id.0).bind(id.0).execute(&mut *conn).await?;
    sqlx::query(DROP).bind(id.0).execute(conn).await?;
    Ok(())
}

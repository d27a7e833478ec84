//! Messages: claimed and fenced like deliveries, with what their text needs; and what an attempt says about its channel.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use sqlx::types::Json;
use uuid::Uuid;

use super::channels::{NEVER_MS, park_held, wake_held};
use super::lease::not_negative;
use super::{Backend, Conn};
use crate::domain::{
    Channel, ChannelConfig, ChannelId, Email, EmailAddress, Event, ListingId, MessageEvent, MessageId, NoticeFacts,
    OutboundMessage, RuleState, Series, TenantId,
};
use crate::store::channel_rows::{CHANNEL_COLUMNS, ChannelColumns};
use crate::store::channels::{Channels, ClaimedMessage, MessageEnd};
use crate::store::clock::{ClockParam, millis};
use crate::store::rows::{EventColumns, count, time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{ChannelPatch, ChannelUsage, DeliveryClaim, History, MessageRow, NewChannel, Page, StoreResult};

/// Due messages that are looked at to serve tenants in turn.
const CLAIM_WINDOW: i64 = 256;
/// Rules and products that a message tells; the others are counted.
const MAX_EVENTS: i64 = 50;
/// Products whose history comes with a message, for a chart.
const MAX_CHARTS: usize = 5;
/// Points of one chart.
const MAX_POINTS: u32 = 5_000;
/// The time that a chart shows.
const CHART_DAYS: i64 = 90;
/// So many messages in a row that were given up, over so long a time: the channel does not work.
const MAX_DEAD_IN_A_ROW: i32 = 3;
const FAILING_FOR_MS: i64 = 24 * 3600 * 1000;
/// The owner of a channel that does not work is told at most so often.
const TELL_EVERY_MS: i64 = 24 * 3600 * 1000;
/// Admins who are told by e-mail when no other channel works.
const MAX_ADMINS: i64 = 3;

/// A message that is due.
#[derive(sqlx::FromRow)]
struct DueMessage {
    id: Uuid,
    tenant_id: Uuid,
    host: Option<String>,
}

/// A message that was claimed.
#[derive(sqlx::FromRow)]
struct Taken {
    id: Uuid,
    kind: String,
    notice: Option<Json<NoticeFacts>>,
    token: i64,
    attempts: i32,
    created_at: i64,
    trace_context: Option<String>,
    channel_id: Uuid,
}

/// The latest event of a rule about a product within a message.
#[derive(sqlx::FromRow)]
struct MemberColumns {
    #[sqlx(flatten)]
    event: EventColumns,
    times: i64,
    state: Option<Json<RuleState>>,
    listing_id: Option<i64>,
    groups: i64,
}

#[async_trait]
impl Channels for Backend {
    async fn add_channel(&self, channel: NewChannel) -> StoreResult<Channel> {
        self.insert_channel(channel).await
    }

    async fn channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<Channel> {
        self.find_channel(tenant_id, id).await
    }

    async fn channels(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Channel>> {
        self.list_channels(tenant_id, cursor, limit).await
    }

    async fn update_channel(&self, tenant_id: TenantId, id: ChannelId, patch: ChannelPatch) -> StoreResult<Channel> {
        self.change_channel(tenant_id, id, patch).await
    }

    async fn remove_channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<()> {
        self.delete_channel(tenant_id, id).await
    }

    async fn channel_usage(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<ChannelUsage> {
        self.usage_of_channel(tenant_id, id).await
    }

    async fn messages(
        &self,
        tenant_id: TenantId,
        id: ChannelId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<MessageRow>> {
        self.messages_of(tenant_id, id, cursor, limit).await
    }

    async fn retry_message(&self, tenant_id: TenantId, id: MessageId) -> StoreResult<bool> {
        self.revive_message(tenant_id, id).await
    }

    async fn dispatch_one(&self) -> StoreResult<bool> {
        self.dispatch().await
    }

    async fn claim_messages(&self, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<ClaimedMessage>> {
        let (owned, clock) = (OwnedClaim::of(claim), self.clock_param());
        let taken = self.transaction(TenantScope::All, move |conn| take(conn, owned, clock).boxed()).await?;
        let mut claimed = Vec::with_capacity(taken.len());
        for taken in taken {
            let (id, token) = (MessageId(taken.id), taken.token);
            match self.with_content(taken).await {
                Ok(message) => claimed.push(message),
                // The other messages are not affected.
                Err(error) => {
                    tracing::error!(message_id = %id, %error, "a message cannot be read");
                    let end = MessageEnd::Retry { after: Duration::from_secs(60), error: error.to_string() };
                    self.finish_message(id, token, &end).await?;
                }
            }
        }
        Ok(claimed)
    }

    async fn finish_message(&self, id: MessageId, token: i64, end: &MessageEnd) -> StoreResult<bool> {
        let clock = self.clock_param();
        if let MessageEnd::Delivered { moved_to: Some(config) } = end {
            self.move_channel(id, config).await?;
        }
        let end = end.clone();
        self.transaction(TenantScope::All, move |conn| finish(conn, id, token, end, clock).boxed()).await
    }

    async fn release_message(&self, id: MessageId, token: i64) -> StoreResult<()> {
        const RELEASE: &str = concat!(
            "UPDATE message SET ready_at = ",
            now!(3),
            ", owner = NULL, attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END \
             WHERE id = $1 AND token = $2 AND owner IS NOT NULL"
        );
        let query = sqlx::query(RELEASE).bind(id.0).bind(token).bind(self.clock_param());
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn next_message_in(&self) -> StoreResult<Option<Duration>> {
        const NEXT: &str = concat!(
            "SELECT min(ready_at) - ",
            now!(1),
            " FROM (SELECT min(ready_at) AS ready_at FROM message WHERE status = 'pending' \
               UNION ALL SELECT min(ready_at) FROM delivery WHERE status = 'held') AS next"
        );
        let query = sqlx::query_scalar(NEXT).bind(self.clock_param());
        let left_ms: Option<i64> = self.on_claims(async |conn| query.fetch_one(conn).await).await?;
        Ok(left_ms.map(not_negative))
    }

    async fn send_mail(&self, tenant_id: TenantId, mail: Email) -> StoreResult<()> {
        const MAIL: &str = concat!(
            "INSERT INTO delivery (id, tenant_id, mail, status, ready_at) VALUES ($1, $2, $3, 'pending', ",
            now!(4),
            ")"
        );
        let query = sqlx::query(MAIL).bind(MessageId::new().0).bind(tenant_id.0).bind(Json(mail));
        query.bind(self.clock_param()).execute(&mut *self.writer(tenant_id).await?).await?;
        Ok(())
    }

    async fn installation_key(&self, name: &'static str) -> StoreResult<String> {
        self.key_of_installation(name).await
    }
}

/// A claim that outlives its caller.
struct OwnedClaim {
    limit: u32,
    per_tenant: u32,
    per_host: u32,
    busy_tenants: Vec<TenantId>,
    busy_hosts: Vec<String>,
    lease: Duration,
    owner: String,
}

impl OwnedClaim {
    fn of(claim: &DeliveryClaim<'_>) -> Self {
        Self {
            limit: claim.limit,
            per_tenant: claim.per_tenant,
            per_host: claim.per_host,
            busy_tenants: claim.busy_tenants.clone(),
            busy_hosts: claim.busy_hosts.clone(),
            lease: claim.lease,
            owner: claim.owner.to_owned(),
        }
    }

    /// Of the oldest, one of each tenant, then a second of each.
    fn choose(&self, due: Vec<DueMessage>) -> Vec<Uuid> {
        let (mut of_tenant, mut of_host): (HashMap<Uuid, u32>, HashMap<String, u32>) = Default::default();
        let mut ranked: Vec<(u32, usize, Uuid)> = Vec::new();
        for (place, message) in due.into_iter().enumerate() {
            if let Some(host) = message.host {
                let count = of_host.entry(host).or_default();
                *count += 1;
                if *count > self.per_host {
                    continue;
                }
            }
            let rank = of_tenant.entry(message.tenant_id).or_default();
            *rank += 1;
            if *rank <= self.per_tenant {
                ranked.push((*rank, place, message.id));
            }
        }
        ranked.sort_unstable();
        ranked.into_iter().take(self.limit as usize).map(|(_, _, id)| id).collect()
    }
}

async fn take(conn: &mut Conn, claim: OwnedClaim, clock: ClockParam) -> StoreResult<Vec<Taken>> {
    const DUE: &str = concat!(
        "SELECT id, tenant_id, host FROM message WHERE status = 'pending' AND ready_at <= ",
        now!(1),
        " AND tenant_id NOT IN (SELECT id FROM (",
        uuids!(2),
        ") AS busy) AND coalesce(host, '') NOT IN (",
        texts!(3),
        ") AND EXISTS (SELECT 1 FROM channel c WHERE c.id = message.channel_id AND c.status = 'ok' \
             AND coalesce(c.postponed_until, 0) <= ",
        now!(1),
        ") ORDER BY ready_at, id LIMIT $4",
        skip_locked!()
    );
    const TAKE: &str = concat!(
        "UPDATE message SET ready_at = ",
        now!(2),
        " + $3, token = token + 1, owner = $4, attempts = attempts + 1 WHERE id IN (SELECT id FROM (",
        uuids!(1),
        ") AS given) RETURNING id, kind, notice, token, attempts, created_at, trace_context, channel_id"
    );
    let query = sqlx::query_as(DUE).bind(clock).bind(Json(claim.busy_tenants.clone()));
    let due: Vec<DueMessage> =
        query.bind(Json(claim.busy_hosts.clone())).bind(CLAIM_WINDOW).fetch_all(&mut *conn).await?;
    let chosen = claim.choose(due);
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query_as(TAKE).bind(Json(chosen)).bind(clock).bind(millis(claim.lease)).bind(claim.owner);
    Ok(query.fetch_all(conn).await?)
}

impl Backend {
    async fn with_content(&self, taken: Taken) -> StoreResult<ClaimedMessage> {
        let keys = self.encryption().await?;
        let channel = AssertSqlSafe(format!("SELECT {CHANNEL_COLUMNS} FROM channel c WHERE c.id = $1"));
        let query = sqlx::query_as(channel).bind(taken.channel_id);
        let row: ChannelColumns = query.fetch_one(&mut *self.writer(TenantScope::All).await?).await?;
        let members = self.members(taken.id).await?;
        let groups = members.first().map_or(0, |member| member.groups);
        let left_out = count(groups.saturating_sub(members.len() as i64).max(0))?;
        let mut events = Vec::with_capacity(members.len());
        for (place, member) in members.into_iter().enumerate() {
            let listing_id = member.listing_id.filter(|_| place < MAX_CHARTS).map(ListingId);
            events.push(self.message_event(member, listing_id).await?);
        }
        let message = OutboundMessage {
            id: MessageId(taken.id),
            kind: word(&taken.kind)?,
            channel: row.channel(keys)?,
            events,
            left_out,
            notice: taken.notice.map(|notice| notice.0),
            created_at: time(taken.created_at)?,
        };
        let (token, attempt, trace_context) = (taken.token, count(taken.attempts)?, taken.trace_context);
        Ok(ClaimedMessage { token, attempt, message, trace_context })
    }

    /// The latest event of each rule about each product.
    async fn members(&self, id: Uuid) -> StoreResult<Vec<MemberColumns>> {
        const MEMBERS: &str = "WITH member AS ( \
               SELECT e.*, row_number() OVER (PARTITION BY e.rule_id, e.product_id ORDER BY e.at DESC, e.id) AS place, \
                 count(*) OVER (PARTITION BY e.rule_id, e.product_id) AS times \
               FROM delivery d JOIN event e ON e.id = d.event_id WHERE d.message_id = $1), \
             latest AS (SELECT *, count(*) OVER () AS groups FROM member WHERE place = 1) \
             SELECT l.id, l.tenant_id, l.rule_id, l.product_id, l.facts, l.at, l.times, l.groups, s.state, p.listing_id \
             FROM latest l LEFT JOIN rule_state s ON s.rule_id = l.rule_id AND s.product_id = l.product_id \
             LEFT JOIN product p ON p.id = l.product_id ORDER BY l.at DESC, l.id LIMIT $2";
        let query = sqlx::query_as(MEMBERS).bind(id).bind(MAX_EVENTS);
        Ok(query.fetch_all(&mut *self.writer(TenantScope::All).await?).await?)
    }

    async fn message_event(&self, member: MemberColumns, listing_id: Option<ListingId>) -> StoreResult<MessageEvent> {
        let event = Event::try_from(member.event)?;
        let points = match listing_id {
            Some(listing_id) => {
                let from = event.at.checked_sub(SignedDuration::from_hours(24 * CHART_DAYS)).unwrap_or(Timestamp::MIN);
                let to = event.at.checked_add(SignedDuration::from_millis(1)).unwrap_or(event.at);
                let series = [Series::Price, Series::Unobserved];
                self.points(listing_id, &series, Some(from), Some(to), MAX_POINTS).await?
            }
            None => Vec::new(),
        };
        let ended_at = member.state.and_then(|state| state.0.ended_at).filter(|ended_at| *ended_at > event.at);
        Ok(MessageEvent { event, times: count(member.times)?, ended_at, points })
    }

    /// The service said how the channel is reached from now on.
    async fn move_channel(&self, id: MessageId, config: &ChannelConfig) -> StoreResult<()> {
        const CHANNEL: &str =
            "SELECT c.id, c.tenant_id FROM message m JOIN channel c ON c.id = m.channel_id WHERE m.id = $1";
        let query = sqlx::query_as(CHANNEL).bind(id.0);
        let found: Option<(Uuid, Uuid)> = query.fetch_optional(&mut *self.writer(TenantScope::All).await?).await?;
        if let Some((channel, tenant)) = found {
            let patch = ChannelPatch { config: Some(config.clone()), ..ChannelPatch::default() };
            self.change_channel(TenantId(tenant), ChannelId(channel), patch).await?;
        }
        Ok(())
    }
}

/// The channel of a message after an attempt.
#[derive(sqlx::FromRow)]
struct Health {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    failing_since: Option<i64>,
    dead_in_a_row: i32,
    told_at: Option<i64>,
    now_at: i64,
}

async fn finish(conn: &mut Conn, id: MessageId, token: i64, end: MessageEnd, clock: ClockParam) -> StoreResult<bool> {
    const CHANNEL: &str = concat!(
        "SELECT c.id, c.tenant_id, c.name, c.failing_since, c.dead_in_a_row, c.told_at, ",
        now!(3),
        " AS now_at FROM channel c JOIN message m ON m.channel_id = c.id \
         WHERE m.id = $1 AND m.token = $2 AND m.owner IS NOT NULL AND m.status = 'pending'",
        lock_rows!("c")
    );
    let query = sqlx::query_as(CHANNEL).bind(id.0).bind(token).bind(clock);
    let Some(channel) = query.fetch_optional(&mut *conn).await? as Option<Health> else { return Ok(false) };
    let now_ms = channel.now_at;
    match end {
        MessageEnd::Delivered { .. } => {
            end_message(conn, id, "delivered", now_ms, None, Some(now_ms)).await?;
            succeeded(conn, &channel, clock).await?;
        }
        MessageEnd::Retry { after, error } => {
            end_message(conn, id, "pending", now_ms + millis(after), Some(&error), None).await?;
            failed(conn, &channel, &error).await?;
        }
        MessageEnd::Postponed { after, error } => {
            end_message(conn, id, "pending", now_ms + millis(after), Some(&error), None).await?;
            postpone(conn, id, &channel, now_ms + millis(after)).await?;
        }
        MessageEnd::Dead { error } => {
            end_message(conn, id, "dead", now_ms, Some(&error), None).await?;
            failed(conn, &channel, &error).await?;
            let is_old = channel.failing_since.is_some_and(|since| now_ms - since >= FAILING_FOR_MS);
            if is_old && channel.dead_in_a_row + 1 >= MAX_DEAD_IN_A_ROW {
                break_channel(conn, &channel, &error).await?;
            } else {
                const COUNT: &str = "UPDATE channel SET dead_in_a_row = dead_in_a_row + 1 WHERE id = $1";
                sqlx::query(COUNT).bind(channel.id).execute(conn).await?;
            }
        }
        MessageEnd::Broken { error } => {
            take_apart(conn, id, &error).await?;
            failed(conn, &channel, &error).await?;
            break_channel(conn, &channel, &error).await?;
        }
    }
    Ok(true)
}

/// All members share the end of their message.
async fn end_message(
    conn: &mut Conn,
    id: MessageId,
    status: &str,
    ready_ms: i64,
    error: Option<&str>,
    delivered_ms: Option<i64>,
) -> StoreResult<()> {
    const MESSAGE: &str =
        "UPDATE message SET status = $2, ready_at = $3, last_error = $4, delivered_at = $5, owner = NULL WHERE id = $1";
    const MEMBERS: &str = "UPDATE delivery SET status = CASE WHEN $2 = 'pending' THEN 'sending' ELSE $2 END, ready_at = $3, \
           last_error = $4, delivered_at = $5, attempts = (SELECT attempts FROM message WHERE id = $1) WHERE message_id = $1";
    for statement in [MESSAGE, MEMBERS] {
        let query = sqlx::query(statement).bind(id.0).bind(status).bind(ready_ms).bind(error).bind(delivered_ms);
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

/// A success clears what failed before.
async fn succeeded(conn: &mut Conn, channel: &Health, clock: ClockParam) -> StoreResult<()> {
    const CLEAR: &str = "UPDATE channel SET failing_since = NULL, dead_in_a_row = 0, last_error = NULL, delivered_at = $2, \
           status = CASE WHEN status = 'broken' THEN 'ok' ELSE status END WHERE id = $1";
    sqlx::query(CLEAR).bind(channel.id).bind(channel.now_at).execute(&mut *conn).await?;
    if channel.failing_since.is_some() {
        wake_held(conn, ChannelId(channel.id), clock).await?;
    }
    Ok(())
}

async fn failed(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const FAILED: &str =
        "UPDATE channel SET failing_since = coalesce(failing_since, $2), last_error = $3 WHERE id = $1";
    sqlx::query(FAILED).bind(channel.id).bind(channel.now_at).bind(error).execute(conn).await?;
    Ok(())
}

async fn postpone(conn: &mut Conn, id: MessageId, channel: &Health, until_ms: i64) -> StoreResult<()> {
    const POSTPONE: &str = "UPDATE channel SET postponed_until = $2 WHERE id = $1";
    const UNCOUNT: &str =
        "UPDATE message SET attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END WHERE id = $1";
    sqlx::query(POSTPONE).bind(channel.id).bind(until_ms).execute(&mut *conn).await?;
    sqlx::query(UNCOUNT).bind(id.0).execute(conn).await?;
    Ok(())
}

/// The service did not take the message, and takes no other: its members wait again, and are told with what comes meanwhile.
async fn take_apart(conn: &mut Conn, id: MessageId, error: &str) -> StoreResult<()> {
    const MEMBERS: &str =
        "UPDATE delivery SET status = 'held', message_id = NULL, ready_at = $2, last_error = $3 WHERE message_id = $1";
    const MESSAGE: &str = "DELETE FROM message WHERE id = $1";
    sqlx::query(MEMBERS).bind(id.0).bind(NEVER_MS).bind(error).execute(&mut *conn).await?;
    sqlx::query(MESSAGE).bind(id.0).execute(conn).await?;
    Ok(())
}

/// The channel is not used until it is repaired. Its owner is told by another channel, or else its admins by e-mail, once a day.
async fn break_channel(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const BREAK: &str = "UPDATE channel SET status = 'broken', version = version + 1 WHERE id = $1 AND status = 'ok'";
    const PARK: &str =
        "UPDATE message SET ready_at = $2 WHERE channel_id = $1 AND status = 'pending' AND owner IS NULL";
    const TOLD: &str = "UPDATE channel SET told_at = $2 WHERE id = $1";
    if sqlx::query(BREAK).bind(channel.id).execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(());
    }
    tracing::warn!(channel_id = %channel.id, error, "a channel does not work and is not used until it is repaired");
    park_held(&mut *conn, ChannelId(channel.id)).await?;
    sqlx::query(PARK).bind(channel.id).bind(NEVER_MS).execute(&mut *conn).await?;
    if channel.told_at.is_some_and(|told_at| channel.now_at - told_at < TELL_EVERY_MS) {
        return Ok(());
    }
    tell_owner(conn, channel, error).await?;
    sqlx::query(TOLD).bind(channel.id).bind(channel.now_at).execute(conn).await?;
    Ok(())
}

async fn tell_owner(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const OTHER: &str = "SELECT id, host FROM channel WHERE tenant_id = $1 AND id <> $2 AND status = 'ok' AND failing_since IS NULL \
         ORDER BY CASE kind WHEN 'email' THEN 0 ELSE 1 END, created_at LIMIT 1";
    const NOTICE: &str = "INSERT INTO message (id, tenant_id, channel_id, kind, notice, host, status, ready_at, created_at) \
         VALUES ($1, $2, $3, 'notice', $4, $5, 'pending', $6, $6)";
    let query = sqlx::query_as(OTHER).bind(channel.tenant_id).bind(channel.id);
    let other: Option<(Uuid, Option<String>)> = query.fetch_optional(&mut *conn).await?;
    let Some((other, host)) = other else { return mail_admins(conn, channel, error).await };
    let notice = NoticeFacts::ChannelBroken { name: channel.name.clone(), reason: error.to_owned() };
    let query = sqlx::query(NOTICE).bind(MessageId::new().0).bind(channel.tenant_id).bind(other).bind(Json(notice));
    query.bind(host).bind(channel.now_at).execute(conn).await?;
    Ok(())
}

async fn mail_admins(conn: &mut Conn, channel: &Health, error: &str) -> StoreResult<()> {
    const ADMINS: &str = "SELECT email FROM tenant_user WHERE tenant_id = $1 AND role IN ('tenant_admin', 'superadmin') \
           AND status = 'active' AND verified_at IS NOT NULL ORDER BY created_at LIMIT $2";
    const MAIL: &str =
        "INSERT INTO delivery (id, tenant_id, mail, status, ready_at) VALUES ($1, $2, $3, 'pending', $4)";
    let query = sqlx::query_scalar(ADMINS).bind(channel.tenant_id).bind(MAX_ADMINS);
    let admins: Vec<String> = query.fetch_all(&mut *conn).await?;
    let useless_after = time(channel.now_at + 7 * TELL_EVERY_MS)?;
    for to in admins.iter().filter_map(|admin| admin.parse::<EmailAddress>().ok()) {
        let mail = Email {
            to,
            subject: format!("Alert channel “{}” does not work", channel.name),
            text: format!(
                "The alert channel “{}” does not work:\n\n    {error}\n\nNothing is sent there until it is repaired. What it should \
                 tell waits for seven days. To repair it, change or test the channel.\n",
                channel.name
            ),
            useless_after,
        };
        let query = sqlx::query(MAIL).bind(MessageId::new().0).bind(channel.tenant_id).bind(Json(mail));
        query.bind(channel.now_at).execute(&mut *conn).await?;
    }
    Ok(())
}

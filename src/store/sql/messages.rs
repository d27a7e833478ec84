//! Messages: claimed and fenced like deliveries, with what their text needs; and what an attempt says about its channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use sqlx::types::Json;
use uuid::Uuid;

use super::channel_health::finish;
use super::lease::not_negative;
use super::{Backend, Conn};
use crate::domain::{
    Channel, ChannelConfig, ChannelId, Event, ListingId, MessageEvent, MessageId, OutboundMessage, Point, RuleState,
    Series, TenantId,
};
use crate::store::channel_rows::{CHANNEL_COLUMNS, ChannelColumns, notice_facts};
use crate::store::channels::{Channels, ClaimedMessage, MessageEnd, MessageQuota};
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
    /// Read apart from the others: a kind of notice that this version does not know must not keep them from being sent.
    notice: Option<Json<serde_json::Value>>,
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

    async fn latest_events(&self, tenant_id: TenantId, id: ChannelId, limit: u32) -> StoreResult<Vec<MessageEvent>> {
        self.latest_events_of(tenant_id, id, limit).await
    }

    async fn retry_message(&self, tenant_id: TenantId, id: MessageId) -> StoreResult<bool> {
        self.revive_message(tenant_id, id).await
    }

    async fn dispatch_one(&self, quota: &MessageQuota) -> StoreResult<bool> {
        self.dispatch(Arc::clone(quota)).await
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
        let written = end.clone();
        let is_written =
            self.transaction(TenantScope::All, move |conn| finish(conn, id, token, written, clock).boxed()).await?;
        if let (true, MessageEnd::Delivered { moved_to: Some(config) }) = (is_written, end) {
            self.move_channel(id, config).await?;
        }
        Ok(is_written)
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
            " FROM (SELECT min(CASE WHEN c.postponed_until > m.ready_at THEN c.postponed_until ELSE m.ready_at END) AS ready_at \
                      FROM message m JOIN channel c ON c.id = m.channel_id AND c.status = 'ok' WHERE m.status = 'pending' \
               UNION ALL SELECT min(d.ready_at) FROM delivery d WHERE d.status = 'held' \
                 AND ",
            is_dispatchable!(),
            ") AS next"
        );
        let query = sqlx::query_scalar(NEXT).bind(self.clock_param());
        let left_ms: Option<i64> = self.on_claims(async |conn| query.fetch_one(conn).await).await?;
        Ok(left_ms.map(not_negative))
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
    busy_channels: Vec<ChannelId>,
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
            busy_channels: claim.busy_channels.clone(),
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
        ") AND channel_id NOT IN (SELECT id FROM (",
        uuids!(5),
        ") AS slow) AND EXISTS (SELECT 1 FROM channel c WHERE c.id = message.channel_id AND c.status = 'ok' \
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
    let query = query.bind(Json(claim.busy_hosts.clone())).bind(CLAIM_WINDOW).bind(Json(claim.busy_channels.clone()));
    let due: Vec<DueMessage> = query.fetch_all(&mut *conn).await?;
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
            notice: taken.notice.map(|notice| notice_facts(notice.0)).transpose()?,
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
            Some(listing_id) => self.prices_before(&event, listing_id).await?,
            None => Vec::new(),
        };
        let ended_at = member.state.and_then(|state| state.0.ended_at).filter(|ended_at| *ended_at > event.at);
        Ok(MessageEvent { event, times: count(member.times)?, ended_at, points })
    }

    /// The prices of an event's listing before it and at it, with the gaps.
    pub(super) async fn prices_before(&self, event: &Event, listing_id: ListingId) -> StoreResult<Vec<Point>> {
        let from = event.at.checked_sub(SignedDuration::from_hours(24 * CHART_DAYS)).unwrap_or(Timestamp::MIN);
        let to = event.at.checked_add(SignedDuration::from_millis(1)).unwrap_or(event.at);
        let series = [Series::Price, Series::Unobserved];
        self.points(listing_id, &series, Some(from), Some(to), MAX_POINTS).await
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

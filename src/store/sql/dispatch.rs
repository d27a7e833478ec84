//! From events that wait to messages: the policy of a channel is applied to what is due, under the lock of the channel, so that no event is
//! part of two messages and none joins a message that exists.

use std::collections::HashMap;

use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::channels::{NEVER_MS, park_held};
use super::{Backend, Conn};
use crate::domain::{ChannelId, Gate, HeldFor, MessageId, MessageKind, Policy, SentSoFar, Severity, TenantId};
use crate::store::channels::MessageQuota;
use crate::store::clock::ClockParam;
use crate::store::rows::{count, time, word};
use crate::store::tenant_scope::TenantScope;
use crate::store::{StoreError, StoreResult};

/// Events that are looked at at once: a digest of a day with very many.
const MAX_EVENTS: i64 = 20_000;

/// A channel for which something is due.
#[derive(sqlx::FromRow)]
struct DueChannel {
    id: Uuid,
    tenant_id: Uuid,
    policy: Json<Policy>,
    status: String,
    host: Option<String>,
    last_message_at: Option<i64>,
    postponed_until: Option<i64>,
    now_at: i64,
}

/// An event that waits, with what decides about it.
#[derive(sqlx::FromRow)]
struct Waiting {
    id: Uuid,
    held_for: Option<String>,
    severity: Option<String>,
    /// The rule was deleted or paused, or does not name the channel any more.
    is_orphan: bool,
    snoozed_until: Option<i64>,
    /// Another channel has delivered the event.
    is_told: bool,
    trace_context: Option<String>,
}

/// What becomes of the events that are due.
#[derive(Default)]
struct Decided {
    sent: Vec<Uuid>,
    dropped: Vec<Uuid>,
    held: HashMap<(i64, &'static str), Vec<Uuid>>,
}

impl Backend {
    /// See [`Channels::dispatch_one`](crate::store::Channels::dispatch_one).
    pub(super) async fn dispatch(&self, quota: MessageQuota) -> StoreResult<bool> {
        let clock = self.clock_param();
        self.transaction(TenantScope::All, move |conn| try_dispatch(conn, quota, clock).boxed()).await
    }
}

async fn try_dispatch(conn: &mut Conn, quota: MessageQuota, clock: ClockParam) -> StoreResult<bool> {
    // The one that has waited longest. Another replica that has a channel decides about all that is due for it. Led by what waits: from
    // the channels, the planner compares all of them with it.
    const DUE: &str = concat!(
        "SELECT c.id, c.tenant_id, c.policy, c.status, c.host, c.last_message_at, c.postponed_until, ",
        now!(1),
        " AS now_at FROM ( \
           SELECT d.channel_id, d.ready_at FROM delivery d WHERE d.status = 'held' AND d.ready_at <= ",
        now!(1),
        " AND ",
        is_dispatchable!(),
        " ORDER BY d.ready_at LIMIT 256) AS due \
         JOIN channel c ON c.id = due.channel_id ORDER BY due.ready_at LIMIT 1",
        skip_locked!("c")
    );
    let due: Option<DueChannel> = sqlx::query_as(DUE).bind(clock).fetch_optional(&mut *conn).await?;
    let Some(channel) = due else { return Ok(false) };
    if channel.status != "ok" {
        park_held(conn, ChannelId(channel.id)).await?;
        return Ok(true);
    }
    let waiting = waiting(conn, &channel).await?;
    let decided = decide(conn, &channel, &quota, &waiting).await?;
    hold(conn, decided.held).await?;
    drop_all(conn, decided.dropped).await?;
    if !decided.sent.is_empty() {
        let trace_context = waiting.into_iter().find_map(|waiting| waiting.trace_context);
        make_message(conn, &channel, decided.sent, trace_context).await?;
    }
    Ok(true)
}

async fn waiting(conn: &mut Conn, channel: &DueChannel) -> StoreResult<Vec<Waiting>> {
    const WAITING: &str = "SELECT d.id, d.held_for, e.facts ->> 'severity' AS severity, rc.rule_id IS NULL OR r.is_paused AS is_orphan, r.snoozed_until, \
           (rc.fallback_after_secs IS NOT NULL AND EXISTS (SELECT 1 FROM delivery other WHERE other.event_id = d.event_id \
             AND other.id <> d.id AND other.status = 'delivered')) IS TRUE AS is_told, d.trace_context \
         FROM delivery d JOIN event e ON e.id = d.event_id LEFT JOIN alert_rule r ON r.id = e.rule_id \
         LEFT JOIN rule_channel rc ON rc.rule_id = e.rule_id AND rc.channel_id = d.channel_id \
         WHERE d.channel_id = $1 AND d.status = 'held' AND d.ready_at <= $2 ORDER BY e.at, d.id LIMIT $3";
    let query = sqlx::query_as(WAITING).bind(channel.id).bind(channel.now_at).bind(MAX_EVENTS);
    Ok(query.fetch_all(conn).await?)
}

async fn decide(
    conn: &mut Conn,
    channel: &DueChannel,
    quota: &MessageQuota,
    waiting: &[Waiting],
) -> StoreResult<Decided> {
    const SENT: &str = "SELECT coalesce(sum(CASE WHEN s.channel_id = $1 THEN s.sent ELSE 0 END), 0), coalesce(sum(s.sent), 0), \
           (SELECT plan FROM tenant WHERE id = $2) FROM channel_day s WHERE s.tenant_id = $2 AND s.day = $3";
    let (policy, now) = (&channel.policy.0, time(channel.now_at)?);
    let query = sqlx::query_as(SENT).bind(channel.id).bind(channel.tenant_id).bind(policy.local_day(now));
    let (today, of_tenant, plan): (i64, i64, String) = query.fetch_one(conn).await?;
    let left = quota(&plan).saturating_sub(count(of_tenant)?);
    let sent = SentSoFar { today: count(today)?, left, last_at: channel.last_message_at.map(time).transpose()? };
    let mut decided = Decided::default();
    for event in waiting {
        match gate(policy, event, now, sent)? {
            Gate::Send => decided.sent.push(event.id),
            Gate::Drop => decided.dropped.push(event.id),
            Gate::Hold { until, held_for } => {
                let key = (until.as_millisecond(), <&str>::from(held_for));
                decided.held.entry(key).or_default().push(event.id);
            }
        }
    }
    Ok(decided)
}

fn gate(policy: &Policy, event: &Waiting, now: Timestamp, sent: SentSoFar) -> StoreResult<Gate> {
    if event.is_orphan || event.is_told {
        return Ok(Gate::Drop);
    }
    if let Some(until) = event.snoozed_until.map(time).transpose()?.filter(|until| *until > now) {
        return Ok(Gate::Hold { until, held_for: HeldFor::Snooze });
    }
    let severity: Severity = event.severity.as_deref().map(word).transpose()?.unwrap_or_default();
    let held_for: Option<HeldFor> = event.held_for.as_deref().map(word).transpose()?;
    Ok(match held_for {
        None => policy.gate_new(now, severity, sent),
        Some(held_for) => policy.gate_held(now, severity, held_for, sent),
    })
}

async fn hold(conn: &mut Conn, held: HashMap<(i64, &'static str), Vec<Uuid>>) -> StoreResult<()> {
    const HOLD: &str = concat!(
        "UPDATE delivery SET ready_at = $2, held_for = $3 WHERE status = 'held' AND id IN (SELECT id FROM (",
        uuids!(1),
        ") AS given)"
    );
    for ((until_ms, held_for), ids) in held {
        let until_ms = until_ms.min(NEVER_MS - 1);
        sqlx::query(HOLD).bind(Json(ids)).bind(until_ms).bind(held_for).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn drop_all(conn: &mut Conn, ids: Vec<Uuid>) -> StoreResult<()> {
    const DROP: &str = concat!(
        "UPDATE delivery SET status = 'dropped' WHERE status = 'held' AND id IN (SELECT id FROM (",
        uuids!(1),
        ") AS given)"
    );
    if !ids.is_empty() {
        sqlx::query(DROP).bind(Json(ids)).execute(conn).await?;
    }
    Ok(())
}

/// The id of the message is made from its first member, so work that is repeated has no second effect.
async fn make_message(
    conn: &mut Conn,
    channel: &DueChannel,
    members: Vec<Uuid>,
    trace_context: Option<String>,
) -> StoreResult<()> {
    const MESSAGE: &str = "INSERT INTO message (id, tenant_id, channel_id, kind, host, status, ready_at, created_at, trace_context) \
         VALUES ($1, $2, $3, $4, $5, 'pending', $6, $8, $7)";
    const MEMBERS: &str = concat!(
        "UPDATE delivery SET status = 'sending', message_id = $2, held_for = NULL WHERE status = 'held' AND id IN (SELECT id FROM (",
        uuids!(1),
        ") AS given)"
    );
    const CHANNEL: &str = "UPDATE channel SET last_message_at = $2 WHERE id = $1";
    const DAY: &str = "INSERT INTO channel_day (channel_id, day, tenant_id, sent) VALUES ($1, $2, $3, 1) \
         ON CONFLICT (channel_id, day) DO UPDATE SET sent = channel_day.sent + 1";
    let first = members.first().ok_or_else(|| StoreError::Corrupt("a message without members".to_owned()))?;
    let id = MessageId::of_first_member(ChannelId(channel.id), *first);
    let kind = if members.len() == 1 { MessageKind::Single } else { MessageKind::Digest };
    let query = sqlx::query(MESSAGE).bind(id.0).bind(channel.tenant_id).bind(channel.id).bind(<&str>::from(kind));
    let ready_at = channel.postponed_until.unwrap_or(0).max(channel.now_at);
    let query = query.bind(channel.host.clone()).bind(ready_at).bind(trace_context).bind(channel.now_at);
    query.execute(&mut *conn).await?;
    sqlx::query(MEMBERS).bind(Json(members)).bind(id.0).execute(&mut *conn).await?;
    sqlx::query(CHANNEL).bind(channel.id).bind(channel.now_at).execute(&mut *conn).await?;
    let day = channel.policy.0.local_day(time(channel.now_at)?);
    let query = sqlx::query(DAY).bind(channel.id).bind(day).bind(TenantId(channel.tenant_id).0);
    query.execute(conn).await?;
    Ok(())
}

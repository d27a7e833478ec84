//! Rules and events.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::catalog::listing_of;
use super::newest::push_newest_first;
use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, Db, usage};
use crate::domain::rule::Fallback;
use crate::domain::{ChannelId, Delivery, Event, EventId, ProductId, RuleId, RuleScope, TenantId};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::rows::{DeliveryColumns, EventColumns, count};
use crate::store::rule_rows::{RULE_COLUMNS, RuleColumns};
use crate::store::{
    Alerts, EventFilter, EventRow, Lane, NewRule, Page, RuleChannels, RuleFilter, RulePatch, RuleRow, StoreError,
    StoreResult,
};

const SELECT_EVENT: &str = "SELECT id, tenant_id, rule_id, product_id, facts, at FROM event";

#[async_trait]
impl Alerts for Backend {
    async fn add_rule(&self, rule: NewRule) -> StoreResult<RuleRow> {
        let clock = self.clock_param();
        self.transaction(rule.tenant_id, move |conn| add(conn, rule, clock).boxed()).await
    }

    async fn rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<RuleRow> {
        find(&mut *self.reader(tenant_id).await?, tenant_id, id).await
    }

    async fn rules(
        &self,
        tenant_id: TenantId,
        filter: &RuleFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<RuleRow>> {
        self.with_replica_fallback(|| {
            async move {
                let mut query = select_rules(tenant_id);
                if let Some(product_id) = filter.product_id {
                    query.push(" AND product_id = ").push_bind(product_id.0);
                }
                if let Some(tag) = &filter.tag {
                    query.push(" AND tag = ").push_bind(tag.clone());
                }
                push_newest_first(&mut query, "created_at", Cursor::of("rules", cursor)?, limit)?;
                let mut conn = self.replica_reader(tenant_id).await?;
                let rows: Vec<RuleColumns> = query.build_query_as().fetch_all(&mut *conn).await?;
                let page = page("rules", rows, limit, |row| (SortKey::Number(row.created_at), row.id));
                let mut page = page.readable(RuleRow::try_from);
                add_channels(&mut conn, &mut page.items).await?;
                Ok(page)
            }
            .boxed()
        })
        .await
    }

    async fn update_rule(&self, tenant_id: TenantId, id: RuleId, patch: RulePatch) -> StoreResult<RuleRow> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| update(conn, tenant_id, id, patch, clock).boxed()).await
    }

    async fn remove_rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<()> {
        let clock = self.clock_param();
        self.transaction(tenant_id, move |conn| remove(conn, tenant_id, id, clock).boxed()).await
    }

    async fn events(
        &self,
        tenant_id: TenantId,
        filter: &EventFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<EventRow>> {
        self.with_replica_fallback(|| {
            async move {
                let mut query = QueryBuilder::new(SELECT_EVENT);
                query.push(" WHERE tenant_id = ").push_bind(tenant_id.0);
                push_filter(&mut query, filter);
                push_newest_first(&mut query, "at", Cursor::of("events", cursor)?, limit)?;
                let rows: Vec<EventColumns> =
                    query.build_query_as().fetch_all(&mut *self.replica_reader(tenant_id).await?).await?;
                let page = page("events", rows, limit, |row| (SortKey::Number(row.at), row.id));
                let ids: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
                let mut deliveries = deliveries_of(self, tenant_id, &ids).await?;
                let with_deliveries = |row: EventColumns| {
                    let deliveries = deliveries.remove(&row.id).unwrap_or_default();
                    Ok(EventRow { event: Event::try_from(row)?, deliveries })
                };
                Ok(page.readable(with_deliveries))
            }
            .boxed()
        })
        .await
    }

    async fn event(&self, tenant_id: TenantId, id: EventId) -> StoreResult<EventRow> {
        self.with_replica_fallback(|| {
            async move {
                let mut query = QueryBuilder::<Db>::new(SELECT_EVENT);
                query.push(" WHERE tenant_id = ").push_bind(tenant_id.0).push(" AND id = ").push_bind(id.0);
                let mut conn = self.replica_reader(tenant_id).await?;
                let row: EventColumns = query.build_query_as().fetch_one(&mut *conn).await.or_not_found("event")?;
                drop(conn);
                let deliveries = deliveries_of(self, tenant_id, &[row.id]).await?.remove(&row.id).unwrap_or_default();
                Ok(EventRow { event: Event::try_from(row)?, deliveries })
            }
            .boxed()
        })
        .await
    }
}

fn push_filter(query: &mut QueryBuilder<Db>, filter: &EventFilter) {
    if let Some(product_id) = filter.product_id {
        query.push(" AND product_id = ").push_bind(product_id.0);
    }
    if let Some(rule_id) = filter.rule_id {
        query.push(" AND rule_id = ").push_bind(rule_id.0);
    }
    if let Some(since) = filter.since {
        query.push(" AND at >= ").push_bind(since.as_millisecond());
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(until.as_millisecond());
    }
    if let Some(severity) = filter.severity {
        // The first events have none.
        query.push(" AND coalesce(facts ->> 'severity', 'normal') = ").push_bind(<&str>::from(severity));
    }
    if let Some(status) = filter.delivery {
        query.push(" AND EXISTS (SELECT 1 FROM delivery d WHERE d.event_id = event.id AND d.status = ");
        query.push_bind(status.as_str()).push(")");
    }
}

fn select_rules(tenant_id: TenantId) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::<Db>::new(format!("SELECT {RULE_COLUMNS} FROM alert_rule WHERE tenant_id = "));
    query.push_bind(tenant_id.0);
    query
}

async fn add(conn: &mut Conn, rule: NewRule, clock: ClockParam) -> StoreResult<RuleRow> {
    const INSERT: &str = concat!(
        "INSERT INTO alert_rule (id, tenant_id, product_id, listing_id, tag, condition, webhook_url, webhook_secret, name, \
           again, cooldown_secs, severity, is_paused, expires_at, armed, crossings, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, ",
        now!(16),
        ", ",
        now!(16),
        ")"
    );
    const COUNT: &str = "SELECT count(*) FROM alert_rule WHERE tenant_id = $1";
    let NewRule { tenant_id, scope, settings, webhook, channels, quota } = rule;
    let id = RuleId::new();
    let (product_id, tag) = match scope {
        RuleScope::Product(product_id) => (Some(product_id), None),
        RuleScope::Tag(tag) => (None, Some(tag)),
        RuleScope::All => (None, None),
    };
    let listing_id = match product_id {
        Some(product_id) => {
            let listing_id = listing_of(conn, tenant_id, product_id).await?;
            schedule_request::lock(conn, &[listing_id], clock).await?;
            // It may have been deleted before its listing was locked.
            Some(listing_of(conn, tenant_id, product_id).await?)
        }
        None => None,
    };
    usage::lock(conn, tenant_id).await?;
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(product_id.map(|id| id.0)).bind(listing_id);
    let query = query.bind(tag).bind(Json(settings.condition));
    let query = query.bind(webhook.as_ref().map(|webhook| webhook.url.clone()));
    let query = query.bind(webhook.map(|webhook| webhook.secret)).bind(settings.name).bind(settings.again.map(Json));
    let query = query.bind(secs(settings.cooldown_secs)).bind(<&str>::from(settings.severity)).bind(settings.is_paused);
    let query = query.bind(settings.expires_at.map(Timestamp::as_millisecond)).bind(true).bind(clock);
    query.execute(&mut *conn).await?;
    usage::check(conn, COUNT, tenant_id, "alerts", quota).await?;
    set_channels(conn, tenant_id, id, &channels).await?;
    if let Some((product_id, listing_id)) = product_id.zip(listing_id) {
        request_crawl(conn, product_id, listing_id, clock).await?;
    }
    find(conn, tenant_id, id).await
}

/// Crawls a product now, so that its rule is evaluated. A rule does not start crawls of a paused product.
async fn request_crawl(conn: &mut Conn, product_id: ProductId, listing_id: i64, clock: ClockParam) -> StoreResult<()> {
    const IS_ACTIVE: &str = "SELECT status = 'active' FROM product WHERE id = $1";
    if sqlx::query_scalar(IS_ACTIVE).bind(product_id.0).fetch_one(&mut *conn).await? {
        // A running crawl was claimed without this rule and does not evaluate it: another must follow.
        let request = ScheduleRequest { lane: Lane::Scheduled, due_in_ms: 0, unparks: true, accepts_running: false };
        schedule_request::upsert(conn, &[listing_id], &request, clock).await?;
    }
    Ok(())
}

fn secs(secs: u32) -> i32 {
    i32::try_from(secs).unwrap_or(i32::MAX)
}

async fn update(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: RuleId,
    patch: RulePatch,
    clock: ClockParam,
) -> StoreResult<RuleRow> {
    const UPDATE: &str = concat!(
        "UPDATE alert_rule SET name = $3, condition = $4, again = $5, cooldown_secs = $6, severity = $7, is_paused = $8, \
           expires_at = $9, snoozed_until = $10, version = version + 1, \
           condition_version = condition_version + CASE WHEN $11 THEN 1 ELSE 0 END, armed = armed OR $11, updated_at = ",
        now!(12),
        " WHERE tenant_id = $1 AND id = $2 AND version = coalesce($13, version)"
    );
    if patch.condition.is_some() {
        lock_listing(conn, tenant_id, id, clock).await?;
    }
    usage::lock(conn, tenant_id).await?;
    let before = find(&mut *conn, tenant_id, id).await?;
    let settings = before.settings.clone();
    let condition = patch.condition.unwrap_or_else(|| settings.condition.clone());
    let is_new = condition != settings.condition;
    let again = patch.again.unwrap_or(settings.again);
    let snoozed_until = patch.snoozed_until.unwrap_or(before.snoozed_until);
    let query = sqlx::query(UPDATE).bind(tenant_id.0).bind(id.0).bind(patch.name.unwrap_or(settings.name));
    let query = query.bind(Json(condition)).bind(again.map(Json));
    let query = query.bind(secs(patch.cooldown_secs.unwrap_or(settings.cooldown_secs)));
    let query = query.bind(<&str>::from(patch.severity.unwrap_or(settings.severity)));
    let query = query.bind(patch.is_paused.unwrap_or(settings.is_paused));
    let query = query.bind(patch.expires_at.unwrap_or(settings.expires_at).map(Timestamp::as_millisecond));
    let query = query.bind(snoozed_until.map(Timestamp::as_millisecond)).bind(is_new).bind(clock);
    if query.bind(patch.expected_version).execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::Changed);
    }
    if let Some(channels) = &patch.channels {
        set_channels(conn, tenant_id, id, channels).await?;
    }
    if patch.snoozed_until.is_some() {
        end_snooze(conn, id, clock).await?;
    }
    if let (true, RuleScope::Product(product_id)) = (is_new, before.scope) {
        let listing_id = listing_of(conn, tenant_id, product_id).await?;
        request_crawl(conn, product_id, listing_id, clock).await?;
    }
    find(conn, tenant_id, id).await
}

/// Locks the lease of the listing that a rule is about, before the rule and what it remembers: commits lock them in this order.
async fn lock_listing(conn: &mut Conn, tenant_id: TenantId, id: RuleId, clock: ClockParam) -> StoreResult<()> {
    const LISTING: &str = "SELECT listing_id FROM alert_rule WHERE tenant_id = $1 AND id = $2";
    let query = sqlx::query_scalar(LISTING).bind(tenant_id.0).bind(id.0);
    let listing_id: Option<i64> = query.fetch_one(&mut *conn).await.or_not_found("alert")?;
    if let Some(listing_id) = listing_id {
        schedule_request::lock(conn, &[listing_id], clock).await?;
    }
    Ok(())
}

/// Locks what a rule remembers of its products, in the order in which commits do.
async fn lock_states(conn: &mut Conn, id: RuleId) -> StoreResult<()> {
    const LOCK: &str =
        concat!("SELECT product_id FROM rule_state WHERE rule_id = $1 ORDER BY product_id", lock_rows!("rule_state"));
    sqlx::query(LOCK).bind(id.0).execute(conn).await?;
    Ok(())
}

/// What waits for the end of a snooze that was changed is looked at again.
async fn end_snooze(conn: &mut Conn, id: RuleId, clock: ClockParam) -> StoreResult<()> {
    const RELEASE: &str = concat!(
        "UPDATE delivery SET ready_at = ",
        now!(2),
        ", held_for = NULL WHERE status = 'held' AND held_for = 'snooze' \
           AND event_id IN (SELECT id FROM event WHERE rule_id = $1)"
    );
    sqlx::query(RELEASE).bind(id.0).bind(clock).execute(conn).await?;
    Ok(())
}

async fn find(conn: &mut Conn, tenant_id: TenantId, id: RuleId) -> StoreResult<RuleRow> {
    let mut query = select_rules(tenant_id);
    query.push(" AND id = ").push_bind(id.0);
    let row: RuleColumns = query.build_query_as().fetch_one(&mut *conn).await.or_not_found("alert")?;
    let mut rule = [row.try_into()?];
    add_channels(conn, &mut rule).await?;
    let [rule] = rule;
    Ok(rule)
}

/// Reads the channels of some rules.
async fn add_channels(conn: &mut Conn, rules: &mut [RuleRow]) -> StoreResult<()> {
    const CHANNELS: &str = concat!(
        "SELECT rc.rule_id, rc.channel_id, rc.fallback_after_secs FROM (",
        uuids!(1),
        ") AS given JOIN rule_channel rc ON rc.rule_id = given.id ORDER BY rc.rule_id, rc.channel_id"
    );
    if rules.is_empty() {
        return Ok(());
    }
    let ids: Vec<RuleId> = rules.iter().map(|rule| rule.id).collect();
    let rows: Vec<(Uuid, Uuid, Option<i32>)> = sqlx::query_as(CHANNELS).bind(Json(ids)).fetch_all(conn).await?;
    for (rule_id, channel_id, after_secs) in rows {
        let Some(rule) = rules.iter_mut().find(|rule| rule.id.0 == rule_id) else { continue };
        let channel = ChannelId(channel_id);
        match after_secs {
            Some(after_secs) => rule.channels.fallback = Some(Fallback { channel, after_secs: count(after_secs)? }),
            None => rule.channels.told.push(channel),
        }
    }
    Ok(())
}

/// Replaces the channels of a rule. Those of other tenants are refused.
async fn set_channels(conn: &mut Conn, tenant_id: TenantId, id: RuleId, channels: &RuleChannels) -> StoreResult<()> {
    // Before their rows of the rule: a removal of a channel locks them in this order.
    const KEEP: &str = concat!(
        "SELECT channel.id FROM channel JOIN (",
        uuids!(2),
        ") AS given ON given.id = channel.id WHERE channel.tenant_id = $1 ORDER BY channel.id",
        keep_rows!("channel")
    );
    const CLEAR: &str = "DELETE FROM rule_channel WHERE rule_id = $1";
    const SET: &str = "INSERT INTO rule_channel (rule_id, channel_id, tenant_id, fallback_after_secs) \
         SELECT $1, c.id, c.tenant_id, $4 FROM channel c WHERE c.tenant_id = $2 AND c.id = $3";
    let told = channels.told.iter().map(|channel| (*channel, None));
    let fallback = channels.fallback.map(|fallback| (fallback.channel, Some(secs(fallback.after_secs))));
    let all: Vec<(ChannelId, Option<i32>)> = told.chain(fallback).collect();
    if !all.is_empty() {
        let ids: Vec<ChannelId> = all.iter().map(|(channel, _)| *channel).collect();
        sqlx::query(KEEP).bind(tenant_id.0).bind(Json(ids)).execute(&mut *conn).await?;
    }
    sqlx::query(CLEAR).bind(id.0).execute(&mut *conn).await?;
    for (channel, after_secs) in all {
        let query = sqlx::query(SET).bind(id.0).bind(tenant_id.0).bind(channel.0).bind(after_secs);
        if query.execute(&mut *conn).await?.rows_affected() == 0 {
            return Err(StoreError::NotFound("channel"));
        }
    }
    Ok(())
}

async fn deliveries_of(
    store: &Backend,
    tenant_id: TenantId,
    events: &[Uuid],
) -> StoreResult<HashMap<Uuid, Vec<Delivery>>> {
    let mut by_event: HashMap<Uuid, Vec<Delivery>> = HashMap::new();
    if events.is_empty() {
        return Ok(by_event);
    }
    let mut query = QueryBuilder::<Db>::new(
        "SELECT event_id, id, channel_id, status, attempts, last_error, delivered_at FROM delivery WHERE event_id IN (",
    );
    let mut ids = query.separated(", ");
    for id in events {
        ids.push_bind(*id);
    }
    query.push(") ORDER BY event_id, id");
    let rows: Vec<DeliveryColumns> =
        query.build_query_as().fetch_all(&mut *store.replica_reader(tenant_id).await?).await?;
    for row in rows {
        by_event.entry(row.event_id).or_default().push(row.try_into()?);
    }
    Ok(by_event)
}

async fn remove(conn: &mut Conn, tenant_id: TenantId, id: RuleId, clock: ClockParam) -> StoreResult<()> {
    const REMOVE: &str = "DELETE FROM alert_rule WHERE tenant_id = $1 AND id = $2";
    const REMOVE_STATES: &str = "DELETE FROM rule_state WHERE rule_id = $1";
    const CALL_OFF_HELD: &str = "UPDATE delivery SET status = 'dropped', last_error = 'the alert was deleted' \
         WHERE status = 'held' AND event_id IN (SELECT id FROM event WHERE rule_id = $1)";
    const CALL_OFF: &str = "UPDATE delivery SET status = 'dead', owner = NULL, token = token + 1, \
           last_error = 'the alert was deleted' \
         WHERE status = 'pending' AND event_id IN (SELECT id FROM event WHERE rule_id = $1)";
    lock_listing(conn, tenant_id, id, clock).await?;
    if sqlx::query(REMOVE).bind(tenant_id.0).bind(id.0).execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotFound("alert"));
    }
    lock_states(conn, id).await?;
    for statement in [REMOVE_STATES, CALL_OFF_HELD, CALL_OFF] {
        sqlx::query(statement).bind(id.0).execute(&mut *conn).await?;
    }
    Ok(())
}

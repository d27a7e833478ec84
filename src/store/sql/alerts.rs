//! Rules and events.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::catalog::listing_of;
use super::newest::push_newest_first;
use super::schedule_request::{self, ScheduleRequest};
use super::{Backend, Conn, Db, usage};
use crate::domain::{Arming, Delivery, Event, ProductId, RuleId, TenantId};
use crate::store::clock::ClockParam;
use crate::store::cursor::{Cursor, SortKey, page};
use crate::store::error::OrNotFound;
use crate::store::rows::{DeliveryColumns, EventColumns, RuleColumns};
use crate::store::{Alerts, EventRow, Lane, NewRule, Page, RuleRow, StoreError, StoreResult};

const SELECT_RULE: &str = "SELECT id, tenant_id, product_id, listing_id, condition, webhook_url, webhook_secret, \
       armed, crossings, last_notified_minor, created_at FROM alert_rule";

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
        product_id: Option<ProductId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<RuleRow>> {
        self.with_replica_fallback(|| {
            async move {
                let mut query = QueryBuilder::new(SELECT_RULE);
                push_of_product(&mut query, tenant_id, product_id);
                push_newest_first(&mut query, "created_at", Cursor::of("rules", cursor)?, limit)?;
                let rows: Vec<RuleColumns> =
                    query.build_query_as().fetch_all(&mut *self.replica_reader(tenant_id).await?).await?;
                let page = page("rules", rows, limit, |row| (SortKey::Number(row.created_at), row.id));
                Ok(page.readable(RuleRow::try_from))
            }
            .boxed()
        })
        .await
    }

    async fn remove_rule(&self, tenant_id: TenantId, id: RuleId) -> StoreResult<()> {
        self.transaction(tenant_id, move |conn| remove(conn, tenant_id, id).boxed()).await
    }

    async fn events(
        &self,
        tenant_id: TenantId,
        product_id: Option<ProductId>,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<EventRow>> {
        self.with_replica_fallback(|| {
            async move {
                let mut query = QueryBuilder::new(SELECT_EVENT);
                push_of_product(&mut query, tenant_id, product_id);
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
}

async fn add(conn: &mut Conn, rule: NewRule, clock: ClockParam) -> StoreResult<RuleRow> {
    const INSERT: &str = concat!(
        "INSERT INTO alert_rule (id, tenant_id, product_id, listing_id, condition, webhook_url, \
           webhook_secret, armed, crossings, last_notified_minor, created_at) \
         SELECT $1, p.tenant_id, p.id, p.listing_id, $4, $5, $6, $7, $8, $9, ",
        now!(10),
        " \
         FROM product p WHERE p.tenant_id = $2 AND p.id = $3"
    );
    const IS_ACTIVE: &str = "SELECT status = 'active' FROM product WHERE id = $1";
    const COUNT: &str = "SELECT count(*) FROM alert_rule WHERE tenant_id = $1";
    let NewRule { tenant_id, product_id, condition, webhook_url, webhook_secret, quota } = rule;
    usage::lock(conn, tenant_id).await?;
    let id = RuleId::new();
    let listing_id = listing_of(conn, tenant_id, product_id).await?;
    schedule_request::lock(conn, &[listing_id], clock).await?;
    let query = sqlx::query(INSERT).bind(id.0).bind(tenant_id.0).bind(product_id.0).bind(Json(condition));
    let query = query.bind(webhook_url).bind(webhook_secret).bind(Arming::NEW.armed);
    let query = query.bind(i64::from(Arming::NEW.crossings)).bind(Arming::NEW.last_notified_minor).bind(clock);
    if query.execute(&mut *conn).await?.rows_affected() == 0 {
        return Err(StoreError::NotFound("product"));
    }
    usage::check(conn, COUNT, tenant_id, "alerts", quota).await?;
    // A rule does not start crawls of a paused product.
    if sqlx::query_scalar(IS_ACTIVE).bind(product_id.0).fetch_one(&mut *conn).await? {
        // A running crawl was claimed without this rule and does not evaluate it: another must follow.
        let request = ScheduleRequest { lane: Lane::Scheduled, due_in_ms: 0, unparks: true, accepts_running: false };
        schedule_request::upsert(conn, &[listing_id], &request, clock).await?;
    }
    find(conn, tenant_id, id).await
}

async fn find(
    executor: impl sqlx::Executor<'_, Database = Db>,
    tenant_id: TenantId,
    id: RuleId,
) -> StoreResult<RuleRow> {
    let mut query = QueryBuilder::<Db>::new(SELECT_RULE);
    query.push(" WHERE tenant_id = ").push_bind(tenant_id.0).push(" AND id = ").push_bind(id.0);
    let row: RuleColumns = query.build_query_as().fetch_one(executor).await.or_not_found("alert")?;
    row.try_into()
}

fn push_of_product(query: &mut QueryBuilder<Db>, tenant_id: TenantId, product_id: Option<ProductId>) {
    query.push(" WHERE tenant_id = ").push_bind(tenant_id.0);
    if let Some(product_id) = product_id {
        query.push(" AND product_id = ").push_bind(product_id.0);
    }
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
        "SELECT event_id, id, status, attempts, last_error, delivered_at FROM delivery WHERE event_id IN (",
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

async fn remove(conn: &mut Conn, tenant_id: TenantId, id: RuleId) -> StoreResult<()> {
    const REMOVE: &str = "DELETE FROM alert_rule WHERE tenant_id = $1 AND id = $2 RETURNING product_id";
    const CALL_OFF: &str = "UPDATE delivery SET status = 'dead', owner = NULL, token = token + 1, \
           last_error = 'the alert was deleted' \
         WHERE status = 'pending' AND event_id IN (SELECT id FROM event WHERE product_id = $1 AND rule_id = $2)";
    let removed = sqlx::query_scalar(REMOVE).bind(tenant_id.0).bind(id.0).fetch_optional(&mut *conn).await?;
    let product_id: Uuid = removed.ok_or(StoreError::NotFound("alert"))?;
    sqlx::query(CALL_OFF).bind(product_id).bind(id.0).execute(conn).await?;
    Ok(())
}

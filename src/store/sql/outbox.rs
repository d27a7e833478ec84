//! The outbox: deliveries, claimed and fenced.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::details::readable;
use super::lease::not_negative;
use super::{Backend, claim};
use crate::domain::{DeliveryId, DeliveryStatus, Email, Event, OutboxMessage, TenantId};
use crate::store::clock::millis;
use crate::store::rows::{EventColumns, count};
use crate::store::tenant_scope::TenantScope;
use crate::store::{ClaimedDelivery, DeliveryClaim, DeliveryEnd, Outbox, StoreError, StoreResult};

/// Among so many of the oldest due deliveries, each tenant has its share of a claim. A tenant whose deliveries fill this
/// window is soon busy, and then the window begins behind them.
pub(in crate::store) const CLAIM_WINDOW: i64 = 512;

/// A claimed delivery without its event.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct DeliveryLease {
    id: Uuid,
    tenant_id: Uuid,
    event_id: Option<Uuid>,
    token: i64,
    attempts: i32,
    webhook_url: Option<String>,
    webhook_secret: Option<String>,
    mail: Option<Json<Value>>,
    trace_context: Option<String>,
}

impl DeliveryLease {
    fn claimed(mut self, events: &HashMap<Uuid, Event>) -> StoreResult<ClaimedDelivery> {
        let (id, token, attempt) = (DeliveryId(self.id), self.token, count(self.attempts)?);
        let trace_context = self.trace_context.take();
        let tenant_id = TenantId(self.tenant_id);
        Ok(ClaimedDelivery { id, tenant_id, token, attempt, message: self.message(events)?, trace_context })
    }

    fn message(self, events: &HashMap<Uuid, Event>) -> StoreResult<OutboxMessage> {
        if let Some(mail) = self.mail {
            let mail: Email = serde_json::from_value(mail.0).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            return Ok(OutboxMessage::Email(mail));
        }
        let event = self.event_id.and_then(|id| events.get(&id)).cloned().map(Box::new);
        match (event, self.webhook_url, self.webhook_secret) {
            (Some(event), Some(url), Some(secret)) => Ok(OutboxMessage::Webhook { url, secret, event }),
            _ => Err(StoreError::Corrupt(format!("delivery {} has no message", self.id))),
        }
    }
}

#[async_trait]
impl Outbox for Backend {
    async fn claim_deliveries(&self, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<ClaimedDelivery>> {
        let leases = claim::deliveries(self, claim).await?;
        let events = match events_of(self, &leases).await {
            Ok(events) => events,
            Err(error) => {
                self.release_deliveries(&leases).await;
                return Err(error);
            }
        };
        let mut claimed = Vec::with_capacity(leases.len());
        for lease in leases {
            let (id, token) = (DeliveryId(lease.id), lease.token);
            match lease.claimed(&events) {
                Ok(delivery) => claimed.push(delivery),
                // The other deliveries are not affected, and this one is not claimed again.
                Err(error) => {
                    tracing::error!(delivery_id = %id, %error, "a delivery cannot be read; it is marked as dead");
                    let end = DeliveryEnd::Dead { error: error.to_string() };
                    if let Err(error) = self.finish_delivery(id, token, &end).await {
                        tracing::warn!(delivery_id = %id, %error, "cannot record the result of delivery {id}");
                    }
                }
            }
        }
        Ok(claimed)
    }

    async fn finish_delivery(&self, id: DeliveryId, token: i64, end: &DeliveryEnd) -> StoreResult<bool> {
        const FINISH: &str = concat!(
            "UPDATE delivery SET status = $3, ready_at = ",
            now!(4),
            " + $5, last_error = $6, delivered_at = CASE WHEN $7 THEN ",
            now!(4),
            " END, owner = NULL WHERE id = $1 AND token = $2 AND owner IS NOT NULL"
        );
        const FORGET: &str = "DELETE FROM delivery WHERE id = $1 AND token = $2 AND owner IS NOT NULL";
        let (status, after_ms, error) = match end {
            DeliveryEnd::Forgotten => {
                let forgotten = sqlx::query(FORGET)
                    .bind(id.0)
                    .bind(token)
                    .execute(&mut *self.writer(TenantScope::All).await?)
                    .await?;
                return Ok(forgotten.rows_affected() == 1);
            }
            DeliveryEnd::Delivered | DeliveryEnd::Moved(_) => (DeliveryStatus::Delivered, 0, None),
            DeliveryEnd::Retry { after, error } | DeliveryEnd::Postponed { after, error } => {
                (DeliveryStatus::Pending, millis(*after), Some(error))
            }
            DeliveryEnd::Dead { error } | DeliveryEnd::Broken { error } => (DeliveryStatus::Dead, 0, Some(error)),
        };
        let query = sqlx::query(FINISH).bind(id.0).bind(token).bind(status.as_str());
        let query = query.bind(self.clock_param()).bind(after_ms).bind(error.cloned());
        let query = query.bind(status == DeliveryStatus::Delivered);
        let finished = query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(finished.rows_affected() == 1)
    }

    async fn release_delivery(&self, id: DeliveryId, token: i64) -> StoreResult<()> {
        const RELEASE: &str = concat!(
            "UPDATE delivery SET ready_at = ",
            now!(3),
            ", owner = NULL, attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END \
             WHERE id = $1 AND token = $2 AND owner IS NOT NULL"
        );
        let query = sqlx::query(RELEASE).bind(id.0).bind(token).bind(self.clock_param());
        query.execute(&mut *self.writer(TenantScope::All).await?).await?;
        Ok(())
    }

    async fn retry_delivery(&self, tenant_id: Option<TenantId>, id: DeliveryId) -> StoreResult<bool> {
        // A delivery whose alert was deleted is never sent again.
        const REVIVE: &str = concat!(
            "UPDATE delivery SET status = 'pending', ready_at = ",
            now!(2),
            ", attempts = 0 \
             WHERE id = $1 AND status = 'dead' AND tenant_id = coalesce($3, tenant_id) AND EXISTS ( \
               SELECT 1 FROM event e JOIN alert_rule r ON r.id = e.rule_id WHERE e.id = delivery.event_id)"
        );
        let scope = tenant_id.map_or(TenantScope::All, TenantScope::Tenant);
        let query = sqlx::query(REVIVE).bind(id.0).bind(self.clock_param()).bind(tenant_id.map(|tenant| tenant.0));
        let revived = query.execute(&mut *self.writer(scope).await?).await?;
        Ok(revived.rows_affected() == 1)
    }

    async fn next_delivery_in(&self) -> StoreResult<Option<Duration>> {
        const NEXT: &str = concat!("SELECT min(ready_at) - ", now!(1), " FROM delivery WHERE status = 'pending'");
        let query = sqlx::query_scalar(NEXT).bind(self.clock_param());
        let left_ms: Option<i64> = self.on_claims(async |conn| query.fetch_one(conn).await).await?;
        Ok(left_ms.map(not_negative))
    }
}

impl Backend {
    /// Gives claimed deliveries back whose content could not be read now. The attempts do not count.
    async fn release_deliveries(&self, leases: &[DeliveryLease]) {
        for lease in leases {
            if let Err(error) = self.release_delivery(DeliveryId(lease.id), lease.token).await {
                tracing::warn!(%error, "claimed deliveries could not be released; they expire");
                return;
            }
        }
    }
}

async fn events_of(store: &Backend, leases: &[DeliveryLease]) -> StoreResult<HashMap<Uuid, Event>> {
    let events: Vec<Uuid> = leases.iter().filter_map(|lease| lease.event_id).collect();
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    const EVENTS: &str = concat!(
        "SELECT event.id, event.tenant_id, event.rule_id, event.product_id, event.facts, event.at FROM (",
        uuids!(1),
        ") AS given JOIN event ON event.id = given.id"
    );
    let query = sqlx::query(EVENTS).bind(Json(events));
    let rows = store.on_claims(async |conn| query.fetch_all(conn).await).await?;
    Ok(readable(rows, |row: EventColumns| Ok((row.id, Event::try_from(row)?))).collect())
}

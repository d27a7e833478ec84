//! Messages to channels as a queue of deliveries, so that one Notifier serves both.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    ClaimedDelivery, ClaimedMessage, DeliveryClaim, DeliveryEnd, MessageEnd, MessageQuota, Outbox, SharedStore,
    StoreResult,
};
use crate::domain::{DeliveryId, MessageId, OutboxMessage, TenantId};

/// Channels whose policy is applied before each claim, at most; the next claim goes on.
const MAX_DISPATCHES: u32 = 64;

/// The messages of a store. What is due becomes a message when messages are claimed.
pub struct MessageQueue {
    /// Where they are.
    pub store: SharedStore,
    /// How many the plans allow.
    pub quota: MessageQuota,
}

#[async_trait]
impl Outbox for MessageQueue {
    async fn claim_deliveries(&self, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<ClaimedDelivery>> {
        for _ in 0..MAX_DISPATCHES {
            // Messages that exist are sent, whatever is wrong with what waits.
            match self.store.dispatch_one(&self.quota).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "events that wait for a channel could not be looked at");
                    break;
                }
            }
        }
        let delivery = |claimed: ClaimedMessage| ClaimedDelivery {
            id: DeliveryId(claimed.message.id.0),
            tenant_id: claimed.message.channel.tenant_id,
            token: claimed.token,
            attempt: claimed.attempt,
            message: OutboxMessage::Alert(Box::new(claimed.message)),
            trace_context: claimed.trace_context,
        };
        Ok(self.store.claim_messages(claim).await?.into_iter().map(delivery).collect())
    }

    async fn finish_delivery(&self, id: DeliveryId, token: i64, end: &DeliveryEnd) -> StoreResult<bool> {
        let end = match end.clone() {
            DeliveryEnd::Delivered | DeliveryEnd::Forgotten => MessageEnd::Delivered { moved_to: None },
            DeliveryEnd::Moved(config) => MessageEnd::Delivered { moved_to: Some(*config) },
            DeliveryEnd::Retry { after, error } => MessageEnd::Retry { after, error },
            DeliveryEnd::Postponed { after, error } => MessageEnd::Postponed { after, error },
            DeliveryEnd::Dead { error } => MessageEnd::Dead { error },
            DeliveryEnd::Broken { error } => MessageEnd::Broken { error },
        };
        self.store.finish_message(MessageId(id.0), token, &end).await
    }

    async fn release_delivery(&self, id: DeliveryId, token: i64) -> StoreResult<()> {
        self.store.release_message(MessageId(id.0), token).await
    }

    /// Of one tenant only.
    async fn retry_delivery(&self, tenant_id: Option<TenantId>, id: DeliveryId) -> StoreResult<bool> {
        match tenant_id {
            Some(tenant_id) => self.store.retry_message(tenant_id, MessageId(id.0)).await,
            None => Ok(false),
        }
    }

    async fn next_delivery_in(&self) -> StoreResult<Option<Duration>> {
        self.store.next_message_in().await
    }
}

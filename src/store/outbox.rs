//! Deliveries that wait to be sent. Claimed and fenced like leases: at least once, with a stable id.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::{DeliveryId, OutboxMessage, TenantId};

/// The channel of a rule's deliveries; part of their identity, so it never changes.
pub(super) const WEBHOOK: &str = "webhook";

/// The right to make one attempt at one delivery.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// Stable over every attempt.
    pub id: DeliveryId,
    /// Fencing token.
    pub token: i64,
    /// Attempts, this one included.
    pub attempt: u32,
    /// What to tell, and to whom.
    pub message: OutboxMessage,
    /// The trace of the look that it tells of (`traceparent`), if that one is told.
    pub trace_context: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The receiver took it.
    Delivered,
    /// Try again after this time.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Why it failed.
        error: String,
    },
    /// Given up.
    Dead {
        /// Why it failed.
        error: String,
    },
    /// Sent or given up, and nothing is kept of it.
    Forgotten,
}

/// The queue of deliveries.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims at most `limit` deliveries that are due, oldest first, for `lease`.
    async fn claim_deliveries(&self, limit: u32, lease: Duration, owner: &str) -> StoreResult<Vec<ClaimedDelivery>>;

    /// Writes the end of an attempt. False: the lease was lost, and nothing was written.
    async fn finish_delivery(&self, id: DeliveryId, token: i64, end: &DeliveryEnd) -> StoreResult<bool>;

    /// Gives a claim back unused: due at once, the attempt not counted. A stale token changes nothing.
    async fn release_delivery(&self, id: DeliveryId, token: i64) -> StoreResult<()>;

    /// Makes a dead delivery pending again, with all its attempts: one of this tenant, or, without one, of any. False: there is
    /// no dead one with this id whose rule still exists.
    async fn retry_delivery(&self, tenant_id: Option<TenantId>, id: DeliveryId) -> StoreResult<bool>;

    /// How long until the next delivery is due; `None` when none waits.
    async fn next_delivery_in(&self) -> StoreResult<Option<Duration>>;
}

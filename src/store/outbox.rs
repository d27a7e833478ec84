//! The outbox: deliveries to be sent. Claimed and fenced like leases: at least once, with a stable id.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::{ChannelConfig, ChannelId, DeliveryId, OutboxMessage, TenantId};

/// The channel of a rule's deliveries. Their ids are made from it, so it never changes.
pub(super) const WEBHOOK: &str = "webhook";

/// The right to make one attempt at one delivery.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// The same for every attempt.
    pub id: DeliveryId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Fencing token.
    pub token: i64,
    /// Attempts, including this one.
    pub attempt: u32,
    /// The message and its receiver.
    pub message: OutboxMessage,
    /// The trace of the crawl that caused it (`traceparent`), if it is exported.
    pub trace_context: Option<String>,
}

/// What deliveries go out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryChannel {
    /// To programs.
    Webhook,
    /// To people.
    Email,
    /// To channels of tenants.
    Alert,
}

/// Which due deliveries are claimed, and how many.
#[derive(Debug, Clone)]
pub struct DeliveryClaim<'a> {
    /// By any channel if there is none.
    pub channel: Option<DeliveryChannel>,
    /// Maximum number.
    pub limit: u32,
    /// Maximum number of one tenant. Tenants take turns: the first of each, then the second of each.
    pub per_tenant: u32,
    /// Maximum number with one receiver ([`OutboxMessage::host`]).
    pub per_host: u32,
    /// Tenants of which nothing is claimed.
    pub busy_tenants: Vec<TenantId>,
    /// Channels for which nothing is claimed. Of messages about alerts; other deliveries have none.
    pub busy_channels: Vec<ChannelId>,
    /// Receivers for which nothing is claimed.
    pub busy_hosts: Vec<String>,
    /// How long they are claimed.
    pub lease: Duration,
    /// By whom.
    pub owner: &'a str,
}

impl<'a> DeliveryClaim<'a> {
    /// The oldest, whosever they are.
    pub fn any(limit: u32, lease: Duration, owner: &'a str) -> Self {
        let (busy_tenants, busy_channels, busy_hosts) = (Vec::new(), Vec::new(), Vec::new());
        let (per_tenant, per_host) = (limit, limit);
        Self { channel: None, limit, per_tenant, per_host, busy_tenants, busy_channels, busy_hosts, lease, owner }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The receiver accepted it.
    Delivered,
    /// Retry after this time.
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
    /// Sent or given up, and deleted.
    Forgotten,
    /// The receiver accepted it, and said how the channel is reached from now on.
    Moved(Box<ChannelConfig>),
    /// The receiver asked the whole channel to wait; the attempt does not count.
    Postponed {
        /// How long to wait.
        after: Duration,
        /// What it said.
        error: String,
    },
    /// The channel cannot work.
    Broken {
        /// Why.
        error: String,
    },
}

/// The queue of deliveries.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims due deliveries.
    async fn claim_deliveries(&self, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<ClaimedDelivery>>;

    /// Writes the result of an attempt. False: the lease was lost, and nothing was written.
    async fn finish_delivery(&self, id: DeliveryId, token: i64, end: &DeliveryEnd) -> StoreResult<bool>;

    /// Gives a claim back unused: due at once, the attempt not counted. A stale token changes nothing.
    async fn release_delivery(&self, id: DeliveryId, token: i64) -> StoreResult<()>;

    /// Makes a dead delivery pending again, with all its attempts: one of this tenant, or, without one, of any. False: there is
    /// no dead one with this id whose rule still exists.
    async fn retry_delivery(&self, tenant_id: Option<TenantId>, id: DeliveryId) -> StoreResult<bool>;

    /// How long until the next delivery is due; `None` when none is pending.
    async fn next_delivery_in(&self) -> StoreResult<Option<Duration>>;
}

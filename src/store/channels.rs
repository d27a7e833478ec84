//! Channels, and the messages that go to them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::outbox::DeliveryClaim;
use super::{Page, StoreResult};
use crate::domain::{
    Channel, ChannelConfig, ChannelId, ChannelStatus, DeliveryStatus, Language, MessageEvent, MessageId, MessageKind,
    OutboundMessage, Policy, TenantId,
};

/// A channel to be added.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// The tenant.
    pub tenant_id: TenantId,
    /// A name for people.
    pub name: String,
    /// How it is reached.
    pub config: ChannelConfig,
    /// When it is told.
    pub policy: Policy,
    /// The language of its messages.
    pub language: Language,
    /// Unverified until the address is proved.
    pub status: ChannelStatus,
    /// How many channels the tenant may have, including this one.
    pub quota: u32,
}

/// Changes of a channel. `None` leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct ChannelPatch {
    /// A name for people.
    pub name: Option<String>,
    /// How it is reached; of the same kind.
    pub config: Option<ChannelConfig>,
    /// When it is told. What waits is looked at again.
    pub policy: Option<Policy>,
    /// The language of its messages.
    pub language: Option<Language>,
    /// Whether it is used. What waited for it is told when it is used again.
    pub status: Option<ChannelStatus>,
    /// The version that is changed; `None`: whichever it is.
    pub expected_version: Option<i64>,
}

/// A message, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Identifier.
    pub id: MessageId,
    /// Why it is sent.
    pub kind: MessageKind,
    /// Its status.
    pub status: DeliveryStatus,
    /// How many events it tells.
    pub events: u32,
    /// Attempts so far.
    pub attempts: u32,
    /// Error of the last attempt, without secrets.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the service accepted it.
    pub delivered_at: Option<Timestamp>,
}

/// What a channel has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelUsage {
    /// Messages on this day, in the zone of its policy.
    pub sent_today: u32,
    /// Messages in the last 30 days.
    pub sent_30_days: u32,
    /// Events that wait.
    pub held: u32,
    /// When the next of them is told at the earliest.
    pub next_at: Option<Timestamp>,
}

/// The right to make one attempt at one message.
#[derive(Debug)]
pub struct ClaimedMessage {
    /// Fencing token.
    pub token: i64,
    /// Attempts, including this one.
    pub attempt: u32,
    /// The message.
    pub message: OutboundMessage,
    /// The trace of the crawl that caused it (`traceparent`), if it is exported.
    pub trace_context: Option<String>,
}

/// How an attempt at a message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageEnd {
    /// The service accepted it.
    Delivered {
        /// How the channel is reached from now on, if its service says so.
        moved_to: Option<ChannelConfig>,
    },
    /// Retry after this time.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Why it failed.
        error: String,
    },
    /// The service asked the whole channel to wait; the attempt does not count.
    Postponed {
        /// How long to wait.
        after: Duration,
        /// What it said.
        error: String,
    },
    /// Given up.
    Dead {
        /// Why it failed.
        error: String,
    },
    /// The channel cannot work: what it should tell waits until it is repaired.
    Broken {
        /// Why.
        error: String,
    },
}

/// Messages on a day that a plan allows to all channels of a tenant together, by the name of the plan.
pub type MessageQuota = Arc<dyn Fn(&str) -> u32 + Send + Sync>;

/// The channels of tenants, and their messages.
#[async_trait]
pub trait Channels: Send + Sync {
    /// Adds a channel. [`OverQuota`](super::StoreError::OverQuota): the tenant has as many as it may.
    async fn add_channel(&self, channel: NewChannel) -> StoreResult<Channel>;

    /// One channel of a tenant.
    async fn channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<Channel>;

    /// A page of a tenant's channels, newest first.
    async fn channels(&self, tenant_id: TenantId, cursor: Option<&str>, limit: u32) -> StoreResult<Page<Channel>>;

    /// Changes a channel. [`Changed`](super::StoreError::Changed): it has another version than expected.
    async fn update_channel(&self, tenant_id: TenantId, id: ChannelId, patch: ChannelPatch) -> StoreResult<Channel>;

    /// Deletes a channel with its messages. What it should have told is not told.
    async fn remove_channel(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<()>;

    /// What a channel has sent, and what waits.
    async fn channel_usage(&self, tenant_id: TenantId, id: ChannelId) -> StoreResult<ChannelUsage>;

    /// A page of a channel's messages, newest first.
    async fn messages(
        &self,
        tenant_id: TenantId,
        id: ChannelId,
        cursor: Option<&str>,
        limit: u32,
    ) -> StoreResult<Page<MessageRow>>;

    /// The latest events of the rules that name a channel, newest first, each with the prices before it.
    async fn latest_events(&self, tenant_id: TenantId, id: ChannelId, limit: u32) -> StoreResult<Vec<MessageEvent>>;

    /// Makes a dead message pending again, with all its attempts. False: there is no dead one with this id.
    async fn retry_message(&self, tenant_id: TenantId, id: MessageId) -> StoreResult<bool>;

    /// Applies the policy of one channel to what waits for it and whose time has come: some of it becomes a message, some goes on
    /// waiting. False: nothing is due. Two channels of a tenant at the same moment may together exceed its quota by one message.
    async fn dispatch_one(&self, quota: &MessageQuota) -> StoreResult<bool>;

    /// Claims due messages.
    async fn claim_messages(&self, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<ClaimedMessage>>;

    /// Writes the result of an attempt, and what it says about the channel. False: the lease was lost, and nothing was written.
    async fn finish_message(&self, id: MessageId, token: i64, end: &MessageEnd) -> StoreResult<bool>;

    /// Gives a claim back unused. A stale token changes nothing.
    async fn release_message(&self, id: MessageId, token: i64) -> StoreResult<()>;

    /// How long until the next message, or the next event that waits, is due; `None` when there is none.
    async fn next_message_in(&self) -> StoreResult<Option<Duration>>;

    /// A secret of the installation that is made when it is first asked for, for what it signs itself.
    async fn installation_key(&self, name: &'static str) -> StoreResult<String>;
}

//! Publish/subscribe between replicas. Messages can be lost, so nothing may depend on their arrival.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use super::redis::{Redis, SubscribeError};
use crate::domain::{EventId, JobId, ListingId, ProductId, TenantId};

const CHANNEL: &str = "messages";
/// An idle replica publishes heartbeats. A subscriber receives its own, which shows that its subscription works.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);
/// A subscription without any message for this long is dead, even if the connection looks healthy.
const MAX_SILENCE: Duration = Duration::from_secs(6);
/// Messages published within this time are sent together.
const BATCH_DELAY: Duration = Duration::from_millis(10);
const MAX_BATCH: usize = 500;
/// Above this number of queued messages, new ones are dropped.
const QUEUE_CAPACITY: usize = 10_000;
const RESUBSCRIBE_DELAY: Duration = Duration::from_millis(500);

/// A message to the other replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusMessage {
    /// A crawl was recorded.
    Crawled {
        /// The listing.
        listing_id: ListingId,
        /// When a series changed; `None`: nothing changed.
        changed_at: Option<Timestamp>,
        /// The events that fired.
        events: Vec<EventId>,
    },
    /// A product was updated or deleted.
    Product(ProductId),
    /// A tenant was deleted.
    TenantDeleted(TenantId),
    /// A user or an API key was changed, signed out or revoked.
    PrincipalChanged(String),
    /// Data of a tenant was written; its next reads must see it.
    TenantWrote(TenantId),
    /// A listing may be due.
    Due,
    /// A delivery may be due.
    Deliverable,
    /// A step of a job may be due.
    JobDue,
    /// A job has made progress.
    JobChanged(TenantId, JobId),
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    /// Untyped, because a newer version may send kinds that this version does not know.
    messages: Vec<serde_json::Value>,
}

/// The connection for publishing and subscribing. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    /// A replica ignores its own messages.
    me: Uuid,
    outgoing: Option<Sender<BusMessage>>,
    is_connected: Arc<AtomicBool>,
}

impl Bus {
    /// A bus without other replicas.
    pub fn disconnected() -> Self {
        Self::through(None)
    }

    /// A bus through Redis, if given.
    pub fn through(redis: Option<&Redis>) -> Self {
        let (me, is_connected) = (Uuid::now_v7(), Arc::default());
        let outgoing = redis.map(|redis| {
            let (outgoing, queue) = channel(QUEUE_CAPACITY);
            redis.runtime().spawn(publish_loop(redis.clone(), me, queue));
            outgoing
        });
        Self { me, outgoing, is_connected }
    }

    /// Subscribes. `on_bus_message` is called for each message of another replica and must return quickly.
    pub fn listen(&self, redis: &Redis, on_bus_message: impl Fn(BusMessage) + Send + Sync + 'static) {
        let is_connected = Arc::clone(&self.is_connected);
        redis.runtime().spawn(subscribe_loop(redis.clone(), self.me, is_connected, on_bus_message));
    }

    /// Publishes a message to all other replicas, without waiting.
    pub fn publish(&self, message: BusMessage) {
        if let Some(outgoing) = &self.outgoing {
            let _ = outgoing.try_send(message);
        }
    }

    /// True while messages of other replicas are received.
    pub fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::Relaxed)
    }
}

async fn publish_loop(redis: Redis, me: Uuid, mut queue: Receiver<BusMessage>) {
    let (channel, mut messages) = (redis.key(CHANNEL), Vec::new());
    loop {
        match tokio::time::timeout(HEARTBEAT_INTERVAL, queue.recv_many(&mut messages, MAX_BATCH)).await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(BATCH_DELAY).await,
            Err(_) => {}
        }
        while messages.len() < MAX_BATCH
            && let Ok(message) = queue.try_recv()
        {
            messages.push(message);
        }
        let outgoing = messages.drain(..).filter_map(|message: BusMessage| serde_json::to_value(message).ok());
        let envelope = Envelope { from: me, messages: outgoing.collect() };
        let text = serde_json::to_string(&envelope).expect("a JSON value always serialises");
        // A lost message costs only time: receivers also poll.
        let _ = redis.publish(&channel, &text).await;
    }
}

async fn subscribe_loop(redis: Redis, me: Uuid, is_connected: Arc<AtomicBool>, on_bus_message: impl Fn(BusMessage)) {
    let mut was_connected = true;
    for attempt in 0.. {
        redis.available().await;
        let ended = subscribe_once(&redis, me, attempt, &is_connected, &on_bus_message).await;
        if std::mem::replace(&mut was_connected, is_connected.swap(false, Ordering::Relaxed)) && redis.is_there() {
            tracing::warn!(reason = %ended, "Redis subscription lost; resubscribing");
        }
        tokio::time::sleep(RESUBSCRIBE_DELAY).await;
    }
}

async fn subscribe_once(
    redis: &Redis,
    me: Uuid,
    attempt: usize,
    is_connected: &AtomicBool,
    on_bus_message: &impl Fn(BusMessage),
) -> SubscribeError {
    let mut messages = match redis.subscribe(&redis.key(CHANNEL), attempt).await {
        Ok(subscription) => subscription.into_on_message(),
        Err(error) => return error,
    };
    is_connected.store(true, Ordering::Relaxed);
    loop {
        let message = tokio::select! {
            message = tokio::time::timeout(MAX_SILENCE, messages.next()) => message,
            // A frozen server does not close its connections.
            () = redis.unavailable() => return SubscribeError::Timeout,
        };
        let Ok(Some(message)) = message else { return SubscribeError::Silent };
        match serde_json::from_slice::<Envelope>(message.get_payload_bytes()) {
            Ok(envelope) if envelope.from != me => known_messages(envelope.messages).for_each(on_bus_message),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "ignoring an unreadable message of another replica"),
        }
    }
}

fn known_messages(messages: Vec<serde_json::Value>) -> impl Iterator<Item = BusMessage> {
    messages.into_iter().filter_map(|message| serde_json::from_value(message).ok())
}

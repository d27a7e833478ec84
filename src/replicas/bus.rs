//! What replicas tell one another as it happens. Whoever was away has missed it: nothing may depend on hearing it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use super::redis::{ListenError, Redis};
use crate::domain::{EventId, ListingId, ProductId, TenantId};

const CHANNEL: &str = "news";
/// Whoever has nothing to say says so: everybody hears themselves too, and knows by that that others could be heard.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(2);
/// Not even oneself is heard for this long: the connection is dead, whatever it seems.
const SILENCE: Duration = Duration::from_secs(6);
/// What is outgoing within this time is outgoing at once.
const GATHER: Duration = Duration::from_millis(10);
const MAX_BATCH: usize = 500;
/// More is waiting to be outgoing than anybody keeps up with: what comes now is not outgoing.
const QUEUE_CAPACITY: usize = 10_000;
const PAUSE_BEFORE_LISTENING_AGAIN: Duration = Duration::from_millis(500);

/// Something that other replicas should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusMessage {
    /// A look was recorded, with what changed at this time and the events that it made.
    Crawled {
        /// Of which listing.
        listing_id: ListingId,
        /// When something changed; `None`: nothing did.
        changed_at: Option<Timestamp>,
        /// What fired.
        events: Vec<EventId>,
    },
    /// A product was changed or deleted.
    Product(ProductId),
    /// A tenant is deleted.
    TenantDeleted(TenantId),
    /// A user or a key changed, signed out or was revoked.
    PrincipalChanged(String),
    /// Somebody wrote for a tenant: what it reads next must show it.
    TenantWrote(TenantId),
    /// A listing may be due.
    Due,
    /// A message may be waiting to be sent.
    Deliverable,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    /// As they come: a newer version may say what this one does not know beside what it does.
    messages: Vec<serde_json::Value>,
}

/// The way to tell others. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    /// Nobody listens to themselves.
    me: Uuid,
    outgoing: Option<Sender<BusMessage>>,
    is_connected: Arc<AtomicBool>,
}

impl Bus {
    /// One that nobody listens to.
    pub fn disconnected() -> Self {
        Self::through(None)
    }

    /// Through Redis, if there is one.
    pub fn through(redis: Option<&Redis>) -> Self {
        let (me, is_connected) = (Uuid::now_v7(), Arc::default());
        let outgoing = redis.map(|redis| {
            let (outgoing, queue) = channel(QUEUE_CAPACITY);
            redis.runtime().spawn(keep_publishing(redis.clone(), me, queue));
            outgoing
        });
        Self { me, outgoing, is_connected }
    }

    /// Listens from now on; `on_bus_message` hears what others say, and must not take long.
    pub fn listen(&self, redis: &Redis, on_bus_message: impl Fn(BusMessage) + Send + Sync + 'static) {
        let is_connected = Arc::clone(&self.is_connected);
        redis.runtime().spawn(keep_listening(redis.clone(), self.me, is_connected, on_bus_message));
    }

    /// Tells all others, if there is a way to, without waiting.
    pub fn publish(&self, message: BusMessage) {
        if let Some(outgoing) = &self.outgoing {
            let _ = outgoing.try_send(message);
        }
    }

    /// True while what others say is heard here.
    pub fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::Relaxed)
    }
}

async fn keep_publishing(redis: Redis, me: Uuid, mut queue: Receiver<BusMessage>) {
    let (channel, mut messages) = (redis.named(CHANNEL), Vec::new());
    loop {
        match tokio::time::timeout(HEARTBEAT_EVERY, queue.recv_many(&mut messages, MAX_BATCH)).await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(GATHER).await,
            Err(_) => {}
        }
        while messages.len() < MAX_BATCH
            && let Ok(message) = queue.try_recv()
        {
            messages.push(message);
        }
        let outgoing = messages.drain(..).filter_map(|message: BusMessage| serde_json::to_value(message).ok());
        let envelope = Envelope { from: me, messages: outgoing.collect() };
        let text = serde_json::to_string(&envelope).expect("JSON is JSON");
        // What is not heard is found by looking, a little later.
        let _ = redis.publish(&channel, &text).await;
    }
}

async fn keep_listening(redis: Redis, me: Uuid, is_connected: Arc<AtomicBool>, on_bus_message: impl Fn(BusMessage)) {
    let mut was_connected = true;
    for attempt in 0.. {
        redis.back().await;
        let ended = listen_once(&redis, me, attempt, &is_connected, &on_bus_message).await;
        if std::mem::replace(&mut was_connected, is_connected.swap(false, Ordering::Relaxed)) && redis.is_there() {
            tracing::warn!(reason = %ended, "other replicas are not heard; listening again");
        }
        tokio::time::sleep(PAUSE_BEFORE_LISTENING_AGAIN).await;
    }
}

async fn listen_once(
    redis: &Redis,
    me: Uuid,
    attempt: usize,
    is_connected: &AtomicBool,
    on_bus_message: &impl Fn(BusMessage),
) -> ListenError {
    let mut messages = match redis.listen(&redis.named(CHANNEL), attempt).await {
        Ok(listening) => listening.into_on_message(),
        Err(error) => return error,
    };
    is_connected.store(true, Ordering::Relaxed);
    loop {
        let message = tokio::select! {
            message = tokio::time::timeout(SILENCE, messages.next()) => message,
            // A server that is frozen closes no connection.
            () = redis.gone() => return ListenError::Late,
        };
        let Ok(Some(message)) = message else { return ListenError::Silent };
        match serde_json::from_slice::<Envelope>(message.get_payload_bytes()) {
            Ok(envelope) if envelope.from != me => understood(envelope.messages).for_each(on_bus_message),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "another replica outgoing what is not understood here"),
        }
    }
}

fn understood(messages: Vec<serde_json::Value>) -> impl Iterator<Item = BusMessage> {
    messages.into_iter().filter_map(|message| serde_json::from_value(message).ok())
}

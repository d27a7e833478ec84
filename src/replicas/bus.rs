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
const SAID_EVERY: Duration = Duration::from_secs(2);
/// Not even oneself is heard for this long: the connection is dead, whatever it seems.
const SILENCE: Duration = Duration::from_secs(6);
/// What is said within this time is said at once.
const GATHER: Duration = Duration::from_millis(10);
const MOST_AT_ONCE: usize = 500;
/// More is waiting to be said than anybody keeps up with: what comes now is not said.
const AHEAD: usize = 10_000;
const PAUSE_BEFORE_LISTENING_AGAIN: Duration = Duration::from_millis(500);

/// Something that other replicas should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A look was recorded, with what changed at this time and the events that it made.
    Looked {
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
    TenantGone(TenantId),
    /// Somebody wrote for a tenant: what it reads next must show it.
    Wrote(TenantId),
    /// A listing may be due.
    Due,
    /// A message may be waiting to be sent.
    Deliverable,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    /// As they come: a newer version may say what this one does not know beside what it does.
    notices: Vec<serde_json::Value>,
}

/// The way to tell others. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    /// Nobody listens to themselves.
    me: Uuid,
    said: Option<Sender<Notice>>,
    is_heard: Arc<AtomicBool>,
}

impl Bus {
    /// One that nobody listens to.
    pub fn to_nobody() -> Self {
        Self::through(None)
    }

    /// Through Redis, if there is one.
    pub fn through(redis: Option<&Redis>) -> Self {
        let (me, is_heard) = (Uuid::now_v7(), Arc::default());
        let said = redis.map(|redis| {
            let (said, to_say) = channel(AHEAD);
            redis.runtime().spawn(keep_saying(redis.clone(), me, to_say));
            said
        });
        Self { me, said, is_heard }
    }

    /// Listens from now on; `on_notice` hears what others say, and must not take long.
    pub fn listen(&self, redis: &Redis, on_notice: impl Fn(Notice) + Send + Sync + 'static) {
        let is_heard = Arc::clone(&self.is_heard);
        redis.runtime().spawn(keep_listening(redis.clone(), self.me, is_heard, on_notice));
    }

    /// Tells all others, if there is a way to, without waiting.
    pub fn tell(&self, notice: Notice) {
        if let Some(said) = &self.said {
            let _ = said.try_send(notice);
        }
    }

    /// True while what others say is heard here.
    pub fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Relaxed)
    }
}

async fn keep_saying(redis: Redis, me: Uuid, mut to_say: Receiver<Notice>) {
    let (channel, mut notices) = (redis.named(CHANNEL), Vec::new());
    loop {
        match tokio::time::timeout(SAID_EVERY, to_say.recv_many(&mut notices, MOST_AT_ONCE)).await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(GATHER).await,
            Err(_) => {}
        }
        while notices.len() < MOST_AT_ONCE
            && let Ok(notice) = to_say.try_recv()
        {
            notices.push(notice);
        }
        let said = notices.drain(..).filter_map(|notice: Notice| serde_json::to_value(notice).ok());
        let envelope = Envelope { from: me, notices: said.collect() };
        let text = serde_json::to_string(&envelope).expect("JSON is JSON");
        // What is not heard is found by looking, a little later.
        let _ = redis.publish(&channel, &text).await;
    }
}

async fn keep_listening(redis: Redis, me: Uuid, is_heard: Arc<AtomicBool>, on_notice: impl Fn(Notice)) {
    let mut was_heard = true;
    for attempt in 0.. {
        redis.back().await;
        let ended = listen_once(&redis, me, attempt, &is_heard, &on_notice).await;
        if std::mem::replace(&mut was_heard, is_heard.swap(false, Ordering::Relaxed)) && redis.is_there() {
            tracing::warn!(reason = %ended, "other replicas are not heard; listening again");
        }
        tokio::time::sleep(PAUSE_BEFORE_LISTENING_AGAIN).await;
    }
}

async fn listen_once(
    redis: &Redis,
    me: Uuid,
    attempt: usize,
    is_heard: &AtomicBool,
    on_notice: &impl Fn(Notice),
) -> ListenError {
    let mut messages = match redis.listen(&redis.named(CHANNEL), attempt).await {
        Ok(listening) => listening.into_on_message(),
        Err(error) => return error,
    };
    is_heard.store(true, Ordering::Relaxed);
    loop {
        let message = tokio::select! {
            message = tokio::time::timeout(SILENCE, messages.next()) => message,
            // A server that is frozen closes no connection.
            () = redis.gone() => return ListenError::Late,
        };
        let Ok(Some(message)) = message else { return ListenError::Silent };
        match serde_json::from_slice::<Envelope>(message.get_payload_bytes()) {
            Ok(envelope) if envelope.from != me => understood(envelope.notices).for_each(on_notice),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "another replica said what is not understood here"),
        }
    }
}

fn understood(notices: Vec<serde_json::Value>) -> impl Iterator<Item = Notice> {
    notices.into_iter().filter_map(|notice| serde_json::from_value(notice).ok())
}

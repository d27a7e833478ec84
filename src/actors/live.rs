//! The LiveFeed tells those who listen what is new for their tenant, as soon as it is recorded.
//!
//! It hears of looks and events by number only, and reads what they mean from the store: for everybody who listens at once,
//! a few times a second at most, and never while nobody listens. Whoever does not keep up is let go, and catches up from the
//! store when they come again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::kernel::{Actor, Cx, Inbox, Reply};
use crate::domain::{EventId, ListingId, TenantId};
use crate::store::{Actor as Who, Commit, News, Newsstand, StoreResult};

/// What is recorded within this time is read at once.
const GATHER: Duration = Duration::from_millis(100);
/// News that wait for one listener to take them.
const AHEAD: usize = 256;
/// Listeners of one person or key.
const MOST_OF_ONE: usize = 8;
/// More is not read at once: everybody is let go, and catches up.
const MOST_LOOKS: usize = 5000;

/// What a listener hears.
pub type Heard = Arc<News>;

/// What the LiveFeed understands.
pub enum LiveMessage {
    /// Somebody wants to listen. Of more than a few streams of one person or key the oldest ends.
    Listen(TenantId, Who, Reply<Receiver<Heard>>),
    /// Something was recorded.
    Recorded(ListingId, Timestamp, Vec<EventId>),
    /// Time to read.
    Read,
    /// What was read.
    Brought(StoreResult<Vec<(TenantId, News)>>),
    /// Reading panicked.
    Panicked,
}

/// The way to the LiveFeed. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    inbox: Inbox<LiveFeed>,
    listeners: Arc<AtomicUsize>,
}

impl Live {
    /// The way to a feed that counts its listeners here.
    pub fn new(inbox: Inbox<LiveFeed>, listeners: Arc<AtomicUsize>) -> Self {
        Self { inbox, listeners }
    }

    /// Says that a commit was recorded. Costs nothing while nobody listens.
    pub fn recorded(&self, commit: &Commit) {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return;
        }
        let events: Vec<EventId> =
            commit.rule_steps.iter().filter_map(|step| step.event.as_ref().map(|event| event.id)).collect();
        if let Some(point) = commit.points.first() {
            self.inbox.control(LiveMessage::Recorded(commit.listing_id, point.at, events));
        } else if !events.is_empty() {
            self.inbox.control(LiveMessage::Recorded(commit.listing_id, Timestamp::MIN, events));
        }
    }

    /// The feed itself.
    pub fn inbox(&self) -> &Inbox<LiveFeed> {
        &self.inbox
    }
}

struct Listener {
    who: Who,
    sender: Sender<Heard>,
}

/// See the module.
pub struct LiveFeed {
    store: Arc<dyn Newsstand>,
    count: Arc<AtomicUsize>,
    listeners: HashMap<TenantId, Vec<Listener>>,
    looks: Vec<(ListingId, Timestamp)>,
    events: Vec<EventId>,
    is_reading: bool,
}

impl LiveFeed {
    /// A feed that nobody listens to yet; `count` says how many do.
    pub fn new(store: Arc<dyn Newsstand>, count: Arc<AtomicUsize>) -> Self {
        count.store(0, Ordering::Relaxed);
        Self { store, count, listeners: HashMap::new(), looks: Vec::new(), events: Vec::new(), is_reading: false }
    }

    fn listen(&mut self, tenant_id: TenantId, who: Who) -> Receiver<Heard> {
        let of_tenant = self.listeners.entry(tenant_id).or_default();
        of_tenant.retain(|listener| !listener.sender.is_closed());
        if of_tenant.iter().filter(|listener| listener.who == who).count() >= MOST_OF_ONE
            && let Some(oldest) = of_tenant.iter().position(|listener| listener.who == who)
        {
            // Perhaps its connection is long gone, and nobody has noticed.
            of_tenant.remove(oldest);
        }
        let (sender, receiver) = channel(AHEAD);
        of_tenant.push(Listener { who, sender });
        self.recount();
        receiver
    }

    fn recount(&mut self) {
        self.listeners.retain(|_, of_tenant| !of_tenant.is_empty());
        self.count.store(self.listeners.values().map(Vec::len).sum(), Ordering::Relaxed);
    }

    fn recorded(&mut self, listing_id: ListingId, at: Timestamp, events: Vec<EventId>, cx: &mut Cx<'_, Self>) {
        self.looks.push((listing_id, at));
        self.events.extend(events);
        if self.looks.len() > MOST_LOOKS {
            return self.let_go();
        }
        self.read_soon(cx);
    }

    fn read_soon(&mut self, cx: &mut Cx<'_, Self>) {
        if !self.is_reading && !self.looks.is_empty() {
            self.is_reading = true;
            cx.after(GATHER, LiveMessage::Read);
        }
    }

    fn read(&mut self, cx: &mut Cx<'_, Self>) {
        // Who is gone costs no more reading, also where nothing happens.
        self.listeners.values_mut().for_each(|of_tenant| of_tenant.retain(|listener| !listener.sender.is_closed()));
        self.recount();
        let (store, looks, events) =
            (Arc::clone(&self.store), std::mem::take(&mut self.looks), std::mem::take(&mut self.events));
        let tenants: Vec<TenantId> = self.listeners.keys().copied().collect();
        let read = async move { LiveMessage::Brought(store.news_of(&tenants, &looks, &events).await) };
        cx.work(read, || LiveMessage::Panicked);
    }

    fn brought(&mut self, news: StoreResult<Vec<(TenantId, News)>>, cx: &mut Cx<'_, Self>) {
        self.is_reading = false;
        match news {
            Ok(news) => news.into_iter().for_each(|(tenant_id, news)| self.tell(tenant_id, &Arc::new(news))),
            Err(error) => {
                tracing::warn!(%error, "news could not be read: whoever listens has to catch up");
                self.let_go();
            }
        }
        self.recount();
        self.read_soon(cx);
    }

    fn tell(&mut self, tenant_id: TenantId, news: &Heard) {
        let Some(of_tenant) = self.listeners.get_mut(&tenant_id) else { return };
        of_tenant.retain(|listener| listener.sender.try_send(Arc::clone(news)).is_ok());
    }

    /// Everybody's stream ends.
    fn let_go(&mut self) {
        self.listeners.clear();
        self.looks.clear();
        self.events.clear();
        self.recount();
    }
}

impl Actor for LiveFeed {
    type Message = LiveMessage;
    const KIND: &'static str = "live_feed";
    const CAPACITY: usize = 1024;
    const MESSAGES: &'static [&'static str] = &["listen", "recorded", "read", "brought", "panicked"];

    fn name_of(message: &LiveMessage) -> &'static str {
        match message {
            LiveMessage::Listen(..) => "listen",
            LiveMessage::Recorded(..) => "recorded",
            LiveMessage::Read => "read",
            LiveMessage::Brought(_) => "brought",
            LiveMessage::Panicked => "panicked",
        }
    }

    fn handle(&mut self, message: LiveMessage, cx: &mut Cx<'_, Self>) {
        match message {
            LiveMessage::Listen(tenant_id, who, reply) => reply.send(self.listen(tenant_id, who)),
            LiveMessage::Recorded(listing_id, at, events) => self.recorded(listing_id, at, events, cx),
            LiveMessage::Read => self.read(cx),
            LiveMessage::Brought(news) => self.brought(news, cx),
            LiveMessage::Panicked => {
                self.is_reading = false;
                self.let_go();
            }
        }
    }
}

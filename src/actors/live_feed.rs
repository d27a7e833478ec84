//! The LiveFeed sends what is recorded to the subscribers of each tenant (server-sent events).
//!
//! It receives ids, and reads their content from the store: in one query for all subscribers, a few times
//! per second at most, and never without subscribers. A subscriber that does not keep up is disconnected. It reconnects and
//! catches up from the store. The same happens when the feed itself panics.
//!
//! What other replicas record arrives through the bus, which may lose messages. So the feed also polls the store: seldom while the
//! bus is connected, often while it is not.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use super::kernel::{Actor, Cx, Inbox, Reply};
use crate::domain::{BudgetRefusal, EventId, JobId, ListingId, TenantId};
use crate::replicas::Bus;
use crate::store::{AuditActor, ChangeFeed, FeedItem, StoreResult};

/// What is recorded within this time is read at once.
const GATHER: Duration = Duration::from_millis(100);
/// Items buffered for one listener.
const BUFFERED_ITEMS: usize = 256;
/// Maximum number of streams of one user or API key, in this process.
const MAX_STREAMS_PER_CALLER: usize = 8;
/// Of more crawls, the items are not read: all streams are closed, and the clients catch up.
const MAX_PENDING_CRAWLS: usize = 5000;
/// Polling interval while the bus is not connected.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Polling interval while the bus is connected: it may lose messages.
const SAFETY_POLL_EVERY: Duration = Duration::from_secs(5);
/// Overlap of two polls: a crawl is recorded a little after its time.
const LOOKBACK: Duration = Duration::from_secs(10);
/// After a longer outage, subscribers have to catch up from the store.
const MAX_LOOKBACK: Duration = Duration::from_secs(120);
/// Maximum number of items per poll.
const MAX_POLL_ITEMS: u32 = 5000;

/// What a subscriber receives.
pub type SharedFeedItem = Arc<FeedItem>;

/// What a subscriber holds.
pub struct Subscription {
    items: Receiver<SharedFeedItem>,
    is_displaced: Arc<AtomicBool>,
}

impl Subscription {
    /// The next item; `None`: there are no more.
    pub async fn recv(&mut self) -> Option<SharedFeedItem> {
        self.items.recv().await
    }

    /// True once the subscription has ended for a newer one of the same user or key.
    pub fn is_displaced(&self) -> bool {
        self.is_displaced.load(Ordering::Acquire)
    }
}

/// What the LiveFeed understands.
pub enum LiveMessage {
    /// Subscribe. Above the maximum number of streams per user or key, the oldest one ends.
    Listen(TenantId, AuditActor, Reply<Subscription>),
    /// Something was recorded, here or elsewhere.
    Recorded(ListingId, Option<Timestamp>, Vec<EventId>),
    /// A job has made progress, here or elsewhere.
    JobChanged(TenantId, JobId),
    /// Budgets are spent, as this process has recorded.
    BudgetsSpent(Vec<BudgetRefusal>),
    /// Time to poll.
    Poll,
    /// Time to read what was recorded.
    ReadNow,
    /// The items of recorded crawls were read.
    Read(StoreResult<Vec<(TenantId, FeedItem)>>),
    /// The result of a poll, and the database's time at this moment.
    Polled(Instant, StoreResult<(Timestamp, Vec<(TenantId, FeedItem)>)>),
    /// Reading panicked.
    Panicked,
}

/// Handle of the LiveFeed. Cheap to clone.
#[derive(Clone)]
pub struct LiveFeedHandle {
    inbox: Inbox<LiveFeed>,
    listeners: Arc<AtomicUsize>,
}

impl LiveFeedHandle {
    /// The handle of a feed that counts its listeners here.
    pub fn new(inbox: Inbox<LiveFeed>, listeners: Arc<AtomicUsize>) -> Self {
        Self { inbox, listeners }
    }

    /// Reports a recorded crawl: when it changed something, and the events that fired. Free without subscribers.
    pub fn recorded(&self, listing_id: ListingId, changed_at: Option<Timestamp>, events: &[EventId]) {
        let is_news = changed_at.is_some() || !events.is_empty();
        if is_news && self.listeners.load(Ordering::Relaxed) > 0 {
            self.inbox.send_control(LiveMessage::Recorded(listing_id, changed_at, events.to_vec()));
        }
    }

    /// Reports that a job has made progress. Free without subscribers.
    pub fn job_changed(&self, tenant_id: TenantId, id: JobId) {
        if self.listeners.load(Ordering::Relaxed) > 0 {
            self.inbox.send_control(LiveMessage::JobChanged(tenant_id, id));
        }
    }

    /// Reports that budgets are spent. Free without subscribers.
    pub fn budgets_spent(&self, refusals: Vec<BudgetRefusal>) {
        if !refusals.is_empty() && self.listeners.load(Ordering::Relaxed) > 0 {
            self.inbox.send_control(LiveMessage::BudgetsSpent(refusals));
        }
    }

    /// The feed itself.
    pub fn inbox(&self) -> &Inbox<LiveFeed> {
        &self.inbox
    }
}

struct Listener {
    who: AuditActor,
    since: Instant,
    sender: Sender<SharedFeedItem>,
    is_displaced: Arc<AtomicBool>,
}

/// See the module.
pub struct LiveFeed {
    store: Arc<dyn ChangeFeed>,
    count: Arc<AtomicUsize>,
    listeners: HashMap<TenantId, Vec<Listener>>,
    crawls: Vec<(ListingId, Timestamp)>,
    events: Vec<EventId>,
    jobs: HashSet<JobId>,
    is_reading: bool,
    others: Option<Others>,
}

/// What is needed where other replicas may record too.
struct Others {
    bus: Bus,
    /// The bus was connected at the last poll; if not, messages may be missing.
    was_connected: bool,
    /// When the last complete poll began.
    polled_at: Option<Instant>,
    /// What was sent lately, so that it is not sent again.
    sent: HashSet<(TenantId, Timestamp, Uuid)>,
    sent_at: VecDeque<(Instant, (TenantId, Timestamp, Uuid))>,
}

impl Others {
    fn new(bus: Bus) -> Self {
        Self { bus, was_connected: false, polled_at: None, sent: HashSet::new(), sent_at: VecDeque::new() }
    }

    /// True when a poll is due: always, unless the bus is connected and was at the last poll.
    fn should_poll(&mut self) -> bool {
        let is_connected = self.bus.is_connected();
        let are_heard = std::mem::replace(&mut self.was_connected, is_connected) && is_connected;
        !are_heard || self.polled_at.is_none_or(|at| at.elapsed() >= SAFETY_POLL_EVERY)
    }

    /// How far back to read: to the last complete poll, and a little further. `None`: too far.
    fn lookback(&self) -> Option<Duration> {
        let since = self.polled_at.map_or(Duration::ZERO, |at| at.elapsed());
        Some(since + LOOKBACK).filter(|lookback| *lookback <= MAX_LOOKBACK)
    }

    /// False: it was sent before.
    fn is_new(&mut self, tenant_id: TenantId, item: &FeedItem) -> bool {
        let sent = (tenant_id, item.at(), item.subject());
        let is_new = self.sent.insert(sent);
        if is_new {
            self.sent_at.push_back((Instant::now(), sent));
        }
        while let Some((_, old)) = self.sent_at.pop_front_if(|(at, _)| at.elapsed() > MAX_LOOKBACK + LOOKBACK) {
            self.sent.remove(&old);
        }
        is_new
    }
}

impl LiveFeed {
    /// A feed without subscribers, whose number is kept in `count`. `others` is the bus, if there can be other replicas.
    pub fn new(store: Arc<dyn ChangeFeed>, count: Arc<AtomicUsize>, others: Option<Bus>) -> Self {
        count.store(0, Ordering::Relaxed);
        let others = others.map(Others::new);
        Self {
            store,
            count,
            listeners: HashMap::new(),
            crawls: Vec::new(),
            events: Vec::new(),
            jobs: HashSet::new(),
            is_reading: false,
            others,
        }
    }

    fn listen(&mut self, tenant_id: TenantId, who: AuditActor) -> Subscription {
        let of_tenant = self.listeners.entry(tenant_id).or_default();
        of_tenant.retain(|listener| !listener.sender.is_closed());
        if of_tenant.iter().filter(|listener| listener.who == who).count() >= MAX_STREAMS_PER_CALLER
            && let Some(oldest) = of_tenant.iter().position(|listener| listener.who == who)
        {
            // Its connection may have broken unnoticed. It learns why before it sees the end: its client must not come back for that.
            of_tenant.remove(oldest).is_displaced.store(true, Ordering::Release);
        }
        let (sender, items) = channel(BUFFERED_ITEMS);
        let is_displaced = Arc::new(AtomicBool::new(false));
        of_tenant.push(Listener { who, since: Instant::now(), sender, is_displaced: Arc::clone(&is_displaced) });
        self.recount();
        Subscription { items, is_displaced }
    }

    fn recount(&mut self) {
        self.listeners.retain(|_, of_tenant| !of_tenant.is_empty());
        self.count.store(self.listeners.values().map(Vec::len).sum(), Ordering::Relaxed);
    }

    fn recorded(
        &mut self,
        listing_id: ListingId,
        changed_at: Option<Timestamp>,
        events: Vec<EventId>,
        cx: &mut Cx<'_, Self>,
    ) {
        self.crawls.extend(changed_at.map(|at| (listing_id, at)));
        self.events.extend(events);
        if self.crawls.len() > MAX_PENDING_CRAWLS {
            return self.disconnect_all();
        }
        self.read_soon(cx);
    }

    fn read_soon(&mut self, cx: &mut Cx<'_, Self>) {
        if !(self.is_reading || self.crawls.is_empty() && self.events.is_empty() && self.jobs.is_empty()) {
            self.is_reading = true;
            cx.after(GATHER, LiveMessage::ReadNow);
        }
    }

    fn read(&mut self, cx: &mut Cx<'_, Self>) {
        // Drops closed streams also where nothing happens.
        self.listeners.values_mut().for_each(|of_tenant| of_tenant.retain(|listener| !listener.sender.is_closed()));
        self.recount();
        let (store, crawls, events) =
            (Arc::clone(&self.store), std::mem::take(&mut self.crawls), std::mem::take(&mut self.events));
        let jobs: Vec<JobId> = self.jobs.drain().collect();
        let tenants: Vec<TenantId> = self.listeners.keys().copied().collect();
        let read = async move { LiveMessage::Read(store.feed_of(&tenants, &crawls, &events, &jobs).await) };
        cx.work("read", read, || LiveMessage::Panicked);
    }

    /// Reads what other replicas may have recorded unnoticed.
    fn poll(&mut self, cx: &mut Cx<'_, Self>) {
        cx.after(POLL_EVERY, LiveMessage::Poll);
        let Some(others) = &mut self.others else { return };
        if self.listeners.is_empty() {
            others.polled_at = None;
            return;
        }
        if !others.should_poll() || self.is_reading {
            return;
        }
        let Some(within) = others.lookback() else {
            others.polled_at = None;
            return self.disconnect_all();
        };
        self.is_reading = true;
        let (store, tenants) = (Arc::clone(&self.store), self.listeners.keys().copied().collect::<Vec<TenantId>>());
        let began_at = Instant::now();
        let read =
            async move { LiveMessage::Polled(began_at, store.recent_feed(&tenants, within, MAX_POLL_ITEMS).await) };
        cx.work("read", read, || LiveMessage::Panicked);
    }

    fn polled(
        &mut self,
        asked_at: Instant,
        items: StoreResult<(Timestamp, Vec<(TenantId, FeedItem)>)>,
        cx: &mut Cx<'_, Self>,
    ) {
        self.is_reading = false;
        match items {
            // Cut off: what is missing is read by the subscribers when they reconnect.
            Ok((_, items)) if items.len() >= MAX_POLL_ITEMS as usize => self.disconnect_all(),
            Ok((now, items)) => {
                if let Some(others) = &mut self.others {
                    others.polled_at = Some(asked_at);
                }
                for (tenant_id, item) in items {
                    let age = Duration::try_from(now.duration_since(item.at())).unwrap_or_default();
                    // Not sent to those who subscribed long after it: a crawl is recorded a little after its time.
                    self.send(tenant_id, &Arc::new(item), (asked_at + LOOKBACK).checked_sub(age));
                }
            }
            // The next poll reads it.
            Err(error) => tracing::debug!(%error, "cannot poll the change feed"),
        }
        self.recount();
        self.read_soon(cx);
    }

    fn read_items(&mut self, item: StoreResult<Vec<(TenantId, FeedItem)>>, cx: &mut Cx<'_, Self>) {
        self.is_reading = false;
        match item {
            Ok(item) => item.into_iter().for_each(|(tenant_id, item)| self.send(tenant_id, &Arc::new(item), None)),
            Err(error) => {
                tracing::warn!(%error, "cannot read the change feed; closing event streams");
                self.disconnect_all();
            }
        }
        self.recount();
        self.read_soon(cx);
    }

    /// Sends an item to the subscribers of a tenant; with `happened_at`, to those who subscribed before.
    fn send(&mut self, tenant_id: TenantId, item: &SharedFeedItem, happened_at: Option<Instant>) {
        if self.others.as_mut().is_some_and(|others| !others.is_new(tenant_id, item)) {
            return;
        }
        let Some(of_tenant) = self.listeners.get_mut(&tenant_id) else { return };
        let may_hear = |listener: &Listener| happened_at.is_none_or(|at| listener.since <= at);
        of_tenant.retain(|listener| !may_hear(listener) || listener.sender.try_send(Arc::clone(item)).is_ok());
    }

    /// Closes all streams.
    fn disconnect_all(&mut self) {
        self.listeners.clear();
        self.crawls.clear();
        self.events.clear();
        self.jobs.clear();
        self.recount();
    }
}

impl Actor for LiveFeed {
    type Message = LiveMessage;
    const KIND: &'static str = "live_feed";
    const CAPACITY: usize = 1024;
    const MESSAGES: &'static [&'static str] =
        &["listen", "recorded", "job_changed", "budgets_spent", "poll", "read_now", "read", "polled", "panicked"];

    fn name_of(message: &LiveMessage) -> &'static str {
        match message {
            LiveMessage::Listen(..) => "listen",
            LiveMessage::Recorded(..) => "recorded",
            LiveMessage::JobChanged(..) => "job_changed",
            LiveMessage::BudgetsSpent(_) => "budgets_spent",
            LiveMessage::Poll => "poll",
            LiveMessage::ReadNow => "read_now",
            LiveMessage::Read(_) => "read",
            LiveMessage::Polled(..) => "polled",
            LiveMessage::Panicked => "panicked",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        if self.others.is_some() {
            cx.after(POLL_EVERY, LiveMessage::Poll);
        }
    }

    fn handle(&mut self, message: LiveMessage, cx: &mut Cx<'_, Self>) {
        match message {
            LiveMessage::Listen(tenant_id, who, reply) => reply.send(self.listen(tenant_id, who)),
            LiveMessage::Recorded(listing_id, changed_at, events) => self.recorded(listing_id, changed_at, events, cx),
            LiveMessage::JobChanged(tenant_id, id) => {
                if self.listeners.contains_key(&tenant_id) {
                    self.jobs.insert(id);
                    self.read_soon(cx);
                }
            }
            LiveMessage::BudgetsSpent(refusals) => {
                for refusal in refusals {
                    self.send(refusal.tenant_id, &Arc::new(FeedItem::Budget(refusal)), None);
                }
                self.recount();
            }
            LiveMessage::Poll => self.poll(cx),
            LiveMessage::ReadNow => self.read(cx),
            LiveMessage::Read(item) => self.read_items(item, cx),
            LiveMessage::Polled(asked_at, items) => self.polled(asked_at, items, cx),
            LiveMessage::Panicked => {
                self.is_reading = false;
                self.disconnect_all();
            }
        }
    }
}

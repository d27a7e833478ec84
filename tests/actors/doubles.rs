//! The neighbours of the actors: a queue, a marketplace and a gate, all in the hands of the test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amazon_tracker::actors::crawl_slots::{CrawlSlots, CrawlSource};
use amazon_tracker::actors::crawler_pool::{CrawlerPool, PoolMessage, PoolTools};
use amazon_tracker::actors::decide::CrawlPolicy;
use amazon_tracker::actors::held_lease::HeldLease;
use amazon_tracker::actors::kernel::{Actor, Budget, Inbox, ShardPolicy, Shards, Supervision, Threads, supervise};
use amazon_tracker::actors::notifier::{Notifier, NotifierTools};
use amazon_tracker::actors::recorder::{CommitQueue, Recorder, RecorderTools};
use amazon_tracker::actors::tracker::{ProductTracker, TrackerTools, Trackers};
use amazon_tracker::actors::wake_signal::WakeSignal;
use amazon_tracker::config::NotifySettings;
use amazon_tracker::domain::{
    CrawlDemand, DeliveryId, Interval, Listing, ListingId, ListingState, Marketplace, OutboxMessage, Outcome, TenantId,
};
use amazon_tracker::limits::{Candidate, CrawlGate};
use amazon_tracker::notify::channel::Sent;
use amazon_tracker::notify::{SendError, Sender};
use amazon_tracker::replicas::{Bus, BusMessage};
use amazon_tracker::sources::{Outcomes, Source, Wanted};
use amazon_tracker::store::{
    Backlog, Claim, ClaimRequest, ClaimedDelivery, Commit, Committed, DeliveryChannel, DeliveryClaim, DeliveryEnd,
    Lane, LeaseQueue, Outbox, StoreResult,
};
use amazon_tracker::telemetry::Metrics;
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

pub const TOKEN: i64 = 7;

static NEXT_EVEN: AtomicI64 = AtomicI64::new(1_000_000);

/// Has always as much to do as is asked for: listings with odd numbers in the lane of the asked-for, with even ones in the
/// scheduled lane. Passes on every commit. Leases with another token than
/// [`TOKEN`] were lost.
pub struct Ledger(pub UnboundedSender<Commit>);

#[async_trait]
impl LeaseQueue for Ledger {
    async fn claim(&self, request: ClaimRequest<'_>) -> StoreResult<Vec<Claim>> {
        let ClaimRequest { lane, limit, rooms, .. } = request;
        let room = rooms.iter().find(|room| room.marketplace == Marketplace::Us).map_or(0, |room| room.places);
        let (parity, limit) = (i64::from(lane == Lane::Requested), limit.min(room));
        let next = |_| Claim { lane, ..claim(NEXT_EVEN.fetch_add(2, Ordering::Relaxed) + parity, TOKEN) };
        Ok((0..limit).map(next).collect())
    }

    async fn commit(&self, commits: &[Commit]) -> StoreResult<Vec<Committed>> {
        let committed = |commit: &Commit| {
            let _ = self.0.send(commit.clone());
            Committed { listing_id: commit.listing_id, token: commit.token, recorded: commit.token == TOKEN }
        };
        Ok(commits.iter().map(committed).collect())
    }

    async fn release(&self, leases: &[(ListingId, i64)]) -> StoreResult<u64> {
        Ok(leases.len() as u64)
    }

    async fn extend(&self, leases: &[(ListingId, i64)], _: Duration) -> StoreResult<Vec<ListingId>> {
        Ok(leases.iter().filter(|(_, token)| *token == TOKEN).map(|(id, _)| *id).collect())
    }

    async fn next_due_in(&self, _: &[Marketplace], _max_attempts: u16) -> StoreResult<Option<Duration>> {
        Ok(None)
    }

    async fn clamp_due_times(&self) -> StoreResult<u64> {
        Ok(0)
    }

    async fn park_failing(&self, _: u16, _: u32) -> StoreResult<u64> {
        Ok(0)
    }

    async fn unpark(&self, _: ListingId) -> StoreResult<bool> {
        Ok(false)
    }

    async fn schedule_unwatched(&self, _: &[Listing], _: u16) -> StoreResult<()> {
        Ok(())
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        Ok(Backlog { due: 0, oldest_due: Duration::ZERO, parked: 0 })
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        Ok(Timestamp::UNIX_EPOCH)
    }
}

/// One call that waits for the test's answer. Dropped unanswered, the call panics.
pub type Call<Q, A> = (Q, oneshot::Sender<A>);

/// Passes each call on to the test and waits for its answer.
pub struct Line<Q, A>(UnboundedSender<Call<Q, A>>);

impl<Q, A> Line<Q, A> {
    pub fn new() -> (Self, UnboundedReceiver<Call<Q, A>>) {
        let (sender, calls) = unbounded_channel();
        (Self(sender), calls)
    }

    async fn call(&self, question: Q) -> A {
        let (answer, answered) = oneshot::channel();
        assert!(self.0.send((question, answer)).is_ok(), "the test listens until its end");
        answered.await.expect("told to panic, by a dropped answer")
    }
}

#[async_trait]
impl Source for Line<Listing, Outcome> {
    fn name(&self) -> &'static str {
        "double"
    }

    async fn crawl(&self, wanted: &[Wanted], outcomes: &Outcomes) {
        for Wanted { listing, .. } in wanted {
            let _ = outcomes.send((*listing, self.call(*listing).await));
        }
    }
}

#[async_trait]
impl Sender for Line<DeliveryId, Result<(), SendError>> {
    fn channel(&self) -> &'static str {
        "double"
    }

    async fn send(&self, id: DeliveryId, _: &OutboxMessage) -> Result<Sent, SendError> {
        self.call(id).await.map(|()| Sent::default())
    }
}

/// Rests for as long as it says; open otherwise.
pub struct Gate(pub Option<Duration>);

#[async_trait]
impl CrawlGate for Gate {
    fn admit(&self, _: Marketplace, _: Candidate) -> Result<(), Duration> {
        self.0.map_or(Ok(()), Err)
    }

    fn is_blocked(&self, _: Marketplace) -> bool {
        self.0.is_some()
    }

    async fn ready(&self, _: Marketplace) {}

    fn report(&self, _: Marketplace, _: Candidate, _: Option<&Outcome>) {}
}

/// Admits everything and never lets it send a request.
pub struct RateLimited;

#[async_trait]
impl CrawlGate for RateLimited {
    fn admit(&self, _: Marketplace, _: Candidate) -> Result<(), Duration> {
        Ok(())
    }

    fn is_blocked(&self, _: Marketplace) -> bool {
        false
    }

    async fn ready(&self, _: Marketplace) {
        std::future::pending().await
    }

    fn report(&self, _: Marketplace, _: Candidate, _: Option<&Outcome>) {}
}

/// Hands out its deliveries once, and passes on how each attempt ended, and which were released without one.
pub struct Post {
    pub waiting: Mutex<Vec<ClaimedDelivery>>,
    pub ends: UnboundedSender<(DeliveryId, DeliveryEnd)>,
    pub released: UnboundedSender<DeliveryId>,
}

#[async_trait]
impl Outbox for Post {
    async fn claim_deliveries(&self, claim: &DeliveryClaim<'_>) -> StoreResult<Vec<ClaimedDelivery>> {
        let mut waiting = self.waiting.lock().unwrap();
        let (mut claimed, mut left) = (Vec::new(), Vec::new());
        for delivery in waiting.drain(..) {
            let of_tenant = |it: &&ClaimedDelivery| it.tenant_id == delivery.tenant_id;
            let may_have = claimed.len() < claim.limit as usize
                && claimed.iter().filter(of_tenant).count() < claim.per_tenant as usize
                && !claim.busy_tenants.contains(&delivery.tenant_id);
            if may_have { claimed.push(delivery) } else { left.push(delivery) }
        }
        *waiting = left;
        Ok(claimed)
    }

    async fn finish_delivery(&self, id: DeliveryId, _: i64, end: &DeliveryEnd) -> StoreResult<bool> {
        let _ = self.ends.send((id, end.clone()));
        Ok(true)
    }

    async fn release_delivery(&self, id: DeliveryId, _: i64) -> StoreResult<()> {
        let _ = self.released.send(id);
        Ok(())
    }

    async fn retry_delivery(&self, _: Option<TenantId>, _: DeliveryId) -> StoreResult<bool> {
        Ok(false)
    }

    async fn next_delivery_in(&self) -> StoreResult<Option<Duration>> {
        Ok(None)
    }
}

/// The actors between a claim and its commit, with the test at both ends.
pub struct Crew {
    pub pool: Inbox<CrawlerPool>,
    pool_tools: Arc<PoolTools>,
    pub recorder: CommitQueue,
    pub trackers: Trackers,
    pub slots: Arc<CrawlSlots>,
    /// The state of every listing that the pool is given.
    pub state: ListingState,
    pub fetches: UnboundedReceiver<Call<Listing, Outcome>>,
    pub commits: UnboundedReceiver<Commit>,
}

/// The length of a lease.
const LEASE: Duration = Duration::from_secs(90);
pub const SEND_SLOTS: usize = 32;

/// Longer than a test takes.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

impl Crew {
    pub fn start(threads: &Threads, metrics: &Arc<Metrics>, gate: Gate, slots: usize) -> Self {
        Self::start_within(threads, metrics, gate, slots, MAX_WAIT)
    }

    /// With leases that wait for their turn and the rate limit for at most so long.
    pub fn start_within(
        threads: &Threads,
        metrics: &Arc<Metrics>,
        gate: impl CrawlGate + 'static,
        slots: usize,
        max_wait: Duration,
    ) -> Self {
        let (written, commits) = unbounded_channel();
        let (source, fetches) = Line::new();
        let source = CrawlSource::new(Arc::new(source), Arc::new(gate), slots, slots);
        let slots = Arc::new(CrawlSlots::new(vec![source], BTreeMap::new()));
        let store = Arc::new(Ledger(written));
        let (pool, pool_tools, recorder, trackers) = start_crew(threads, metrics, store, Arc::clone(&slots), max_wait);
        let state = ListingState::default();
        Self { pool, pool_tools, recorder, trackers, slots, state, fetches, commits }
    }

    /// On several sources, which every marketplace asks in this order.
    pub fn with_sources(threads: &Threads, metrics: &Arc<Metrics>, sources: Vec<CrawlSource>, lease: Duration) -> Self {
        let (written, commits) = unbounded_channel();
        let slots = Arc::new(CrawlSlots::new(sources, BTreeMap::new()));
        let store = Arc::new(Ledger(written));
        let (pool, pool_tools, recorder, trackers) =
            start_pool(threads, metrics, store, Arc::clone(&slots), (lease, MAX_WAIT));
        let (state, fetches) = (ListingState::default(), unbounded_channel().1);
        Self { pool, pool_tools, recorder, trackers, slots, state, fetches, commits }
    }

    /// Gives the pool a claim of a listing, with its slot.
    pub fn work(&self, listing_id: i64, token: i64) {
        self.work_claimed_in(Duration::ZERO, listing_id, token);
    }

    /// The same, after a claim that has waited for so long.
    pub fn work_claimed_in(&self, waited: Duration, listing_id: i64, token: i64) {
        let slot = self.slots.take(Marketplace::Us).expect("a slot is free");
        let (claimed_before, span) = (std::time::Instant::now() - waited, tracing::Span::none());
        let state = self.state.clone();
        let claim = Claim { listing: listing(listing_id), state, ..claim(listing_id, token) };
        let lease = HeldLease::new(claim, slot, claimed_before, span, self.recorder.clone());
        self.pool.send_control(PoolMessage::Work(Box::new(lease)));
    }

    /// Drains the pool.
    pub fn drain(&self, within: Duration) {
        self.pool_tools.drain(within);
        self.pool.send_control(PoolMessage::Drain);
    }

    /// Waits until every slot is free again.
    pub async fn all_slots(&self) {
        self.slots.idle().await;
    }
}

/// Starts pool, trackers and recorder on a store and some sources.
pub fn start_crew(
    threads: &Threads,
    metrics: &Arc<Metrics>,
    store: Arc<dyn LeaseQueue>,
    slots: Arc<CrawlSlots>,
    max_wait: Duration,
) -> (Inbox<CrawlerPool>, Arc<PoolTools>, CommitQueue, Trackers) {
    start_pool(threads, metrics, store, slots, (LEASE, max_wait))
}

/// The same, with leases of this length and this wait.
fn start_pool(
    threads: &Threads,
    metrics: &Arc<Metrics>,
    store: Arc<dyn LeaseQueue>,
    slots: Arc<CrawlSlots>,
    (lease, max_wait): (Duration, Duration),
) -> (Inbox<CrawlerPool>, Arc<PoolTools>, CommitQueue, Trackers) {
    let queue = Arc::clone(&store);
    let notifier = WakeSignal::remote(Bus::disconnected(), BusMessage::Deliverable);
    let tools = RecorderTools { store, notifier, on_recorded: Arc::new(|_| {}), metrics: Arc::clone(metrics) };
    let recorder =
        CommitQueue::start(tools, |factory| supervise(threads.singletons(), factory, supervision::<Recorder>(metrics)));
    let policy = CrawlPolicy { recheck: Duration::from_secs(60), retry: Duration::from_secs(30) };
    let tools = Arc::new(TrackerTools { policy, metrics: Arc::clone(metrics) });
    let track = move |_: &ListingId| ProductTracker::new(Arc::clone(&tools));
    let trackers = Shards::start(threads.shards(), metrics, ShardPolicy::default(), track, |_| {}, |_| {});
    let counted = Arc::clone(metrics);
    let tools = PoolTools::new(slots, queue, trackers.clone(), counted, lease, max_wait);
    let tools = Arc::new(tools);
    let of_pool = Arc::clone(&tools);
    let make = move || CrawlerPool::new(Arc::clone(&of_pool));
    let pool = supervise(threads.singletons(), make, supervision::<CrawlerPool>(metrics));
    (pool, tools, recorder, trackers)
}

pub fn start_notifier(threads: &Threads, metrics: &Metrics, tools: Arc<NotifierTools>) -> Inbox<Notifier> {
    let make = move || Notifier::new(Arc::clone(&tools));
    supervise(threads.singletons(), make, supervision::<Notifier>(metrics))
}

pub fn notifier_tools(
    post: impl Into<Arc<Post>>,
    sender: Line<DeliveryId, Result<(), SendError>>,
    metrics: &Arc<Metrics>,
) -> NotifierTools {
    let (settings, longest) = (NotifySettings::default(), Duration::from_secs(15));
    let channel = (DeliveryChannel::Webhook, Arc::new(sender) as Arc<dyn Sender>, SEND_SLOTS);
    NotifierTools::new(post.into(), channel, "test".to_owned(), settings, longest, Arc::clone(metrics))
}

pub fn supervision<A: Actor>(metrics: &Metrics) -> Supervision {
    Supervision {
        metrics: metrics.kind(A::KIND, A::MESSAGES),
        budget: Budget::default(),
        first_pause: Duration::from_millis(1),
        give_up: Box::new(|kind| panic!("{kind} was given up")),
    }
}

/// Listing number 1 is the one that the tests name; the others have their number as ASIN.
pub fn listing(number: i64) -> Listing {
    let asin = if number == 1 { "B08PZHYWJS".to_owned() } else { format!("B{number:09}") };
    Listing::new(Marketplace::Us, asin.parse().unwrap())
}

fn claim(listing_id: i64, token: i64) -> Claim {
    Claim {
        listing_id: ListingId(listing_id),
        listing: Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap()),
        token,
        claimed_at: Timestamp::UNIX_EPOCH,
        attempt: 1,
        lane: Lane::Scheduled,
        state: ListingState::default(),
        demand: CrawlDemand::fixed(Interval::DAILY),
        offers_interval: None,
        rules: Vec::new(),
        windows: Default::default(),
        competitors: Default::default(),
    }
}

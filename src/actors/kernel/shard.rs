//! Virtual actors: many entities, of which only the hot ones are in memory.
//!
//! A shard is an actor that owns the addresses of its entities, starts one at its first message and retires the idle and
//! the least recently used. Nobody else holds an entity's address, so none can be stale, and passivation needs no lock:
//! an entity is first taken out of the map and then told to stop behind everything already in its queue; later messages
//! start a new incarnation.
//!
//! The map outlives the shard: entities go on while their shard is rebuilt, and the next incarnation finds them. An entity
//! that panics is rebuilt at once if messages wait for it, and otherwise at its next message.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::actor::{Actor, Cx};
use super::envelope::{AskError, Reply, TrySendError};
use super::inbox::Inbox;
use super::supervise::{Budget, Exit, Supervision, launch, supervise};
use super::threads::ActorThread;
use crate::telemetry::{KindMetrics, Metrics};

/// An actor of which there are many, each with a key.
pub trait Entity: Actor {
    /// Identifies an entity.
    type Key: Clone + Eq + Hash + Display + Send + Unpin + 'static;
    /// The name of its shards in logs and metrics.
    const SHARD_KIND: &'static str;

    /// Called for a message that the entity could not take, because its inbox is full or it is quarantined. Dropping it is
    /// enough for a question.
    fn refused(_key: &Self::Key, _message: Self::Message) {}
}

/// How long entities stay in memory, and how often one may fail.
#[derive(Debug, Clone)]
pub struct ShardPolicy {
    /// Retire an entity that got no message for this long.
    pub idle_after: Duration,
    /// Keep at most this many entities in each shard; for a moment, up to an eighth more.
    pub max_resident: usize,
    /// How often idle entities are retired.
    pub sweep_every: Duration,
    /// Restarts allowed for each entity.
    pub budget: Budget,
    /// An entity over its budget gets no message for this long.
    pub quarantine_for: Duration,
}

impl Default for ShardPolicy {
    fn default() -> Self {
        Self {
            idle_after: Duration::from_secs(600),
            max_resident: 100_000,
            sweep_every: Duration::from_secs(30),
            budget: Budget::default(),
            quarantine_for: Duration::from_secs(600),
        }
    }
}

/// The observable state of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardView {
    /// Entities in memory.
    pub resident: usize,
    /// Entities that get no message for now.
    pub quarantined: usize,
    /// Incarnations started so far.
    pub incarnations: u64,
}

type Factory<E> = Arc<dyn Fn(&<E as Entity>::Key) -> E + Send + Sync>;
type OnQuarantine<E> = Arc<dyn Fn(&<E as Entity>::Key) + Send + Sync>;

/// Handle of every entity of a kind, in memory or not.
pub struct Shards<E: Entity> {
    shards: Arc<[Inbox<Shard<E>>]>,
}

impl<E: Entity> Clone for Shards<E> {
    fn clone(&self) -> Self {
        Self { shards: Arc::clone(&self.shards) }
    }
}

impl<E: Entity> Shards<E> {
    /// Starts one shard on each thread. `factory` makes an entity from its key; `on_quarantine` is called with each one that
    /// exceeds its restart budget, and `give_up` when a shard does.
    pub fn start(
        actor_threads: &[ActorThread],
        metrics: &Metrics,
        policy: ShardPolicy,
        factory: impl Fn(&E::Key) -> E + Send + Sync + 'static,
        on_quarantine: impl Fn(&E::Key) + Send + Sync + 'static,
        give_up: impl Fn(&'static str) + Send + Clone + 'static,
    ) -> Self {
        let factory: Factory<E> = Arc::new(factory);
        let on_quarantine: OnQuarantine<E> = Arc::new(on_quarantine);
        let shard_metrics = metrics.kind(E::SHARD_KIND, Shard::<E>::MESSAGES);
        let entity_metrics = metrics.kind(E::KIND, E::MESSAGES);
        let start_one = |thread: &ActorThread| {
            let (factory, on_quarantine) = (Arc::clone(&factory), Arc::clone(&on_quarantine));
            let (policy, metrics, state) = (policy.clone(), Arc::clone(&entity_metrics), Arc::default());
            let make = move || Shard {
                factory: Arc::clone(&factory),
                on_quarantine: Arc::clone(&on_quarantine),
                policy: policy.clone(),
                metrics: Arc::clone(&metrics),
                state: Arc::clone(&state),
            };
            let supervision = Supervision {
                metrics: Arc::clone(&shard_metrics),
                budget: Budget::default(),
                first_pause: Duration::from_secs(1),
                give_up: Box::new(give_up.clone()),
            };
            supervise(thread, make, supervision)
        };
        Self { shards: actor_threads.iter().map(start_one).collect() }
    }

    /// Gives a message to an entity, starting it if it is not in memory. The bound here is the shard's; a message that the
    /// entity itself cannot take ends in [`Entity::refused`].
    pub fn try_send(&self, key: E::Key, message: E::Message) -> Result<(), TrySendError<E::Message>> {
        let unwrap = |message| match message {
            ShardMessage::Deliver(_, message) => message,
            _ => unreachable!("the refused message is the one given to try_send"),
        };
        self.shard_of(&key).try_send(ShardMessage::Deliver(key, message)).map_err(|refused| match refused {
            TrySendError::Busy(message) => TrySendError::Busy(unwrap(message)),
            TrySendError::Dead(message) => TrySendError::Dead(unwrap(message)),
        })
    }

    /// As [`Shards::try_send`], past the bound: for the end of work that was admitted before.
    pub fn send_control(&self, key: E::Key, message: E::Message) {
        self.shard_of(&key).send_control(ShardMessage::Deliver(key, message));
    }

    /// Asks an entity and waits for the answer until the deadline.
    pub async fn ask<R>(
        &self,
        key: E::Key,
        deadline: Instant,
        question: impl FnOnce(Reply<R>) -> E::Message,
    ) -> Result<R, AskError> {
        self.shard_of(&key).ask(deadline, |reply| ShardMessage::Deliver(key.clone(), question(reply))).await
    }

    /// The observable state of every shard that answers in time.
    pub async fn observe(&self, within: Duration) -> Vec<ShardView> {
        let deadline = Instant::now() + within;
        let views = self.shards.iter().map(|shard| shard.ask(deadline, ShardMessage::Observe));
        futures_util::future::join_all(views).await.into_iter().filter_map(Result::ok).collect()
    }

    /// Refuses further messages and waits until what was admitted has been handed on. False: it was not, in time.
    pub async fn drain(&self, within: Duration) -> bool {
        let drains = self.shards.iter().map(|shard| shard.drain(within));
        futures_util::future::join_all(drains).await.into_iter().all(|drained| drained)
    }

    fn shard_of(&self, key: &E::Key) -> &Inbox<Shard<E>> {
        // Fixed keys, so that a key is on the same shard in every run: what a test or a dump showed holds.
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let shards = self.shards.len() as u64;
        &self.shards[(hasher.finish() % shards) as usize]
    }
}

/// One shard.
pub(super) struct Shard<E: Entity> {
    factory: Factory<E>,
    on_quarantine: OnQuarantine<E>,
    policy: ShardPolicy,
    metrics: Arc<KindMetrics>,
    /// Shared with the other incarnations of this shard alone, of which one runs at a time.
    state: Arc<Mutex<ShardState<E>>>,
}

/// What a shard knows of its entities.
struct ShardState<E: Entity> {
    residents: HashMap<E::Key, Resident<E>>,
    /// Entities that panicked lately.
    troubled: HashMap<E::Key, Trouble>,
    incarnations: u64,
}

impl<E: Entity> Default for ShardState<E> {
    fn default() -> Self {
        Self { residents: HashMap::new(), troubled: HashMap::new(), incarnations: 0 }
    }
}

struct Resident<E: Entity> {
    inbox: Inbox<E>,
    last_used: Instant,
}

struct Trouble {
    budget: Budget,
    last_panic: Instant,
    quarantined_until: Option<Instant>,
}

impl Trouble {
    fn is_quarantined(&self, now: Instant) -> bool {
        self.quarantined_until.is_some_and(|until| until > now)
    }
}

impl<E: Entity> ShardState<E> {
    fn is_quarantined(&self, key: &E::Key, now: Instant) -> bool {
        self.troubled.get(key).is_some_and(|trouble| trouble.is_quarantined(now))
    }
}

pub(super) enum ShardMessage<E: Entity> {
    Deliver(E::Key, E::Message),
    ChildExited { key: E::Key, inbox: Inbox<E>, exit: Exit },
    Sweep,
    Observe(Reply<ShardView>),
}

impl<E: Entity> Actor for Shard<E> {
    type Message = ShardMessage<E>;
    const KIND: &'static str = E::SHARD_KIND;
    /// A hop that takes about a microsecond: enough room for a burst, little enough to notice a stall.
    const CAPACITY: usize = 4096;
    const MESSAGES: &'static [&'static str] = &["deliver", "child_exited", "sweep", "observe"];

    fn name_of(message: &Self::Message) -> &'static str {
        match message {
            ShardMessage::Deliver(..) => "deliver",
            ShardMessage::ChildExited { .. } => "child_exited",
            ShardMessage::Sweep => "sweep",
            ShardMessage::Observe(_) => "observe",
        }
    }

    fn started(&mut self, cx: &mut Cx<'_, Self>) {
        cx.after(self.policy.sweep_every, ShardMessage::Sweep);
    }

    fn handle(&mut self, message: Self::Message, cx: &mut Cx<'_, Self>) {
        match message {
            ShardMessage::Deliver(key, message) => self.deliver(key, message, cx),
            ShardMessage::ChildExited { key, inbox, exit } => self.child_exited(&key, inbox, exit, cx),
            ShardMessage::Observe(reply) => reply.send(self.view()),
            ShardMessage::Sweep => {
                self.sweep(Instant::now());
                cx.after(self.policy.sweep_every, ShardMessage::Sweep);
            }
        }
    }
}

impl<E: Entity> Shard<E> {
    fn deliver(&mut self, key: E::Key, message: E::Message, cx: &mut Cx<'_, Self>) {
        let (now, mut state) = (Instant::now(), self.state());
        if state.is_quarantined(&key, now) {
            drop(state);
            return E::refused(&key, message);
        }
        let inbox = match state.residents.get_mut(&key) {
            Some(resident) => {
                resident.last_used = now;
                resident.inbox.clone()
            }
            None => self.activate(&mut state, &key, now, cx),
        };
        // What came past the shard's bound goes past the entity's, too: it must not be refused.
        let send = |inbox: &Inbox<E>, message| match cx.is_control() {
            true => inbox.try_send_control(message),
            false => inbox.try_send_until(message, cx.deadline()),
        };
        let sent = match send(&inbox, message) {
            // It has stopped, and its exit is still on the way.
            Err(TrySendError::Dead(message)) => send(&self.activate(&mut state, &key, now, cx), message),
            sent => sent,
        };
        drop(state);
        if let Err(TrySendError::Busy(message) | TrySendError::Dead(message)) = sent {
            E::refused(&key, message);
        }
    }

    fn state(&self) -> MutexGuard<'_, ShardState<E>> {
        // The map itself is whole whatever panicked beside it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn activate(&self, state: &mut ShardState<E>, key: &E::Key, now: Instant, cx: &Cx<'_, Self>) -> Inbox<E> {
        // Not at each message: selecting the least recently used looks at all of them.
        if state.residents.len() >= self.policy.max_resident + self.policy.max_resident.div_ceil(8) {
            retire_least_used(&mut state.residents, self.policy.max_resident);
        }
        let inbox = Inbox::new(Arc::clone(&self.metrics));
        state.residents.insert(key.clone(), Resident { inbox: inbox.clone(), last_used: now });
        self.start(state, key, &inbox, cx);
        inbox
    }

    /// Starts an incarnation behind an inbox.
    fn start(&self, state: &mut ShardState<E>, key: &E::Key, inbox: &Inbox<E>, cx: &Cx<'_, Self>) {
        state.incarnations += 1;
        let (shard, child, its_inbox) = (cx.inbox().clone(), key.clone(), inbox.clone());
        let on_exit = move |exit| shard.send_control(ShardMessage::ChildExited { key: child, inbox: its_inbox, exit });
        launch(|| (self.factory)(key), inbox, on_exit);
    }

    fn child_exited(&mut self, key: &E::Key, inbox: Inbox<E>, exit: Exit, cx: &mut Cx<'_, Self>) {
        let mut state = self.state();
        let panicked = matches!(exit, Exit::Panicked(_));
        let is_quarantined = match exit {
            Exit::Panicked(message) => self.count_panic(&mut state, key, &message),
            Exit::Stopped => false,
        };
        if panicked && !is_quarantined && !inbox.is_empty() {
            return self.start(&mut state, key, &inbox, cx);
        }
        if state.residents.get(key).is_some_and(|resident| resident.inbox.is_same(&inbox)) {
            state.residents.remove(key);
        }
        drop(state);
        for message in inbox.close() {
            E::refused(key, message);
        }
        if is_quarantined {
            (self.on_quarantine)(key);
        }
    }

    /// True: the entity is over its budget.
    fn count_panic(&self, state: &mut ShardState<E>, key: &E::Key, message: &str) -> bool {
        self.metrics.panicked(message);
        let now = Instant::now();
        let fresh = || Trouble { budget: self.policy.budget.clone(), last_panic: now, quarantined_until: None };
        let trouble = state.troubled.entry(key.clone()).or_insert_with(fresh);
        trouble.last_panic = now;
        if trouble.budget.spend(now).is_some() {
            // At the latest by its next message.
            self.metrics.restarts.inc();
            return false;
        }
        trouble.quarantined_until = Some(now + self.policy.quarantine_for);
        self.metrics.quarantined.inc();
        tracing::error!(actor = E::KIND, key = %key, "{} {key} quarantined: it exceeded its restart budget", E::KIND);
        true
    }

    fn sweep(&mut self, now: Instant) {
        let (mut state, policy) = (self.state(), &self.policy);
        let idle = |resident: &Resident<E>| now.duration_since(resident.last_used) >= policy.idle_after;
        for (_, resident) in state.residents.extract_if(|_, resident| idle(resident)) {
            resident.inbox.retire();
        }
        retire_least_used(&mut state.residents, policy.max_resident);
        let calm = Duration::from_secs(60);
        state.troubled.retain(|_, trouble| now.duration_since(trouble.last_panic) < policy.quarantine_for.max(calm));
    }

    fn view(&self) -> ShardView {
        let state = self.state();
        let quarantined = state.troubled.values().filter(|trouble| trouble.is_quarantined(Instant::now())).count();
        ShardView { resident: state.residents.len(), quarantined, incarnations: state.incarnations }
    }
}

fn retire_least_used<E: Entity>(residents: &mut HashMap<E::Key, Resident<E>>, max: usize) {
    let surplus = residents.len().saturating_sub(max);
    if surplus == 0 {
        return;
    }
    let mut by_use: Vec<Instant> = residents.values().map(|resident| resident.last_used).collect();
    let (_, limit, _) = by_use.select_nth_unstable(surplus - 1);
    let limit = *limit;
    for (_, resident) in residents.extract_if(|_, resident| resident.last_used <= limit) {
        resident.inbox.retire();
    }
}

//! Restarts that really happen: the crate's own supervisor does not restart an actor that panics, so each actor is spawned
//! as a task whose end is a value, and rebuilt by its factory.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::dev::channel::AddressReceiver;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use super::actor::{Actor, Shell};
use super::inbox::Inbox;
use super::threads::ActorThread;
use crate::telemetry::KindMetrics;

/// How an actor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By its own wish, or because it was retired.
    Stopped,
    /// By a panic; the panic itself is in the log.
    Panicked,
    /// Its thread ended under it.
    Cancelled,
}

impl Exit {
    pub(super) fn of(ended: Result<(), JoinError>) -> Self {
        match ended {
            Ok(()) => Self::Stopped,
            Err(error) if error.is_panic() => Self::Panicked,
            Err(_) => Self::Cancelled,
        }
    }
}

/// How many restarts are allowed within how long.
#[derive(Debug, Clone)]
pub struct Budget {
    max: usize,
    window: Duration,
    recent: VecDeque<Instant>,
}

impl Default for Budget {
    /// Five in a minute.
    fn default() -> Self {
        Self::new(5, Duration::from_secs(60))
    }
}

impl Budget {
    /// At max `max` restarts within `window`.
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, recent: VecDeque::new() }
    }

    /// Counts one. `None`: over budget; otherwise how many there were within the window, this one included.
    pub fn spend(&mut self, now: Instant) -> Option<usize> {
        while self.recent.front().is_some_and(|oldest| now.duration_since(*oldest) > self.window) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        (self.recent.len() <= self.max).then_some(self.recent.len())
    }
}

/// What an actor that must always be there needs besides its factory.
pub struct Supervision {
    /// Its metrics.
    pub metrics: Arc<KindMetrics>,
    /// Restarts allowed.
    pub budget: Budget,
    /// Pause before the first restart; doubled at each further one within the budget's window.
    pub first_pause: Duration,
    /// Called once when the budget is spent: the process should end and start clean.
    pub give_up: Box<dyn FnOnce(&'static str) + Send>,
}

/// Starts an actor on a thread and rebuilds it by its factory whenever it panics.
pub fn supervise<A: Actor>(
    thread: &ActorThread,
    factory: impl Fn() -> A + Send + 'static,
    supervision: Supervision,
) -> Inbox<A> {
    let inbox = Inbox::new(Arc::clone(&supervision.metrics));
    let (watched, queue) = (inbox.clone(), inbox.open());
    let runtime = thread.runtime().clone();
    thread.spawn(move || watch(watched, queue, factory, supervision, runtime));
    inbox
}

async fn watch<A: Actor>(
    inbox: Inbox<A>,
    mut queue: AddressReceiver<Shell<A>>,
    factory: impl Fn() -> A,
    mut supervision: Supervision,
    runtime: Handle,
) {
    loop {
        let exit = run_once(&inbox, queue, &factory, &runtime, &supervision.metrics).await;
        if exit != Exit::Panicked {
            return;
        }
        supervision.metrics.restarts.inc();
        let Some(restarts) = supervision.budget.spend(Instant::now()) else {
            supervision.metrics.quarantined.inc();
            tracing::error!(actor = A::KIND, "{} panics again and again: giving up", A::KIND);
            return (supervision.give_up)(A::KIND);
        };
        let pause = supervision.first_pause * 2u32.pow(restarts.min(16) as u32 - 1);
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.8..1.2))).await;
        queue = inbox.open();
    }
}

async fn run_once<A: Actor>(
    inbox: &Inbox<A>,
    queue: AddressReceiver<Shell<A>>,
    factory: &impl Fn() -> A,
    runtime: &Handle,
    metrics: &KindMetrics,
) -> Exit {
    // A factory that panics is an actor that panics at once.
    let Ok(actor) = std::panic::catch_unwind(AssertUnwindSafe(factory)) else { return Exit::Panicked };
    metrics.resident.inc();
    let exit = Exit::of(launch(move || actor, inbox, queue, runtime).await);
    metrics.resident.dec();
    exit
}

/// Starts one incarnation on the present thread; the task is the actor, and what makes the actor is part of it: a factory
/// that panics costs its own actor only.
pub(super) fn launch<A: Actor>(
    make: impl FnOnce() -> A + 'static,
    inbox: &Inbox<A>,
    queue: AddressReceiver<Shell<A>>,
    runtime: &Handle,
) -> JoinHandle<()> {
    let (inbox, runtime) = (inbox.clone(), runtime.clone());
    actix_rt::spawn(async move {
        let context = actix::Context::with_receiver(queue);
        let shell = Shell::new(make(), inbox, runtime);
        context.into_future(shell).await;
    })
}

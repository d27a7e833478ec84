//! Restarts that really happen: the crate's own supervisor does not restart an actor that panics, so each incarnation is a
//! task whose end is a value, and the next one is built by a factory.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix::dev::ContextFut;
use tokio::sync::oneshot;

use super::actor::{Actor, Shell};
use super::envelope::panic_message;
use super::inbox::Inbox;
use super::threads::ActorThread;
use crate::telemetry::KindMetrics;

/// How an incarnation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By its own decision, or because it was retired.
    Stopped,
    /// By a panic, with its message.
    Panicked(String),
}

impl Exit {
    fn of_panic(payload: &(dyn Any + Send)) -> Self {
        Self::Panicked(panic_message(payload))
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
    /// At most `max` restarts within `window`.
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
    /// Called once when the budget is exceeded: the process should end and start clean.
    pub give_up: Box<dyn FnOnce(&'static str) + Send>,
}

/// Starts an actor on a thread and rebuilds it by its factory whenever it panics.
pub fn supervise<A: Actor>(
    thread: &ActorThread,
    factory: impl Fn() -> A + Send + 'static,
    supervision: Supervision,
) -> Inbox<A> {
    let inbox = Inbox::new(Arc::clone(&supervision.metrics));
    let supervised = inbox.clone();
    thread.spawn(move || keep_running(supervised, factory, supervision));
    inbox
}

async fn keep_running<A: Actor>(inbox: Inbox<A>, factory: impl Fn() -> A, mut supervision: Supervision) {
    let metrics = Arc::clone(&supervision.metrics);
    while let Exit::Panicked(message) = run_once(&inbox, &factory).await {
        metrics.panicked(&message);
        let Some(restarts) = supervision.budget.spend(Instant::now()) else {
            metrics.quarantined.inc();
            tracing::error!(actor = A::KIND, "{} exceeded its restart budget", A::KIND);
            (supervision.give_up)(A::KIND);
            break;
        };
        metrics.restarts.inc();
        let pause = supervision.first_pause * 2u32.pow(restarts.min(16) as u32 - 1);
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.8..1.2))).await;
    }
    // Dropped here, so that senders learn that there will be no reply.
    drop(inbox.close());
}

async fn run_once<A: Actor>(inbox: &Inbox<A>, factory: &impl Fn() -> A) -> Exit {
    let (ended, exit) = oneshot::channel();
    launch(factory, inbox, move |exit| {
        // The receiver is gone only when the supervisor's thread has ended.
        let _ = ended.send(exit);
    });
    exit.await.unwrap_or(Exit::Stopped)
}

/// Starts one incarnation on the present thread; `on_exit` gets its end. A factory that panics is an actor that panics at
/// once.
pub(super) fn launch<A: Actor>(make: impl FnOnce() -> A, inbox: &Inbox<A>, on_exit: impl FnOnce(Exit) + 'static) {
    inbox.metrics().incarnation_started();
    match catch_unwind(AssertUnwindSafe(make)) {
        Ok(actor) => {
            inbox.metrics().resident.inc();
            let context = actix::Context::with_receiver(inbox.open());
            let running = Some(context.into_future(Shell::new(actor, inbox.clone())));
            let metrics = Arc::clone(inbox.metrics());
            let ended = move |exit| {
                metrics.resident.dec();
                on_exit(exit);
            };
            actix_rt::spawn(Incarnation { running, on_exit: Some(ended) });
        }
        Err(payload) => on_exit(Exit::of_panic(&*payload)),
    }
}

/// One incarnation: the task that is the actor. Written by hand, because there may be a million of them and an async block
/// would hold everything twice.
struct Incarnation<A: Actor, X> {
    running: Option<ContextFut<Shell<A>, actix::Context<Shell<A>>>>,
    on_exit: Option<X>,
}

impl<A: Actor, X> Unpin for Incarnation<A, X> {}

impl<A: Actor, X: FnOnce(Exit)> Future for Incarnation<A, X> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(running) = &mut self.running else { return Poll::Ready(()) };
        let exit = match catch_unwind(AssertUnwindSafe(|| Pin::new(running).poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => Exit::Stopped,
            Err(payload) => Exit::of_panic(&*payload),
        };
        // Its values are dropped before the exit is reported. A panic in their destructors must not end the supervisor.
        let running = self.running.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(running)));
        if let Some(on_exit) = self.on_exit.take() {
            on_exit(exit);
        }
        Poll::Ready(())
    }
}

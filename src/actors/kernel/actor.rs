//! What an actor of the house is, and the shell that the crate `actix` runs.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};

use actix::{ActorContext, AsyncContext, WrapFuture};
use futures_util::FutureExt;
use tokio::runtime::Handle;

use super::envelope::{Envelope, Slot};
use super::inbox::Inbox;
use crate::telemetry::{CurrentWork, handling};

/// The mailbox loop of the crate never yields while envelope comes in: without a pause every so many messages the neighbours and
/// timers on the same thread would starve.
const MESSAGES_BETWEEN_YIELDS: u32 = 64;

/// One thing that handles one message after another, and never awaits: long work is started with [`Cx::work`] and its end
/// comes back as a message.
pub trait Actor: Sized + Unpin + 'static {
    /// What it understands.
    type Message: Send + 'static;
    /// Its name in logs and metrics.
    const KIND: &'static str;
    /// How many messages may be queued or worked on at once.
    const CAPACITY: usize;
    /// The names that [`Actor::name_of`] gives.
    const MESSAGES: &'static [&'static str];

    /// The name of a message in logs and metrics.
    fn name_of(message: &Self::Message) -> &'static str;

    /// Called once, before the first message.
    fn started(&mut self, _cx: &mut Cx<'_, Self>) {}

    /// Handles one message.
    fn handle(&mut self, message: Self::Message, cx: &mut Cx<'_, Self>);
}

/// What a handler may do besides changing its own state.
pub struct Cx<'a, A: Actor> {
    context: &'a mut actix::Context<Shell<A>>,
    inbox: &'a Inbox<A>,
    runtime: &'a Handle,
    slot: Option<Slot>,
    deadline: Option<Instant>,
}

impl<A: Actor> Cx<'_, A> {
    /// The actor's own inbox.
    pub fn inbox(&self) -> &Inbox<A> {
        self.inbox
    }

    /// After this moment nobody waits for the present envelope; it travels with what is passed on.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Keeps the place of the present envelope: until the slot is dropped the envelope counts as work under way.
    pub fn keep_slot(&mut self) -> Option<Slot> {
        self.slot.take()
    }

    /// Sends a message to itself after a while, unless it is gone by then.
    pub fn after(&mut self, delay: Duration, message: A::Message) {
        self.context.run_later(delay, move |shell, context| shell.run(Envelope::control(message), context));
    }

    /// Runs work on the shared runtime; its end comes back as a message. A panic in the work costs only the work: then
    /// `panicked` is the message.
    pub fn work(
        &mut self,
        work: impl Future<Output = A::Message> + Send + 'static,
        panicked: impl FnOnce() -> A::Message + Send + 'static,
    ) {
        let inbox = self.inbox.clone();
        self.runtime.spawn(async move {
            let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
            // Between two polls the thread does other work: the mark is set for each.
            let ended = poll_fn(|cx| {
                let _work = CurrentWork::enter(A::KIND, "work");
                work.as_mut().poll(cx)
            });
            inbox.send_control(ended.await.unwrap_or_else(|_| panicked()));
        });
    }

    /// Ends the actor after this message; what is still in its queue is dropped.
    pub fn stop(&mut self) {
        self.context.stop();
    }
}

/// The actor as the crate sees it.
pub(super) struct Shell<A: Actor> {
    actor: A,
    inbox: Inbox<A>,
    runtime: Handle,
    since_yield: u32,
}

impl<A: Actor> Shell<A> {
    pub fn new(actor: A, inbox: Inbox<A>, runtime: Handle) -> Self {
        Self { actor, inbox, runtime, since_yield: 0 }
    }

    fn run(&mut self, envelope: Envelope<A::Message>, context: &mut actix::Context<Self>) {
        let metrics = self.inbox.metrics();
        if envelope.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            metrics.expired.inc();
            return;
        }
        let name = A::name_of(&envelope.body);
        let times = metrics.message(name);
        if let Some(times) = times {
            times.wait_seconds.observe(envelope.sent_at.elapsed().as_secs_f64());
        }
        let _entered = handling(envelope.span, A::KIND, name).entered();
        let _work = CurrentWork::enter(A::KIND, name);
        let started_at = Instant::now();
        let (slot, deadline) = (envelope.slot, envelope.deadline);
        let mut cx = Cx { context, inbox: &self.inbox, runtime: &self.runtime, slot, deadline };
        self.actor.handle(envelope.body, &mut cx);
        if let Some(times) = times {
            times.handle_seconds.observe(started_at.elapsed().as_secs_f64());
        }
    }
}

impl<A: Actor> actix::Actor for Shell<A> {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let _work = CurrentWork::enter(A::KIND, "started");
        let mut cx = Cx { context, inbox: &self.inbox, runtime: &self.runtime, slot: None, deadline: None };
        self.actor.started(&mut cx);
    }
}

/// What the crate's queue holds.
pub(super) enum Queued<M> {
    Message(Envelope<M>),
    /// Stop when everything queued before this has been handled.
    Retire,
}

impl<M: Send + 'static> actix::Message for Queued<M> {
    type Result = ();
}

impl<A: Actor> actix::Handler<Queued<A::Message>> for Shell<A> {
    type Result = ();

    fn handle(&mut self, envelope: Queued<A::Message>, context: &mut Self::Context) {
        match envelope {
            Queued::Message(envelope) => self.run(envelope, context),
            Queued::Retire => context.stop(),
        }
        self.since_yield += 1;
        if self.since_yield >= MESSAGES_BETWEEN_YIELDS {
            self.since_yield = 0;
            context.wait(tokio::task::yield_now().into_actor(self));
        }
    }
}

//! What an actor is, and the shell around it that the crate `actix` runs.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};

use actix::{ActorContext, AsyncContext, WrapFuture};
use futures_util::FutureExt;

use super::envelope::{Envelope, Slot, panic_message};
use super::inbox::{Inbox, Queued};
use crate::telemetry::{CurrentWork, handling};

/// The crate's mailbox loop never yields while messages arrive: without a pause every so many messages the neighbours and
/// timers on the same thread would starve.
const MESSAGES_BETWEEN_YIELDS: u32 = 64;

/// Handles one message after another and never awaits: long work is started with [`Cx::work`] and its end comes back as a
/// message.
///
/// An actor that panics is rebuilt by its factory. Its queue waits meanwhile, and tasks it had started go on and report to
/// the next incarnation. So a message must not be the only place where something that must not be lost is held: hold it in
/// a value that puts itself back when it is dropped, or where the factory finds it.
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

    /// Called once for each incarnation, before its first message.
    fn started(&mut self, _cx: &mut Cx<'_, Self>) {}

    /// Handles one message.
    fn handle(&mut self, message: Self::Message, cx: &mut Cx<'_, Self>);
}

/// What a handler may do besides changing its own state.
pub struct Cx<'a, A: Actor> {
    context: &'a mut actix::Context<Shell<A>>,
    inbox: &'a Inbox<A>,
    slot: Option<Slot>,
    deadline: Option<Instant>,
    stops: bool,
}

impl<A: Actor> Cx<'_, A> {
    /// The actor's own inbox.
    pub fn inbox(&self) -> &Inbox<A> {
        self.inbox
    }

    /// The deadline of the present message, to be handed on with whatever is sent because of it.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// True for a message that was sent past the bound.
    pub(super) fn is_control(&self) -> bool {
        self.slot.is_none()
    }

    /// Takes over the slot of the present message: until it is dropped the message counts as work in flight.
    pub fn keep_slot(&mut self) -> Option<Slot> {
        self.slot.take()
    }

    /// Sends a message to itself after a while. The timer ends with the incarnation.
    pub fn after(&mut self, delay: Duration, message: A::Message) {
        self.context.run_later(delay, move |shell, context| shell.run(Envelope::control(message), context));
    }

    /// Runs work on the shared runtime; its end comes back as a message, to whichever incarnation runs by then. A panic in
    /// the work costs only the work: then `panicked` makes the message. `name` stands in the log of such a panic.
    pub fn work(
        &mut self,
        name: &'static str,
        work: impl Future<Output = A::Message> + Send + 'static,
        panicked: impl FnOnce() -> A::Message + Send + 'static,
    ) {
        let inbox = self.inbox.clone();
        let in_flight = inbox.metrics().work_started();
        tokio::spawn(async move {
            let ended = {
                let faults = inbox.metrics();
                let work = async move {
                    faults.panic_if_injected(name);
                    work.await
                };
                let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
                // Between two polls the thread does other work: the mark is set for each.
                poll_fn(|cx| {
                    let _work = CurrentWork::enter(A::KIND, name);
                    work.as_mut().poll(cx)
                })
                .await
            };
            drop(in_flight);
            inbox.send_control(ended.unwrap_or_else(|payload| {
                inbox.metrics().work_panicked(&panic_message(&*payload));
                panicked()
            }));
        });
    }

    /// Ends the actor after this message; what is still in its queue is dropped.
    pub fn stop(&mut self) {
        self.stops = true;
    }
}

/// The actor as the crate sees it.
pub(super) struct Shell<A: Actor> {
    actor: A,
    inbox: Inbox<A>,
    /// It stopped, or panicked: the crate polls a panicked actor once more while it is dropped.
    has_ended: bool,
}

impl<A: Actor> Shell<A> {
    pub fn new(actor: A, inbox: Inbox<A>) -> Self {
        Self { actor, inbox, has_ended: false }
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
        self.has_ended = true;
        metrics.panic_if_injected(name);
        let mut cx = Cx { context, inbox: &self.inbox, slot, deadline, stops: false };
        self.actor.handle(envelope.body, &mut cx);
        self.has_ended = cx.stops;
        if let Some(times) = times {
            times.handle_seconds.observe(started_at.elapsed().as_secs_f64());
        }
        if self.has_ended {
            context.stop();
        }
    }
}

impl<A: Actor> actix::Actor for Shell<A> {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let _work = CurrentWork::enter(A::KIND, "started");
        self.has_ended = true;
        let mut cx = Cx { context, inbox: &self.inbox, slot: None, deadline: None, stops: false };
        self.actor.started(&mut cx);
        self.has_ended = false;
    }
}

/// Says that something waits in the queue.
pub(super) struct Notify;

impl actix::Message for Notify {
    type Result = ();
}

impl<A: Actor> actix::Handler<Notify> for Shell<A> {
    type Result = ();

    fn handle(&mut self, _: Notify, context: &mut Self::Context) {
        for _ in 0..MESSAGES_BETWEEN_YIELDS {
            if self.has_ended {
                return;
            }
            match self.inbox.pop() {
                Some(Queued::Message(envelope)) => self.run(envelope, context),
                Some(Queued::Retire) => {
                    self.has_ended = true;
                    context.stop();
                }
                None => return,
            }
        }
        self.inbox.notify_again();
        context.wait(tokio::task::yield_now().into_actor(self));
    }
}

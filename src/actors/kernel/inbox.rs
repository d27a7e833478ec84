//! The bounded inbox of an actor, and its queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::dev::channel::{AddressReceiver, channel};
use tokio::sync::{Semaphore, TryAcquireError};
use tracing::Span;

use super::actor::{Actor, Notify, Shell};
use super::envelope::{AskError, Envelope, Reply, Slot, TrySendError};
use crate::telemetry::KindMetrics;

/// The address of an actor, with a bound in front of it: every message takes a slot and gives it back when its work is
/// done, so depth is what is queued *and* what is being worked on, for any number of clones.
///
/// Inbox and queue outlive the actor: while it is being rebuilt its messages wait, and the next incarnation handles them.
/// Only the message that an incarnation panicked on is gone.
pub struct Inbox<A: Actor> {
    shared: Arc<Shared<A>>,
}

struct Shared<A: Actor> {
    queue: Mutex<Queue<A>>,
    slots: Arc<Semaphore>,
    metrics: Arc<KindMetrics>,
}

struct Queue<A: Actor> {
    waiting: VecDeque<Queued<A::Message>>,
    /// Of the running incarnation. The crate's mailbox only carries the notification that something waits here.
    address: Option<actix::Addr<Shell<A>>>,
    /// A notification is on its way, or messages are being handled.
    is_notified: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// No new work is taken; what was taken is finished.
    Draining,
    /// The actor has ended for good.
    Closed,
}

/// What the queue holds.
pub(super) enum Queued<M> {
    Message(Envelope<M>),
    /// Stop when everything queued before this has been handled.
    Retire,
}

impl<A: Actor> Clone for Inbox<A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M> Envelope<M> {
    /// A message on the control path.
    pub(super) fn control(body: M) -> Self {
        Self { body, deadline: None, sent_at: Instant::now(), span: Span::current(), slot: None }
    }
}

impl<A: Actor> Inbox<A> {
    pub(super) fn new(metrics: Arc<KindMetrics>) -> Self {
        let queue = Queue { waiting: VecDeque::new(), address: None, is_notified: false, state: State::Open };
        let slots = Arc::new(Semaphore::new(A::CAPACITY));
        Self { shared: Arc::new(Shared { queue: Mutex::new(queue), slots, metrics }) }
    }

    pub(super) fn metrics(&self) -> &Arc<KindMetrics> {
        &self.shared.metrics
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Sends a message without waiting. If it is refused, the error hands it back.
    pub fn try_send(&self, message: A::Message) -> Result<(), TrySendError<A::Message>> {
        self.try_send_until(message, None)
    }

    /// As [`Inbox::try_send`]; the message is dropped unhandled when its turn comes after the deadline.
    pub fn try_send_until(
        &self,
        message: A::Message,
        deadline: Option<Instant>,
    ) -> Result<(), TrySendError<A::Message>> {
        let metrics = &self.shared.metrics;
        let slot = match Arc::clone(&self.shared.slots).try_acquire_owned() {
            Ok(permit) => Slot::new(permit, Arc::clone(metrics)),
            // A waiting drain holds every free slot: then the inbox is not full, but closing.
            Err(TryAcquireError::NoPermits) if self.lock().state == State::Open => {
                metrics.refused_busy.inc();
                return Err(TrySendError::Busy(message));
            }
            Err(_) => {
                metrics.refused_dead.inc();
                return Err(TrySendError::Dead(message));
            }
        };
        let envelope = Envelope { deadline, slot: Some(slot), ..Envelope::control(message) };
        self.push(Queued::Message(envelope)).map_err(|queued| {
            metrics.refused_dead.inc();
            refused(queued)
        })
    }

    /// Asks and waits for the answer until the deadline. `question` puts the reply into the message.
    pub async fn ask<R>(
        &self,
        deadline: Instant,
        question: impl FnOnce(Reply<R>) -> A::Message,
    ) -> Result<R, AskError> {
        let (reply, answer) = Reply::channel();
        self.try_send_until(question(reply), Some(deadline)).map_err(|refused| match refused {
            TrySendError::Busy(_) => AskError::Busy,
            TrySendError::Dead(_) => AskError::Dead,
        })?;
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(answer) => answer.map_err(|_| AskError::Dropped),
            Err(_) => Err(AskError::Late),
        }
    }

    /// Sends a message past the bound: only for what must not be refused, namely the end of work that was admitted before,
    /// the exit of a child, and orders to stop. It waits while the actor is rebuilt, and is dropped only when the actor
    /// has ended for good.
    pub fn send_control(&self, message: A::Message) {
        let _ = self.try_send_control(message);
    }

    /// As [`Inbox::send_control`], but the error hands the message back when the actor has ended for good.
    pub(super) fn try_send_control(&self, message: A::Message) -> Result<(), TrySendError<A::Message>> {
        self.push(Queued::Message(Envelope::control(message))).map_err(refused)
    }

    /// Lets the actor stop behind everything that is queued.
    pub(super) fn retire(&self) {
        let _ = self.push(Queued::Retire);
    }

    /// Slots in use: messages queued or being worked on.
    pub fn depth(&self) -> usize {
        A::CAPACITY.saturating_sub(self.shared.slots.available_permits())
    }

    /// Refuses all further messages as [`TrySendError::Dead`] and waits until what was admitted is done. False: it was not,
    /// in time.
    pub async fn drain(&self, within: Duration) -> bool {
        self.take_no_more();
        let all = u32::try_from(A::CAPACITY).unwrap_or(u32::MAX);
        let idle = tokio::time::timeout(within, self.shared.slots.acquire_many(all)).await;
        let drained = matches!(idle, Ok(Ok(_)));
        self.shared.slots.close();
        drained
    }

    fn take_no_more(&self) {
        let mut queue = self.lock();
        if queue.state == State::Open {
            queue.state = State::Draining;
        }
    }

    /// Connects the next incarnation to the queue.
    pub(super) fn open(&self) -> AddressReceiver<Shell<A>> {
        // The crate's own capacity is no bound; ours is the slots.
        let (sender, mailbox) = channel(0);
        let address = actix::Addr::new(sender);
        let mut queue = self.lock();
        queue.is_notified = !queue.waiting.is_empty();
        if queue.is_notified {
            address.do_send(Notify);
        }
        queue.address = Some(address);
        mailbox
    }

    /// The actor has ended for good: nothing is taken any more, and what waits is handed out.
    pub(super) fn close(&self) -> Vec<A::Message> {
        let mut queue = self.lock();
        queue.state = State::Closed;
        queue.address = None;
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        self.shared.metrics.queued.sub(length(&waiting));
        let message = |queued| match queued {
            Queued::Message(envelope) => Some(envelope.body),
            Queued::Retire => None,
        };
        waiting.into_iter().filter_map(message).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// The next in the queue, for the incarnation that was notified.
    pub(super) fn pop(&self) -> Option<Queued<A::Message>> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        match next {
            Some(_) => self.shared.metrics.queued.dec(),
            None => queue.is_notified = false,
        }
        if queue.waiting.is_empty() {
            // There may be a million inboxes, and most are empty.
            queue.waiting = VecDeque::new();
        }
        next
    }

    /// Notifies the actor once more: it paused before its queue was empty.
    pub(super) fn notify_again(&self) {
        if let Some(address) = &self.lock().address {
            address.do_send(Notify);
        }
    }

    fn push(&self, queued: Queued<A::Message>) -> Result<(), Queued<A::Message>> {
        let mut queue = self.lock();
        if queue.state == State::Closed {
            return Err(queued);
        }
        queue.waiting.push_back(queued);
        self.shared.metrics.queued.inc();
        if !queue.is_notified
            && let Some(address) = &queue.address
        {
            address.do_send(Notify);
            queue.is_notified = true;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Queue<A>> {
        // Nothing panics while it is held.
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Actor> Drop for Shared<A> {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.metrics.queued.sub(length(&queue.waiting));
    }
}

fn refused<M>(queued: Queued<M>) -> TrySendError<M> {
    match queued {
        Queued::Message(envelope) => TrySendError::Dead(envelope.body),
        Queued::Retire => unreachable!("a refused message is the one that was pushed"),
    }
}

fn length<T>(queue: &VecDeque<T>) -> i64 {
    i64::try_from(queue.len()).unwrap_or(i64::MAX)
}

//! The bounded way to an actor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix::dev::channel::{AddressReceiver, channel};
use tokio::sync::{Semaphore, TryAcquireError};
use tracing::Span;

use super::actor::{Actor, Queued, Shell};
use super::envelope::{AskError, Envelope, Reply, Slot, TrySendError};
use crate::telemetry::KindMetrics;

/// The address of an actor, with a bound in front of it: every message takes a slot and gives it back when its work is
/// done, so depth is what is queued *and* what is being worked on, for any number of clones. It outlives the actor: after
/// a restart the same inbox leads to the new incarnation.
pub struct Inbox<A: Actor> {
    shared: Arc<Shared<A>>,
}

struct Shared<A: Actor> {
    /// Replaced at each restart; the crate's address of a dead actor stays dead for ever.
    address: RwLock<Option<actix::Addr<Shell<A>>>>,
    slots: Arc<Semaphore>,
    draining: AtomicBool,
    metrics: Arc<KindMetrics>,
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
        let slots = Arc::new(Semaphore::new(A::CAPACITY));
        Self {
            shared: Arc::new(Shared { address: RwLock::new(None), slots, draining: AtomicBool::new(false), metrics }),
        }
    }

    pub(super) fn metrics(&self) -> &Arc<KindMetrics> {
        &self.shared.metrics
    }

    /// Opens the queue of the next incarnation: envelope is kept from now on, even before the actor has started.
    pub(super) fn open(&self) -> AddressReceiver<Shell<A>> {
        // The crate's own capacity is no bound; ours is the slots.
        let (sender, queue) = channel(0);
        let address = actix::Addr::new(sender);
        *self.shared.address.write().unwrap_or_else(PoisonError::into_inner) = Some(address);
        queue
    }

    /// Gives a message to the actor without waiting. TrySendError, the message comes back.
    pub fn try_send(&self, message: A::Message) -> Result<(), TrySendError<A::Message>> {
        self.try_send_until(message, None)
    }

    /// As [`Inbox::try_send`]; the message is dropped unhandled when its turn comes after the deadline.
    pub fn try_send_until(
        &self,
        message: A::Message,
        deadline: Option<Instant>,
    ) -> Result<(), TrySendError<A::Message>> {
        let slot = match Arc::clone(&self.shared.slots).try_acquire_owned() {
            Ok(permit) => Slot::new(permit, Arc::clone(&self.shared.metrics)),
            // A drain in wait takes every free slot: that is no crowd, but the end.
            Err(TryAcquireError::NoPermits) if !self.shared.draining.load(Ordering::Relaxed) => {
                self.shared.metrics.refused_busy.inc();
                return Err(TrySendError::Busy(message));
            }
            Err(_) => {
                self.shared.metrics.refused_dead.inc();
                return Err(TrySendError::Dead(message));
            }
        };
        let envelope = Envelope { deadline, slot: Some(slot), ..Envelope::control(message) };
        self.post(envelope).map_err(|envelope| {
            self.shared.metrics.refused_dead.inc();
            TrySendError::Dead(envelope.body)
        })
    }

    /// Asks and waits for the answer until the deadline. `question` puts the way back into the message.
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

    /// Gives a message past the bound: only for what must not be refused, namely the end of work that was admitted
    /// before, the news of a child, and orders to stop. To a dead actor it is lost.
    pub fn send_control(&self, message: A::Message) {
        let _ = self.post(Envelope::control(message));
    }

    pub(super) fn retire(&self) {
        if let Some(address) = self.address() {
            address.do_send(Queued::Retire);
        }
    }

    /// Mails queued or being worked on.
    pub fn depth(&self) -> usize {
        A::CAPACITY.saturating_sub(self.shared.slots.available_permits())
    }

    /// Refuses all further envelope as [`TrySendError::Dead`] and waits until what was admitted is done. False: it was not, in time.
    pub async fn drain(&self, within: Duration) -> bool {
        self.shared.draining.store(true, Ordering::Relaxed);
        let all = u32::try_from(A::CAPACITY).unwrap_or(u32::MAX);
        let idle = tokio::time::timeout(within, self.shared.slots.acquire_many(all)).await;
        let drained = matches!(idle, Ok(Ok(_)));
        self.shared.slots.close();
        drained
    }

    fn address(&self) -> Option<actix::Addr<Shell<A>>> {
        let address = self.shared.address.read().unwrap_or_else(PoisonError::into_inner);
        address.as_ref().filter(|address| address.connected()).cloned()
    }

    fn post(&self, envelope: Envelope<A::Message>) -> Result<(), Envelope<A::Message>> {
        match self.address() {
            // Not `try_send`: the crate's own capacity is no bound, and ours has been taken already.
            Some(address) => {
                address.do_send(Queued::Message(envelope));
                Ok(())
            }
            None => Err(envelope),
        }
    }
}

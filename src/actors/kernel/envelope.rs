//! The envelope every message travels in, and what can become of it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;

use crate::telemetry::KindMetrics;

/// A message with what it carries along.
pub(super) struct Envelope<M> {
    pub body: M,
    /// After this moment nobody waits for it any more.
    pub deadline: Option<Instant>,
    pub sent_at: Instant,
    /// The sender's span, so that a trace goes through actors.
    pub span: Span,
    /// `None` on the control path, which is never bounded.
    pub slot: Option<Slot>,
}

/// A place in an inbox. It is free again when this is dropped: when the work is done, has panicked, or died in the queue.
pub struct Slot {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<KindMetrics>,
}

impl Slot {
    pub(super) fn new(permit: OwnedSemaphorePermit, metrics: Arc<KindMetrics>) -> Self {
        metrics.depth.inc();
        Self { _permit: permit, metrics }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.metrics.depth.dec();
    }
}

/// The message was not taken; here it is back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<M> {
    /// The inbox is full.
    #[error("the inbox is full")]
    Busy(M),
    /// The actor is gone or draining.
    #[error("the actor is gone")]
    Dead(M),
}

/// Why a question got no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The inbox is full: it was never handled, ask again later.
    #[error("the actor is busy")]
    Busy,
    /// The actor is gone or draining: it was never handled.
    #[error("the actor is gone")]
    Dead,
    /// The deadline passed. It may or may not have been handled.
    #[error("the actor did not answer in time")]
    Late,
    /// The actor died, or dropped the question, before it answered.
    #[error("the actor dropped the question")]
    Dropped,
}

/// The way back to whoever asked. May be kept and used later; dropping it tells the asker that there will be no answer.
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    pub(super) fn channel() -> (Self, oneshot::Receiver<R>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Answers. An asker that has given up is no error.
    pub fn send(self, answer: R) {
        let _ = self.0.send(answer);
    }

    /// True when nobody waits for the answer any more.
    pub fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

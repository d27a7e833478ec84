//! The envelope every message travels in, and what can become of it.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;

use crate::telemetry::KindMetrics;

/// A message with its deadline, its span and its slot.
pub(super) struct Envelope<M> {
    pub body: M,
    /// The message is dropped unhandled after this moment.
    pub deadline: Option<Instant>,
    pub sent_at: Instant,
    /// The sender's span, so that a trace goes through actors.
    pub span: Span,
    /// `None` on the control path, which is never bounded.
    pub slot: Option<Slot>,
}

/// A place in an inbox. It is free again when this is dropped: when the work is done or has panicked.
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

/// The message was not taken; the error hands it back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError<M> {
    /// The inbox is full.
    #[error("the inbox is full")]
    Busy(M),
    /// The actor has ended or is draining.
    #[error("the actor has ended")]
    Dead(M),
}

/// Why a question got no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The inbox is full: the question was never handled, ask again later.
    #[error("the actor is busy")]
    Busy,
    /// The actor has ended or is draining: the question was never handled.
    #[error("the actor has ended")]
    Dead,
    /// The deadline passed. The question may or may not have been handled.
    #[error("the actor did not answer in time")]
    Late,
    /// The actor panicked on the question, or dropped it, before it answered.
    #[error("the actor dropped the question")]
    Dropped,
}

/// The way back to the asker. It may be stored and used later; dropping it tells the asker that there will be no answer.
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

    /// True when the asker has given up.
    pub fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

//! The envelope every message travels in, and what can become of it.

use std::any::Any;
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

/// Why a request got no reply.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The inbox is full: the request was never handled; send it again later.
    #[error("the actor is busy")]
    Busy,
    /// The actor has ended or is draining: the request was never handled.
    #[error("the actor has ended")]
    Dead,
    /// The deadline passed. The request may or may not have been handled.
    #[error("the actor did not answer in time")]
    Late,
    /// The actor panicked on the request, or dropped it, before it replied.
    #[error("the actor dropped the request")]
    Dropped,
}

/// The reply channel of a request. It may be stored and used later; dropping it tells the sender that there will be no reply.
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    pub(super) fn channel() -> (Self, oneshot::Receiver<R>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Replies. A sender that has given up is no error.
    pub fn send(self, answer: R) {
        let _ = self.0.send(answer);
    }

    /// True when the sender has given up.
    pub fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

/// The text of a panic.
pub(super) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "(no text)".to_owned())
}

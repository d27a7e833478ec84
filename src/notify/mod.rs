//! Telling people: one sender for each channel behind one trait.

mod webhook;

use std::time::Duration;

use async_trait::async_trait;

use crate::config::Secret;
use crate::domain::{DeliveryId, Event};

pub use webhook::WebhookSender;

/// One message to one receiver.
#[derive(Debug, Clone)]
pub struct Message {
    /// Stable over every attempt: receivers tell repeats by it.
    pub id: DeliveryId,
    /// Where to.
    pub url: String,
    /// The key that signs it.
    pub secret: Secret,
    /// What to tell.
    pub event: Event,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// May go better another time.
    #[error("{reason}")]
    Temporary {
        /// What happened.
        reason: String,
        /// The pause that the receiver asked for.
        retry_after: Option<Duration>,
    },
    /// Never will.
    #[error("{0}")]
    Permanent(String),
}

/// A channel.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Its name in metrics.
    fn channel(&self) -> &'static str;

    /// Makes one attempt.
    async fn send(&self, message: &Message) -> Result<(), SendError>;
}

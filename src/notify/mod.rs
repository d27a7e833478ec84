//! Telling people: one sender for each channel behind one trait.

mod smtp;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{DeliveryId, OutboxMessage};

pub use smtp::{SmtpError, SmtpSender};
pub use webhook::WebhookSender;

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

    /// Makes one attempt. The id is the same over every attempt: receivers tell repeats by it.
    async fn send(&self, id: DeliveryId, message: &OutboxMessage) -> Result<(), SendError>;
}

/// A message that came to the sender of another channel.
fn wrong_channel(channel: &str) -> SendError {
    SendError::Permanent(format!("there is no {channel} for this message"))
}

//! Notification channels: one sender for each channel, behind one trait.

mod alert_sender;
pub mod channel;
pub mod compose;
mod guarded_client;
mod signature;
mod smtp;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{DeliveryId, OutboxMessage};
use channel::Sent;

pub use alert_sender::{AlertSender, LinkKeyReader, Pace};
pub use smtp::{SmtpError, SmtpSender};
pub use webhook::WebhookSender;

/// Why a message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A retry may succeed.
    #[error("{reason}")]
    Temporary {
        /// Description of the failure.
        reason: String,
        /// The delay that the receiver requested.
        retry_after: Option<Duration>,
    },
    /// A retry cannot succeed.
    #[error("{0}")]
    Permanent(String),
    /// The receiver takes nothing for a while: the attempt does not count.
    #[error("{reason}")]
    Limited {
        /// Description of the limit.
        reason: String,
        /// The delay that the receiver requested.
        retry_after: Duration,
    },
    /// The channel cannot work until its owner repairs it.
    #[error("{0}")]
    Broken(String),
}

/// Sends messages through one channel.
#[async_trait]
pub trait Sender: Send + Sync {
    /// The name of the channel in metrics.
    fn channel(&self) -> &'static str;

    /// Makes one attempt. The id is the same for every attempt, so that receivers can detect duplicates.
    ///
    /// # Errors
    /// [`SendError`] tells whether a retry may succeed.
    async fn send(&self, id: DeliveryId, message: &OutboxMessage) -> Result<Sent, SendError>;
}

/// The error for a message that the channel cannot send: it is for another channel, or the channel is not configured.
fn unsupported(channel: &str) -> SendError {
    SendError::Permanent(format!("cannot send this message by {channel}: channel not configured"))
}

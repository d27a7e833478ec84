//! The content of a delivery: one message to one channel.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert_message::OutboundMessage;
use super::email::EmailAddress;
use super::event::Event;

/// A message and its recipient. All kinds hold a secret, so `Debug` prints neither's content.
#[derive(Clone, PartialEq, Eq)]
pub enum OutboxMessage {
    /// An alert event, sent to a webhook.
    Webhook {
        /// Target URL.
        url: String,
        /// The signing secret (`whsec_…`).
        secret: String,
        /// The event to send.
        event: Box<Event>,
    },
    /// An e-mail to a user.
    Email(Email),
    /// A message about alerts, to a channel.
    Alert(Box<OutboundMessage>),
}

/// An e-mail to be sent. It contains a link, so it is deleted as soon as it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// Recipient.
    pub to: EmailAddress,
    /// Subject line.
    pub subject: String,
    /// Plain-text body.
    pub text: String,
    /// The same as a page of HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// A file that is attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<MailAttachment>,
    /// The message is dropped after this time, when its link expires.
    pub useless_after: Timestamp,
}

/// A file that is attached to an e-mail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailAttachment {
    /// The name of the file.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its content in Base64.
    pub base64: String,
}

impl OutboxMessage {
    /// By what it goes out, as metrics and logs name it.
    pub fn channel_name(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Email(_) => "email",
            Self::Alert(message) => message.channel.config.kind().as_str(),
        }
    }

    /// The host of the receiver, with its port; none of an e-mail, which goes to the installation's own server.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Webhook { url, .. } => url.split_once("://")?.1.split('/').next(),
            Self::Email(_) => None,
            Self::Alert(message) => message.channel.config.host(),
        }
    }
}

impl fmt::Debug for OutboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook { event, .. } => write!(f, "Webhook({:?})", event.id),
            Self::Email(mail) => fmt::Debug::fmt(mail, f),
            Self::Alert(message) => write!(f, "Alert({:?} to {:?})", message.id, message.channel.config),
        }
    }
}

impl fmt::Debug for MailAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailAttachment({:?}, {} bytes of Base64)", self.name, self.base64.len())
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({:?} to {})", self.subject, self.to)
    }
}

//! What a delivery carries: one message to one channel.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::event::Event;

/// A message with its receiver. Both kinds hold a secret, so neither shows its content when it is printed.
#[derive(Clone, PartialEq, Eq)]
pub enum OutboxMessage {
    /// An event, told to a program.
    Webhook {
        /// Where to.
        url: String,
        /// The key that signs it (`whsec_…`).
        secret: String,
        /// What to tell.
        event: Box<Event>,
    },
    /// An e-mail to a person.
    Email(Email),
}

/// An e-mail to be sent. It holds a link that works once, so it is kept no longer than until it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// To whom.
    pub to: EmailAddress,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// It is not sent after this time: its link would be over.
    pub useless_after: Timestamp,
}

impl fmt::Debug for OutboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook { event, .. } => write!(f, "Webhook({:?})", event.id),
            Self::Email(mail) => fmt::Debug::fmt(mail, f),
        }
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({:?} to {})", self.subject, self.to)
    }
}

//! How an attempt ends.

use std::time::Duration;

use crate::domain::ChannelConfig;

use super::redact::hide;
use super::text::{Unit, cut, one_line};

/// The longest pause that a service can ask for. A longer one would outlast the patience of those who wait for alerts.
const MAX_PAUSE: Duration = Duration::from_secs(12 * 3600);
/// The shortest pause: a service that asks for none would be asked in a loop.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The pause if a service does not say how long it is.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);
/// Maximum length of what is quoted of an answer, in characters.
const MAX_QUOTE: usize = 200;

/// What is known about a message that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// A remark for the owner of the channel: that the service accepted the message without confirming it, for example.
    pub note: Option<String>,
    /// The channel has moved: its new settings, which replace the old ones.
    pub moved_to: Option<ChannelConfig>,
}

/// Why a message was not delivered. No text of it contains a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The channel cannot work until its owner repairs it: its webhook was deleted, its token revoked, its bot blocked.
    #[error("{0}")]
    Broken(String),
    /// The service refuses this message, so a retry cannot succeed; others may be taken.
    #[error("{0}")]
    Refused(String),
    /// The service takes no more messages for a while. It postpones the whole channel and uses up no attempt.
    #[error("{reason}")]
    Limited {
        /// Description of the limit.
        reason: String,
        /// The pause that the service asks for, within bounds.
        retry_after: Duration,
    },
    /// A retry may succeed.
    #[error("{reason}")]
    Temporary {
        /// Description of the failure.
        reason: String,
        /// The delay that the service requested.
        retry_after: Option<Duration>,
    },
}

impl ChannelError {
    /// A failure that says nothing about when to retry.
    pub(super) fn temporary(reason: impl Into<String>) -> Self {
        Self::Temporary { reason: reason.into(), retry_after: None }
    }

    /// A limit with the pause of the service, if it names one.
    pub(super) fn limited(reason: impl Into<String>, pause: Option<Duration>) -> Self {
        let retry_after = pause.unwrap_or(DEFAULT_PAUSE).clamp(MIN_PAUSE, MAX_PAUSE);
        Self::Limited { reason: reason.into(), retry_after }
    }

    /// The same error without these secrets.
    pub(super) fn without(self, secrets: &[String]) -> Self {
        match self {
            Self::Broken(reason) => Self::Broken(hide(&reason, secrets)),
            Self::Refused(reason) => Self::Refused(hide(&reason, secrets)),
            Self::Limited { reason, retry_after } => Self::Limited { reason: hide(&reason, secrets), retry_after },
            Self::Temporary { reason, retry_after } => Self::Temporary {
                reason: hide(&reason, secrets),
                retry_after: retry_after.map(|pause| pause.min(MAX_PAUSE)),
            },
        }
    }
}

/// A text of a service that is quoted in an error: one line of bounded length.
pub(super) fn quote(text: &str) -> String {
    cut(&one_line(text), MAX_QUOTE, Unit::Chars).into_owned()
}

/// Settings that no sender can be made with.
#[derive(Debug, thiserror::Error)]
pub enum ChannelSetupError {
    /// The TLS backend cannot be initialised.
    #[error("cannot create an HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The text does not include the URL, because it may contain a password.
    #[error("mail.smtp_url is not a valid SMTP URL")]
    SmtpUrl,
    /// The sender's address is invalid.
    #[error("mail.from is not a valid sender address")]
    From,
}

//! Channels: one sender for each kind, all behind [`ChannelSenders::send`].
//!
//! A sender makes one attempt. It cuts the texts of a message to the limits of its service first and escapes them after
//! that, so that markup is never cut; it tells apart what a retry can repair and what it cannot.

mod apprise;
mod brief;
mod discord;
mod email;
mod email_html;
mod error;
mod feed;
mod gotify;
mod home_assistant;
mod http;
mod matrix;
mod mattermost;
mod message_json;
mod ntfy;
mod pushover;
mod redact;
mod slack;
mod styled;
mod teams;
mod telegram;
mod template;
mod text;
mod webhook;

use std::time::Duration;

use url::Url;

use crate::config::{MailSettings, NotifySettings};
use crate::domain::{AlertMessage, ChannelConfig};

pub use error::{ChannelError, ChannelSetupError, Sent};
pub(super) use feed::{FeedEntry, atom};
pub use template::{MAX_TEMPLATE_BYTES, TemplateError, check, render};

use email::EmailChannel;
use http::Http;

/// The addresses of services that are not hosted by their users. Tests set their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrls {
    /// The Bot API of Telegram.
    pub telegram: Url,
    /// The API of Pushover.
    pub pushover: Url,
}

impl Default for ServiceUrls {
    fn default() -> Self {
        let url = |text: &str| Url::parse(text).expect("the constant is a URL");
        Self { telegram: url("https://api.telegram.org"), pushover: url("https://api.pushover.net") }
    }
}

/// Sends messages to channels of every kind.
pub struct ChannelSenders {
    http: Http,
    email: EmailChannel,
    urls: ServiceUrls,
    /// Bounds an attempt as a whole: some need several requests.
    timeout: Duration,
}

impl ChannelSenders {
    /// Senders that connect to private addresses only if the settings allow it. Nothing is connected yet.
    ///
    /// # Errors
    /// See [`ChannelSetupError`].
    pub fn new(settings: &NotifySettings, urls: ServiceUrls, mail: &MailSettings) -> Result<Self, ChannelSetupError> {
        let timeout = Duration::from_secs(settings.timeout_secs);
        Ok(Self { http: Http::new(settings)?, email: EmailChannel::new(mail)?, urls, timeout })
    }

    /// Makes one attempt. The id of the message is the same for every attempt, so that receivers can detect duplicates.
    ///
    /// # Errors
    /// [`ChannelError`] tells what can be done about it. It contains no credential of the channel.
    pub async fn send(&self, config: &ChannelConfig, message: &AlertMessage) -> Result<Sent, ChannelError> {
        let result = match config {
            // It has a timeout of its own.
            ChannelConfig::Email(target) => self.email.send(target, message).await,
            _ => match tokio::time::timeout(self.timeout, self.send_by_http(config, message)).await {
                Ok(result) => result,
                Err(_) => Err(ChannelError::temporary("timed out")),
            },
        };
        result.map_err(|error| error.without(&redact::secrets_of(config)))
    }

    async fn send_by_http(&self, config: &ChannelConfig, message: &AlertMessage) -> Result<Sent, ChannelError> {
        let http = &self.http;
        match config {
            ChannelConfig::Email(target) => self.email.send(target, message).await,
            ChannelConfig::Telegram(target) => telegram::send(http, &self.urls.telegram, target, message).await,
            ChannelConfig::Discord(target) => discord::send(http, target, message).await,
            ChannelConfig::Slack(target) => slack::send(http, target, message).await,
            ChannelConfig::Mattermost(target) => mattermost::send(http, target, message).await,
            ChannelConfig::Ntfy(target) => ntfy::send(http, target, message).await,
            ChannelConfig::Gotify(target) => gotify::send(http, target, message).await,
            ChannelConfig::Pushover(target) => pushover::send(http, &self.urls.pushover, target, message).await,
            ChannelConfig::Teams(target) => teams::send(http, target, message).await,
            ChannelConfig::Webhook(target) => webhook::send(http, target, message).await,
            ChannelConfig::Matrix(target) => matrix::send(http, target, message).await,
            ChannelConfig::Apprise(target) => apprise::send(http, target, message).await,
            ChannelConfig::HomeAssistant(target) => home_assistant::send(http, target, message).await,
            ChannelConfig::Atom(_) => {
                Err(ChannelError::Refused("a feed is fetched by its readers: nothing is sent to it".to_owned()))
            }
        }
    }
}

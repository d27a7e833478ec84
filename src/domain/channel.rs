//! Channels: where a tenant wants to be told.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

use super::feed_token::{FeedSecret, FeedToken};
use super::ids::{ChannelId, TenantId};
use super::policy::Policy;

/// The kind of a channel.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ChannelKind {
    /// E-mail to a person.
    Email,
    /// A Telegram chat, by a bot.
    Telegram,
    /// A Discord channel, by a webhook.
    Discord,
    /// A Slack channel, by an incoming webhook.
    Slack,
    /// A Mattermost channel, by an incoming webhook.
    Mattermost,
    /// An ntfy topic.
    Ntfy,
    /// A Gotify application.
    Gotify,
    /// A Pushover user or group.
    Pushover,
    /// A Microsoft Teams channel, by a workflow.
    Teams,
    /// A signed webhook, or one with a body of its own.
    Webhook,
    /// A Matrix room.
    Matrix,
    /// An Apprise API server.
    Apprise,
    /// A notification service of Home Assistant.
    HomeAssistant,
    /// An Atom feed, which readers fetch: no message is sent.
    Atom,
}

impl ChannelKind {
    /// The name used in JSON, in the store and in metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How a channel is reached. It holds credentials, so `Debug` prints its kind alone; it is stored encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChannelConfig {
    /// E-mail to a person.
    Email(EmailTarget),
    /// A Telegram chat.
    Telegram(TelegramTarget),
    /// A Discord channel.
    Discord(DiscordTarget),
    /// A Slack channel.
    Slack(HookTarget),
    /// A Mattermost channel.
    Mattermost(HookTarget),
    /// An ntfy topic.
    Ntfy(NtfyTarget),
    /// A Gotify application.
    Gotify(GotifyTarget),
    /// A Pushover user or group.
    Pushover(PushoverTarget),
    /// A Microsoft Teams channel.
    Teams(HookTarget),
    /// A webhook.
    Webhook(WebhookTarget),
    /// A Matrix room.
    Matrix(MatrixTarget),
    /// An Apprise API server.
    Apprise(AppriseTarget),
    /// A notification service of Home Assistant.
    HomeAssistant(HomeAssistantTarget),
    /// An Atom feed.
    Atom(AtomTarget),
}

/// The address of an e-mail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailTarget {
    /// The recipient.
    pub to: String,
}

/// A chat of Telegram.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramTarget {
    /// The token of the bot, as BotFather shows it.
    pub bot_token: String,
    /// The chat: a number (negative of groups), or `@name` of a public channel.
    pub chat_id: String,
    /// The topic, in a group with topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
}

/// A webhook of Discord.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscordTarget {
    /// The URL of the webhook, which is a secret.
    pub webhook_url: String,
    /// The thread, in a forum channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
}

/// An incoming webhook.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookTarget {
    /// The URL of the webhook, which is a secret.
    pub webhook_url: String,
}

/// A topic of an ntfy server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NtfyTarget {
    /// The root of the server: `https://ntfy.sh`.
    pub server: String,
    /// The topic. On a server without accounts, whoever guesses it reads along.
    pub topic: String,
    /// An access token (`tk_…`), if the topic needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// An application of a Gotify server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GotifyTarget {
    /// The root of the server.
    pub server: String,
    /// The token of the application.
    pub token: String,
}

/// A user or group of Pushover.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushoverTarget {
    /// The token of the application.
    pub token: String,
    /// The key of the user or group.
    pub user: String,
    /// One device of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// A webhook.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTarget {
    /// The URL.
    pub url: String,
    /// The key that signs messages (`whsec_…`); made when the channel is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// A body of its own, as a template; default: the events as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// A room of a Matrix server. In an encrypted room, messages are not encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixTarget {
    /// The root of the homeserver.
    pub homeserver: String,
    /// The id of the room: `!abc:example.org`.
    pub room_id: String,
    /// The access token of the account that writes.
    pub access_token: String,
}

/// A key of an Apprise API server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppriseTarget {
    /// The root of the server.
    pub server: String,
    /// The key of the stored configuration.
    pub key: String,
    /// Only the services with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// A notification service of Home Assistant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeAssistantTarget {
    /// The root of the server.
    pub server: String,
    /// The name of the service behind `notify.`: `mobile_app_phone`.
    pub service: String,
    /// A long-lived access token.
    pub token: String,
}

/// An Atom feed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtomTarget {
    /// The secret part of its URL; made when the channel is created, and anew whenever its configuration is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<FeedSecret>,
}

impl ChannelConfig {
    /// The kind.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Email(_) => ChannelKind::Email,
            Self::Telegram(_) => ChannelKind::Telegram,
            Self::Discord(_) => ChannelKind::Discord,
            Self::Slack(_) => ChannelKind::Slack,
            Self::Mattermost(_) => ChannelKind::Mattermost,
            Self::Ntfy(_) => ChannelKind::Ntfy,
            Self::Gotify(_) => ChannelKind::Gotify,
            Self::Pushover(_) => ChannelKind::Pushover,
            Self::Teams(_) => ChannelKind::Teams,
            Self::Webhook(_) => ChannelKind::Webhook,
            Self::Matrix(_) => ChannelKind::Matrix,
            Self::Apprise(_) => ChannelKind::Apprise,
            Self::HomeAssistant(_) => ChannelKind::HomeAssistant,
            Self::Atom(_) => ChannelKind::Atom,
        }
    }

    /// The URL that a user names, with its field; none of services whose address is known.
    pub fn url(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Email(_) | Self::Telegram(_) | Self::Pushover(_) | Self::Atom(_) => None,
            Self::Discord(target) => Some(("webhook_url", &target.webhook_url)),
            Self::Slack(target) | Self::Mattermost(target) | Self::Teams(target) => {
                Some(("webhook_url", &target.webhook_url))
            }
            Self::Ntfy(target) => Some(("server", &target.server)),
            Self::Gotify(target) => Some(("server", &target.server)),
            Self::Webhook(target) => Some(("url", &target.url)),
            Self::Matrix(target) => Some(("homeserver", &target.homeserver)),
            Self::Apprise(target) => Some(("server", &target.server)),
            Self::HomeAssistant(target) => Some(("server", &target.server)),
        }
    }

    /// The host of the receiver, with its port; `None` of services with an address of their own.
    pub fn host(&self) -> Option<&str> {
        let (_, url) = self.url()?;
        url.split_once("://")?.1.split(['/', '?']).next()
    }

    /// Its other texts, with their fields: none may be empty.
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        fn optional<'a>(field: &'static str, text: &'a Option<String>) -> Option<(&'static str, &'a str)> {
            text.as_deref().map(|text| (field, text))
        }
        match self {
            Self::Email(target) => vec![("to", &target.to)],
            Self::Telegram(target) => vec![("bot_token", &target.bot_token), ("chat_id", &target.chat_id)],
            Self::Discord(target) => std::iter::once(("webhook_url", target.webhook_url.as_str()))
                .chain(optional("thread_id", &target.thread_id))
                .collect(),
            Self::Slack(target) | Self::Mattermost(target) | Self::Teams(target) => {
                vec![("webhook_url", &target.webhook_url)]
            }
            Self::Ntfy(target) => {
                std::iter::once(("topic", target.topic.as_str())).chain(optional("token", &target.token)).collect()
            }
            Self::Gotify(target) => vec![("token", &target.token)],
            Self::Pushover(target) => vec![("token", &target.token), ("user", &target.user)],
            Self::Webhook(target) => vec![("url", &target.url)],
            Self::Matrix(target) => vec![("room_id", &target.room_id), ("access_token", &target.access_token)],
            Self::Apprise(target) => vec![("key", &target.key)],
            Self::HomeAssistant(target) => vec![("service", &target.service), ("token", &target.token)],
            Self::Atom(_) => Vec::new(),
        }
    }

    /// The target for people to recognise, without a credential: an address, a chat, a host.
    pub fn display(&self) -> String {
        let host =
            |url: &str| url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        match self {
            Self::Email(target) => target.to.clone(),
            Self::Telegram(target) => format!("chat {}", target.chat_id),
            // Whoever knows a topic reads along, unless its server has accounts.
            Self::Ntfy(target) if target.token.is_none() => {
                let start: String = target.topic.chars().take(4).collect();
                format!("{}/{start}…", host(&target.server))
            }
            Self::Ntfy(target) => format!("{}/{}", host(&target.server), target.topic),
            Self::Pushover(target) => format!("user {}…", target.user.chars().take(4).collect::<String>()),
            Self::Matrix(target) => target.room_id.clone(),
            Self::HomeAssistant(target) => format!("{} notify.{}", host(&target.server), target.service),
            Self::Atom(_) => "Atom feed".to_owned(),
            _ => self.url().map(|(_, url)| host(url)).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelConfig({})", self.kind().as_str())
    }
}

/// Whether a channel is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ChannelStatus {
    /// The address has not been proved yet: nothing is sent but the proof.
    Unverified,
    /// It is used.
    Ok,
    /// Its owner paused it: what it should tell waits.
    Paused,
    /// It does not work: what it should tell waits until it is repaired.
    Broken,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Identifier.
    pub id: ChannelId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// A name for people.
    pub name: String,
    /// How it is reached.
    pub config: ChannelConfig,
    /// When it is told.
    pub policy: Policy,
    /// The language of its messages.
    pub language: Language,
    /// Whether it is used.
    pub status: ChannelStatus,
    /// Why it does not work.
    pub last_error: Option<String>,
    /// Since when attempts have failed.
    pub failing_since: Option<Timestamp>,
    /// When a message was last delivered.
    pub delivered_at: Option<Timestamp>,
    /// Rises with each change of its settings.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
}

impl Channel {
    /// The token in the URL of a feed; `None` of other channels.
    pub fn feed_token(&self) -> Option<FeedToken> {
        match &self.config {
            ChannelConfig::Atom(AtomTarget { secret: Some(secret) }) => {
                Some(FeedToken { tenant_id: self.tenant_id, channel_id: self.id, secret: *secret })
            }
            _ => None,
        }
    }
}

/// The languages of messages.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, EnumIter, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Italian.
    It,
    /// Portuguese.
    Pt,
    /// Japanese.
    Ja,
    /// Chinese.
    Zh,
}

//! A channel of each kind, with a double of its service.

use std::time::Duration;

use amazon_tracker::config::{MailSettings, NotifySettings, Secret};
use amazon_tracker::domain::{
    AlertMessage, AppriseTarget, AtomTarget, ChannelConfig, ChannelKind, DiscordTarget, EmailTarget, FeedSecret,
    GotifyTarget, HomeAssistantTarget, HookTarget, MatrixTarget, NtfyTarget, PushoverTarget, TelegramTarget,
    WebhookTarget,
};
use amazon_tracker::notify::channel::{ChannelError, ChannelSenders, Sent, ServiceUrls};

use strum::IntoEnumIterator;

use crate::double::{Double, Mood};
use crate::mailbox::Mailbox;
use crate::services;

/// The timeout of an attempt.
pub const TIMEOUT: Duration = Duration::from_secs(1);

/// Parts of the settings that no error may show.
pub const SECRETS: &[&str] = &["S3CRET", "s3cret", "c2VjcmV0", "tk_", "whsec_"];

/// How a service misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Limited,
    ServerError,
    Hang,
    Revoked,
}

/// The double.
pub enum Receiver {
    Http(Double),
    Mail(Mailbox),
}

/// See the module.
pub struct Fixture {
    pub senders: ChannelSenders,
    pub config: ChannelConfig,
    pub receiver: Receiver,
}

pub fn senders(api: &str, smtp: &str) -> ChannelSenders {
    let settings =
        NotifySettings { allow_private_targets: true, timeout_secs: TIMEOUT.as_secs(), ..NotifySettings::default() };
    let mail = MailSettings {
        smtp_url: Some(Secret::from(smtp)),
        from: Some("tracker@example.com".parse().unwrap()),
        timeout_secs: TIMEOUT.as_secs(),
        ..MailSettings::default()
    };
    let urls = ServiceUrls { telegram: api.parse().unwrap(), pushover: api.parse().unwrap() };
    ChannelSenders::new(&settings, urls, &mail).unwrap()
}

/// The kinds to which messages are sent; a feed is fetched.
pub fn kinds() -> impl Iterator<Item = ChannelKind> {
    ChannelKind::iter().filter(|kind| *kind != ChannelKind::Atom)
}

/// A channel of this kind whose service is at this address.
pub fn config(kind: ChannelKind, root: &str) -> ChannelConfig {
    let hook = |path: &str| HookTarget { webhook_url: format!("{root}{path}") };
    let server = root.to_owned();
    match kind {
        ChannelKind::Email => ChannelConfig::Email(EmailTarget { to: "jo@example.com".to_owned() }),
        ChannelKind::Telegram => ChannelConfig::Telegram(TelegramTarget {
            bot_token: "123456:AA-S3CRET-of-the-bot".to_owned(),
            chat_id: "-100200300".to_owned(),
            thread_id: Some(7),
        }),
        ChannelKind::Discord => ChannelConfig::Discord(DiscordTarget {
            webhook_url: format!("{root}/api/webhooks/111222333444/S3CRET-token"),
            thread_id: Some("555".to_owned()),
        }),
        ChannelKind::Slack => ChannelConfig::Slack(hook("/services/T000/B000/S3CRETtoken")),
        ChannelKind::Mattermost => ChannelConfig::Mattermost(hook("/chat/hooks/S3CREThook")),
        ChannelKind::Ntfy => {
            ChannelConfig::Ntfy(NtfyTarget { server, topic: "prices".to_owned(), token: Some("tk_S3CRET".to_owned()) })
        }
        ChannelKind::Gotify => {
            ChannelConfig::Gotify(GotifyTarget { server: format!("{root}/gotify/"), token: "S3CRET.app".to_owned() })
        }
        ChannelKind::Pushover => ChannelConfig::Pushover(PushoverTarget {
            token: "S3CRETapp".to_owned(),
            user: "S3CRETuser".to_owned(),
            device: None,
        }),
        ChannelKind::Teams => {
            ChannelConfig::Teams(hook("/workflows/S3CRETflow/triggers/manual/paths/invoke?api-version=1&sig=S3CRETsig"))
        }
        ChannelKind::Webhook => ChannelConfig::Webhook(WebhookTarget {
            url: format!("{root}/hook/S3CRETpath?key=S3CRETkey"),
            secret: Some("whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=".to_owned()),
            template: None,
        }),
        ChannelKind::Matrix => ChannelConfig::Matrix(MatrixTarget {
            homeserver: server,
            room_id: "!room:example.org".to_owned(),
            access_token: "S3CRETaccess".to_owned(),
        }),
        ChannelKind::Apprise => {
            ChannelConfig::Apprise(AppriseTarget { server, key: "S3CRETkey".to_owned(), tag: Some("home".to_owned()) })
        }
        ChannelKind::HomeAssistant => ChannelConfig::HomeAssistant(HomeAssistantTarget {
            server,
            service: "mobile_app_phone".to_owned(),
            token: "S3CRET.long.lived".to_owned(),
        }),
        ChannelKind::Atom => ChannelConfig::Atom(AtomTarget { secret: Some(FeedSecret::new()) }),
    }
}

impl Fixture {
    pub fn start(kind: ChannelKind) -> Self {
        if kind == ChannelKind::Email {
            let mailbox = Mailbox::start();
            let senders = senders("http://127.0.0.1:9", &mailbox.url());
            return Self { senders, config: config(kind, ""), receiver: Receiver::Mail(mailbox) };
        }
        let double = Double::start(services::of(kind));
        let senders = senders(&double.url(), "smtp://127.0.0.1:9");
        Self { senders, config: config(kind, &double.url()), receiver: Receiver::Http(double) }
    }

    pub async fn send(&self, message: &AlertMessage) -> Result<Sent, ChannelError> {
        self.senders.send(&self.config, message).await
    }

    /// The double of a service with HTTP.
    pub fn double(&self) -> &Double {
        match &self.receiver {
            Receiver::Http(double) => double,
            Receiver::Mail(_) => panic!("mail has no HTTP double"),
        }
    }

    /// The next request meets this trouble. Returns the pause that a limit asks for.
    pub fn cause(&self, trouble: Trouble) -> Duration {
        match &self.receiver {
            Receiver::Mail(mailbox) => mailbox.cause(trouble),
            Receiver::Http(double) => {
                let (limited, pause) = double.service().limited();
                double.be([match trouble {
                    Trouble::Limited => Mood::Answer(limited),
                    Trouble::ServerError => Mood::Answer(crate::double::reply(500, "{echo}")),
                    Trouble::Hang => Mood::Hang,
                    Trouble::Revoked => Mood::Answer(double.service().revoked()),
                }]);
                pause
            }
        }
    }

    /// The number of messages that were taken; a chart that follows its message is not one.
    pub fn delivered(&self) -> usize {
        match &self.receiver {
            Receiver::Mail(mailbox) => mailbox.mails().len(),
            Receiver::Http(double) => double.taken().iter().filter(|request| !services::is_chart(request)).count(),
        }
    }

    /// Why messages were refused.
    pub fn complaints(&self) -> Vec<String> {
        match &self.receiver {
            Receiver::Mail(mailbox) => mailbox.complaints(),
            Receiver::Http(double) => double.complaints(),
        }
    }
}

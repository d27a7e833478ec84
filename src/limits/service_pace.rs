//! How fast messages go to the services that alerts are sent to: below their published limits, so that they rarely have to refuse one.
//! Each process counts for itself; what a service refuses all the same is postponed.

use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::rate::Rate;
use crate::domain::ChannelConfig;

/// Above this number of keys, those that no longer matter are removed.
const PRUNE_ABOVE: usize = 10_000;

/// What services count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// Messages of a bot of Telegram: 30 a second.
    TelegramBot,
    /// Messages to a chat of Telegram: one a second, and 20 a minute to a group.
    TelegramChat,
    TelegramGroup,
    /// Messages to a webhook of Discord: five in two seconds, and 30 a minute.
    DiscordWebhook,
    /// Messages to a webhook of Slack: one a second.
    SlackWebhook,
    /// Messages to a workflow of Teams: four a second.
    TeamsWorkflow,
    /// Requests to ntfy.sh without an account: 60 at once, and one in five seconds.
    NtfyServer,
    /// Messages of an account to a homeserver: ten at once, and one in five seconds (the default of Synapse).
    MatrixAccount,
}

impl Counted {
    const ALL: [Self; 8] = [
        Self::TelegramBot,
        Self::TelegramChat,
        Self::TelegramGroup,
        Self::DiscordWebhook,
        Self::SlackWebhook,
        Self::TeamsWorkflow,
        Self::NtfyServer,
        Self::MatrixAccount,
    ];

    fn rate(self) -> Rate {
        match self {
            Self::TelegramBot => Rate::new(1800, 30),
            Self::TelegramChat | Self::SlackWebhook => Rate::new(60, 1),
            Self::TelegramGroup => Rate::new(20, 1),
            Self::DiscordWebhook => Rate::new(30, 5),
            Self::TeamsWorkflow => Rate::new(120, 4),
            Self::NtfyServer => Rate::new(12, 60),
            Self::MatrixAccount => Rate::new(12, 10),
        }
    }

    /// What a message to a channel counts for, by the names of the counters.
    fn of(config: &ChannelConfig) -> Vec<(Self, String)> {
        match config {
            ChannelConfig::Telegram(target) => {
                let is_group = target.chat_id.starts_with(['-', '@']);
                let chat = if is_group { Self::TelegramGroup } else { Self::TelegramChat };
                let of_chat = format!("{} {}", target.bot_token, target.chat_id);
                vec![(Self::TelegramBot, target.bot_token.clone()), (chat, of_chat)]
            }
            ChannelConfig::Discord(target) => vec![(Self::DiscordWebhook, target.webhook_url.clone())],
            ChannelConfig::Slack(target) => vec![(Self::SlackWebhook, target.webhook_url.clone())],
            ChannelConfig::Teams(target) => vec![(Self::TeamsWorkflow, target.webhook_url.clone())],
            ChannelConfig::Ntfy(target) if target.token.is_none() && config.host() == Some("ntfy.sh") => {
                vec![(Self::NtfyServer, "ntfy.sh".to_owned())]
            }
            ChannelConfig::Matrix(target) => vec![(Self::MatrixAccount, target.access_token.clone())],
            // Servers of their owners, accounts, and services that count by the month.
            ChannelConfig::Email(_)
            | ChannelConfig::Ntfy(_)
            | ChannelConfig::Mattermost(_)
            | ChannelConfig::Gotify(_)
            | ChannelConfig::Pushover(_)
            | ChannelConfig::Webhook(_)
            | ChannelConfig::Apprise(_)
            | ChannelConfig::HomeAssistant(_)
            | ChannelConfig::Atom(_) => Vec::new(),
        }
    }
}

/// Admits messages to services.
pub struct ServicePace {
    limiters: Vec<DefaultKeyedRateLimiter<String>>,
}

impl Default for ServicePace {
    fn default() -> Self {
        let limiter = |counted: Counted| {
            let Rate { per_minute, burst } = counted.rate();
            RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(burst))
        };
        Self { limiters: Counted::ALL.map(limiter).into() }
    }
}

impl ServicePace {
    /// Counts a message to a channel.
    ///
    /// # Errors
    /// After how long its service takes the next one.
    pub fn admit(&self, config: &ChannelConfig) -> Result<(), Duration> {
        for (counted, key) in Counted::of(config) {
            let limiter = &self.limiters[counted as usize];
            if limiter.len() > PRUNE_ABOVE {
                limiter.retain_recent();
            }
            limiter.check_key(&key).map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HookTarget, TelegramTarget, WebhookTarget};

    fn telegram(chat_id: &str) -> ChannelConfig {
        let chat_id = chat_id.to_owned();
        ChannelConfig::Telegram(TelegramTarget { bot_token: "1:a".to_owned(), chat_id, thread_id: None })
    }

    #[test]
    fn every_counter_stands_at_its_place() {
        for (place, counted) in Counted::ALL.into_iter().enumerate() {
            assert_eq!(counted as usize, place);
        }
    }

    #[test]
    fn a_second_message_to_a_chat_waits_and_other_chats_do_not() {
        let pace = ServicePace::default();
        assert_eq!(pace.admit(&telegram("-100")), Ok(()));
        let wait = pace.admit(&telegram("-100")).unwrap_err();
        assert!(wait > Duration::from_secs(2) && wait <= Duration::from_secs(3), "{wait:?}");
        assert_eq!(pace.admit(&telegram("7")), Ok(()));
        assert!(pace.admit(&telegram("7")).unwrap_err() <= Duration::from_secs(1));
    }

    #[test]
    fn a_bot_sends_thirty_messages_at_once() {
        let pace = ServicePace::default();
        let admitted = (0..40).filter(|chat| pace.admit(&telegram(&chat.to_string())).is_ok()).count();
        // A slow machine may admit another one meanwhile.
        assert!((30..40).contains(&admitted), "{admitted}");
    }

    #[test]
    fn webhooks_count_for_themselves_and_own_receivers_not_at_all() {
        let pace = ServicePace::default();
        let slack = |url: &str| ChannelConfig::Slack(HookTarget { webhook_url: url.to_owned() });
        assert!(pace.admit(&slack("https://hooks.slack.example/a")).is_ok());
        assert!(pace.admit(&slack("https://hooks.slack.example/a")).is_err());
        assert!(pace.admit(&slack("https://hooks.slack.example/b")).is_ok());
        let own = WebhookTarget { url: "https://example.org".to_owned(), secret: None, template: None };
        assert!((0..1000).all(|_| pace.admit(&ChannelConfig::Webhook(own.clone())).is_ok()));
    }
}

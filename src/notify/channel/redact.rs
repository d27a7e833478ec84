//! Keeps the credentials of channels out of errors.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::ChannelConfig;

const HIDDEN: &str = "[hidden]";
/// Parts of URLs that are shorter are no secrets, and hiding them would mutilate ordinary words.
const MIN_PART: usize = 6;

/// Every text of the settings that must not be shown, the longest first: a shorter one may be part of it.
pub(super) fn secrets_of(config: &ChannelConfig) -> Vec<String> {
    let mut secrets: Vec<String> = match config {
        ChannelConfig::Email(_) | ChannelConfig::Atom(_) => Vec::new(),
        ChannelConfig::Telegram(target) => token_and_parts(&target.bot_token),
        ChannelConfig::Discord(target) => parts_of_url(&target.webhook_url),
        ChannelConfig::Slack(target) | ChannelConfig::Mattermost(target) | ChannelConfig::Teams(target) => {
            parts_of_url(&target.webhook_url)
        }
        ChannelConfig::Ntfy(target) => target.token.iter().cloned().collect(),
        ChannelConfig::Gotify(target) => vec![target.token.clone()],
        ChannelConfig::Pushover(target) => vec![target.token.clone(), target.user.clone()],
        ChannelConfig::Webhook(target) => {
            let signing =
                target.secret.iter().flat_map(|key| [key.clone(), key.trim_start_matches("whsec_").to_owned()]);
            parts_of_url(&target.url).into_iter().chain(signing).collect()
        }
        ChannelConfig::Matrix(target) => vec![target.access_token.clone()],
        ChannelConfig::Apprise(target) => vec![target.key.clone()],
        ChannelConfig::HomeAssistant(target) => vec![target.token.clone()],
    };
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// A token of Telegram is the number of the bot and its secret.
fn token_and_parts(token: &str) -> Vec<String> {
    let secret = token.split_once(':').map(|(_, secret)| secret.to_owned());
    std::iter::once(token.to_owned()).chain(secret).collect()
}

/// A URL that is a secret: whole, and the parts of its path and its query that are long enough to be one. Servers quote
/// paths.
fn parts_of_url(text: &str) -> Vec<String> {
    let mut parts = vec![text.to_owned()];
    let Ok(url) = Url::parse(text) else { return parts };
    parts.push(url.as_str().to_owned());
    let path = url.path_segments().into_iter().flatten().map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let raw_query = url.query().into_iter().flat_map(|query| query.split(['&', '=']).map(str::to_owned));
    for part in path.chain(query).chain(raw_query).filter(|part| part.len() >= MIN_PART) {
        let decoded = percent_decode_str(&part).decode_utf8_lossy().into_owned();
        parts.extend([part, decoded]);
    }
    parts
}

/// A text without these secrets.
pub(super) fn hide(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HookTarget, TelegramTarget};

    #[test]
    fn a_quoted_path_loses_the_secret_parts_of_a_url() {
        let webhook_url =
            "https://hooks.example.com/services/T0000/B0000000/s3cr%2Fet%20Token?sig=abcdef123".to_owned();
        let secrets = secrets_of(&ChannelConfig::Slack(HookTarget { webhook_url }));
        let shown =
            hide("no route for /services/T0000/B0000000/s3cr%2Fet%20Token (s3cr/et Token, abcdef123)", &secrets);
        for secret in ["B0000000", "s3cr", "abcdef123"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_bot_token_is_hidden_whole_and_without_its_number() {
        let target = TelegramTarget { bot_token: "123:AAbbCC".to_owned(), chat_id: "1".to_owned(), thread_id: None };
        let secrets = secrets_of(&ChannelConfig::Telegram(target));
        assert_eq!(hide("bot123:AAbbCC and AAbbCC", &secrets), "bot[hidden] and [hidden]");
    }
}

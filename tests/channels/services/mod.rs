//! What each service checks and how it answers: its documented limits, its escaping, its errors.

mod apprise;
mod discord;
mod gotify;
mod home_assistant;
mod matrix;
mod mattermost;
mod ntfy;
mod pushover;
mod slack;
mod teams;
mod telegram;
mod webhook;

use amazon_tracker::domain::ChannelKind;
use serde_json::Value;

use crate::double::{Request, Service};

pub use telegram::shown as telegram_text;

/// The double of a kind.
pub fn of(kind: ChannelKind) -> Box<dyn Service> {
    match kind {
        ChannelKind::Email => panic!("mail has a double of its own"),
        ChannelKind::Atom => panic!("nothing is sent to a feed"),
        ChannelKind::Telegram => Box::new(telegram::Telegram),
        ChannelKind::Discord => Box::new(discord::Discord),
        ChannelKind::Slack => Box::new(slack::Slack),
        ChannelKind::Mattermost => Box::new(mattermost::Mattermost),
        ChannelKind::Ntfy => Box::new(ntfy::Ntfy),
        ChannelKind::Gotify => Box::new(gotify::Gotify),
        ChannelKind::Pushover => Box::new(pushover::Pushover),
        ChannelKind::Teams => Box::new(teams::Teams),
        ChannelKind::Webhook => Box::new(webhook::Webhook),
        ChannelKind::Matrix => Box::new(matrix::Matrix),
        ChannelKind::Apprise => Box::new(apprise::Apprise),
        ChannelKind::HomeAssistant => Box::new(home_assistant::HomeAssistant),
    }
}

/// True of the requests of Matrix that follow a message with its chart.
pub fn is_chart(request: &Request) -> bool {
    request.path.ends_with("/upload") || request.path.ends_with("-chart")
}

pub fn ensure(holds: bool, why: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.into()) }
}

pub fn chars(text: &str) -> usize {
    text.chars().count()
}

/// The text of a field, which is there and is not empty.
pub fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    let text = value[name].as_str().ok_or_else(|| format!("no {name} in {value}"))?;
    ensure(!text.trim().is_empty(), format!("{name} is empty"))?;
    Ok(text)
}

/// At most so many characters, and not empty.
pub fn within(value: &Value, name: &str, limit: usize) -> Result<(), String> {
    let length = chars(text(value, name)?);
    ensure(length <= limit, format!("{name} has {length} characters, not {limit}"))
}

/// All texts of a body, empty ones too.
pub fn all_texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(all_texts).collect(),
        Value::Object(fields) => fields.values().flat_map(all_texts).collect(),
        _ => Vec::new(),
    }
}

/// No text is empty, is `null` in words, or has control characters.
pub fn is_clean(body: &Value) -> Result<(), String> {
    for text in all_texts(body) {
        ensure(!text.trim().is_empty(), format!("an empty text in {body}"))?;
        ensure(!text.contains("undefined") && text != "null", text)?;
        ensure(!text.contains(|c: char| c.is_control() && c != '\n'), format!("a control character in {text:?}"))?;
        ensure(!text.contains(['\u{202E}', '\u{2066}']), format!("{text:?} turns texts around"))?;
    }
    Ok(())
}

/// No mention would fire.
pub fn has_no_mention(text: &str) -> Result<(), String> {
    for mention in ["@everyone", "@here", "@channel", "@all", "@room", "<!channel>", "<!here>", "<!everyone>", "<@"] {
        ensure(!text.contains(mention), format!("{mention} fires in {text}"))?;
    }
    Ok(())
}

pub fn have_no_mention(body: &Value) -> Result<(), String> {
    all_texts(body).into_iter().try_for_each(has_no_mention)
}

/// Every sign of the sample that means something in Markdown is escaped, and no markup is cut.
pub fn is_escaped_markdown(text: &str) -> Result<(), String> {
    for raw in ["<b>", "&_*[", "~~y~~", "|z|", "`x`"] {
        ensure(!text.contains(raw), format!("{raw:?} is not escaped in {text}"))?;
    }
    let text = text.replace("\\\\", "");
    for cut in ["\\…", "\\\n", "\\ "] {
        ensure(!text.contains(cut), format!("a backslash escapes nothing in {text}"))?;
    }
    Ok(())
}

/// HTML whose tags are among these and closed, and whose signs are escaped.
pub fn is_valid_html(text: &str, tags: &[&str]) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&', '>']) {
        let (sign, after) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = match sign {
            b'&' => {
                let (entity, after) = after.split_once(';').ok_or("an entity is not closed")?;
                ensure(
                    ["amp", "lt", "gt", "quot", "#39", "nbsp"].contains(&entity),
                    format!("&{entity} is no entity"),
                )?;
                after
            }
            b'<' => {
                let (tag, after) = after.split_once('>').ok_or("a tag is not closed")?;
                let name = tag.trim_start_matches('/').split(' ').next().unwrap();
                ensure(tags.contains(&name), format!("<{tag}> is not allowed"))?;
                match tag.strip_prefix('/') {
                    Some(name) => ensure(open.pop() == Some(name), format!("</{name}> closes nothing"))?,
                    None if name != "br" => open.push(name),
                    None => {}
                }
                after
            }
            _ => return Err(format!("> is not escaped before {}", after.chars().take(40).collect::<String>())),
        };
    }
    ensure(open.is_empty(), format!("{open:?} are not closed"))
}

/// A field that is a URL, if it is there.
pub fn is_url(value: &Value, limit: usize) -> Result<(), String> {
    let Some(url) = value.as_str() else { return ensure(value.is_null(), format!("{value} is no URL")) };
    ensure(url.starts_with("http") && url.parse::<url::Url>().is_ok(), format!("{url} is no URL"))?;
    ensure(url.len() <= limit, format!("a URL of {} bytes", url.len()))
}

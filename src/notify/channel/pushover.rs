//! Pushover.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::multipart::{Form, Part};
use url::Url;

use crate::domain::{AlertMessage, PushoverTarget, Severity};

use super::brief::{Brief, fit, only_chart};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http, below};
use super::styled::{Layout, Styled};
use super::text::{Unit, cut};

const SERVICE: &str = "Pushover";
const MAX_MESSAGE: usize = 1024;
const MAX_TITLE: usize = 250;
const MAX_URL: usize = 512;
const MAX_URL_TITLE: usize = 100;
const MAX_PICTURE: usize = 5 * 1024 * 1024;
const MAX_ITEMS: usize = 20;

/// Sends a message.
pub(super) async fn send(
    http: &Http,
    api: &Url,
    target: &PushoverTarget,
    message: &AlertMessage,
) -> Result<Sent, ChannelError> {
    let url = below(api, &["1", "messages.json"])?;
    let fields = fit(message, MAX_ITEMS, |brief| fields(brief, message, target));
    let fields = fields.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text(name, value);
    }
    if let Some(chart) = only_chart(message).filter(|chart| chart.png.len() <= MAX_PICTURE) {
        let picture = Part::bytes(chart.png.clone()).file_name("chart.png").mime_str("image/png");
        form = form.part("attachment", picture.map_err(|_| ChannelError::Refused("invalid picture".to_owned()))?);
    }
    result_of(&http.send(http.client.post(url).multipart(form)).await?)
}

fn fields(brief: &Brief, message: &AlertMessage, target: &PushoverTarget) -> Option<Vec<(&'static str, String)>> {
    let text = Styled::of(brief, Layout { with_title: false, with_links: false }).plain();
    // An empty message is refused.
    let text = if text.is_empty() { brief.title.clone() } else { text };
    if Unit::Chars.len(&text) > MAX_MESSAGE {
        return None;
    }
    let mut fields = vec![
        ("token", target.token.trim().to_owned()),
        ("user", target.user.trim().to_owned()),
        ("title", cut(&brief.title, MAX_TITLE, Unit::Chars).into_owned()),
        ("message", text),
        ("priority", priority(message.severity).to_owned()),
        ("timestamp", message.at.as_second().to_string()),
    ];
    if let Some(device) = &target.device {
        fields.push(("device", device.trim().to_owned()));
    }
    if let Some(link) = brief.single().and_then(|item| item.links.first()).filter(|link| link.url.len() <= MAX_URL) {
        fields.push(("url", link.url.clone()));
        fields.push(("url_title", cut(&link.label, MAX_URL_TITLE, Unit::Chars).into_owned()));
    }
    Some(fields)
}

/// Not 2, which repeats until somebody acknowledges it.
fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "-1",
        Severity::Normal => "0",
        Severity::Urgent => "1",
    }
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    let body = answer.json();
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let words: Vec<&str> = errors.iter().filter_map(|error| error.as_str()).collect();
    let reason = answer.reason(SERVICE, Some(&words.join("; ")));
    let is_key_invalid = body["user"] == "invalid" || body["token"] == "invalid";
    match answer.status.as_u16() {
        200..=299 if body["status"].as_i64().unwrap_or(1) == 1 => Ok(Sent::default()),
        200..=299 => Err(ChannelError::Refused(reason)),
        429 => Err(ChannelError::limited(reason, answer.retry_after().or_else(|| until_reset(answer)))),
        400..=499 if is_key_invalid => Err(ChannelError::Broken(reason)),
        300..=499 => Err(ChannelError::Refused(reason)),
        _ => Err(ChannelError::Temporary { reason, retry_after: answer.retry_after() }),
    }
}

/// The quota is that of a month; the header says when the next one begins.
fn until_reset(answer: &Answer) -> Option<Duration> {
    let reset = Timestamp::from_second(answer.header("x-limit-app-reset")?.trim().parse().ok()?).ok()?;
    Duration::try_from(reset.duration_since(Timestamp::now())).ok()
}

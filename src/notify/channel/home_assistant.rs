//! A notification service of Home Assistant.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, HomeAssistantTarget, MessageLink, Severity};

use super::brief::{Brief, fit};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http};
use super::styled::{Layout, Styled};
use super::text::ZERO_WIDTH_SPACE;

const SERVICE: &str = "Home Assistant";
/// What the push services behind the apps take is 4 KB in all.
const MAX_MESSAGE_BYTES: usize = 2500;
const MAX_ITEMS: usize = 30;
const MAX_ACTIONS: usize = 3;

/// Sends a message.
pub(super) async fn send(
    http: &Http,
    target: &HomeAssistantTarget,
    message: &AlertMessage,
) -> Result<Sent, ChannelError> {
    let service = target.service.trim();
    let service = service.strip_prefix("notify.").unwrap_or(service);
    let url = http.below(&target.server, &["api", "services", "notify", service])?;
    let is_app = service.starts_with("mobile_app_");
    let body = fit(message, MAX_ITEMS, |brief| body(brief, message, is_app));
    let body = body.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    result_of(&http.send(http.client.post(url).bearer_auth(target.token.trim()).json(&body)).await?)
}

/// Some notification services render their texts as templates; a title must not begin one.
fn shown(text: &str) -> String {
    ["{{", "{%", "{#"].iter().fold(text.to_owned(), |text, start| {
        let (first, second) = start.split_at(1);
        text.replace(start, &format!("{first}{ZERO_WIDTH_SPACE}{second}"))
    })
}

fn body(brief: &Brief, message: &AlertMessage, is_app: bool) -> Option<Value> {
    let text = Styled::of(brief, Layout { with_title: false, with_links: !is_app }).plain();
    let text = shown(if text.is_empty() { &brief.title } else { &text });
    if text.len() > MAX_MESSAGE_BYTES {
        return None;
    }
    let mut body = json!({ "title": shown(&brief.title), "message": text });
    if is_app {
        body["data"] = app_data(brief, message);
    }
    Some(body)
}

/// What the apps understand; other services may refuse it.
fn app_data(brief: &Brief, message: &AlertMessage) -> Value {
    let mut data = json!({ "tag": message.id });
    if message.severity == Severity::Urgent {
        data["priority"] = json!("high");
        data["ttl"] = json!(0);
    }
    let Some(item) = brief.single() else { return data };
    if let Some(url) = item.url() {
        // The first is read by iOS, the second by Android.
        data["url"] = json!(url);
        data["clickAction"] = json!(url);
    }
    if let Some(image) = &item.image_url {
        data["image"] = json!(image);
    }
    let action = |link: &MessageLink| json!({ "action": "URI", "title": link.label, "uri": link.url });
    if !item.links.is_empty() {
        data["actions"] = item.links.iter().take(MAX_ACTIONS).map(action).collect();
    }
    data
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    match answer.error_of_own_server(SERVICE, answer.json()["message"].as_str()) {
        // Also while it starts: the services of its apps are registered late.
        ChannelError::Refused(reason) if answer.status.as_u16() == 400 => Err(ChannelError::temporary(reason)),
        error => Err(error),
    }
}

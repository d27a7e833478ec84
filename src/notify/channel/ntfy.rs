//! ntfy. Messages are published as JSON: headers would break texts that are not ASCII.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::{AlertMessage, MessageKind, NtfyTarget, Severity};

use super::brief::{Brief, fit};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http};
use super::styled::{Layout, Styled};
use super::text::{Unit, cut};

const SERVICE: &str = "ntfy";
/// A longer message becomes a file.
const MAX_MESSAGE: usize = 4096;
const MAX_TITLE: usize = 250;
const MAX_ITEMS: usize = 40;
const MAX_ACTIONS: usize = 3;
/// The quota of a day is used up; when the day of the server ends is not said.
const QUOTA_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// The code of that error.
const QUOTA_CODE: i64 = 42908;
/// The topic is not valid, or reserved by the server.
const TOPIC_CODES: &[i64] = &[40009, 40010];

/// Sends a message.
pub(super) async fn send(http: &Http, target: &NtfyTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.below(&target.server, &[])?;
    let body = fit(message, MAX_ITEMS, |brief| body(brief, message, target));
    let body = body.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    let mut request = http.client.post(url).json(&body);
    if let Some(token) = &target.token {
        request = request.bearer_auth(token.trim());
    }
    result_of(&http.send(request).await?)
}

fn body(brief: &Brief, message: &AlertMessage, target: &NtfyTarget) -> Option<Value> {
    let text = Styled::of(brief, Layout { with_title: false, with_links: false }).plain();
    let text = if text.is_empty() { brief.title.clone() } else { text };
    if text.len() > MAX_MESSAGE {
        return None;
    }
    let mut body = json!({
        "topic": target.topic.trim(),
        "title": cut(&brief.title, MAX_TITLE, Unit::Bytes),
        "message": text,
        "priority": priority(message.severity),
        "tags": [tag(message.kind)],
    });
    if let Some(item) = brief.single() {
        if let Some(url) = item.url() {
            body["click"] = json!(url);
        }
        if let Some(image) = &item.image_url {
            body["attach"] = json!(image);
        }
        let action =
            |link: &crate::domain::MessageLink| json!({ "action": "view", "label": link.label, "url": link.url });
        if !item.links.is_empty() {
            body["actions"] = item.links.iter().take(MAX_ACTIONS).map(action).collect();
        }
    }
    Some(body)
}

fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 2,
        Severity::Normal => 3,
        Severity::Urgent => 5,
    }
}

/// The name of an emoji.
fn tag(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Single | MessageKind::Digest => "shopping_cart",
        MessageKind::Notice => "warning",
        MessageKind::Test => "white_check_mark",
    }
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    let body = answer.json();
    let (code, words) = (body["code"].as_i64(), body["error"].as_str());
    let reason = answer.reason(SERVICE, words);
    Err(match code {
        Some(QUOTA_CODE) => ChannelError::limited(reason, Some(QUOTA_PAUSE)),
        Some(code) if TOPIC_CODES.contains(&code) => ChannelError::Broken(reason),
        _ => answer.error_of_own_server(SERVICE, words),
    })
}

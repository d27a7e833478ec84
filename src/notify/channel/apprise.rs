//! An Apprise API server, which hands a message on to services of its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::domain::{AlertMessage, AppriseTarget, MessageChart, MessageKind, Severity};

use super::brief::{Brief, fit, only_chart};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http};
use super::styled::{Layout, Styled};
use super::text::without_mentions;

const SERVICE: &str = "Apprise";
/// Apprise cuts or splits what is too long for a service behind it.
const MAX_BODY_BYTES: usize = 30_000;
const MAX_ITEMS: usize = 50;

/// Sends a message.
pub(super) async fn send(http: &Http, target: &AppriseTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.below(&target.server, &["notify", target.key.trim()])?;
    let mut body = fit(message, MAX_ITEMS, |brief| body(brief, message))
        .ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    if let Some(tag) = &target.tag {
        body["tag"] = json!(tag.trim());
    }
    if let Some(chart) = only_chart(message) {
        body["attachments"] = json!([attachment(chart)]);
    }
    result_of(&http.send(http.client.post(url).json(&body)).await?)
}

fn body(brief: &Brief, message: &AlertMessage) -> Option<Value> {
    let text = Styled::of(brief, Layout { with_title: false, with_links: true }).plain_without_mentions();
    let title = without_mentions(&brief.title);
    // An empty body is refused.
    let text = if text.is_empty() { title.clone() } else { text };
    let kind = match (message.kind, message.severity) {
        (MessageKind::Notice, _) | (_, Severity::Urgent) => "warning",
        (MessageKind::Test, _) => "success",
        _ => "info",
    };
    (text.len() <= MAX_BODY_BYTES).then(|| json!({ "title": title, "body": text, "type": kind, "format": "text" }))
}

fn attachment(chart: &MessageChart) -> Value {
    json!({ "filename": "chart.png", "base64": BASE64.encode(&chart.png), "mimetype": "image/png" })
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    match answer.status.as_u16() {
        204 => Err(ChannelError::Broken(answer.reason(SERVICE, Some("no service belongs to this key and tag")))),
        200..=299 => Ok(Sent::default()),
        // A retry would send it once more to those who have it.
        424 => {
            let note = "Apprise could not deliver the message to all services of this key".to_owned();
            Ok(Sent { note: Some(note), moved_to: None })
        }
        _ => Err(answer.error_of_own_server(SERVICE, answer.json()["error"].as_str())),
    }
}

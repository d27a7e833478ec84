//! Gotify.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, GotifyTarget, Severity};

use super::brief::{Brief, fit};
use super::error::{ChannelError, Sent};
use super::http::Http;
use super::styled::{Layout, Styled};

const SERVICE: &str = "Gotify";
/// Gotify sets no limit; more is not read on a telephone.
const MAX_MESSAGE: usize = 16_000;
const MAX_ITEMS: usize = 50;

/// Sends a message.
pub(super) async fn send(http: &Http, target: &GotifyTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.below(&target.server, &["message"])?;
    let body = fit(message, MAX_ITEMS, |brief| body(brief, message.severity));
    let body = body.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    let answer = http.send(http.client.post(url).header("x-gotify-key", target.token.trim()).json(&body)).await?;
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    Err(answer.error_of_own_server(SERVICE, answer.json()["errorDescription"].as_str()))
}

fn body(brief: &Brief, severity: Severity) -> Option<Value> {
    let text = Styled::of(brief, Layout { with_title: false, with_links: true });
    let text = if text.plain().is_empty() { super::text::markdown(&brief.title) } else { text.markdown() };
    if text.len() > MAX_MESSAGE {
        return None;
    }
    let mut notification = json!({});
    if let Some(item) = brief.single() {
        if let Some(url) = item.url() {
            notification["click"] = json!({ "url": url });
        }
        if let Some(image) = &item.image_url {
            notification["bigImageUrl"] = json!(image);
        }
    }
    Some(json!({
        "title": brief.title,
        "message": text,
        // 0 is a priority too, which shows nothing.
        "priority": match severity { Severity::Low => 2, Severity::Normal => 5, Severity::Urgent => 8 },
        "extras": { "client::display": { "contentType": "text/markdown" }, "client::notification": notification },
    }))
}

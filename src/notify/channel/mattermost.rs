//! Mattermost, by an incoming webhook. Its attachments are those that Slack once had.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, HookTarget, Severity};

use super::brief::{Brief, BriefItem, fit};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http};
use super::styled::markdown_link;
use super::text::{Unit, markdown, without_mentions};

const SERVICE: &str = "Mattermost";
/// What a post may have in all.
const MAX_POST: usize = 16_383;
const MAX_ITEMS: usize = 40;

/// Sends a message.
pub(super) async fn send(http: &Http, target: &HookTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.url(&target.webhook_url)?;
    let body = fit(message, MAX_ITEMS, |brief| body(brief, message.severity));
    let body = body.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    result_of(&http.send(http.client.post(url).json(&body)).await?)
}

/// Mattermost knows no backslash before `<`, which begins nothing there but a URL in angle brackets.
fn shown(text: &str) -> String {
    markdown(&without_mentions(text)).replace("\\<", "<\u{200B}")
}

fn body(brief: &Brief, severity: Severity) -> Option<Value> {
    let mut attachments = match brief.single() {
        Some(item) => vec![detailed(item, severity)],
        None if brief.items.is_empty() => Vec::new(),
        None => {
            let text = brief.items.iter().map(line).collect::<Vec<_>>().join("\n");
            vec![json!({ "fallback": without_mentions(&brief.title), "color": color(severity), "text": text })]
        }
    };
    let below = brief.remarks().map(|remark| shown(remark)).collect::<Vec<_>>().join("\n\n");
    if let (Some(last), Some(footer)) = (attachments.last_mut(), &brief.footer) {
        last["footer"] = json!(without_mentions(footer));
    }
    let text = format!("**{}**\n\n{below}", shown(&brief.title));
    let mut body = json!({ "text": text.trim_end() });
    if !attachments.is_empty() {
        body["attachments"] = json!(attachments);
    }
    (Unit::Chars.len(&body.to_string()) <= MAX_POST).then_some(body)
}

fn detailed(item: &BriefItem, severity: Severity) -> Value {
    let mut text: Vec<String> = item.summary.as_deref().map(shown).into_iter().collect();
    let links: Vec<String> =
        item.links.iter().skip(1).map(|link| markdown_link(&shown(&link.label), &link.url)).collect();
    if !links.is_empty() {
        text.push(links.join(" · "));
    }
    let mut attachment = json!({
        "fallback": without_mentions(&item.title),
        "color": color(severity),
        "title": shown(&item.title),
    });
    if !text.is_empty() {
        attachment["text"] = json!(text.join("\n\n"));
    }
    if let Some(url) = item.url() {
        attachment["title_link"] = json!(url);
    }
    if let Some(image) = &item.image_url {
        attachment["thumb_url"] = json!(image);
    }
    if !item.facts.is_empty() {
        let field =
            |(label, value): &(String, String)| json!({ "short": true, "title": shown(label), "value": shown(value) });
        attachment["fields"] = item.facts.iter().map(field).collect();
    }
    attachment
}

/// An item of a digest.
fn line(item: &BriefItem) -> String {
    let title = item.url().map_or_else(|| shown(&item.title), |url| markdown_link(&shown(&item.title), url));
    let summary = item.summary.as_deref().map(|summary| format!(" — {}", shown(summary))).unwrap_or_default();
    let facts: String =
        item.facts.iter().map(|(label, value)| format!("\n  {}: {}", shown(label), shown(value))).collect();
    format!("* {title}{summary}{facts}")
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "#8a8f98",
        Severity::Normal => "#1f7a4d",
        Severity::Urgent => "#c2410c",
    }
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    let body = answer.json();
    // A hook that cannot be looked up because the database is away looks like one that does not exist.
    let is_unknown_hook = body["id"] == json!("web.incoming_webhook.invalid.app_error");
    match answer.error_of_own_server(SERVICE, body["message"].as_str()) {
        ChannelError::Refused(reason) if is_unknown_hook => Err(ChannelError::temporary(reason)),
        error => Err(error),
    }
}

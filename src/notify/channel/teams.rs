//! Microsoft Teams, by a workflow that posts an Adaptive Card.
//!
//! Texts of strangers stand in text runs, where neither Markdown nor mentions are interpreted: there is nothing to
//! escape.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, HookTarget, MessageLink, Severity};

use super::brief::{Brief, BriefItem, fit};
use super::error::{ChannelError, Sent, quote};
use super::http::{Answer, Http};

const SERVICE: &str = "Teams";
/// Teams documents 28 KB and rejects cards from 21 KB on.
const MAX_CARD_BYTES: usize = 20_000;
const MAX_ITEMS: usize = 30;
const MAX_ACTIONS: usize = 4;

/// Sends a message.
pub(super) async fn send(http: &Http, target: &HookTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.url(&target.webhook_url)?;
    let body = fit(message, MAX_ITEMS, |brief| body(brief, message.severity));
    let body = body.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    result_of(&http.send(http.client.post(url).json(&body)).await?)
}

fn body(brief: &Brief, severity: Severity) -> Option<Value> {
    let color = if severity == Severity::Urgent { "Attention" } else { "Default" };
    let mut elements =
        vec![paragraph(&[run(&brief.title, json!({ "weight": "Bolder", "size": "Large", "color": color }))])];
    for item in &brief.items {
        add_item(&mut elements, item, brief.single().is_some());
    }
    let quiet = |text: &str| paragraph(&[run(text, json!({ "isSubtle": true, "size": "Small" }))]);
    elements.extend(brief.remarks().map(|remark| paragraph(&[run(remark, json!({}))])));
    elements.extend(brief.footer.as_deref().map(quiet));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": elements,
    });
    if let Some(item) = brief.single().filter(|item| !item.links.is_empty()) {
        let action = |link: &MessageLink| json!({ "type": "Action.OpenUrl", "title": link.label, "url": link.url });
        card["actions"] = item.links.iter().take(MAX_ACTIONS).map(action).collect();
    }
    let attachment =
        json!({ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card });
    let body = json!({ "type": "message", "attachments": [attachment] });
    (body.to_string().len() <= MAX_CARD_BYTES).then_some(body)
}

fn paragraph(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn run(text: &str, mut style: Value) -> Value {
    style["type"] = json!("TextRun");
    style["text"] = json!(text);
    style
}

fn add_item(elements: &mut Vec<Value>, item: &BriefItem, is_single: bool) {
    let mut title = run(&item.title, json!({ "weight": "Bolder" }));
    if let Some(url) = item.url() {
        title["selectAction"] = json!({ "type": "Action.OpenUrl", "url": url });
    }
    let mut heading = paragraph(&[title]);
    heading["separator"] = json!(true);
    elements.push(heading);
    if let Some(image) = item.image_url.as_ref().filter(|_| is_single) {
        elements.push(json!({ "type": "Image", "url": image, "size": "Medium", "altText": item.title }));
    }
    let summary = item.summary.iter().map(|summary| paragraph(&[run(summary, json!({}))]));
    let fact = |(label, value): &(String, String)| {
        paragraph(&[run(&format!("{label}: "), json!({ "weight": "Bolder" })), run(value, json!({}))])
    };
    // Not a FactSet: it would interpret Markdown in what a seller calls himself.
    let lines = summary.chain(item.facts.iter().map(fact));
    elements.extend(lines.map(|mut line| {
        line["spacing"] = json!("None");
        line
    }));
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    let text = answer.text.trim();
    match answer.status.as_u16() {
        202 => {
            let note = "Teams has accepted the message, but does not confirm that it is posted".to_owned();
            Ok(Sent { note: Some(note), moved_to: None })
        }
        200..=299 if text.is_empty() || text == "1" || text.starts_with('{') => Ok(Sent::default()),
        200..=299 => of_text(text),
        _ => Err(error_of(answer)),
    }
}

/// Old connectors answer 200 and tell in words how it went.
fn of_text(text: &str) -> Result<Sent, ChannelError> {
    let lower = text.to_lowercase();
    let after = lower.split_once("http error ").map(|(_, after)| after);
    let code = after.and_then(|after| after.get(..3)).and_then(|code| code.parse::<u16>().ok());
    let reason = format!("{SERVICE} answered 200, but: {}", quote(text));
    match code {
        Some(429) => Err(ChannelError::limited(reason, None)),
        Some(401 | 403 | 404 | 410) => Err(ChannelError::Broken(reason)),
        Some(400..=499) => Err(ChannelError::Refused(reason)),
        Some(_) => Err(ChannelError::temporary(reason)),
        None if lower.contains("fail") || lower.contains("error") => Err(ChannelError::temporary(reason)),
        None => Ok(Sent { note: Some(format!("{SERVICE}: {}", quote(text))), moved_to: None }),
    }
}

fn error_of(answer: &Answer) -> ChannelError {
    let body = answer.json();
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let reason = answer.reason(SERVICE, body["error"]["message"].as_str().or(Some(code)));
    match answer.status.as_u16() {
        // The signature is not accepted, or the workflow is gone or switched off.
        401 | 403 | 404 | 410 => ChannelError::Broken(reason),
        400 if matches!(code, "WorkflowTriggerIsNotEnabled" | "WorkflowNotFound") => ChannelError::Broken(reason),
        429 => ChannelError::limited(reason, answer.retry_after()),
        408 => ChannelError::temporary(reason),
        300..=499 => ChannelError::Refused(reason),
        _ => ChannelError::Temporary { reason, retry_after: answer.retry_after() },
    }
}

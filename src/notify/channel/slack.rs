//! Slack, by an incoming webhook.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, HookTarget};

use super::brief::{Brief, BriefItem, fit};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http, seconds};
use super::text::{Unit, cut, without_mentions};

const SERVICE: &str = "Slack";
const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3000;
const MAX_FIELDS: usize = 10;
const MAX_FIELD: usize = 2000;
const MAX_BLOCKS: usize = 50;
/// What all blocks may have together, as JSON: above some 13,200 characters Slack answers `msg_blocks_too_long`.
const MAX_ALL_BLOCKS: usize = 12_000;
const MAX_ITEMS: usize = 40;

/// Sends a message.
pub(super) async fn send(http: &Http, target: &HookTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.url(&target.webhook_url)?;
    let body =
        fit(message, MAX_ITEMS, body).ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    result_of(&http.send(http.client.post(url).json(&body)).await?)
}

/// Escapes text for `mrkdwn`. These three characters begin mentions (`<!channel>`) and links too.
fn escaped(text: &str) -> String {
    without_mentions(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn link(label: &str, url: &str) -> String {
    format!("<{}|{}>", url.replace('&', "&amp;").replace('|', "%7C"), escaped(label))
}

fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// The body, if it is within all limits.
fn body(brief: &Brief) -> Option<Value> {
    let title = without_mentions(&cut(&brief.title, MAX_HEADER - 10, Unit::Chars));
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&title, MAX_HEADER, Unit::Chars) } }),
    ];
    match brief.single() {
        Some(item) => blocks.extend(detailed(item)),
        None => blocks.extend(brief.items.iter().map(line)),
    }
    blocks.extend(brief.remarks().map(|remark| section(&escaped(remark))));
    if let Some(footer) = &brief.footer {
        blocks.push(json!({ "type": "context", "elements": [mrkdwn(&escaped(footer))] }));
    }
    let all = serde_json::to_string(&blocks).ok()?;
    let is_short =
        |block: &Value| block["text"]["text"].as_str().is_none_or(|text| Unit::Chars.len(text) <= MAX_SECTION);
    let fits = blocks.len() <= MAX_BLOCKS && blocks.iter().all(is_short) && Unit::Chars.len(&all) <= MAX_ALL_BLOCKS;
    // The text is what notifications show.
    fits.then(|| json!({ "text": escaped(&brief.title), "blocks": blocks, "unfurl_links": false }))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

fn head(item: &BriefItem) -> String {
    let title = item.url().map_or_else(|| escaped(&item.title), |url| link(&item.title, url));
    match &item.summary {
        Some(summary) => format!("{title}\n{}", escaped(summary)),
        None => title,
    }
}

/// An item of a digest: one block, since there may be fifty.
fn line(item: &BriefItem) -> Value {
    let facts = item.facts.iter().map(|(label, value)| format!("{}: {}", escaped(label), escaped(value)));
    section(&std::iter::once(head(item)).chain(facts).collect::<Vec<_>>().join("\n"))
}

fn detailed(item: &BriefItem) -> Vec<Value> {
    let mut block = section(&head(item));
    if !item.facts.is_empty() {
        let field = |(label, value): &(String, String)| {
            let value = cut(value, MAX_FIELD / 6, Unit::Chars);
            mrkdwn(&format!("*{}*\n{}", escaped(label).replace('*', ""), escaped(&value)))
        };
        block["fields"] = item.facts.iter().take(MAX_FIELDS).map(field).collect();
    }
    if let Some(image_url) = &item.image_url {
        let alt = without_mentions(&item.title);
        block["accessory"] = json!({ "type": "image", "image_url": image_url, "alt_text": alt });
    }
    let links: Vec<String> = item.links.iter().map(|of| link(&of.label, &of.url)).collect();
    let links = (!links.is_empty()).then(|| json!({ "type": "context", "elements": [mrkdwn(&links.join("  ·  "))] }));
    std::iter::once(block).chain(links).collect()
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    let words = answer.text.trim();
    let reason = answer.reason(SERVICE, Some(words));
    Err(match answer.status.as_u16() {
        // no_service, channel_not_found, channel_is_archived, action_prohibited, invalid_token
        401 | 403 | 404 | 410 => ChannelError::Broken(reason),
        400 if matches!(words, "invalid_token" | "no_service" | "user_not_found" | "channel_not_found") => {
            ChannelError::Broken(reason)
        }
        429 => {
            let pause = answer.retry_after().or_else(|| seconds(&answer.json()["retry_after"]));
            ChannelError::limited(reason, pause)
        }
        408 => ChannelError::temporary(reason),
        300..=499 => ChannelError::Refused(reason),
        _ => ChannelError::Temporary { reason, retry_after: answer.retry_after() },
    })
}

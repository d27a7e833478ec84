//! Discord, by a webhook.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::domain::{AlertMessage, DiscordTarget, MessageChart, Severity};

use super::brief::{Brief, BriefItem, fit, only_chart};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http, seconds};
use super::styled::markdown_link;
use super::text::{Unit, cut, markdown, one_line, without_mentions};

const SERVICE: &str = "Discord";
const MAX_CONTENT: usize = 2000;
const MAX_EMBED_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4096;
const MAX_FIELD_NAME: usize = 256;
const MAX_FIELD_VALUE: usize = 1024;
const MAX_FOOTER: usize = 2048;
/// The limit is 1024.
const MAX_ALT: usize = 500;
const MAX_EMBED: usize = 6000;
const MAX_ITEMS: usize = 40;
/// Requests that are answered 401, 403 or 429 too often ban the whole address of the sender, so nobody asks again soon.
const BAN_PAUSE: std::time::Duration = std::time::Duration::from_secs(3600);

/// Sends a message. With `wait`, Discord answers only when the message is stored; otherwise a lost message would be no
/// error.
pub(super) async fn send(http: &Http, target: &DiscordTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let mut url = http.url(&target.webhook_url)?;
    url.query_pairs_mut().append_pair("wait", "true");
    if let Some(thread) = &target.thread_id {
        url.query_pairs_mut().append_pair("thread_id", thread.trim());
    }
    let chart = only_chart(message);
    let body = fit(message, MAX_ITEMS, |brief| body(brief, message, chart));
    let body = body.ok_or_else(|| ChannelError::Refused("the message is too long".to_owned()))?;
    let request = match chart {
        None => http.client.post(url).json(&body),
        Some(chart) => http.client.post(url).multipart(form(&body, chart)?),
    };
    result_of(&http.send(request).await?)
}

fn form(body: &Value, chart: &MessageChart) -> Result<Form, ChannelError> {
    let file = Part::bytes(chart.png.clone()).file_name("chart.png").mime_str("image/png");
    let file = file.map_err(|_| ChannelError::Refused("invalid picture".to_owned()))?;
    let json = Part::text(body.to_string()).mime_str("application/json");
    let json = json.map_err(|_| ChannelError::Refused("invalid body".to_owned()))?;
    Ok(Form::new().part("payload_json", json).part("files[0]", file))
}

fn shown(text: &str) -> String {
    markdown(&without_mentions(text))
}

/// The body, if it is within all limits.
fn body(brief: &Brief, message: &AlertMessage, chart: Option<&MessageChart>) -> Option<Value> {
    let content = shown(&brief.title);
    let mut embed = match brief.single() {
        Some(item) => embed_of(item)?,
        None => json!({ "description": brief.items.iter().map(line_of).collect::<Vec<_>>().join("\n\n") }),
    };
    let mut description: Vec<String> = embed["description"].as_str().map(str::to_owned).into_iter().collect();
    description.extend(brief.remarks().map(|remark| shown(remark)));
    // An empty field is refused.
    let description: Vec<String> = description.into_iter().filter(|part| !part.is_empty()).collect();
    embed["description"] = json!(description.join("\n\n"));
    if description.is_empty() {
        embed.as_object_mut()?.remove("description");
    }
    if let Some(footer) = &brief.footer {
        // Markdown is not interpreted there.
        embed["footer"] = json!({ "text": without_mentions(footer) });
    }
    embed["color"] = json!(color(message.severity));
    embed["timestamp"] = json!(message.at.to_string());
    if let Some(chart) = chart {
        embed["image"] = json!({ "url": "attachment://chart.png" });
        let alt = without_mentions(&cut(&one_line(&chart.alt), MAX_ALT, Unit::Chars));
        let mut body = json!({ "attachments": [{ "id": 0, "filename": "chart.png" }] });
        if !alt.is_empty() {
            body["attachments"][0]["description"] = json!(alt);
        }
        return finished(body, content, embed);
    }
    finished(json!({}), content, embed)
}

fn finished(mut body: Value, content: String, embed: Value) -> Option<Value> {
    if Unit::Chars.len(&content) > MAX_CONTENT || !fits(&embed) {
        return None;
    }
    body["content"] = json!(content);
    body["embeds"] = json!([embed]);
    // No mention fires, whatever a title says.
    body["allowed_mentions"] = json!({ "parse": [] });
    Some(body)
}

fn embed_of(item: &BriefItem) -> Option<Value> {
    let title = shown(&item.title);
    let mut embed = json!({ "title": title, "description": item.summary.as_deref().map(shown).unwrap_or_default() });
    if let Some(url) = item.url() {
        embed["url"] = json!(url);
    }
    let links: Vec<String> =
        item.links.iter().skip(1).map(|link| markdown_link(&shown(&link.label), &link.url)).collect();
    if !links.is_empty() {
        let above = embed["description"].as_str().unwrap_or_default();
        embed["description"] = json!(format!("{above}\n{}", links.join(" · ")).trim_start());
    }
    if !item.facts.is_empty() {
        let field =
            |(label, value): &(String, String)| json!({ "name": shown(label), "value": shown(value), "inline": true });
        embed["fields"] = item.facts.iter().take(25).map(field).collect();
    }
    if let Some(image) = &item.image_url {
        embed["thumbnail"] = json!({ "url": image });
    }
    Some(embed)
}

/// An item of a digest. Not an embed of its own: Discord merges embeds with the same URL.
fn line_of(item: &BriefItem) -> String {
    let title = item.url().map_or_else(|| shown(&item.title), |url| markdown_link(&shown(&item.title), url));
    let facts = item.facts.iter().map(|(label, value)| format!("{}: {}", shown(label), shown(value)));
    let lines = item.summary.as_deref().map(shown).into_iter().chain(facts);
    std::iter::once(format!("**{title}**")).chain(lines).collect::<Vec<_>>().join("\n")
}

fn fits(embed: &Value) -> bool {
    let length = |value: &Value| value.as_str().map_or(0, |text| Unit::Chars.len(text));
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_fields: usize = fields.iter().map(|field| length(&field["name"]) + length(&field["value"])).sum();
    let (title, description) = (length(&embed["title"]), length(&embed["description"]));
    let footer = length(&embed["footer"]["text"]);
    title <= MAX_EMBED_TITLE
        && description <= MAX_DESCRIPTION
        && footer <= MAX_FOOTER
        && fields
            .iter()
            .all(|field| length(&field["name"]) <= MAX_FIELD_NAME && length(&field["value"]) <= MAX_FIELD_VALUE)
        && title + description + footer + of_fields <= MAX_EMBED
}

fn color(severity: Severity) -> u32 {
    match severity {
        Severity::Low => 0x008a_8f98,
        Severity::Normal => 0x001f_7a4d,
        Severity::Urgent => 0x00c2_410c,
    }
}

fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    let body = answer.json();
    let code = body["code"].as_i64();
    let reason = answer.reason(SERVICE, body["message"].as_str());
    Err(match (answer.status.as_u16(), code) {
        // Unknown webhook, unknown channel (the thread), invalid webhook token.
        (404, Some(10003 | 10015)) | (401, _) | (_, Some(50027)) => ChannelError::Broken(reason),
        // A forum needs a thread.
        (400, Some(220_001)) => ChannelError::Broken(format!("{reason}; set thread_id")),
        (403, Some(_)) => ChannelError::Broken(reason),
        (403, None) => ChannelError::limited(reason, Some(BAN_PAUSE)),
        (429, _) => ChannelError::limited(reason, pause(answer, &body)),
        (404, _) => ChannelError::temporary(reason),
        (300..=499, _) => ChannelError::Refused(reason),
        _ => ChannelError::Temporary { reason, retry_after: answer.retry_after() },
    })
}

/// The most exact form that is there. Cloudflare, in front of Discord, sends the header alone.
fn pause(answer: &Answer, body: &Value) -> Option<std::time::Duration> {
    let reset = || seconds(&Value::from(answer.header("x-ratelimit-reset-after")?));
    seconds(&body["retry_after"]).or_else(reset).or_else(|| answer.retry_after())
}

//! Telegram, by the Bot API.
//!
//! Texts go with `entities`, which say by offsets what is bold and what is a link: nothing needs to be escaped.

use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};
use url::Url;

use crate::domain::{AlertMessage, ChannelConfig, MessageChart, MessageLink, Severity, TelegramTarget};

use super::brief::{Brief, Detail, fit, only_chart};
use super::error::{ChannelError, Sent};
use super::http::{Answer, Http, below, seconds};
use super::styled::{Layout, Piece, Styled};
use super::text::{Unit, without_mentions};

const SERVICE: &str = "Telegram";
const MAX_TEXT: usize = 4096;
const MAX_CAPTION: usize = 1024;
const MAX_ITEMS: usize = 40;
const MAX_BUTTONS: usize = 3;
/// A photo, the text with markup, the plain text, and one of them again for a chat that has moved.
const MAX_REQUESTS: usize = 4;

/// Descriptions of errors that the bot's owner or the chat's must repair.
const BROKEN: &[&str] = &[
    "chat not found",
    "user not found",
    "message thread not found",
    "topic_deleted",
    "peer_id_invalid",
    "chat_write_forbidden",
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "bot is not a member",
    "group chat was deactivated",
];

/// How the message is sent; the next simpler form follows when Telegram rejects one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Photo,
    Text,
    Plain,
}

enum Failure {
    /// The group has become a supergroup with this id.
    Moved(String),
    /// The form is not accepted; a simpler one may be.
    Form(ChannelError),
    Other(ChannelError),
}

/// Sends a message.
pub(super) async fn send(
    http: &Http,
    api: &Url,
    target: &TelegramTarget,
    message: &AlertMessage,
) -> Result<Sent, ChannelError> {
    let mut target = target.clone();
    let mut moved_to = None;
    let caption = only_chart(message).and_then(|chart| Some((caption(message)?, chart)));
    let mut shape = if caption.is_some() { Shape::Photo } else { Shape::Text };
    for _ in 0..MAX_REQUESTS {
        let result = match (&caption, shape) {
            (Some((caption, chart)), Shape::Photo) => {
                send_photo(http, api, &target, message.severity, (caption, chart)).await
            }
            _ => send_text(http, api, &target, message, shape == Shape::Plain).await,
        };
        match (result, shape) {
            (Ok(()), _) => return Ok(Sent { note: None, moved_to }),
            (Err(Failure::Moved(chat_id)), _) if moved_to.is_none() => {
                target.chat_id = chat_id;
                moved_to = Some(ChannelConfig::Telegram(target.clone()));
            }
            (Err(Failure::Moved(_)), _) => break,
            (Err(Failure::Form(_)), Shape::Photo) => shape = Shape::Text,
            (Err(Failure::Form(_)), Shape::Text) => shape = Shape::Plain,
            (Err(Failure::Form(error) | Failure::Other(error)), _) => return Err(error),
        }
    }
    Err(ChannelError::temporary("Telegram says again and again that the chat has moved"))
}

/// The text under a photo, unless it loses too much of the message.
fn caption(message: &AlertMessage) -> Option<Written> {
    let count = message.items.len();
    let briefs = [Detail::Full, Detail::Short].map(|detail| Brief::of(message, detail, count));
    briefs.iter().map(written).find(|written| Unit::Utf16.len(&written.text) <= MAX_CAPTION)
}

async fn send_photo(
    http: &Http,
    api: &Url,
    target: &TelegramTarget,
    severity: Severity,
    (caption, chart): (&Written, &MessageChart),
) -> Result<(), Failure> {
    let mut fields = common_fields(target, severity);
    fields.insert("caption".to_owned(), json!(caption.text));
    fields.insert("caption_entities".to_owned(), json!(caption.entities));
    add_buttons(&mut fields, &caption.buttons);
    let mut form = Form::new();
    for (name, value) in fields {
        // Texts as they are, all else as JSON.
        form = form.text(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let photo = Part::bytes(chart.png.clone()).file_name("chart.png").mime_str("image/png");
    let photo = photo.map_err(|_| Failure::Form(ChannelError::Refused("invalid picture".to_owned())))?;
    let url = method(api, target, "sendPhoto").map_err(Failure::Other)?;
    let request = http.client.post(url).multipart(form.part("photo", photo));
    result_of(&http.send(request).await.map_err(Failure::Other)?)
}

async fn send_text(
    http: &Http,
    api: &Url,
    target: &TelegramTarget,
    message: &AlertMessage,
    is_plain: bool,
) -> Result<(), Failure> {
    let mut fields = common_fields(target, message.severity);
    let text = if is_plain {
        fit(message, MAX_ITEMS, |brief| {
            let text = Styled::of(brief, Layout { with_title: true, with_links: true }).plain_without_mentions();
            (Unit::Utf16.len(&text) <= MAX_TEXT).then(|| Written { text, ..Written::default() })
        })
    } else {
        fit(message, MAX_ITEMS, |brief| {
            Some(written(brief)).filter(|written| Unit::Utf16.len(&written.text) <= MAX_TEXT)
        })
    };
    let text = text.ok_or_else(|| Failure::Other(ChannelError::Refused("the message is too long".to_owned())))?;
    fields.insert("text".to_owned(), json!(text.text));
    if !text.entities.is_empty() {
        fields.insert("entities".to_owned(), json!(text.entities));
    }
    add_buttons(&mut fields, &text.buttons);
    fields.insert("link_preview_options".to_owned(), json!({ "is_disabled": true }));
    let url = method(api, target, "sendMessage").map_err(Failure::Other)?;
    result_of(&http.send(http.client.post(url).json(&fields)).await.map_err(Failure::Other)?)
}

fn method(api: &Url, target: &TelegramTarget, name: &str) -> Result<Url, ChannelError> {
    below(api, &[&format!("bot{}", target.bot_token.trim()), name])
}

fn common_fields(target: &TelegramTarget, severity: Severity) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("chat_id".to_owned(), json!(target.chat_id.trim()));
    if let Some(thread) = target.thread_id {
        fields.insert("message_thread_id".to_owned(), json!(thread));
    }
    if severity == Severity::Low {
        fields.insert("disable_notification".to_owned(), json!(true));
    }
    fields
}

fn add_buttons(fields: &mut Map<String, Value>, buttons: &[MessageLink]) {
    if !buttons.is_empty() {
        let row: Vec<Value> = buttons.iter().map(|link| json!({ "text": link.label, "url": link.url })).collect();
        fields.insert("reply_markup".to_owned(), json!({ "inline_keyboard": [row] }));
    }
}

/// A text with its entities.
#[derive(Default)]
struct Written {
    text: String,
    entities: Vec<Value>,
    buttons: Vec<MessageLink>,
}

fn written(brief: &Brief) -> Written {
    let links = brief.single().map(|item| item.links.as_slice()).unwrap_or_default();
    // Telegram rejects a message with a button that leads to a host without a domain.
    let are_buttons = !links.is_empty() && links.iter().all(|link| is_public_https(&link.url));
    let buttons = links.iter().take(MAX_BUTTONS).filter(|_| are_buttons).cloned().collect();
    let mut written = Written { buttons, ..Written::default() };
    for piece in Styled::of(brief, Layout { with_title: true, with_links: !are_buttons }).pieces {
        written.add(&piece);
    }
    written
}

fn is_public_https(url: &str) -> bool {
    let has_domain = |url: Url| url.scheme() == "https" && url.domain().is_some_and(|domain| domain.contains('.'));
    Url::parse(url).is_ok_and(has_domain)
}

impl Written {
    fn add(&mut self, piece: &Piece) {
        let (shown, entity) = match piece {
            Piece::Text(text) => (text, None),
            Piece::Bold(text) => (text, Some(json!({ "type": "bold" }))),
            Piece::Link { label, url } => (label, Some(json!({ "type": "text_link", "url": url }))),
        };
        let shown = without_mentions(shown);
        if let Some(mut entity) = entity {
            entity["offset"] = json!(Unit::Utf16.len(&self.text));
            entity["length"] = json!(Unit::Utf16.len(&shown));
            self.entities.push(entity);
        }
        self.text.push_str(&shown);
    }
}

fn result_of(answer: &Answer) -> Result<(), Failure> {
    let body = answer.json();
    if answer.status.is_success() && body["ok"] != json!(false) {
        return Ok(());
    }
    if let Some(chat_id) = body["parameters"]["migrate_to_chat_id"].as_i64() {
        return Err(Failure::Moved(chat_id.to_string()));
    }
    let description = body["description"].as_str().unwrap_or_default();
    let reason = answer.reason(SERVICE, Some(description));
    let lower = description.to_lowercase();
    Err(match answer.status.as_u16() {
        // 404 is the answer to a token that is none.
        401 | 403 | 404 => Failure::Other(ChannelError::Broken(reason)),
        429 => {
            let pause = seconds(&body["parameters"]["retry_after"]).or_else(|| answer.retry_after());
            Failure::Other(ChannelError::limited(reason, pause))
        }
        400 if BROKEN.iter().any(|words| lower.contains(words)) => Failure::Other(ChannelError::Broken(reason)),
        400 | 413 => Failure::Form(ChannelError::Refused(reason)),
        402..=499 => Failure::Other(ChannelError::Refused(reason)),
        _ => Failure::Other(ChannelError::Temporary { reason, retry_after: answer.retry_after() }),
    })
}

//! The Bot API of Telegram.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ensure, has_no_mention};
use crate::double::{Reply, Request, Service, json_reply};

pub struct Telegram;

/// The fields of a request, whichever form it has, and the text that people see.
fn fields(request: &Request) -> Result<Value, String> {
    if !request.is_multipart() {
        return request.json();
    }
    let mut fields = json!({});
    for part in request.parts() {
        if part.filename.is_none() {
            let text = part.text();
            let is_text = matches!(part.name.as_str(), "caption" | "chat_id");
            let value =
                if is_text { Value::from(text) } else { serde_json::from_str(&text).map_err(|e| e.to_string())? };
            fields[part.name] = value;
        }
    }
    Ok(fields)
}

/// The text of a message that was taken.
pub fn shown(request: &Request) -> String {
    let fields = fields(request).unwrap();
    fields["text"].as_str().or(fields["caption"].as_str()).unwrap().to_owned()
}

impl Service for Telegram {
    fn check(&self, request: &Request) -> Result<(), String> {
        let is_photo = request.path == "/bot123456:AA-S3CRET-of-the-bot/sendPhoto";
        ensure(is_photo || request.path == "/bot123456:AA-S3CRET-of-the-bot/sendMessage", &request.path)?;
        let fields = fields(request)?;
        ensure(fields["chat_id"].is_string() && fields["message_thread_id"] == 7, "chat or thread")?;
        ensure(fields["parse_mode"].is_null(), "texts go with entities")?;
        let (name, entities, limit) =
            if is_photo { ("caption", "caption_entities", 1024) } else { ("text", "entities", 4096) };
        let text = super::text(&fields, name)?;
        let units: Vec<u16> = text.encode_utf16().collect();
        ensure(units.len() <= limit, format!("{name} has {} units", units.len()))?;
        has_no_mention(text)?;
        for entity in fields[entities].as_array().into_iter().flatten() {
            let number = |name: &str| entity[name].as_u64().map(|number| number as usize).ok_or("no number");
            let (offset, length) = (number("offset")?, number("length")?);
            let part = units.get(offset..offset + length).ok_or("an entity is outside of the text")?;
            ensure(length > 0 && String::from_utf16(part).is_ok(), "an entity cuts a character")?;
            match entity["type"].as_str() {
                Some("bold") => {}
                Some("text_link") => super::is_url(&entity["url"], 2048)?,
                other => return Err(format!("entity {other:?}")),
            }
        }
        if is_photo {
            let parts = request.parts();
            let photo = parts.iter().find(|part| part.name == "photo").ok_or("no photo")?;
            ensure(photo.bytes == crate::sample::PNG && photo.filename.is_some(), "another photo")?;
        }
        for button in fields["reply_markup"]["inline_keyboard"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|row| row.as_array())
            .flatten()
        {
            super::text(button, "text")?;
            super::is_url(&button["url"], 2048)?;
        }
        Ok(())
    }

    fn accepted(&self, _: &Request) -> Reply {
        json_reply(200, json!({ "ok": true, "result": { "message_id": 1 } }))
    }

    fn refused(&self, why: &str) -> Reply {
        json_reply(400, json!({ "ok": false, "error_code": 400, "description": format!("Bad Request: {why}") }))
    }

    fn limited(&self) -> (Reply, Duration) {
        let description = "Too Many Requests: retry after 17";
        let body =
            json!({ "ok": false, "error_code": 429, "description": description, "parameters": { "retry_after": 17 } });
        (json_reply(429, body), Duration::from_secs(17))
    }

    fn revoked(&self) -> Reply {
        json_reply(
            403,
            json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user" }),
        )
    }
}

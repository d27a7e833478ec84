//! Webhooks of Discord.

use std::time::Duration;

use serde_json::{Value, json};

use super::{chars, ensure, have_no_mention, is_escaped_markdown, within};
use crate::double::{Reply, Request, Service, json_reply};

pub struct Discord;

fn check_embed(embed: &Value) -> Result<usize, String> {
    let length = |value: &Value| value.as_str().map_or(0, chars);
    for (name, limit) in [("title", 256), ("description", 4096)] {
        if !embed[name].is_null() {
            within(embed, name, limit)?;
            is_escaped_markdown(embed[name].as_str().unwrap())?;
        }
    }
    let mut all = length(&embed["title"]) + length(&embed["description"]) + length(&embed["footer"]["text"]);
    if !embed["footer"].is_null() {
        within(&embed["footer"], "text", 2048)?;
    }
    let fields = embed["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure(fields.len() <= 25, "too many fields")?;
    for field in fields {
        within(field, "name", 256)?;
        within(field, "value", 1024)?;
        all += length(&field["name"]) + length(&field["value"]);
    }
    super::is_url(&embed["url"], 2048)?;
    Ok(all)
}

impl Service for Discord {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/api/webhooks/111222333444/S3CRET-token", &request.path)?;
        ensure(request.query["wait"] == "true" && request.query["thread_id"] == "555", format!("{:?}", request.query))?;
        let body = if request.is_multipart() {
            let parts = request.parts();
            let file = parts.iter().find(|part| part.name == "files[0]").ok_or("no file")?;
            ensure(file.bytes == crate::sample::PNG, "another file")?;
            let json = parts.iter().find(|part| part.name == "payload_json").ok_or("no payload_json")?;
            let body: Value = serde_json::from_slice(&json.bytes).map_err(|error| error.to_string())?;
            let url = format!("attachment://{}", file.filename.as_deref().unwrap_or_default());
            ensure(body["embeds"][0]["image"]["url"] == url, "the picture is not shown")?;
            body
        } else {
            request.json()?
        };
        ensure(body["allowed_mentions"] == json!({ "parse": [] }), "mentions are allowed")?;
        have_no_mention(&body)?;
        super::is_clean(&body)?;
        within(&body, "content", 2000)?;
        is_escaped_markdown(body["content"].as_str().unwrap())?;
        let embeds = body["embeds"].as_array().ok_or("no embeds")?;
        ensure(embeds.len() <= 10, "too many embeds")?;
        let mut all = 0;
        for embed in embeds {
            all += check_embed(embed)?;
        }
        ensure(all <= 6000, format!("{all} characters in all embeds"))?;
        let urls: Vec<_> = embeds.iter().filter_map(|embed| embed["url"].as_str()).collect();
        let different: std::collections::BTreeSet<_> = urls.iter().collect();
        ensure(urls.len() == different.len(), "embeds with the same URL are merged")
    }

    fn accepted(&self, _: &Request) -> Reply {
        json_reply(200, json!({ "id": "1" }))
    }

    fn refused(&self, why: &str) -> Reply {
        json_reply(400, json!({ "code": 50035, "message": "Invalid Form Body", "errors": why }))
    }

    fn limited(&self) -> (Reply, Duration) {
        let body = json!({ "message": "You are being rate limited.", "retry_after": 3.25, "global": false });
        (Reply { headers: vec![("retry-after", "4".to_owned())], ..json_reply(429, body) }, Duration::from_millis(3250))
    }

    fn revoked(&self) -> Reply {
        json_reply(404, json!({ "message": "Unknown Webhook", "code": 10015 }))
    }
}

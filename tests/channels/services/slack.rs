//! Incoming webhooks of Slack.

use serde_json::Value;

use super::{chars, ensure, have_no_mention, within};
use crate::double::{Reply, Request, Service, reply};

pub struct Slack;

/// Besides links, no sign that begins something is left as it is.
fn is_escaped(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&']) {
        let (sign, after) = rest[at..].split_at(1);
        rest = match sign {
            "<" => {
                let (link, after) = after.split_once('>').ok_or("a link is cut")?;
                let (url, label) = link.split_once('|').ok_or_else(|| format!("<{link}> is not escaped"))?;
                ensure(url.starts_with("http") && !label.is_empty(), format!("<{link}> is no link"))?;
                after
            }
            "&" => {
                let entity = ["amp;", "lt;", "gt;"].into_iter().find(|entity| after.starts_with(entity));
                &after[entity.ok_or_else(|| format!("& is not escaped in {text}"))?.len()..]
            }
            _ => return Err(format!("> is not escaped in {text}")),
        };
    }
    Ok(())
}

fn check_text(object: &Value, limit: usize) -> Result<(), String> {
    within(object, "text", limit)?;
    match object["type"].as_str() {
        Some("mrkdwn") => is_escaped(object["text"].as_str().unwrap()),
        Some("plain_text") => Ok(()),
        other => Err(format!("text of type {other:?}")),
    }
}

fn check_block(block: &Value) -> Result<(), String> {
    match block["type"].as_str() {
        Some("header") => check_text(&block["text"], 150),
        Some("section") => {
            check_text(&block["text"], 3000)?;
            let fields = block["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            ensure(fields.len() <= 10, "too many fields")?;
            ensure(block["fields"].is_null() || !fields.is_empty(), "no fields")?;
            fields.iter().try_for_each(|field| check_text(field, 2000))?;
            let image = &block["accessory"];
            ensure(image.is_null() || image["type"] == "image", "accessory")?;
            super::is_url(&image["image_url"], 3000)?;
            if image.is_null() { Ok(()) } else { within(image, "alt_text", 2000) }
        }
        Some("context") => {
            block["elements"].as_array().ok_or("no elements")?.iter().try_for_each(|e| check_text(e, 3000))
        }
        other => Err(format!("block of type {other:?}")),
    }
}

impl Service for Slack {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/services/T000/B000/S3CRETtoken", &request.path)?;
        let body = request.json()?;
        have_no_mention(&body)?;
        super::is_clean(&body)?;
        is_escaped(super::text(&body, "text")?)?;
        let blocks = body["blocks"].as_array().ok_or("no blocks")?;
        ensure((1..=50).contains(&blocks.len()), "invalid_blocks")?;
        blocks.iter().try_for_each(check_block)?;
        let all = chars(&body["blocks"].to_string());
        ensure(all <= 13_200, format!("msg_blocks_too_long: {all}"))
    }

    fn accepted(&self, _: &Request) -> Reply {
        reply(200, "ok")
    }

    fn refused(&self, _: &str) -> Reply {
        reply(400, "invalid_payload")
    }

    fn revoked(&self) -> Reply {
        reply(410, "channel_is_archived")
    }
}

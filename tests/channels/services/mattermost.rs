//! Incoming webhooks of Mattermost.

use serde_json::json;

use super::{chars, ensure, have_no_mention, is_escaped_markdown, text};
use crate::double::{Reply, Request, Service, json_reply, reply};

pub struct Mattermost;

impl Service for Mattermost {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/chat/hooks/S3CREThook", &request.path)?;
        let body = request.json()?;
        ensure(chars(&body.to_string()) <= 16_383, "too long")?;
        have_no_mention(&body)?;
        super::is_clean(&body)?;
        is_escaped_markdown(text(&body, "text")?)?;
        for attachment in body["attachments"].as_array().into_iter().flatten() {
            text(attachment, "fallback")?;
            super::is_url(&attachment["title_link"], 2048)?;
            for name in ["title", "text"] {
                attachment[name].as_str().map_or(Ok(()), is_escaped_markdown)?;
            }
            for field in attachment["fields"].as_array().into_iter().flatten() {
                is_escaped_markdown(text(field, "title")?)?;
                is_escaped_markdown(text(field, "value")?)?;
            }
        }
        Ok(())
    }

    fn accepted(&self, _: &Request) -> Reply {
        reply(200, "ok")
    }

    fn revoked(&self) -> Reply {
        json_reply(
            403,
            json!({ "id": "web.incoming_webhook.permissions.app_error", "message": "Inappropriate permissions" }),
        )
    }
}

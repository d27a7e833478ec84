//! A server of Gotify.

use serde_json::json;

use super::{ensure, is_escaped_markdown, text};
use crate::double::{Reply, Request, Service, json_reply};

pub struct Gotify;

impl Service for Gotify {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.method == "POST" && request.path == "/gotify/message", &request.path)?;
        ensure(request.header("x-gotify-key") == "S3CRET.app", "no token")?;
        let body = request.json()?;
        super::is_clean(&body)?;
        text(&body, "title")?;
        is_escaped_markdown(text(&body, "message")?)?;
        ensure((1..=10).contains(&body["priority"].as_i64().unwrap_or(0)), "priority")?;
        super::is_url(&body["extras"]["client::notification"]["click"]["url"], 2048)?;
        ensure(body["extras"]["client::display"]["contentType"] == "text/markdown", "content type")
    }

    fn accepted(&self, _: &Request) -> Reply {
        json_reply(200, json!({ "id": 1 }))
    }

    fn revoked(&self) -> Reply {
        let words = "you need to provide a valid access token or user credentials to access this api";
        json_reply(401, json!({ "error": "Unauthorized", "errorCode": 401, "errorDescription": words }))
    }
}

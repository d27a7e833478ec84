//! A server of ntfy.

use std::time::Duration;

use serde_json::json;

use super::{ensure, text};
use crate::double::{Reply, Request, Service, json_reply};

pub struct Ntfy;

impl Service for Ntfy {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.method == "POST" && request.path == "/", &request.path)?;
        ensure(request.header("authorization") == "Bearer tk_S3CRET", "no token")?;
        let body = request.json()?;
        ensure(body["topic"] == "prices", "topic")?;
        super::is_clean(&body)?;
        ensure(text(&body, "message")?.len() <= 4096, "the message becomes a file")?;
        ensure(text(&body, "title")?.len() <= 250, "the title is too long")?;
        ensure((1..=5).contains(&body["priority"].as_i64().unwrap_or(0)), "priority")?;
        super::is_url(&body["click"], 2048)?;
        super::is_url(&body["attach"], 2048)?;
        let actions = body["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
        ensure(actions.len() <= 3, "too many actions")?;
        for action in actions {
            text(action, "label")?;
            super::is_url(&action["url"], 2048)?;
        }
        Ok(())
    }

    fn accepted(&self, _: &Request) -> Reply {
        json_reply(200, json!({ "id": "x", "event": "message" }))
    }

    fn refused(&self, why: &str) -> Reply {
        json_reply(400, json!({ "code": 40000, "http": 400, "error": why }))
    }

    /// There is no `Retry-After`.
    fn limited(&self) -> (Reply, Duration) {
        let error = "limit reached: too many requests; please be nice";
        (json_reply(429, json!({ "code": 42901, "http": 429, "error": error })), Duration::from_secs(60))
    }

    fn revoked(&self) -> Reply {
        json_reply(403, json!({ "code": 40301, "http": 403, "error": "forbidden" }))
    }
}

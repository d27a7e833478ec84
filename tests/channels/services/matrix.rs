//! A homeserver of Matrix.

use std::time::Duration;

use serde_json::json;

use super::{ensure, has_no_mention, text};
use crate::double::{Reply, Request, Service, json_reply};

pub struct Matrix;

impl Service for Matrix {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.header("authorization") == "Bearer S3CRETaccess", "no token")?;
        if request.path == "/_matrix/media/v3/upload" {
            ensure(request.header("content-type") == "image/png", "content type")?;
            return ensure(request.body == crate::sample::PNG, "another picture");
        }
        let room = "/_matrix/client/v3/rooms/!room:example.org/send/m.room.message/";
        let transaction = request.path.strip_prefix(room).ok_or(&request.path)?;
        ensure(request.method == "PUT" && transaction.len() >= 36, "transaction")?;
        ensure(request.body.len() <= 60_000, "M_TOO_LARGE")?;
        let body = request.json()?;
        ensure(body["m.mentions"] == json!({}), "mentions are not declared")?;
        has_no_mention(text(&body, "body")?)?;
        if body["msgtype"] == "m.image" {
            return ensure(body["url"] == "mxc://example.org/1", "another picture");
        }
        ensure(body["msgtype"] == "m.text" && body["format"] == "org.matrix.custom.html", "type")?;
        let html = text(&body, "formatted_body")?;
        has_no_mention(html)?;
        super::is_valid_html(html, &["a", "b", "br"])
    }

    fn accepted(&self, _: &Request) -> Reply {
        json_reply(200, json!({ "event_id": "$1", "content_uri": "mxc://example.org/1" }))
    }

    /// As older servers write it.
    fn limited(&self) -> (Reply, Duration) {
        let body = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 2500 });
        (json_reply(429, body), Duration::from_millis(2500))
    }

    fn revoked(&self) -> Reply {
        json_reply(401, json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "Invalid access token" }))
    }
}

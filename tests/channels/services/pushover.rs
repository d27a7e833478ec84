//! The API of Pushover.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ensure, within};
use crate::double::{Reply, Request, Service, json_reply};

pub struct Pushover;

impl Service for Pushover {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/1/messages.json", &request.path)?;
        let parts = request.parts();
        let mut fields = json!({});
        for part in parts.iter().filter(|part| part.filename.is_none()) {
            fields[&part.name] = Value::from(part.text());
        }
        ensure(fields["token"] == "S3CRETapp" && fields["user"] == "S3CRETuser", "keys")?;
        super::is_clean(&fields)?;
        within(&fields, "message", 1024)?;
        within(&fields, "title", 250)?;
        super::is_url(&fields["url"], 512)?;
        ensure(fields["url_title"].as_str().is_none_or(|title| super::chars(title) <= 100), "url_title")?;
        ensure(["-1", "0", "1"].contains(&super::text(&fields, "priority")?), "priority")?;
        let picture = parts.iter().find(|part| part.filename.is_some());
        ensure(picture.is_none_or(|part| part.name == "attachment" && part.content_type.is_some()), "attachment")
    }

    fn accepted(&self, _: &Request) -> Reply {
        json_reply(200, json!({ "status": 1, "request": "r" }))
    }

    fn refused(&self, why: &str) -> Reply {
        json_reply(400, json!({ "status": 0, "errors": [why], "request": "r" }))
    }

    /// The quota of a month: the pause is bounded to half a day.
    fn limited(&self) -> (Reply, Duration) {
        let reset = (jiff::Timestamp::now().as_second() + 20 * 24 * 3600).to_string();
        let body = json!({ "status": 0, "errors": ["application is over its message limit"] });
        let headers = vec![("x-limit-app-remaining", "0".to_owned()), ("x-limit-app-reset", reset)];
        (Reply { headers, ..json_reply(429, body) }, Duration::from_secs(12 * 3600))
    }

    fn revoked(&self) -> Reply {
        json_reply(400, json!({ "user": "invalid", "errors": ["user identifier is not a valid user"], "status": 0 }))
    }
}

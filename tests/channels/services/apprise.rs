//! A server of the Apprise API.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{ensure, have_no_mention, text};
use crate::double::{Reply, Request, Service, reply};

pub struct Apprise;

impl Service for Apprise {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/notify/S3CRETkey", &request.path)?;
        let body = request.json()?;
        super::is_clean(&body)?;
        have_no_mention(&body)?;
        text(&body, "title")?;
        text(&body, "body")?;
        ensure(body["tag"] == "home" && body["format"] == "text", "tag or format")?;
        ensure(["info", "success", "warning", "failure"].contains(&text(&body, "type")?), "type")?;
        for attachment in body["attachments"].as_array().into_iter().flatten() {
            let picture = BASE64.decode(text(attachment, "base64")?).map_err(|error| error.to_string())?;
            ensure(picture == crate::sample::PNG && attachment["mimetype"] == "image/png", "attachment")?;
        }
        Ok(())
    }

    fn accepted(&self, _: &Request) -> Reply {
        reply(200, "")
    }
}

//! A receiver of webhooks, which checks signatures by itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ensure;
use crate::double::{Reply, Request, Service, reply};

pub struct Webhook;

impl Service for Webhook {
    fn check(&self, request: &Request) -> Result<(), String> {
        ensure(request.path == "/hook/S3CRETpath" && request.query["key"] == "S3CRETkey", &request.path)?;
        let (id, sent_at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret secret secret").unwrap();
        mac.update(format!("{id}.{sent_at}.").as_bytes());
        mac.update(&request.body);
        let expected = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
        ensure(request.header("webhook-signature") == expected, "the signature is wrong")?;
        if request.header("content-type").starts_with("text/plain") {
            return Ok(());
        }
        let body = request.json()?;
        if body["data"].is_object() {
            ensure(body["data"]["message_id"] == id, "the id is another")?;
            ensure(body["type"].as_str().is_some_and(|kind| kind.starts_with("message.")), "type")?;
            ensure(body["data"]["items"].is_array() && body["data"]["events"].is_array(), "items and events")?;
        }
        Ok(())
    }

    fn accepted(&self, _: &Request) -> Reply {
        reply(204, "")
    }

    fn revoked(&self) -> Reply {
        reply(410, "{echo}")
    }
}

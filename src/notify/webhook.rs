//! Webhooks, signed and identified by the Standard Webhooks specification (<https://www.standardwebhooks.com>).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::json;
use sha2::Sha256;

use super::channel::Sent;
use super::{SendError, Sender, unsupported};
use crate::config::NotifySettings;
use crate::domain::{DeliveryId, Event, OutboxMessage, WebhookUrl, parse_retry_after};
use crate::outbound::GuardedResolver;

const SECRET_PREFIX: &str = "whsec_";

/// Sends webhooks.
pub struct WebhookSender {
    client: Client,
    allow_private_targets: bool,
}

impl WebhookSender {
    /// A sender that connects to private addresses only if the settings allow it.
    ///
    /// # Errors
    /// The TLS backend cannot be initialised.
    pub fn new(settings: &NotifySettings) -> reqwest::Result<Self> {
        let allow_private_targets = settings.allow_private_targets;
        let client = Client::builder()
            .user_agent(concat!("amazon-tracker/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(settings.timeout_secs))
            // A redirect could lead to a private address, and a proxy would bypass the address check.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(GuardedResolver { allow_private_targets }))
            .build()?;
        Ok(Self { client, allow_private_targets })
    }
}

#[async_trait]
impl Sender for WebhookSender {
    fn channel(&self) -> &'static str {
        "webhook"
    }

    async fn send(&self, id: DeliveryId, message: &OutboxMessage) -> Result<Sent, SendError> {
        let OutboxMessage::Webhook { url, secret, event } = message else {
            return Err(unsupported(self.channel()));
        };
        let url = WebhookUrl::parse(url, self.allow_private_targets)
            .map_err(|error| SendError::Permanent(error.to_string()))?;
        let body = body_of(event);
        let id = id.to_string();
        let sent_at = Timestamp::now().as_second().to_string();
        let signature = sign(secret, &id, &sent_at, &body)?;
        let request = self
            .client
            .post(url.into_url())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", sent_at)
            .header("webhook-signature", signature)
            .body(body);
        result_of(request.send().await).map(|()| Sent::default())
    }
}

/// The envelope of the specification: a type, the time of the event and its data.
fn body_of(event: &Event) -> String {
    let facts = &event.facts;
    let data = json!({
        "event_id": event.id,
        "alert_id": event.rule_id,
        "product_id": event.product_id,
        "marketplace": facts.listing.marketplace,
        "asin": facts.listing.asin,
        "url": facts.listing.url(),
        "title": facts.title,
        "price": facts.price,
        "previous_price": facts.previous_price,
        "previous_price_as_of": facts.previous_price_as_of,
        "condition": facts.condition,
        "crossing": facts.crossing,
    });
    json!({ "type": format!("product.{}", facts.condition.kind()), "timestamp": event.at, "data": data }).to_string()
}

/// `v1,` and the Base64 HMAC-SHA256 of `id.timestamp.body`, with the key after `whsec_`.
fn sign(secret: &str, id: &str, sent_at: &str, body: &str) -> Result<String, SendError> {
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let key =
        BASE64.decode(encoded).map_err(|_| SendError::Permanent("the signing key is not valid Base64".to_owned()))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{sent_at}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

fn result_of(response: reqwest::Result<Response>) -> Result<(), SendError> {
    let response = response.map_err(|error| SendError::Temporary { reason: describe(&error), retry_after: None })?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::GONE {
        return Err(SendError::Permanent("the receiver answered 410 Gone".to_owned()));
    }
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| parse_retry_after(text, Timestamp::now()));
    Err(SendError::Temporary { reason: format!("the receiver answered {status}"), retry_after })
}

/// The innermost cause, without the URL, which may contain a secret of the receiver.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match error {
        error if error.is_timeout() => "timed out".to_owned(),
        error if error.is_connect() => format!("cannot connect: {cause}"),
        _ => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_matches_the_example_of_the_specification() {
        // From the specification's reference implementations.
        let body = r#"{"test": 2432232314}"#;
        let signature =
            sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}

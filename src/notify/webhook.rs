//! Webhooks, signed and numbered as the Standard Webhooks convention says (<https://www.standardwebhooks.com>).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::json;
use sha2::Sha256;

use super::{SendError, Sender, wrong_channel};
use crate::config::NotifySettings;
use crate::domain::{DeliveryId, Event, OutboxMessage, WebhookUrl, is_public};

const SECRET_PREFIX: &str = "whsec_";

/// Sends webhooks.
pub struct WebhookSender {
    client: Client,
    allow_private_targets: bool,
}

impl WebhookSender {
    /// A sender that never reaches private addresses unless the settings allow it.
    ///
    /// # Errors
    /// When the TLS back end cannot start.
    pub fn new(settings: &NotifySettings) -> reqwest::Result<Self> {
        let allow_private_targets = settings.allow_private_targets;
        let client = Client::builder()
            .user_agent(concat!("amazon-tracker/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(settings.timeout_secs))
            // A redirect could lead where the URL itself may not; and a proxy would connect for us.
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

    async fn send(&self, id: DeliveryId, message: &OutboxMessage) -> Result<(), SendError> {
        let OutboxMessage::Webhook { url, secret, event } = message else {
            return Err(wrong_channel(self.channel()));
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
        judge(request.send().await)
    }
}

/// The convention's envelope: a type, the time of the event and its data.
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
        "condition": facts.condition,
        "crossing": facts.crossing,
    });
    json!({ "type": format!("product.{}", facts.condition.kind()), "timestamp": event.at, "data": data }).to_string()
}

/// `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, under the key behind `whsec_`.
fn sign(secret: &str, id: &str, sent_at: &str, body: &str) -> Result<String, SendError> {
    let encoded = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let key = BASE64.decode(encoded).map_err(|_| SendError::Permanent("the signing key is not base64".to_owned()))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{sent_at}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

fn judge(answer: reqwest::Result<Response>) -> Result<(), SendError> {
    let response = answer.map_err(|error| SendError::Temporary { reason: describe(&error), retry_after: None })?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::GONE {
        return Err(SendError::Permanent("the receiver answered 410 Gone".to_owned()));
    }
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Err(SendError::Temporary {
        reason: format!("the receiver answered {status}"),
        retry_after: asked.map(Duration::from_secs),
    })
}

/// The innermost cause, without the URL: it may hold a secret of the receiver's.
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

/// Resolves names and drops every address that must not be reached: what is left is what gets connected to, so a name
/// cannot answer one thing to the check and another to the connection.
struct GuardedResolver {
    allow_private_targets: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private_targets = self.allow_private_targets;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|found| allow_private_targets || is_public(found.ip())).collect();
            if allowed.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the host has no public address").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_the_convention_s_own_example_gives() {
        // From the specification's reference implementations.
        let body = r#"{"test": 2432232314}"#;
        let signature =
            sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[tokio::test]
    async fn a_name_that_leads_to_loopback_is_not_connected_to() {
        let guarded = GuardedResolver { allow_private_targets: false };
        assert!(guarded.resolve("localhost".parse().unwrap()).await.is_err());
        let open = GuardedResolver { allow_private_targets: true };
        assert!(open.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}

//! Webhooks, signed and identified by the Standard Webhooks specification (<https://www.standardwebhooks.com>).

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use serde_json::json;

use super::channel::Sent;
use super::guarded_client::{describe, guarded_client};
use super::signature::sign;
use super::{SendError, Sender, unsupported};
use crate::config::NotifySettings;
use crate::domain::{DeliveryId, Event, OutboxMessage, WebhookUrl, parse_retry_after};

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
        Ok(Self { client: guarded_client(settings)?, allow_private_targets })
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
        let signature = sign(secret, &id, &sent_at, &body).map_err(|error| SendError::Permanent(error.to_string()))?;
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

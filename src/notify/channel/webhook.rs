//! Webhooks, signed and identified by the Standard Webhooks specification (<https://www.standardwebhooks.com>).

use jiff::Timestamp;
use serde_json::json;

use crate::domain::{AlertMessage, WebhookTarget};
use crate::notify::signature::sign;

use super::error::{ChannelError, Sent};
use super::http::{Answer, Http};
use super::message_json::{event_json, items_json};
use super::template::{self, TemplateError};

const SERVICE: &str = "the receiver";

/// Sends a message.
pub(super) async fn send(http: &Http, target: &WebhookTarget, message: &AlertMessage) -> Result<Sent, ChannelError> {
    let url = http.url(&target.url)?;
    let (body, content_type) = match &target.template {
        None => (body(message), "application/json"),
        Some(template) => (template::render(template, message).map_err(of_template)?, content_type(template)),
    };
    let (id, sent_at) = (message.id.to_string(), Timestamp::now().as_second().to_string());
    let mut request = http.client.post(url).header("content-type", content_type);
    if let Some(secret) = &target.secret {
        request = request.header("webhook-signature", signature(secret, &id, &sent_at, &body)?);
    }
    let request = request.header("webhook-id", id).header("webhook-timestamp", sent_at).body(body);
    result_of(&http.send(request).await?)
}

fn signature(secret: &str, id: &str, sent_at: &str, body: &str) -> Result<String, ChannelError> {
    sign(secret, id, sent_at, body).map_err(|error| ChannelError::Broken(error.to_string()))
}

fn content_type(template: &str) -> &'static str {
    if template::is_json(template) { "application/json" } else { "text/plain; charset=utf-8" }
}

/// A template that is none cannot write any message; one that fails for this message may write others.
fn of_template(error: TemplateError) -> ChannelError {
    let reason = format!("the template cannot be used: {error}");
    match error {
        TemplateError::TooLong | TemplateError::Forbidden { .. } => ChannelError::Broken(reason),
        _ => ChannelError::Refused(reason),
    }
}

/// The envelope of the specification: a type, the time of the message and its data.
fn body(message: &AlertMessage) -> String {
    let kind: &'static str = message.kind.into();
    let severity: &'static str = message.severity.into();
    let data = json!({
        "message_id": message.id,
        "kind": kind,
        "severity": severity,
        "title": message.title,
        "items": items_json(message),
        "note": message.note.as_ref().or(message.more.first().and_then(Option::as_ref)),
        "events": message.events.iter().map(event_json).collect::<Vec<_>>(),
    });
    json!({ "type": format!("message.{kind}"), "timestamp": message.at, "data": data }).to_string()
}

/// The receiver is a stranger's program: only 410 says that it wants no more messages, anything else may be repaired.
fn result_of(answer: &Answer) -> Result<Sent, ChannelError> {
    if answer.status.is_success() {
        return Ok(Sent::default());
    }
    let reason = answer.reason(SERVICE, None);
    Err(match answer.status.as_u16() {
        410 => ChannelError::Broken(reason),
        429 => ChannelError::limited(reason, answer.retry_after()),
        300..=399 => ChannelError::temporary(format!("{reason}; redirects are not followed")),
        _ => ChannelError::Temporary { reason, retry_after: answer.retry_after() },
    })
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

//! What is particular about webhooks.

use amazon_tracker::domain::{ChannelConfig, ChannelKind};
use amazon_tracker::notify::channel::ChannelError;

use crate::double::Request;
use crate::fixture::{Fixture, config};
use crate::sample;

async fn send(template: Option<&str>, message: &amazon_tracker::domain::AlertMessage) -> Result<Request, ChannelError> {
    let fixture = Fixture::start(ChannelKind::Webhook);
    let ChannelConfig::Webhook(mut target) = config(ChannelKind::Webhook, &fixture.double().url()) else { panic!() };
    target.template = template.map(str::to_owned);
    fixture.senders.send(&ChannelConfig::Webhook(target), message).await?;
    assert_eq!(fixture.complaints(), Vec::<String>::new());
    Ok(fixture.double().taken().remove(0))
}

#[actix_web::test]
async fn a_message_is_json_with_its_items_and_events() {
    let message = sample::simple();
    let request = send(None, &message).await.unwrap();
    assert_eq!(request.header("webhook-id"), message.id.to_string());
    let body = request.json().unwrap();
    assert_eq!(body["type"], "message.single");
    let data = &body["data"];
    assert_eq!(data["items"][0]["facts"][0]["label"], "Price");
    assert_eq!(data["items"][0]["url"], "https://www.amazon.com/dp/B000000001");
    let event = &data["events"][0];
    assert_eq!(event["type"], "product.price_at_or_below");
    assert_eq!(event["asin"], "B000000001");
    assert!(event["price"].is_object() && event["reasons"][0]["value"] == 8999, "{event}");
}

#[actix_web::test]
async fn a_template_writes_a_body_of_its_own_which_stays_valid_json() {
    let template = r#"{"text": "{{ title }}\n{% for i in items %}- {{ i.title }} {{ i.url }}\n{% endfor %}"}"#;
    let mut message = sample::digest(3);
    message.title = sample::nasty_title();
    let request = send(Some(template), &message).await.unwrap();
    assert_eq!(request.header("content-type"), "application/json");
    let body = request.json().unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with(&message.title) && text.matches("\n- Item").count() == 3, "{text}");
    let request = send(Some("{{ title }}: {{ text }}"), &sample::simple()).await.unwrap();
    assert!(request.header("content-type").starts_with("text/plain"));
}

#[actix_web::test]
async fn a_template_that_cannot_be_used_sends_nothing() {
    let refused = send(Some(r#"{"a": {{ title }}}"#), &sample::simple()).await.unwrap_err();
    assert!(matches!(refused, ChannelError::Refused(_)), "{refused:?}");
    let broken = send(Some("{% set x = 1 %}"), &sample::simple()).await.unwrap_err();
    assert!(matches!(broken, ChannelError::Broken(_)), "{broken:?}");
}

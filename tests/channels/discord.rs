//! What is particular about Discord.

use std::time::Duration;

use amazon_tracker::domain::ChannelKind;
use amazon_tracker::notify::channel::ChannelError;
use serde_json::{Value, json};

use crate::double::{Reply, json_reply, reply};
use crate::fixture::Fixture;
use crate::sample;

async fn error(answer: Reply) -> ChannelError {
    let fixture = Fixture::start(ChannelKind::Discord);
    fixture.double().answer(answer);
    fixture.send(&sample::simple()).await.unwrap_err()
}

async fn embed(message: &amazon_tracker::domain::AlertMessage) -> Value {
    let fixture = Fixture::start(ChannelKind::Discord);
    fixture.send(message).await.unwrap();
    fixture.double().taken()[0].json().unwrap()["embeds"][0].clone()
}

#[actix_web::test]
async fn an_alert_is_an_embed_with_fields_and_a_link() {
    let embed = embed(&sample::simple()).await;
    assert_eq!(embed["title"], "Kettle (1.7 l)");
    assert_eq!(embed["url"], "https://www.amazon.com/dp/B000000001");
    assert_eq!(embed["fields"][0]["name"], "Price");
    assert!(embed["description"].as_str().unwrap().contains("[Snooze](https://"), "{embed}");
}

#[actix_web::test]
async fn a_digest_is_one_embed_that_says_how_much_is_left_out() {
    let embed = embed(&sample::digest(300)).await;
    let text = embed["description"].as_str().unwrap();
    let shown = text.matches("Item ").count();
    assert!(shown >= 10, "{shown}");
    assert!(text.contains(&format!("and {} more", 300 - shown)), "{text}");
    assert!(text.contains("From 22"), "the note is missing: {text}");
}

#[actix_web::test]
async fn a_dead_webhook_breaks_the_channel_and_another_404_does_not() {
    let broken = [
        json_reply(404, json!({ "code": 10015, "message": "Unknown Webhook" })),
        json_reply(401, json!({ "code": 50027, "message": "Invalid Webhook Token" })),
        json_reply(404, json!({ "code": 10003, "message": "Unknown Channel" })),
        json_reply(400, json!({ "code": 220_001, "message": "Webhooks posted to forum channels must have a thread" })),
    ];
    for answer in broken {
        let shown = format!("{answer:?}");
        let error = error(answer).await;
        assert!(matches!(error, ChannelError::Broken(_)), "{shown}: {error:?}");
    }
    let error = error(reply(404, "<html>")).await;
    assert!(matches!(error, ChannelError::Temporary { .. }), "{error:?}");
}

#[actix_web::test]
async fn a_limit_is_read_from_the_body_or_from_either_header() {
    let header = |name, value: &str| Reply { headers: vec![(name, value.to_owned())], ..reply(429, "<html>") };
    let body = json_reply(429, json!({ "retry_after": 64.57, "global": true }));
    for (answer, millis) in
        [(body, 64_570), (header("x-ratelimit-reset-after", "1.5"), 1500), (header("retry-after", "9"), 9000)]
    {
        match error(answer).await {
            ChannelError::Limited { retry_after, .. } => assert_eq!(retry_after, Duration::from_millis(millis)),
            other => panic!("{other:?}"),
        }
    }
}

#[actix_web::test]
async fn a_ban_of_the_address_pauses_the_channel_for_long() {
    match error(reply(403, "<html>error 1020</html>")).await {
        ChannelError::Limited { retry_after, .. } => assert!(retry_after >= Duration::from_secs(3600)),
        other => panic!("{other:?}"),
    }
}

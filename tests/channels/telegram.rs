//! What is particular about Telegram.

use amazon_tracker::domain::ChannelKind;
use amazon_tracker::domain::rule::Severity;
use amazon_tracker::notify::channel::ChannelError;
use serde_json::json;

use crate::double::{Reply, json_reply};
use crate::fixture::Fixture;
use crate::sample;
use crate::services::telegram_text;

fn error(code: u16, description: &str) -> Reply {
    json_reply(code, json!({ "ok": false, "error_code": code, "description": description }))
}

#[actix_web::test]
async fn entities_that_cannot_be_parsed_are_sent_again_as_plain_text() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    fixture.double().answer(error(400, "Bad Request: can't parse entities: unsupported start tag"));
    assert!(fixture.send(&sample::simple()).await.is_ok());
    let taken = fixture.double().taken();
    assert_eq!(taken.len(), 1);
    let body = taken[0].json().unwrap();
    assert!(body["entities"].is_null() && body["reply_markup"].is_null(), "{body}");
    assert!(telegram_text(&taken[0]).contains("https://www.amazon.com/dp/B000000001"));
}

#[actix_web::test]
async fn a_chart_that_telegram_rejects_does_not_cost_the_message() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    fixture.double().answer(error(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"));
    assert!(fixture.send(&sample::with_chart(sample::simple())).await.is_ok());
    let taken = fixture.double().taken();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].path.ends_with("/sendMessage") && taken[0].json().unwrap()["entities"].is_array());
}

#[actix_web::test]
async fn a_chart_goes_as_a_photo_when_the_text_fits_under_it() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    assert!(fixture.send(&sample::with_chart(sample::simple())).await.is_ok());
    let mut long = sample::with_chart(sample::simple());
    long.note = Some("x".repeat(1500));
    long.items[0].summary = "y".repeat(600);
    long.items.push(sample::item(&long.items[0].title.clone()));
    long.items.extend(vec![long.items[1].clone(); 5]);
    assert!(fixture.send(&long).await.is_ok());
    let paths: Vec<String> = fixture.double().taken().iter().map(|request| request.path.clone()).collect();
    assert!(paths[0].ends_with("/sendPhoto") && paths[1].ends_with("/sendMessage"), "{paths:?}");
}

#[actix_web::test]
async fn a_digest_shows_whole_items_and_says_how_many_are_left_out() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    assert!(fixture.send(&sample::digest(300)).await.is_ok());
    let text = telegram_text(&fixture.double().taken()[0]);
    let shown = text.matches("Item ").count();
    assert!(shown >= 15, "{shown} items in {text}");
    assert!(text.contains(&format!("and {} more", 300 - shown)), "{text}");
    assert!(text.encode_utf16().count() > 3000, "room is wasted: {text}");
}

#[actix_web::test]
async fn links_are_buttons_and_a_message_of_little_urgency_is_silent() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    let mut message = sample::simple();
    message.severity = Severity::Low;
    assert!(fixture.send(&message).await.is_ok());
    let body = fixture.double().taken()[0].json().unwrap();
    assert_eq!(body["disable_notification"], true);
    assert_eq!(body["reply_markup"]["inline_keyboard"][0][2]["text"], "Snooze");
    message.items[0].links[1].url = "http://localhost:8080/products/1".to_owned();
    assert!(fixture.send(&message).await.is_ok());
    let body = fixture.double().taken()[1].json().unwrap();
    assert!(body["reply_markup"].is_null(), "a button to a host without a domain is refused");
    assert!(body["entities"].to_string().contains("localhost"));
}

#[actix_web::test]
async fn a_chat_that_moves_again_and_again_ends_the_attempt() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    let body = json!({ "ok": false, "description": "moved", "parameters": { "migrate_to_chat_id": -5 } });
    for _ in 0..5 {
        fixture.double().answer(json_reply(400, body.clone()));
    }
    let error = fixture.send(&sample::simple()).await.unwrap_err();
    assert!(matches!(error, ChannelError::Temporary { .. }), "{error:?}");
    assert_eq!(fixture.double().seen(), 2);
}

#[actix_web::test]
async fn what_only_people_can_repair_breaks_the_channel_and_a_malformed_message_does_not() {
    for (code, description) in [
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: message thread not found"),
        (401, "Unauthorized"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (403, "Forbidden: user is deactivated"),
        (404, "Not Found"),
    ] {
        let fixture = Fixture::start(ChannelKind::Telegram);
        fixture.double().answer(error(code, description));
        let failure = fixture.send(&sample::simple()).await.unwrap_err();
        assert!(matches!(failure, ChannelError::Broken(_)), "{description}: {failure:?}");
        assert!(failure.to_string().contains(description), "{failure}");
    }
    let fixture = Fixture::start(ChannelKind::Telegram);
    for _ in 0..2 {
        fixture.double().answer(error(400, "Bad Request: message text is empty"));
    }
    let failure = fixture.send(&sample::simple()).await.unwrap_err();
    assert!(matches!(failure, ChannelError::Refused(_)), "{failure:?}");
}

#[actix_web::test]
async fn a_digest_of_any_length_stays_within_the_limit() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    for length in 1..120 {
        let mut message = sample::digest(60);
        message.items.iter_mut().for_each(|item| item.summary = "x".repeat(length));
        assert!(fixture.send(&message).await.is_ok(), "{:?}", fixture.complaints());
    }
    assert_eq!(fixture.double().seen(), fixture.delivered(), "{:?}", fixture.complaints());
}

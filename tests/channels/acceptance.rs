//! What went wrong in other projects, one test each.

use std::time::Duration;

use amazon_tracker::domain::{ChannelConfig, ChannelKind};
use amazon_tracker::notify::channel::ChannelError;
use serde_json::json;

use crate::double::{json_reply, reply};
use crate::fixture::{Fixture, config, kinds};
use crate::sample;
use crate::services::telegram_text;

/// `prometheus/alertmanager#2111`.
#[actix_web::test]
async fn a_hook_that_is_limited_for_a_second_gets_the_message_once_after_it() {
    let fixture = Fixture::start(ChannelKind::Slack);
    fixture.double().answer(json_reply(429, json!({ "retry_after": 1, "error": "rate_limited" })));
    let message = sample::simple();
    let limited = fixture.send(&message).await;
    assert!(matches!(limited, Err(ChannelError::Limited { retry_after, .. }) if retry_after == Duration::from_secs(1)));
    assert!(fixture.send(&message).await.is_ok());
    assert_eq!(fixture.delivered(), 1);
}

/// `grafana/alerting#185`.
#[actix_web::test]
async fn markup_at_the_limit_of_telegram_is_valid_and_accepted() {
    for length in 4085..4096 {
        let fixture = Fixture::start(ChannelKind::Telegram);
        let mut message = sample::simple();
        let long = format!("{}<b>a</b>", "A".repeat(length));
        message.items[0].title = long.clone();
        message.items[0].summary = long.clone();
        message.title = long.clone();
        message.note = Some(long);
        assert!(fixture.send(&message).await.is_ok(), "{:?}", fixture.complaints());
        assert_eq!((fixture.delivered(), fixture.double().seen()), (1, 1), "{:?}", fixture.complaints());
    }
}

/// `morpheus65535/bazarr#2840`.
#[actix_web::test]
async fn a_title_with_signs_of_markdown_arrives_at_telegram_unchanged() {
    let fixture = Fixture::start(ChannelKind::Telegram);
    assert!(fixture.send(&sample::test()).await.is_ok());
    let mut message = sample::simple();
    message.items[0].title = "Kettle (-.! *1_7* [l]) `x` <b> & more".to_owned();
    assert!(fixture.send(&message).await.is_ok());
    let taken = fixture.double().taken();
    assert!(telegram_text(&taken[1]).contains(&message.items[0].title), "{}", telegram_text(&taken[1]));
}

/// `TwiN/gatus#179`.
#[actix_web::test]
async fn a_chat_that_has_moved_gets_the_message_once_and_its_new_id_is_told() {
    for message in [sample::simple(), sample::with_chart(sample::simple())] {
        let fixture = Fixture::start(ChannelKind::Telegram);
        let parameters = json!({ "migrate_to_chat_id": -1_001_234_567_890_i64 });
        let description = "Bad Request: group chat was upgraded to a supergroup chat";
        let body = json!({ "ok": false, "error_code": 400, "description": description, "parameters": parameters });
        fixture.double().answer(json_reply(400, body));
        let sent = fixture.send(&message).await.unwrap();
        let Some(ChannelConfig::Telegram(target)) = sent.moved_to else { panic!("no new channel") };
        assert_eq!((target.chat_id.as_str(), target.thread_id), ("-1001234567890", Some(7)));
        assert_eq!(target.bot_token, "123456:AA-S3CRET-of-the-bot");
        assert_eq!((fixture.delivered(), fixture.double().seen()), (1, 2));
        assert!(String::from_utf8_lossy(&fixture.double().taken()[0].body).contains("-1001234567890"));
    }
}

/// `louislam/uptime-kuma#2447` and `mikeknight85/PriceStalker#92`. The doubles refuse empty fields.
#[actix_web::test]
async fn a_product_in_stock_without_a_price_makes_no_empty_field() {
    for kind in kinds() {
        let fixture = Fixture::start(kind);
        let mut message = sample::bare();
        message.title = "Back in stock".to_owned();
        assert!(fixture.send(&message).await.is_ok(), "{kind:?}: {:?}", fixture.complaints());
    }
}

/// `dgtlmoon/changedetection.io#2299`.
#[actix_web::test]
async fn a_long_message_is_cut_for_telegram_alone() {
    let (telegram, webhook) = (Fixture::start(ChannelKind::Telegram), Fixture::start(ChannelKind::Webhook));
    let mut message = sample::digest(200);
    message.items.iter_mut().for_each(|item| item.summary = "x".repeat(400));
    assert!(telegram.send(&message).await.is_ok());
    assert!(webhook.send(&message).await.is_ok());
    let text = telegram_text(&telegram.double().taken()[0]);
    assert!(text.contains(" more") && !text.contains("Item 200"), "{text}");
    let body = webhook.double().taken()[0].json().unwrap();
    let items = body["data"]["items"].as_array().unwrap();
    assert_eq!(items.len(), 200);
    assert_eq!(items[199]["summary"], "x".repeat(400));
    assert_eq!(items[199]["title"], message.items[199].title);
}

/// `dgtlmoon/changedetection.io#2869`.
#[actix_web::test]
async fn a_test_of_a_channel_that_answers_404_fails_and_says_so() {
    for kind in kinds().filter(|kind| *kind != ChannelKind::Email) {
        let fixture = Fixture::start(kind);
        fixture.double().answer(reply(404, "<html>not found</html>"));
        let error = fixture.send(&sample::test()).await.unwrap_err();
        assert!(error.to_string().contains("404"), "{kind:?}: {error}");
        assert_eq!(fixture.delivered(), 0, "{kind:?}");
    }
}

/// `healthchecks/healthchecks#613`.
#[actix_web::test]
async fn a_server_that_answers_404_while_it_restarts_keeps_its_channel() {
    let own = [
        ChannelKind::Mattermost,
        ChannelKind::Ntfy,
        ChannelKind::Gotify,
        ChannelKind::Webhook,
        ChannelKind::Matrix,
        ChannelKind::Apprise,
        ChannelKind::HomeAssistant,
    ];
    for kind in own {
        let fixture = Fixture::start(kind);
        let message = sample::simple();
        for _ in 0..3 {
            fixture.double().answer(reply(404, "404 page not found"));
            let error = fixture.send(&message).await.unwrap_err();
            assert!(matches!(error, ChannelError::Temporary { .. }), "{kind:?}: {error:?}");
        }
        assert!(fixture.send(&message).await.is_ok(), "{kind:?}");
        assert_eq!(fixture.delivered(), 1, "{kind:?}");
    }
}

/// With and without a slash at the end.
#[actix_web::test]
async fn a_server_below_a_path_is_reached_there() {
    let fixture = Fixture::start(ChannelKind::Gotify);
    let ChannelConfig::Gotify(mut target) = config(ChannelKind::Gotify, &fixture.double().url()) else { panic!() };
    target.server = target.server.trim_end_matches('/').to_owned();
    assert!(fixture.senders.send(&ChannelConfig::Gotify(target), &sample::simple()).await.is_ok());
}

//! What each service means by its answers.

use std::time::Duration;

use amazon_tracker::domain::ChannelKind::{self, *};
use amazon_tracker::notify::channel::{ChannelError, Sent};

use crate::double::{Reply, reply};
use crate::fixture::Fixture;
use crate::sample;

async fn result(kind: ChannelKind, answer: Reply) -> Result<Sent, ChannelError> {
    let fixture = Fixture::start(kind);
    fixture.double().answer(answer);
    fixture.send(&sample::simple()).await
}

fn name(result: &Result<Sent, ChannelError>) -> &'static str {
    match result {
        Ok(_) => "sent",
        Err(ChannelError::Broken(_)) => "broken",
        Err(ChannelError::Refused(_)) => "refused",
        Err(ChannelError::Limited { .. }) => "limited",
        Err(ChannelError::Temporary { .. }) => "temporary",
    }
}

#[actix_web::test]
async fn every_answer_means_what_its_service_says() {
    let table = [
        (Slack, 400, "invalid_payload", "refused"),
        (Slack, 400, "invalid_blocks", "refused"),
        (Slack, 403, "action_prohibited", "broken"),
        (Slack, 404, "no_service", "broken"),
        (Slack, 410, "channel_is_archived", "broken"),
        (Slack, 503, "", "temporary"),
        (
            Mattermost,
            400,
            r#"{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook"}"#,
            "temporary",
        ),
        (Mattermost, 400, r#"{"id":"web.incoming_webhook.text.app_error"}"#, "refused"),
        (Discord, 400, r#"{"code":50035,"message":"Invalid Form Body"}"#, "refused"),
        (Ntfy, 400, r#"{"code":40009,"http":400,"error":"invalid topic"}"#, "broken"),
        (Ntfy, 400, r#"{"code":40010,"http":400,"error":"topic name disallowed"}"#, "broken"),
        (Ntfy, 400, r#"{"code":40024,"http":400,"error":"body must be message JSON"}"#, "refused"),
        (Ntfy, 401, r#"{"code":40101,"http":401,"error":"unauthorized"}"#, "broken"),
        (Ntfy, 429, r#"{"code":42908,"http":429,"error":"daily message quota reached"}"#, "limited"),
        (Gotify, 400, "", "refused"),
        (Gotify, 403, "", "broken"),
        (Pushover, 400, r#"{"user":"invalid","errors":["user key is invalid"],"status":0}"#, "broken"),
        (Pushover, 400, r#"{"token":"invalid","errors":["application token is invalid"],"status":0}"#, "broken"),
        (Pushover, 400, r#"{"message":"cannot be blank","errors":["message cannot be blank"],"status":0}"#, "refused"),
        (Pushover, 413, "", "refused"),
        (Pushover, 200, r#"{"status":0,"errors":["x"]}"#, "refused"),
        (Teams, 200, "1", "sent"),
        (Teams, 202, "", "sent"),
        (
            Teams,
            200,
            "Webhook message delivery failed with error: endpoint returned HTTP error 429 with ContextId x",
            "limited",
        ),
        (
            Teams,
            200,
            "Webhook message delivery failed with error: endpoint returned HTTP error 413 with ContextId x",
            "refused",
        ),
        (
            Teams,
            200,
            "Webhook message delivery failed with error: endpoint returned HTTP error 410 with ContextId x",
            "broken",
        ),
        (
            Teams,
            200,
            "Webhook message delivery failed with error: endpoint returned HTTP error 502 with ContextId x",
            "temporary",
        ),
        (Teams, 200, "Webhook message delivery failed", "temporary"),
        (Teams, 401, "", "broken"),
        (Teams, 502, r#"{"error":{"code":"NoResponse"}}"#, "temporary"),
        (Webhook, 301, "", "temporary"),
        (Webhook, 400, "", "temporary"),
        (Webhook, 404, "", "temporary"),
        (Webhook, 410, "", "broken"),
        (Matrix, 403, r#"{"errcode":"M_FORBIDDEN","error":"not in the room"}"#, "broken"),
        (Matrix, 403, "<html>", "temporary"),
        (Matrix, 413, r#"{"errcode":"M_TOO_LARGE"}"#, "refused"),
        (Apprise, 204, "", "broken"),
        (Apprise, 424, "", "sent"),
        (Apprise, 400, r#"{"error":"bad format"}"#, "refused"),
        (HomeAssistant, 400, "400: Bad Request", "temporary"),
        (HomeAssistant, 401, "", "broken"),
    ];
    let mut wrong = Vec::new();
    for (kind, status, body, expected) in table {
        let result = result(kind, reply(status, body)).await;
        if name(&result) != expected {
            wrong.push(format!("{kind:?} {status} {body} is not {expected}: {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn pause(kind: ChannelKind, answer: Reply) -> Duration {
    match result(kind, answer).await {
        Err(ChannelError::Limited { retry_after, .. }) => retry_after,
        other => panic!("{other:?}"),
    }
}

fn limited(retry_after: &str) -> Reply {
    Reply { headers: vec![("retry-after", retry_after.to_owned())], ..reply(429, "") }
}

#[actix_web::test]
async fn a_pause_has_bounds_and_a_default() {
    for (header, secs) in [("864000", 12 * 3600), ("0", 1), ("soon", 60), ("-5", 60), ("90", 90)] {
        assert_eq!(pause(Slack, limited(header)).await, Duration::from_secs(secs), "{header}");
    }
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(300);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap();
    let read = pause(Webhook, limited(&date)).await;
    assert!((295..=301).contains(&read.as_secs()), "{read:?}");
}

#[actix_web::test]
async fn the_quota_of_a_day_makes_a_long_pause() {
    let body = r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#;
    assert!(pause(Ntfy, reply(429, body)).await >= Duration::from_secs(3600));
}

#[actix_web::test]
async fn a_note_tells_what_is_not_sure() {
    let teams = result(Teams, reply(202, "")).await.unwrap();
    assert!(teams.note.unwrap().contains("not confirm"));
    let apprise = result(Apprise, reply(424, "")).await.unwrap();
    assert!(apprise.note.unwrap().contains("all services"));
}

#[actix_web::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let error = result(Slack, reply(500, "x".repeat(8 * 1024 * 1024))).await.unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

#[actix_web::test]
async fn a_matrix_message_is_delivered_even_if_its_chart_is_not() {
    let fixture = Fixture::start(Matrix);
    let message = sample::with_chart(sample::simple());
    assert_eq!(fixture.send(&message).await.unwrap(), Sent::default());
    let paths: Vec<String> = fixture.double().taken().iter().map(|request| request.path.clone()).collect();
    assert!(paths[0].ends_with(&message.id.to_string()) && paths[2].ends_with("-chart"), "{paths:?}");
}

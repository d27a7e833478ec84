//! What holds for every kind of channel.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use amazon_tracker::domain::ChannelKind;
use amazon_tracker::notify::channel::ChannelError;

use crate::fixture::{Fixture, SECRETS, TIMEOUT, Trouble, config, kinds, senders};
use crate::sample;

fn shows_no_secret(kind: ChannelKind, error: &ChannelError) {
    let shown = format!("{error} {error:?}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{kind:?}: {shown}");
    }
    assert!(shown.len() < 1000, "{kind:?}: {shown}");
}

#[actix_web::test]
async fn every_kind_delivers_a_message_once() {
    for kind in kinds() {
        let fixture = Fixture::start(kind);
        let sent = fixture.send(&sample::simple()).await;
        assert!(sent.is_ok(), "{kind:?}: {sent:?} {:?}", fixture.complaints());
        assert_eq!(sent.unwrap().moved_to, None, "{kind:?}");
        assert_eq!(fixture.delivered(), 1, "{kind:?}");
    }
}

#[actix_web::test]
async fn every_kind_takes_the_worst_titles_within_its_limits() {
    let mut failures = Vec::new();
    for kind in kinds() {
        let fixture = Fixture::start(kind);
        let messages = [
            sample::nasty(),
            sample::bare(),
            sample::test(),
            sample::with_chart(sample::simple()),
            sample::digest(2),
            sample::digest(40),
            sample::digest(300),
        ];
        for (n, message) in messages.iter().enumerate() {
            let before = fixture.delivered();
            let sent = fixture.send(message).await;
            if sent.is_err() || fixture.delivered() != before + 1 {
                failures.push(format!("{kind:?}, message {n}: {sent:?}"));
            }
        }
        failures.extend(fixture.complaints().iter().map(|why| format!("{kind:?}: {why}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[actix_web::test]
async fn every_kind_reads_the_pause_of_a_limit_in_the_form_of_its_service() {
    for kind in kinds() {
        let fixture = Fixture::start(kind);
        let pause = fixture.cause(Trouble::Limited);
        match fixture.send(&sample::simple()).await {
            Err(ChannelError::Limited { retry_after, .. }) => {
                assert!(
                    retry_after.abs_diff(pause) <= Duration::from_secs(2),
                    "{kind:?}: {retry_after:?}, not {pause:?}"
                );
            }
            other => panic!("{kind:?}: {other:?}"),
        }
        assert!(fixture.send(&sample::simple()).await.is_ok(), "{kind:?}");
        assert_eq!(fixture.delivered(), 1, "{kind:?}");
    }
}

#[actix_web::test]
async fn every_kind_takes_an_error_of_the_server_for_temporary() {
    for kind in kinds() {
        let fixture = Fixture::start(kind);
        fixture.cause(Trouble::ServerError);
        let error = fixture.send(&sample::simple()).await.unwrap_err();
        assert!(matches!(error, ChannelError::Temporary { .. }), "{kind:?}: {error:?}");
        shows_no_secret(kind, &error);
    }
}

#[actix_web::test]
async fn every_kind_gives_up_within_its_timeout_when_a_server_hangs() {
    let hangs = async |kind: ChannelKind| {
        let fixture = Fixture::start(kind);
        fixture.cause(Trouble::Hang);
        let began = Instant::now();
        let error = fixture.send(&sample::simple()).await.unwrap_err();
        assert!(matches!(error, ChannelError::Temporary { .. }), "{kind:?}: {error:?}");
        assert!(began.elapsed() < 3 * TIMEOUT, "{kind:?}: {:?}", began.elapsed());
        shows_no_secret(kind, &error);
    };
    futures_util::future::join_all(kinds().map(hangs)).await;
}

#[actix_web::test]
async fn every_kind_knows_when_its_channel_is_broken() {
    for kind in kinds() {
        let fixture = Fixture::start(kind);
        fixture.cause(Trouble::Revoked);
        let error = fixture.send(&sample::simple()).await.unwrap_err();
        assert!(matches!(error, ChannelError::Broken(_)), "{kind:?}: {error:?}");
        shows_no_secret(kind, &error);
    }
}

#[actix_web::test]
async fn every_kind_takes_a_server_that_is_away_for_temporary() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = format!("http://{free}");
    let senders = senders(&root, &format!("smtp://user:S3CRET@{free}"));
    for kind in kinds() {
        let error = senders.send(&config(kind, &root), &sample::simple()).await.unwrap_err();
        assert!(matches!(error, ChannelError::Temporary { .. }), "{kind:?}: {error:?}");
        shows_no_secret(kind, &error);
    }
}

#[actix_web::test]
async fn no_kind_shows_a_secret_that_its_service_quotes() {
    let forms = [
        "{echo}",
        r#"{"message":"ECHO","error":"ECHO","description":"ECHO","errors":["ECHO"],"errorDescription":"ECHO"}"#,
    ];
    for kind in kinds().filter(|kind| *kind != ChannelKind::Email) {
        let fixture = Fixture::start(kind);
        let secrets = format!("{:?}", secrets_of(kind)).replace(['"', '\\'], "");
        for status in [302, 400, 401, 403, 404, 410, 413, 418, 429, 502] {
            for form in forms {
                let answer = crate::double::reply(status, form.replace("ECHO", &secrets));
                // Telegram asks several times.
                (0..4).for_each(|_| fixture.double().answer(answer.clone()));
                let error = fixture.send(&sample::simple()).await.unwrap_err();
                shows_no_secret(kind, &error);
                assert!(error.to_string().contains(&status.to_string()), "{kind:?}: {error}");
                fixture.double().calm_down();
            }
        }
    }
}

/// The settings as they are stored, which contain every secret.
fn secrets_of(kind: ChannelKind) -> Vec<String> {
    let stored = serde_json::to_value(config(kind, "http://127.0.0.1")).unwrap();
    stored.as_object().unwrap().values().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[actix_web::test]
async fn no_kind_sends_to_a_private_address_that_is_not_allowed() {
    let double = crate::double::Double::start(crate::services::of(ChannelKind::Webhook));
    let settings = amazon_tracker::config::NotifySettings::default();
    let mail = amazon_tracker::config::MailSettings::default();
    let senders = amazon_tracker::notify::channel::ChannelSenders::new(&settings, Default::default(), &mail).unwrap();
    for root in [double.url(), double.url().replace("127.0.0.1", "localhost")] {
        for kind in kinds() {
            let config = config(kind, &root);
            if config.url().is_some() {
                let error = senders.send(&config, &sample::simple()).await.unwrap_err();
                shows_no_secret(kind, &error);
            }
        }
    }
    assert_eq!(double.seen(), 0);
}

//! Mails: what goes out, through a mail server that misbehaves like real ones.

use amazon_tracker::config::Secret;
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::mailbox::{Mailbox, Mood};

const PASSWORD: &str = "correct horse battery staple";

async fn start(engine: Engine, mailbox: &Mailbox) -> Daemon {
    let url = Secret::from(mailbox.url());
    Daemon::start_with(engine, |settings| {
        settings.mail.smtp_url = Some(url);
        settings.mail.timeout_secs = 1;
        settings.notify.max_attempts = 10;
        settings.mail.from = Some("tracker@example.com".parse().unwrap());
    })
    .await
}

async fn ask(daemon: &Daemon, status: u16, path: &str, body: Value) -> Value {
    expect(status, daemon.request(Method::POST, &format!("/api/v1/auth/{path}")).json(&body)).await
}

async fn register(daemon: &Daemon, name: &str) {
    let email = format!("{name}@example.com");
    let body = json!({ "email": email, "password": PASSWORD, "name": name, "tenant_name": name });
    ask(daemon, 202, "register", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_proved_and_a_password_reset_by_what_comes_in_the_mail() {
    on_both_engines(async |engine| {
        let mut mailbox = Mailbox::start();
        let daemon = start(engine, &mailbox).await;
        register(&daemon, "jo").await;
        let mail = mailbox.next().await;
        let (head, text) = mail.split_once("\n\n").unwrap();
        assert!(head.contains("To: jo@example.com") && head.contains("tracker@example.com"), "{head}");
        assert!(head.contains("Subject: Confirm your address"), "{head}");
        let token = text.split_once("token=").unwrap().1.split_whitespace().next().unwrap();
        // Links of older e-mails have their token in the query.
        for _ in 0..2 {
            let page = daemon.request(Method::GET, &format!("/auth/verify_email?token={token}")).send().await.unwrap();
            assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        }
        ask(&daemon, 204, "verify-email", json!({ "token": token })).await;
        ask(&daemon, 202, "forgot-password", json!({ "email": "jo@example.com" })).await;
        let token = mailbox.next_token("reset_password").await;
        let new = "tangerine lighthouse quartz";
        ask(&daemon, 204, "reset-password", json!({ "token": token, "password": new })).await;
        ask(&daemon, 200, "login", json!({ "email": "jo@example.com", "password": new })).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_later_hangs_up_or_hangs_gets_the_mail_again() {
    let mut mailbox = Mailbox::start();
    let daemon = start(Engine::Sqlite, &mailbox).await;
    for (n, mood) in [Mood::HangUp, Mood::Silence, Mood::Closed, Mood::Later].into_iter().enumerate() {
        mailbox.be(&[mood]);
        register(&daemon, &format!("jo{n}")).await;
        let token = mailbox.next_token("verify_email").await;
        ask(&daemon, 204, "verify-email", json!({ "token": token })).await;
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_nobody_takes_is_given_up_and_holds_up_no_other() {
    let mut mailbox = Mailbox::start();
    let daemon = start(Engine::Sqlite, &mailbox).await;
    mailbox.be(&[Mood::Never]);
    register(&daemon, "nobody").await;
    until_metric(&daemon, r#"tracker_deliveries_total{channel="email",result="dead"} 1"#).await;
    register(&daemon, "jo").await;
    assert!(mailbox.next().await.contains("To: jo@example.com"));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_not_flooded() {
    let mut mailbox = Mailbox::start();
    let daemon = start(Engine::Sqlite, &mailbox).await;
    register(&daemon, "jo").await;
    mailbox.next().await;
    for _ in 0..8 {
        ask(&daemon, 202, "forgot-password", json!({ "email": "jo@example.com" })).await;
    }
    register(&daemon, "al").await;
    let mut resets = 0;
    while !mailbox.next().await.contains("To: al@example.com") {
        resets += 1;
    }
    assert!(resets <= 5, "{resets} mails");
    daemon.end().await;
}

async fn until_metric(daemon: &Daemon, line: &str) {
    loop {
        let text = daemon.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
        if text.contains(line) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_a_channel_gets_nothing_before_it_is_confirmed_and_then_its_alerts() {
    on_both_engines(async |engine| {
        let mut mailbox = Mailbox::start();
        let daemon = start(engine, &mailbox).await;
        let listing = daemon.listing(0);
        let id = daemon.watch(listing).await["id"].clone();
        let body = json!({ "kind": "email", "name": "Al", "config": { "to": "al@example.com" } });
        let channel = expect(201, daemon.post("/api/v1/channels", &body)).await;
        assert_eq!(channel["status"], "unverified");
        let path = format!("/api/v1/channels/{}", channel["id"].as_str().unwrap());
        let rule = json!({ "product_id": id, "kind": "price_at_or_below", "channels": [channel["id"]],
            "target": { "amount_minor": 100_000_000, "currency": "USD" } });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let fired = |events: &Value| !events["items"].as_array().unwrap().is_empty();
        daemon.eventually("/api/v1/alerts/events", fired).await;
        // By no way is an address used that is not proved.
        let pause = expect(422, daemon.patch(&path, &json!({ "is_paused": true }))).await;
        assert_eq!(pause["errors"][0]["field"], "is_paused");
        let early = expect(422, daemon.patch(&path, &json!({ "is_paused": false }))).await;
        assert_eq!(early["errors"][0]["field"], "is_paused");
        let mail = mailbox.next().await;
        assert!(mail.contains("Subject: Confirm this address for alerts"), "{mail}");
        // Quoted-printable: long lines are folded.
        let text = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
        let link = &text[text.find("/auth/links/").unwrap()..];
        let link = link.split_whitespace().next().unwrap();
        assert_eq!(daemon.get(link).send().await.unwrap().status(), 200);
        assert_eq!(expect(200, daemon.get(&path)).await["status"], "unverified", "fetched by a scanner");
        assert_eq!(daemon.post(link, &json!({})).send().await.unwrap().status(), 200);
        daemon.eventually(&path, |channel| channel["status"] == "ok").await;
        let alert = mailbox.next().await;
        assert!(alert.contains("To: al@example.com") && alert.contains("List-Unsubscribe: <http"), "{alert}");
        assert!(alert.contains("multipart/alternative") && alert.contains("image/png"), "{alert}");
        let moved = json!({ "config": { "to": "stranger@example.com" }, "is_paused": false });
        assert_eq!(expect(200, daemon.patch(&path, &moved)).await["status"], "unverified");
        let old = daemon.post(link, &json!({})).send().await.unwrap();
        assert_eq!(old.status(), 404, "the old link proves the old address");
        assert_eq!(expect(200, daemon.get(&path)).await["status"], "unverified");
        daemon.end().await;
    })
    .await;
}

//! Channels over the whole daemon: a crossing reaches the people behind them, once.

use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::main_job::usd;
use crate::receiver::Receiver;

fn webhook(daemon: &Daemon) -> Value {
    json!({ "kind": "webhook", "name": "Ours", "config": { "url": daemon.receiver.url() } })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rules_of_one_crawl_are_one_message_and_its_log_shows_it() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(5_000));
        let id = daemon.watch(listing).await["id"].clone();
        let channel = expect(201, daemon.post("/api/v1/channels", &webhook(&daemon))).await;
        let secret = channel["webhook_secret"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/channels/{}", channel["id"].as_str().unwrap());
        assert_eq!(expect(200, daemon.get(&path)).await["webhook_secret"], Value::Null, "shown once only");
        for target in [4_000, 4_100, 4_200] {
            let rule = json!({ "product_id": id, "kind": "price_at_or_below", "channels": [channel["id"]],
                "target": { "amount_minor": target, "currency": "USD" } });
            expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        }
        daemon.check_now(&id).await;
        daemon.simulated.set_price(listing, usd(3_900));
        assert_eq!(daemon.check_now(&id).await["status"], "done");
        let told = daemon.receiver.next().await;
        assert!(told.is_signed_with(&secret));
        assert_eq!(told.body["data"]["events"].as_array().unwrap().len(), 3, "{}", told.body);
        let log = daemon.eventually(&format!("{path}/messages"), |log| log["items"][0]["status"] == "delivered").await;
        assert_eq!((&log["items"][0]["kind"], &log["items"][0]["events"]), (&json!("digest"), &json!(3)));
        let usage = expect(200, daemon.get(&format!("{path}/usage"))).await;
        assert_eq!((&usage["sent_today"], &usage["held"]), (&json!(1), &json!(0)));
        let events = expect(200, daemon.get("/api/v1/alerts/events")).await;
        assert!(
            events["items"].as_array().unwrap().iter().all(|event| event["deliveries"][0]["status"] == "delivered")
        );
        assert!(daemon.receiver.is_quiet().await);
        daemon.end().await;
    })
    .await;
}

/// A product whose price tells a webhook to each of these receivers at once, whenever it changes. Returns the product, and where the log
/// of each channel is.
async fn told_of_each_price(daemon: &Daemon, receivers: [&Receiver; 3]) -> (Value, Vec<String>) {
    daemon.simulated.set_price(daemon.listing(0), usd(5_000));
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    let (mut channels, mut logs) = (Vec::new(), Vec::new());
    for receiver in receivers {
        let body = json!({ "kind": "webhook", "name": "Ours", "config": { "url": receiver.url() },
            "policy": { "coalesce_secs": 0 } });
        let channel = expect(201, daemon.post("/api/v1/channels", &body)).await;
        logs.push(format!("/api/v1/channels/{}/messages", channel["id"].as_str().unwrap()));
        channels.push(channel["id"].clone());
    }
    let when = json!({ "kind": "moved", "field": "price", "by": { "any": true }, "vs": "previous" });
    let rule = json!({ "product_id": id, "when": when, "channels": channels });
    expect(201, daemon.post("/api/v1/alerts", &rule)).await;
    daemon.check_now(&id).await;
    (id, logs)
}

async fn set_price(daemon: &Daemon, product: &Value, minor: i64) {
    daemon.simulated.set_price(daemon.listing(0), usd(minor));
    assert_eq!(daemon.check_now(product).await["status"], "done");
}

fn is_delivered(log: &Value) -> bool {
    log["items"][0]["status"] == "delivered"
}

/// `dgtlmoon/changedetection.io#2104`.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_three_channels_hangs_and_the_other_two_deliver_at_once() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.notify.timeout_secs = 600).await;
        let others = [Receiver::start(), Receiver::start()];
        let (id, logs) = told_of_each_price(&daemon, [&daemon.receiver, &others[0], &others[1]]).await;
        let hanging = daemon.receiver.hang_next();
        set_price(&daemon, &id, 4_900).await;
        let asked = daemon.receiver.next().await;
        for (other, log) in others.iter().zip(&logs[1..]) {
            assert_eq!(other.next().await.body["data"]["events"], asked.body["data"]["events"]);
            daemon.eventually(log, is_delivered).await;
        }
        let first = expect(200, daemon.get(&logs[0])).await;
        assert_eq!(first["items"][0]["status"], "pending", "its request hangs: {first}");
        drop(hanging);
        let first = daemon.eventually(&logs[0], is_delivered).await;
        assert_eq!(first["items"][0]["attempts"], 1, "{first}");
        daemon.end().await;
    })
    .await;
}

/// The same, of a channel that is known to be down: it has failed before, and its next attempt hangs when the price changes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_stays_down_does_not_delay_what_others_tell_later() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| settings.notify.timeout_secs = 600).await;
        let others = [Receiver::start(), Receiver::start()];
        let (id, logs) = told_of_each_price(&daemon, [&daemon.receiver, &others[0], &others[1]]).await;
        daemon.receiver.answer_next(&[503]);
        let hanging = daemon.receiver.hang_next();
        set_price(&daemon, &id, 4_900).await;
        let (failed, repeated) = (daemon.receiver.next().await, daemon.receiver.next().await);
        assert_eq!(failed.id, repeated.id);
        for other in &others {
            other.next().await;
        }
        set_price(&daemon, &id, 4_800).await;
        for other in &others {
            let told = other.next().await;
            assert_ne!(told.id, failed.id);
            assert_eq!(told.body["data"]["events"][0]["price"]["amount_minor"], 4_800, "{}", told.body);
        }
        drop(hanging);
        daemon.eventually(&logs[0], |log| log["items"][1]["status"] == "delivered" && is_delivered(log)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_shows_what_the_service_said_and_repairs_a_broken_channel() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(5_000));
        let id = daemon.watch(listing).await["id"].clone();
        let channel = expect(201, daemon.post("/api/v1/channels", &webhook(&daemon))).await;
        let path = format!("/api/v1/channels/{}", channel["id"].as_str().unwrap());
        daemon.receiver.answer_next(&[404, 410]);
        let failed = expect(200, daemon.post(&format!("{path}/test"), &json!({}))).await;
        assert_eq!(failed["is_ok"], false);
        assert!(failed["error"].as_str().unwrap().contains("404"), "{failed}");
        assert_eq!(daemon.receiver.next().await.body["type"], "message.test");
        // The real message is answered by 410: the webhook is gone.
        let rule = json!({ "product_id": id, "kind": "price_at_or_below", "channels": [channel["id"]],
            "target": { "amount_minor": 6_000, "currency": "USD" } });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let broken = daemon.eventually(&path, |channel| channel["status"] == "broken").await;
        assert!(broken["last_error"].as_str().unwrap().contains("410"), "{broken}");
        let first = daemon.receiver.next().await;
        let usage = expect(200, daemon.get(&format!("{path}/usage"))).await;
        assert_eq!((&usage["held"], &usage["next_at"]), (&json!(1), &Value::Null));
        let tested = expect(200, daemon.post(&format!("{path}/test"), &json!({}))).await;
        assert_eq!(tested["is_ok"], true, "{tested}");
        assert_eq!(daemon.receiver.next().await.body["type"], "message.test");
        let again = daemon.receiver.next().await;
        assert_eq!(again.body["data"]["events"], first.body["data"]["events"]);
        daemon.eventually(&path, |channel| channel["status"] == "ok" && !channel["delivered_at"].is_null()).await;
        assert!(daemon.receiver.is_quiet().await);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_changed_and_paused_and_shows_no_credential() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let body =
        json!({ "kind": "telegram", "name": "Group", "config": { "bot_token": "12:secret", "chat_id": "-100" } });
    let channel = expect(201, daemon.post("/api/v1/channels", &body)).await;
    assert_eq!((&channel["target"], &channel["status"]), (&json!("chat -100"), &json!("ok")));
    let path = format!("/api/v1/channels/{}", channel["id"].as_str().unwrap());
    let policy = json!({ "time_zone": "Europe/Berlin", "max_per_day": 5,
        "quiet": { "from": "22:00", "to": "07:00", "during": "hold", "lets_urgent_through": true } });
    let changed =
        expect(200, daemon.patch(&path, &json!({ "policy": policy, "language": "de", "is_paused": true }))).await;
    assert_eq!((&changed["policy"]["quiet"], &changed["status"]), (&policy["quiet"], &json!("paused")));
    for answer in [channel, changed, expect(200, daemon.get("/api/v1/channels")).await] {
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    expect(204, daemon.delete(&path)).await;
    expect(404, daemon.get(&path)).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_channel_is_refused_by_the_field_that_is_wrong() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.notify.allow_private_targets = false).await;
    let ntfy = |more: Value| {
        let mut body =
            json!({ "kind": "ntfy", "name": "Phone", "config": { "server": "https://ntfy.sh", "topic": "t" } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, field) in [
        (json!({ "kind": "pigeon" }), "kind"),
        (json!({ "name": "" }), "name"),
        (json!({ "config": { "server": "https://ntfy.sh" } }), "config.topic"),
        (json!({ "config": { "server": "https://ntfy.sh", "topic": "" } }), "config.topic"),
        (json!({ "config": { "server": "http://10.0.0.1/", "topic": "t" } }), "config.server"),
        (json!({ "config": { "server": "https://ntfy.sh", "topic": "t", "colour": 1 } }), "config.colour"),
        (json!({ "kind": "email", "config": { "to": "jo@example.com" } }), "kind"),
        (
            json!({ "kind": "webhook", "config": { "url": "https://example.com/", "template": "{{ titel }}{% if %}" } }),
            "config.template",
        ),
        (
            json!({ "kind": "webhook", "config": { "url": "https://example.com/", "secret": "whsec_?" } }),
            "config.secret",
        ),
        (json!({ "policy": { "time_zone": "Mars" } }), "policy.time_zone"),
        (json!({ "policy": { "quiet": { "from": "25:00", "to": "07:00" } } }), "policy.quiet.from"),
        (json!({ "language": "tlh" }), "language"),
        (json!({ "colour": 1 }), "colour"),
    ] {
        let refused = expect(422, daemon.post("/api/v1/channels", &ntfy(more))).await;
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let channels = expect(200, daemon.get("/api/v1/channels")).await;
    assert!(channels["items"].as_array().unwrap().is_empty(), "nothing is half-stored");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_a_message_snoozes_its_rule_when_its_form_is_sent_and_not_when_it_is_fetched() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let listing = daemon.listing(0);
    daemon.simulated.set_price(listing, usd(5_000));
    let id = daemon.watch(listing).await["id"].clone();
    let template = "{\"url\": \"{{ items[0].links[-1].url }}\"}";
    let body =
        json!({ "kind": "webhook", "name": "Ours", "config": { "url": daemon.receiver.url(), "template": template } });
    let channel = expect(201, daemon.post("/api/v1/channels", &body)).await;
    let rule = json!({ "product_id": id, "kind": "price_at_or_below", "channels": [channel["id"]],
        "target": { "amount_minor": 6_000, "currency": "USD" } });
    let alert = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
    let told = daemon.receiver.next().await;
    let url = told.body["url"].as_str().unwrap();
    let path = &url[url.find("/auth/links/").unwrap_or_else(|| panic!("{url}"))..];
    let rule_path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    let page = daemon.get(path).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("<form method=\"post\">"));
    assert_eq!(expect(200, daemon.get(&rule_path)).await["snoozed_until"], Value::Null, "a scanner fetched it");
    let done = daemon.post(path, &json!({})).send().await.unwrap();
    assert_eq!(done.status(), 200, "{}", done.text().await.unwrap());
    assert_ne!(expect(200, daemon.get(&rule_path)).await["snoozed_until"], Value::Null);
    assert_eq!(daemon.get("/auth/links/AAAA").send().await.unwrap().status(), 404);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_read_by_its_url_alone_until_the_url_is_replaced() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(5_000));
        let id = daemon.watch(listing).await["id"].clone();
        let body = json!({ "kind": "atom", "name": "Kettles & <more>", "config": {} });
        let feed = expect(201, daemon.post("/api/v1/channels", &body)).await;
        let path = format!("/api/v1/channels/{}", feed["id"].as_str().unwrap());
        let path_of = |feed: &Value| Url::parse(feed["feed_url"].as_str().unwrap()).unwrap().path().to_owned();
        let fetch = |path: String| daemon.request(Method::GET, &path);
        assert_eq!(expect(200, daemon.get(&path)).await["feed_url"], Value::Null, "shown once only");
        let rule = json!({ "product_id": id, "kind": "price_at_or_below", "channels": [feed["id"]],
            "target": { "amount_minor": 6_000, "currency": "USD" } });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let is_one = |events: &Value| events["items"].as_array().is_some_and(|events| events.len() == 1);
        let event = daemon.eventually("/api/v1/alerts/events", is_one).await["items"][0].clone();
        assert_eq!(event["deliveries"], json!([]), "nothing is sent");
        let response = fetch(path_of(&feed)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/atom+xml; charset=utf-8");
        let tag = response.headers()["etag"].clone();
        let xml = response.text().await.unwrap();
        for part in ["Kettles &amp; &lt;more&gt;", &format!("urn:uuid:{}", event["id"].as_str().unwrap()), "$50.00"] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
        let unchanged = fetch(path_of(&feed)).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(unchanged.status(), 304);
        let tested = expect(200, daemon.post(&format!("{path}/test"), &json!({}))).await;
        assert!(tested["error"].as_str().unwrap().contains("fetched"), "{tested}");
        let replaced = expect(200, daemon.patch(&path, &json!({ "config": {} }))).await;
        expect(404, fetch(path_of(&feed))).await;
        assert_eq!(fetch(path_of(&replaced)).send().await.unwrap().status(), 200);
        expect(204, daemon.delete(&path)).await;
        expect(404, fetch(path_of(&replaced))).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_has_no_settings_of_messages_and_a_template_is_tried_before_it_is_stored() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for (body, field) in [
        (
            json!({ "kind": "atom", "name": "x", "config": { "secret": "c6f4b7b0-0000-4000-8000-000000000000" } }),
            "config.secret",
        ),
        (json!({ "kind": "atom", "name": "x", "config": {}, "policy": { "max_per_day": 3 } }), "policy"),
    ] {
        let problem = expect(422, daemon.post("/api/v1/channels", &body)).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let body = json!({ "kind": "atom", "name": "x", "config": {}, "policy": { "time_zone": "Europe/Berlin" } });
    let feed = expect(201, daemon.post("/api/v1/channels", &body)).await;
    let path = format!("/api/v1/channels/{}", feed["id"].as_str().unwrap());
    let problem = expect(422, daemon.patch(&path, &json!({ "is_paused": true }))).await;
    assert_eq!(problem["errors"][0]["field"], "is_paused", "{problem}");
    for token in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00"] {
        expect(404, daemon.request(Method::GET, &format!("/feeds/{token}.atom"))).await;
    }

    let preview = "/api/v1/channels/template-preview";
    let body = json!({ "template": "{\"text\": \"{{ title }}: {{ items.0.summary }}\"}", "language": "de" });
    let shown = expect(200, daemon.post(preview, &body)).await;
    let message: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    assert!(message["text"].as_str().unwrap().len() > 20, "{message}");
    for (template, error) in
        [("{{ titel }}", "undefined"), ("{\"a\": {{ title }}}", "not valid JSON"), ("{% set a = 1 %}", "`set`")]
    {
        let problem = expect(422, daemon.post(preview, &json!({ "template": template }))).await;
        assert_eq!(problem["errors"][0]["field"], "template");
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains(error), "{problem}");
    }
    daemon.end().await;
}

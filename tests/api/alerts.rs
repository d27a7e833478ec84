//! Rules with conditions: created, changed, evaluated, played over history.

use reqwest::header::{ETAG, IF_MATCH};
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect, on_both_engines};
use crate::main_job::usd;

fn dollars(minor: i64) -> Value {
    json!({ "amount_minor": minor, "currency": "USD" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_compares_with_what_was_told_follows_a_slow_drift() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(10_000));
        let id = daemon.watch(listing).await["id"].clone();
        let rule = json!({
            "product_id": id, "name": "Ten percent", "severity": "urgent", "webhook_url": daemon.receiver.url(),
            "when": { "kind": "all", "of": [
                { "kind": "moved", "field": "price", "dir": "down", "by": { "percent": 10 }, "vs": "told" },
                { "kind": "state", "of": "availability", "is": "in_stock" }] },
        });
        let alert = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        assert_eq!((&alert["when"], &alert["kind"], &alert["target"]), (&rule["when"], &json!("all"), &Value::Null));
        daemon.check_now(&id).await;
        for price in [9_500, 9_100, 8_900, 8_500] {
            daemon.simulated.set_price(listing, usd(price));
            assert_eq!(daemon.check_now(&id).await["status"], "done");
        }
        let told = daemon.receiver.next().await;
        assert_eq!(
            (&told.body["type"], &told.body["data"]["price"]["amount_minor"]),
            (&json!("product.all"), &json!(8_900))
        );
        let path = format!("/api/v1/alerts/events?alert_id={}", alert["id"].as_str().unwrap());
        let events = expect(200, daemon.get(&path)).await;
        let event = &events["items"][0];
        assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
        assert_eq!((&event["alert_name"], &event["severity"]), (&json!("Ten percent"), &json!("urgent")));
        let reason = &event["reasons"][0];
        assert_eq!(
            (&reason["kind"], &reason["value"], &reason["was"]),
            (&json!("moved"), &json!(8_900.0), &json!(10_000.0))
        );
        let one = format!("/api/v1/alerts/events/{}", event["id"].as_str().unwrap());
        assert_eq!(expect(200, daemon.get(&one)).await["id"], event["id"]);
        assert_eq!(event["deliveries"][0]["channel_id"], Value::Null, "it went to the webhook of the rule");
        let fired = expect(200, daemon.get(&format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap()))).await;
        assert_eq!((&alert["last_fired_at"], &fired["last_fired_at"]), (&Value::Null, &event["at"]));
        for (query, found) in [
            ("alerts/events?severity=urgent", 1),
            ("alerts/events?severity=low", 0),
            ("alerts/events?delivery=dropped", 0),
            ("alerts?tag=toys", 0),
        ] {
            let page = expect(200, daemon.get(&format!("/api/v1/{query}"))).await;
            assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
        }
        for (query, field) in [("severity=high", "severity"), ("delivery=lost", "delivery")] {
            let refused = expect(422, daemon.get(&format!("/api/v1/alerts/events?{query}"))).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_changed_paused_and_snoozed_by_the_version_that_was_read() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    let rule = json!({ "scope": { "product_id": id }, "when": { "kind": "state", "of": "coupon" },
        "webhook_url": daemon.receiver.url() });
    let alert = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    let tag = daemon.get(&path).send().await.unwrap().headers()[ETAG].clone();
    let pause = json!({ "is_paused": true, "name": "Coupons", "snoozed_until": "2100-01-01T00:00:00Z" });
    let paused = expect(200, daemon.patch(&path, &pause).header(IF_MATCH, tag.clone())).await;
    assert_eq!((&paused["is_paused"], &paused["name"]), (&json!(true), &json!("Coupons")));
    expect(412, daemon.patch(&path, &pause).header(IF_MATCH, tag)).await;
    let resumed =
        expect(200, daemon.patch(&path, &json!({ "is_paused": false, "snoozed_until": null, "name": null }))).await;
    assert_eq!((&resumed["snoozed_until"], &resumed["name"]), (&Value::Null, &Value::Null));
    let when = json!({ "kind": "level", "field": "rating", "op": "lte", "value": 3.9 });
    let changed = expect(200, daemon.patch(&path, &json!({ "when": when }))).await;
    assert_eq!((&changed["when"], &changed["kind"]), (&when, &json!("level")));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_rule_is_refused_by_the_field_that_is_wrong() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    let level = |value: Value| json!({ "kind": "level", "field": "price", "op": "lte", "value": value });
    let body = |more: Value| {
        let mut body = json!({ "product_id": id, "when": level(dollars(1)), "webhook_url": "https://example.com/" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, field) in [
        (json!({ "when": { "kind": "all", "of": [level(json!(5))] } }), "when.of[0].value"),
        (json!({ "when": level(json!({ "amount_minor": 1, "currency": "EUR" })) }), "when.value.currency"),
        (json!({ "when": { "kind": "never" } }), "when.kind"),
        (json!({ "when": null }), "when"),
        (json!({ "kind": "price_at_or_below" }), "when"),
        (json!({ "scope": { "all": true } }), "scope"),
        (json!({ "product_id": null }), "product_id"),
        (json!({ "product_id": null, "scope": { "tag": " " } }), "scope.tag"),
        (json!({ "webhook_url": null }), "channels"),
        (json!({ "cooldown_secs": 9_999_999 }), "cooldown_secs"),
        (json!({ "again": { "further_percent": 0 } }), "again.further_percent"),
        (json!({ "expires_at": "2001-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "name": "" }), "name"),
        (json!({ "severity": "extreme" }), "severity"),
        (json!({ "colour": 1 }), "colour"),
    ] {
        let refused = expect(422, daemon.post("/api/v1/alerts", &body(more))).await;
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let rules = expect(200, daemon.get("/api/v1/alerts")).await;
    assert!(rules["items"].as_array().unwrap().is_empty(), "nothing is half-stored");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_what_live_evaluation_told() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(10_000));
        let id = daemon.watch(listing).await["id"].clone();
        let when = json!({ "kind": "moved", "field": "price", "dir": "down", "by": { "percent": 5 }, "vs": "extreme" });
        let rule = json!({ "product_id": id, "when": when, "webhook_url": daemon.receiver.url() });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        daemon.check_now(&id).await;
        for price in [9_700, 9_400, 9_900, 9_300, 9_300, 9_000, 8_800] {
            daemon.simulated.set_price(listing, usd(price));
            assert_eq!(daemon.check_now(&id).await["status"], "done");
        }
        let events = expect(200, daemon.get("/api/v1/alerts/events")).await;
        let mut told: Vec<&Value> = events["items"].as_array().unwrap().iter().map(|event| &event["at"]).collect();
        told.reverse();
        let preview = json!({ "product_id": id, "when": when, "days": 1 });
        let preview = expect(200, daemon.post("/api/v1/alerts/preview", &preview)).await;
        let played: Vec<&Value> =
            preview["crossings"].as_array().unwrap().iter().map(|crossing| &crossing["at"]).collect();
        assert_eq!((played, &preview["total"], &preview["messages"]), (told, &json!(3), &json!(3)), "{preview}");
        assert_eq!(preview["not_in_history"], json!([]));
        let cooled = json!({ "product_id": id, "when": when, "days": 1, "cooldown_secs": 3600 });
        let cooled = expect(200, daemon.post("/api/v1/alerts/preview", &cooled)).await;
        assert_eq!((&cooled["total"], &cooled["messages"]), (&json!(3), &json!(2)), "one at once, two together");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_is_me_by_the_ids_of_the_tenant() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let listing = daemon.listing(0);
    let product = daemon.watch(listing).await;
    let refused = expect(422, daemon.patch("/api/v1/tenants/me", &json!({ "seller_ids": ["nobody"] }))).await;
    assert_eq!(refused["errors"][0]["field"], "seller_ids[0]");
    let mine = product["seller_id"].clone();
    let tenant = expect(200, daemon.patch("/api/v1/tenants/me", &json!({ "seller_ids": [mine] }))).await;
    assert_eq!(tenant["seller_ids"], json!([mine]));
    let rule = json!({ "scope": { "all": true }, "when": { "kind": "seller", "is": ["me"] },
        "webhook_url": daemon.receiver.url() });
    expect(201, daemon.post("/api/v1/alerts", &rule)).await;
    daemon.check_now(&product["id"]).await;
    assert_eq!(daemon.receiver.next().await.body["type"], "product.seller");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_of_a_product_is_drawn_as_svg_and_as_png() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let id = daemon.watch(daemon.listing(0)).await["id"].as_str().unwrap().to_owned();
    let draw = async |path: &str| {
        let answer = daemon.get(&format!("/api/v1/products/{id}/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap()
    };
    assert!(draw("chart.svg?theme=dark&days=30").await.starts_with(b"<svg"));
    assert!(draw("chart.png?width=320&height=160").await.starts_with(b"\x89PNG"));
    let refused = expect(422, daemon.get(&format!("/api/v1/products/{id}/chart.png?width=9999"))).await;
    assert_eq!(refused["errors"][0]["field"], "width");
    daemon.end().await;
}

/// The recipes of the guide.
fn recipes() -> Vec<String> {
    let guide = include_str!("../../docs/alerts-guide.md");
    guide.split("```json").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recipe_of_the_guide_is_a_rule_and_all_but_those_about_what_history_lacks_can_be_previewed() {
    let daemon = Daemon::start(crate::daemon::Engine::Sqlite).await;
    let product = daemon.watch(daemon.listing(0)).await["id"].as_str().unwrap().to_owned();
    let channel = json!({ "kind": "webhook", "name": "Ours", "config": { "url": daemon.receiver.url() } });
    let channel = expect(201, daemon.post("/api/v1/channels", &channel)).await["id"].as_str().unwrap().to_owned();
    let recipes = recipes();
    assert_eq!(recipes.len(), 11);
    let set = expect(201, daemon.post("/api/v1/competitors", &json!({ "product_id": product }))).await;
    let set = set["id"].as_str().unwrap();
    for recipe in recipes {
        let recipe = recipe.replace("PRODUCT", &product).replace("CHANNEL", &channel).replace("SET", set);
        let rule: Value = serde_json::from_str(&recipe).unwrap();
        let added = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let preview = json!({ "product_id": product, "when": rule["when"], "days": 30 });
        let preview = expect(200, daemon.post("/api/v1/alerts/preview", &preview)).await;
        assert!(preview["total"].is_u64(), "{added}");
    }
    daemon.end().await;
}

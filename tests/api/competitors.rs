//! Insight of products and competitor sets, over HTTP.

use amazon_tracker::domain::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect, on_both_engines};
use crate::main_job::usd;

#[tokio::test(flavor = "multi_thread")]
async fn an_insight_of_a_new_product_says_what_is_missing() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let path = format!("/api/v1/products/{}/insight", product["id"].as_str().unwrap());
        let insight = expect(200, daemon.get(&path)).await;
        assert_eq!((&insight["product_id"], &insight["window"]["days"]), (&product["id"], &json!(90)));
        let percentile = &insight["price_percentile"];
        assert_eq!((&percentile["value"], &percentile["n"]), (&Value::Null, &json!(1)));
        assert_eq!(percentile["missing"]["code"], "too_short", "{percentile}");
        assert_eq!(insight["lowest"]["value"]["is_lowest_ever"], false, "it has never been higher: {insight}");
        assert_eq!(insight["lowest"]["value"]["price"], product["price"]);
        assert_eq!(
            insight["position"]["missing"]["message"],
            "there are 0 competitors with a comparable price; 3 are needed"
        );
        for wrong in ["0", "3651", "-1", "many", ""] {
            let refused = expect(422, daemon.get(&format!("{path}?days={wrong}"))).await;
            assert_eq!(refused["errors"][0]["field"], "days", "{refused}");
        }
        assert_eq!(expect(200, daemon.get(&format!("{path}?days=7"))).await["window"]["days"], 7);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_compared_with_the_competitors_of_its_set() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(daemon.watch(daemon.listing(n)).await["id"].clone());
        }
        let body = json!({ "name": "Rivals", "product_id": ids[0], "competitor_ids": [ids[3], ids[1]] });
        let set = expect(201, daemon.post("/api/v1/competitors", &body)).await;
        assert_eq!((&set["name"], &set["competitor_ids"]), (&json!("Rivals"), &json!([ids[3], ids[1]])));
        let path = format!("/api/v1/competitors/{}", set["id"].as_str().unwrap());
        assert_eq!(expect(200, daemon.get(&path)).await, set);
        let listed =
            expect(200, daemon.get(&format!("/api/v1/competitors?product_id={}", ids[0].as_str().unwrap()))).await;
        assert_eq!(listed["items"], json!([set]));

        let all = json!({ "competitor_ids": [ids[1], ids[2], ids[3]] });
        expect(200, daemon.patch(&path, &all)).await;
        let compared = expect(200, daemon.get(&format!("{path}/comparison?days=30"))).await;
        assert_eq!(compared["own"]["product_id"], ids[0]);
        let rows = compared["competitors"].as_array().unwrap();
        assert_eq!(rows.iter().map(|row| row["product_id"].clone()).collect::<Vec<_>>(), ids[1..]);
        for row in rows.iter().chain([&compared["own"]]) {
            let product =
                expect(200, daemon.get(&format!("/api/v1/products/{}", row["product_id"].as_str().unwrap()))).await;
            let is_compared = row["price"]["amount_minor"] == product["price"]["amount_minor"];
            assert!(is_compared || !row["excluded"].is_null(), "{row} of {product}");
            assert_eq!((&row["title"], &row["rating"]), (&product["title"], &product["rating"]));
            assert_eq!(row["content"]["images"], 3, "{row}");
        }
        let is_excluded = |row: &&Value| !row["excluded"].is_null();
        let comparable = rows.len() - rows.iter().filter(is_excluded).count();
        assert_eq!(compared["position"]["n"], comparable, "{compared}");
        let insight = expect(200, daemon.get(&format!("/api/v1/products/{}/insight", ids[0].as_str().unwrap()))).await;
        assert_eq!(insight["position"]["n"], compared["position"]["n"], "the insight knows the competitors");

        expect(204, daemon.delete(&path)).await;
        expect(404, daemon.get(&path)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_sets_are_refused_by_the_field_and_others_do_not_see_ours() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (own, rival) = (daemon.watch(daemon.listing(0)).await, daemon.watch(daemon.listing(1)).await);
        let (own, rival) = (&own["id"], &rival["id"]);
        let nobody = json!("01900000-0000-7000-8000-000000000000");
        for (body, status, field) in [
            (json!({ "product_id": own, "competitor_ids": [rival, own] }), 422, "competitor_ids[1]"),
            (json!({ "product_id": own, "competitor_ids": [rival, rival] }), 422, "competitor_ids[1]"),
            (json!({ "product_id": own, "competitor_ids": [rival, nobody] }), 404, "competitor_ids[1]"),
            (json!({ "product_id": nobody }), 404, "product_id"),
            (json!({ "product_id": "x" }), 422, "product_id"),
            (json!({ "product_id": own, "name": "" }), 422, "name"),
            (json!({ "product_id": own, "competitor_ids": vec![rival; 21] }), 422, "competitor_ids"),
            (json!({ "product_id": own, "surplus": 1 }), 422, "surplus"),
            (json!({}), 422, "product_id"),
        ] {
            let refused = expect(status, daemon.post("/api/v1/competitors", &body)).await;
            assert_eq!(refused["errors"][0]["field"], field, "{body}: {refused}");
        }
        assert_eq!(expect(200, daemon.get("/api/v1/competitors")).await["items"], json!([]), "nothing is stored");
        let set = expect(201, daemon.post("/api/v1/competitors", &json!({ "product_id": own }))).await;
        assert!(!set["name"].as_str().unwrap().is_empty(), "it is named after the product");
        let path = format!("/api/v1/competitors/{}", set["id"].as_str().unwrap());
        let stale = daemon.patch(&path, &json!({ "name": "x" })).header("if-match", "\"9\"");
        expect(412, stale).await;
        let reader = daemon.key_with(&[Scope::ProductRead]).await;
        let renamed = daemon.request(Method::PATCH, &path).bearer_auth(reader);
        expect(403, renamed.json(&json!({ "name": "x" }))).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_shows_beside_a_product_and_what_amazon_compares_it_with_are_candidates_unless_in_the_set() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let own = daemon.watch(daemon.listing(4)).await;
        let rival = daemon.watch(daemon.listing(5)).await;
        let list = json!({ "url": "https://www.amazon.com/gp/bestsellers/electronics" });
        let job = expect(202, daemon.post("/api/v1/crawl/category", &list)).await;
        let job = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        daemon.eventually(&job, |job| !job["finished_at"].is_null()).await;
        let set = expect(201, daemon.post("/api/v1/competitors", &json!({ "product_id": own["id"] }))).await;
        let path = format!("/api/v1/competitors/{}", set["id"].as_str().unwrap());
        let candidates = expect(200, daemon.get(&format!("{path}/candidates"))).await;
        let candidates = candidates["items"].as_array().unwrap();
        let distance = |n: usize| {
            let asin = daemon.listing(n).asin;
            let candidate = candidates.iter().find(|candidate| candidate["asin"] == asin.as_str())?;
            candidate["reasons"].as_array().unwrap().iter().find_map(|reason| reason["distance"].as_i64())
        };
        assert_eq!((distance(4), distance(2), distance(14), distance(15)), (None, Some(-2), Some(10), None));
        let by_amazon = |candidate: &&serde_json::Value| {
            candidate["reasons"].as_array().unwrap().iter().any(|reason| reason["kind"] == "compared")
        };
        assert!(candidates.iter().any(|candidate| by_amazon(&candidate)), "the page compares it: {candidates:?}");
        let both = json!({ "competitor_ids": [rival["id"]] });
        expect(200, daemon.patch(&path, &both)).await;
        let rest = expect(200, daemon.get(&format!("{path}/candidates"))).await;
        assert!(rest["items"].as_array().unwrap().iter().all(|candidate| candidate["product_id"] != rival["id"]));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_tells_who_undercuts_the_own_product_of_a_set() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (own_listing, rival_listing) = (daemon.listing(0), daemon.listing(1));
        daemon.simulated.set_price(own_listing, usd(10_000));
        daemon.simulated.set_price(rival_listing, usd(12_000));
        let (own, rival) = (daemon.watch(own_listing).await, daemon.watch(rival_listing).await);
        let rename = format!("/api/v1/products/{}", rival["id"].as_str().unwrap());
        expect(200, daemon.patch(&rename, &json!({ "label": "Rival" }))).await;
        let body = json!({ "product_id": own["id"], "competitor_ids": [rival["id"]] });
        let set = expect(201, daemon.post("/api/v1/competitors", &body)).await;
        let when = json!({ "kind": "competitor", "set_id": set["id"], "event": "undercut", "by": { "percent": 5 } });
        let rule = json!({ "product_id": own["id"], "when": when, "webhook_url": daemon.receiver.url() });
        let alert = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        assert_eq!(alert["when"], when);
        daemon.check_now(&own["id"]).await;
        for price in [9_600, 9_400] {
            daemon.simulated.set_price(rival_listing, usd(price));
            daemon.check_now(&rival["id"]).await;
            daemon.check_now(&own["id"]).await;
        }
        let told = daemon.receiver.next().await;
        assert_eq!(told.body["type"], "product.competitor");
        let events = expect(200, daemon.get("/api/v1/alerts/events")).await;
        let reason = &events["items"][0]["reasons"][0];
        assert_eq!(events["items"].as_array().unwrap().len(), 1, "4 % are not 5: {events}");
        assert_eq!(
            (&reason["kind"], &reason["value"], &reason["was"], &reason["text"]),
            (&json!("competitor"), &json!(9_400.0), &json!(10_000.0), &json!("Rival")),
            "{reason}"
        );
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_names_a_set_of_its_own_product() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (own, rival) = (daemon.watch(daemon.listing(0)).await, daemon.watch(daemon.listing(1)).await);
        let set = expect(201, daemon.post("/api/v1/competitors", &json!({ "product_id": own["id"] }))).await;
        let nobody = json!("01900000-0000-7000-8000-000000000000");
        let test = |set_id: &Value| json!({ "kind": "competitor", "set_id": set_id, "event": "rank_overtaken" });
        for (about, set_id, status) in [
            (json!({ "product_id": own["id"] }), &nobody, 404),
            (json!({ "product_id": rival["id"] }), &set["id"], 422),
            (json!({ "scope": { "all": true } }), &set["id"], 422),
        ] {
            let mut rule = json!({ "when": test(set_id), "webhook_url": daemon.receiver.url() });
            rule.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
            let refused = expect(status, daemon.post("/api/v1/alerts", &rule)).await;
            assert_eq!(refused["errors"][0]["field"], "when.set_id", "{refused}");
        }
        let preview = json!({ "product_id": own["id"], "when": test(&set["id"]) });
        let played = expect(200, daemon.post("/api/v1/alerts/preview", &preview)).await;
        assert_eq!((&played["total"], &played["not_in_history"]), (&json!(0), &json!(["competitor"])), "{played}");
        daemon.end().await;
    })
    .await;
}

//! What the tools do, and for whom.

use amazon_tracker::domain::Scope;
use serde_json::{Value, json};

use super::client::{Client, ERAS, Era};
use crate::access::newcomer;
use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::model_endpoint::ModelEndpoint;
use crate::suggestions::{good_answer, known_product, start};

async fn add_channel(daemon: &Daemon) -> Value {
    let channel = json!({ "kind": "webhook", "name": "Ours", "config": { "url": daemon.receiver.url() } });
    expect(201, daemon.post("/api/v1/channels", &channel)).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_tracked_crawled_watched_and_told() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
        let url = format!("https://www.amazon.com/dp/{}", listing.asin);
        let track = json!({ "url": url, "label": "Ours", "tags": ["a"], "frequency": "6h" });
        let tracked = client.answer("track_product", track.clone()).await;
        assert_eq!((&tracked["created"], &tracked["product"]["frequency"]), (&json!(true), &json!("6h")));
        let id = tracked["product"]["product_id"].clone();
        let again = client.answer("track_product", json!({ "url": url })).await;
        assert_eq!((&again["created"], &again["product"]["product_id"]), (&json!(false), &id));

        let crawled = client.answer("crawl_now", json!({ "product_id": id })).await;
        assert_eq!((&crawled["status"], &crawled["outcome"]), (&json!("done"), &json!("observed")), "{crawled}");
        let price = crawled["product"]["price"].clone();
        assert!(price["amount_minor"].as_i64().unwrap() > 0 && price["currency"] == "USD", "{crawled}");

        let got = client.answer("get_product", json!({ "asin": listing.asin, "marketplace": "com" })).await;
        assert_eq!((&got["product"]["product_id"], &got["product"]["price"]), (&id, &price));
        assert!(got["product"]["observed_at"].is_string());
        assert_eq!(got["price_stats"].as_array().unwrap().len(), 5);
        let found = client.answer("search_products", json!({ "text": "ours", "tag": "a", "limit": 1 })).await;
        assert_eq!((&found["products"][0]["product_id"], &found["products"][0]["price"]), (&id, &price));

        let channel = add_channel(&daemon).await;
        let target = json!({ "amount_minor": 100_000_000, "currency": "USD" });
        let alert = json!({ "product_id": id, "kind": "price_at_or_below", "target": target });
        let alert = client.answer("create_alert", alert).await;
        assert_eq!((&alert["channels"], &alert["when"]["target"]), (&json!([channel]), &target));
        client.answer("crawl_now", json!({ "product_id": id })).await;
        let mut events = json!([]);
        while events[0].is_null() {
            events = client.answer("list_alert_events", json!({ "product_id": id })).await["events"].clone();
        }
        assert_eq!((&events[0]["alert_id"], &events[0]["price"]), (&alert["alert_id"], &price));
        let later = json!({ "since": "2100-01-01T00:00:00Z" });
        assert_eq!(client.answer("list_alert_events", later).await["events"], json!([]));

        let usage = client.answer("get_usage", json!({})).await;
        assert_eq!((&usage["products"]["used"], &usage["crawls_today"]["used"]), (&json!(1), &json!(2)));
        let audit = expect(200, daemon.get("/api/v1/tenants/me/audit")).await;
        let actions: Vec<&str> =
            audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        for action in ["product.add", "alert.add", "crawl.request"] {
            assert!(actions.contains(&action), "{actions:?}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_without_their_scope_are_hidden_and_refused() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let key = daemon.key_with(&[Scope::ProductRead]).await;
    for era in ERAS {
        let client = Client::new(&daemon, era, &key);
        let tools = client.tools().await;
        let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "search_products",
                "get_product",
                "get_price_history",
                "get_insight",
                "compare_products",
                "check_listing",
                "list_alert_events",
                "get_usage"
            ]
        );
        assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
        for (tool, scope) in [
            ("track_product", "product:write"),
            ("create_alert", "alert:write"),
            ("crawl_now", "crawl:create"),
            ("create_report", "report:create"),
            ("get_advice", "report:create"),
        ] {
            let refusal = client.refusal(tool, json!({})).await;
            assert_eq!(refusal, format!("forbidden: requires the scope {scope}"));
        }
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ids_of_other_tenants_are_not_there() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let ours = daemon.watch(daemon.listing(0)).await;
    let jo = newcomer(&daemon, "jo").await;
    let them = Client::new(&daemon, Era::PerRequest, jo["access_token"].as_str().unwrap());
    let id = &ours["id"];
    assert_eq!(them.refusal("get_product", json!({ "product_id": id })).await, "not_found: no such product");
    let by_asin = json!({ "asin": ours["asin"], "marketplace": ours["marketplace"] });
    assert_eq!(them.refusal("get_product", by_asin).await, "not_found: no such product");
    assert_eq!(them.refusal("get_price_history", json!({ "product_id": id })).await, "not_found: no such product");
    for (tool, arguments) in [
        ("crawl_now", json!({ "product_id": id })),
        ("get_advice", json!({ "product_id": id })),
        (
            "create_alert",
            json!({ "product_id": id, "kind": "back_in_stock", "channels": [add_channel(&daemon).await] }),
        ),
    ] {
        assert!(them.refusal(tool, arguments).await.starts_with("not_found: "), "{tool}");
    }
    assert_eq!(them.answer("search_products", json!({})).await["products"], json!([]));
    assert_eq!(them.answer("get_usage", json!({})).await["products"]["used"], 0);
    // The listing is shared; the product is not.
    let tracked = them.answer("track_product", json!({ "url": ours["url"] })).await;
    assert_eq!(tracked["created"], true);
    assert_ne!(tracked["product"]["product_id"], *id);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_named() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    let euros = json!({ "amount_minor": 1, "currency": "EUR" });
    for (tool, arguments, field) in [
        ("search_products", json!({ "limit": 51 }), "limit"),
        ("search_products", json!({ "colour": "red" }), "colour"),
        ("search_products", json!({ "text": "x".repeat(201) }), "text"),
        ("search_products", json!({ "cursor": "x" }), "cursor"),
        ("search_products", json!({ "marketplace": "amazon.xx" }), "marketplace"),
        ("get_product", json!({}), "product_id"),
        ("get_product", json!({ "product_id": id, "asin": "B08PZHYWJS" }), "asin"),
        ("get_product", json!({ "asin": "B0" }), "asin"),
        ("get_price_history", json!({ "product_id": id, "series": ["price", "prize"] }), "series[1]"),
        ("get_price_history", json!({ "product_id": id, "max_points": 201 }), "max_points"),
        ("get_price_history", json!({ "product_id": id, "from": "yesterday" }), "from"),
        (
            "get_price_history",
            json!({ "product_id": id, "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" }),
            "to",
        ),
        ("list_alert_events", json!({ "since": 5 }), "since"),
        ("track_product", json!({}), "url"),
        ("track_product", json!({ "url": "https://example.com/dp/B08PZHYWJS" }), "url"),
        ("track_product", json!({ "url": "https://www.amazon.de/dp/B08PZHYWJS", "frequency": "often" }), "frequency"),
        ("track_product", json!({ "url": "https://www.amazon.de/dp/B08PZHYWJS", "label": "\n" }), "label"),
        ("create_alert", json!({ "product_id": id, "kind": "price_at_or_below" }), "target"),
        ("create_alert", json!({ "product_id": id, "kind": "price_drop", "percent": 5, "days": 3 }), "percent"),
        ("create_alert", json!({ "product_id": id, "kind": "lowest_price", "days": 0, "channels": [id] }), "days"),
        (
            "create_alert",
            json!({ "product_id": id, "kind": "price_at_or_below", "target": euros, "channels": [id] }),
            "target.currency",
        ),
        ("create_alert", json!({ "product_id": id, "kind": "back_in_stock" }), "channels"),
        (
            "create_alert",
            json!({ "product_id": id, "kind": "back_in_stock", "webhook_url": "https://example.com" }),
            "webhook_url",
        ),
        ("crawl_now", json!({ "product_id": id, "wait_secs": 11 }), "wait_secs"),
        ("crawl_now", json!({ "product_id": "x" }), "product_id"),
        ("create_report", json!({ "product_id": id }), "period"),
        ("create_report", json!({ "product_id": id, "tag": "a", "period": "last_week" }), "product_id"),
        ("create_report", json!({ "period": "last_days" }), "days"),
        ("create_report", json!({ "period": "last_days", "days": 0 }), "days"),
        ("create_report", json!({ "period": "last_week", "time_zone": "Mars" }), "time_zone"),
    ] {
        let refusal = client.refusal(tool, arguments.clone()).await;
        assert!(refusal.starts_with("invalid_request: "), "{tool} {arguments}: {refusal}");
        assert!(refusal.contains(&format!("`{field}`: ")), "{tool} {arguments}: {refusal}");
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_made_and_read_as_a_resource() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        let jo = newcomer(&daemon, "jo").await;
        for era in ERAS {
            let client = Client::new(&daemon, era, &daemon.key);
            let templates = client.result("resources/templates/list", json!({})).await;
            assert_eq!(templates["resourceTemplates"][1]["uriTemplate"], "amazon-tracker://reports/{report_id}");
            let asked = json!({ "product_id": product["id"], "period": "last_days", "days": 2, "format": "xlsx" });
            let report = client.answer("create_report", asked.clone()).await;
            let path = format!("/api/v1/reports/{}", report["report_id"].as_str().unwrap());
            assert_eq!(report["file"], format!("{path}/file?format=xlsx"));
            let linked = client.call("create_report", asked).await;
            let uri = &linked["structuredContent"]["uri"];
            assert_eq!(linked["content"][1]["type"], "resource_link", "{linked}");
            assert_eq!(&linked["content"][1]["uri"], uri);
            daemon.eventually(&path, |report| report["status"] == "done").await;
            let read = client.result("resources/read", json!({ "uri": report["uri"] })).await;
            let text = read["contents"][0]["text"].as_str().unwrap();
            assert_eq!(read["contents"][0]["mimeType"], "text/markdown");
            assert!(text.starts_with("# ") && text.len() < 40_000, "{text}");
            let them = Client::new(&daemon, era, jo["access_token"].as_str().unwrap());
            let code = if era == Era::PerRequest { -32602 } else { -32002 };
            let refused = them.ask("resources/read", json!({ "uri": report["uri"] })).await;
            assert_eq!(refused["error"]["code"], code, "{refused}");
            let theirs = json!({ "product_id": product["id"], "period": "last_week" });
            let refusal = them.refusal("create_report", theirs).await;
            assert!(refusal.starts_with("not_found: ") && refusal.contains("`product_id`"), "{refusal}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn insight_says_what_is_missing_and_products_are_compared() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (own, rival) = (daemon.watch(daemon.listing(0)).await, daemon.watch(daemon.listing(1)).await);
        let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
        let insight = client.answer("get_insight", json!({ "product_id": own["id"] })).await;
        assert_eq!((&insight["days"], &insight["price_percentile"]["value"]), (&json!(90), &Value::Null));
        let missing = insight["price_percentile"]["missing"].as_str().unwrap();
        assert!(missing.ends_with("30 are needed"), "{missing}");
        assert_eq!(insight["lowest"]["value"]["price"], own["price"]);

        let checked = client.answer("check_listing", json!({ "product_id": own["id"] })).await;
        let path = format!("/api/v1/products/{}/listing-check", own["id"].as_str().unwrap());
        let by_api = expect(200, daemon.get(&path)).await;
        assert_eq!((&checked["passed"], &checked["on"]), (&by_api["passed"], &by_api["on"]));
        assert_eq!(checked["not_checked"].as_array().map(Vec::len), by_api["not_checked"].as_array().map(Vec::len));

        let compared = client.answer("compare_products", json!({ "product_ids": [own["id"], rival["id"]] })).await;
        assert_eq!((&compared["own"]["product_id"], &compared["others"][0]["product_id"]), (&own["id"], &rival["id"]));
        assert_eq!(compared["own"]["price"], own["price"]);
        let set = json!({ "product_id": own["id"], "competitor_ids": [rival["id"]] });
        let set = expect(201, daemon.post("/api/v1/competitors", &set)).await["id"].clone();
        let by_set = client.answer("compare_products", json!({ "set_id": set })).await;
        assert_eq!(by_set["others"], compared["others"]);
        for (arguments, field) in [
            (json!({}), "product_ids"),
            (json!({ "product_ids": [own["id"]] }), "product_ids"),
            (json!({ "product_ids": [own["id"], own["id"]] }), "product_ids"),
            (json!({ "product_ids": [own["id"], rival["id"]], "set_id": set }), "product_ids"),
            (json!({ "set_id": set, "days": 0 }), "days"),
        ] {
            let refused = client.refusal("compare_products", arguments).await;
            assert!(refused.contains(&format!("`{field}`")), "{refused}");
        }
        let nobody = "01900000-0000-7000-8000-000000000000";
        let unknown = client.refusal("compare_products", json!({ "product_ids": [own["id"], nobody] })).await;
        assert!(unknown.starts_with("not_found"), "{unknown}");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_comes_with_its_evidence_and_a_spent_budget_is_a_refusal() {
    let endpoint = ModelEndpoint::start(good_answer());
    let daemon = start(Engine::Sqlite, &endpoint, |_| {}).await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let thin = daemon.watch(daemon.listing(1)).await["id"].clone();
    let refused = client.answer("get_advice", json!({ "product_id": thin })).await;
    assert!(refused["not_asked"].as_str().unwrap().contains("14 are needed"), "{refused}");
    assert!(refused["advice"].is_null() && !refused["findings"].as_array().unwrap().is_empty(), "{refused}");
    let product = known_product(&daemon).await;
    let advised = client.answer("get_advice", json!({ "product_id": product })).await;
    let suggestion = &advised["advice"][0];
    assert_eq!((&suggestion["field"], &advised["is_asking"]), (&json!("price"), &json!(false)), "{advised}");
    assert!(suggestion["evidence"][0].as_str().unwrap().contains(": "), "{suggestion}");
    assert_eq!(client.answer("get_advice", json!({ "product_id": product })).await, advised);
    assert_eq!(endpoint.requests().len(), 1);
    daemon.end().await;

    let poor = start(Engine::Sqlite, &endpoint, |advice| advice.tenant_day_usd = Some(0.0)).await;
    let product = known_product(&poor).await;
    let client = Client::new(&poor, Era::PerRequest, &poor.key);
    let spent = client.refusal("get_advice", json!({ "product_id": product })).await;
    assert!(spent.starts_with("over_tenant_budget: the budget of your tenant"), "{spent}");
    poor.end().await;
}

//! Rate limits, quotas and waiting.

use std::time::{Duration, Instant};

use amazon_tracker::config::ProcessRole;
use serde_json::{Value, json};

use super::client::{Client, Era};
use crate::daemon::{Daemon, Engine, expect};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_takes_what_its_tool_weighs() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.plans.0.values_mut().for_each(|plan| plan.requests_per_minute = 20);
    })
    .await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let history =
        json!({ "name": "get_price_history", "arguments": { "product_id": "01900000-0000-7000-8000-000000000000" } });
    let left = async |method: &str, params: &Value| {
        let response = client.post(&client.message(method, params.clone())).send().await.unwrap();
        let left = response.headers()["ratelimit"].to_str().unwrap().to_owned();
        (response.status().as_u16(), left.split(';').nth(1).unwrap().to_owned(), response)
    };
    let (status, remaining, _) = left("tools/list", &json!({})).await;
    assert_eq!((status, remaining.as_str()), (200, "r=19"));
    let (status, remaining, _) = left("tools/call", &history).await;
    assert_eq!((status, remaining.as_str()), (200, "r=14"));
    for _ in 0..2 {
        assert_eq!(left("tools/call", &history).await.0, 200);
    }
    let (status, _, refused) = left("tools/call", &history).await;
    assert_eq!(status, 429);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "too_many_requests");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_is_a_text_that_the_model_can_read() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.plans.0.values_mut().for_each(|plan| (plan.crawls_per_day, plan.products) = (1, 1));
    })
    .await;
    let client = Client::new(&daemon, Era::Handshake, &daemon.key);
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    client.answer("crawl_now", json!({ "product_id": id })).await;
    let refusal = client.refusal("crawl_now", json!({ "product_id": id })).await;
    assert!(refusal.starts_with("over_quota: the plan allows 1 crawls_per_day; it is reset in "), "{refusal}");
    let url = format!("https://www.amazon.com/dp/{}", daemon.listing(1).asin);
    let refusal = client.refusal("track_product", json!({ "url": url })).await;
    assert_eq!(refusal, "over_quota: the plan allows 1 products");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_that_takes_longer_is_a_task() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.server.roles = [ProcessRole::Api].into();
        settings.server.request_timeout_secs = 3;
    })
    .await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let listing = daemon.listing(0);
    let product = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
    let id = expect(201, daemon.post("/api/v1/products", &product)).await["id"].clone();
    for wait_secs in [0, 10] {
        let began_at = Instant::now();
        let asked = client.call("crawl_now", json!({ "product_id": id, "wait_secs": wait_secs })).await;
        assert!(began_at.elapsed() < Duration::from_secs(3), "it ends before the timeout of the request");
        let answer = &asked["structuredContent"];
        assert_eq!((&answer["status"], &answer["product"]), (&json!("pending"), &Value::Null), "{asked}");
        let task = format!("/api/v1/crawl/tasks/{}", answer["task_id"].as_str().unwrap());
        assert_eq!(expect(200, daemon.get(&task)).await["id"], answer["task_id"]);
    }
    daemon.end().await;
}

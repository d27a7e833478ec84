//! A process that has only some of the roles.

use amazon_tracker::config::ProcessRole;
use reqwest::Method;
use serde_json::json;

use crate::daemon::{Daemon, Engine, expect};

#[tokio::test]
async fn without_the_api_there_are_probes_and_metrics_and_nothing_else() {
    let roles = [ProcessRole::Crawler, ProcessRole::Scheduler, ProcessRole::Notifier];
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.server.roles = roles.into()).await;
    for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
        assert_eq!(daemon.request(Method::GET, path).send().await.unwrap().status(), 200, "{path}");
    }
    for path in ["/api/v1/products", "/api/v1/auth/login", "/docs/", "/api/v1/openapi.json"] {
        assert_eq!(daemon.get(path).send().await.unwrap().status(), 404, "{path}");
    }
    daemon.end().await;
}

#[tokio::test]
async fn the_api_alone_takes_orders_and_looks_at_nothing() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.server.roles = [ProcessRole::Api].into()).await;
    let listing = daemon.listing(0);
    let body = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
    let product = expect(201, daemon.post("/api/v1/products", &body)).await;
    let asked = daemon.post("/api/v1/crawl", &json!({ "product_ids": [product["id"]] })).header("prefer", "wait=1");
    let task = expect(202, asked).await;
    assert!(task["finished_at"].is_null(), "nobody readings: {task}");
    let metrics = daemon.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(!metrics.contains("tracker_crawls_total{"), "{metrics}");
    daemon.end().await;
}

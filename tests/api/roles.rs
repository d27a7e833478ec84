//! A process that has only some of the roles.

use amazon_tracker::config::ProcessRole;
use amazon_tracker::domain::Role;
use reqwest::Method;
use serde_json::json;

use crate::daemon::{Daemon, Engine, expect};
use crate::matrix::{add_person, token_of};

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
async fn a_superadmin_sees_the_actors_of_the_process() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    expect(403, daemon.get("/api/v1/system/actors")).await;
    add_person(&daemon, "operator", Role::Superadmin).await;
    let token = token_of(&daemon, "operator@example.com").await;
    let body = expect(200, daemon.request(Method::GET, "/api/v1/system/actors").bearer_auth(token)).await;
    let actors = body["actors"].as_array().unwrap();
    for (kind, count) in [
        ("scheduler", 1),
        ("crawler_pool", 1),
        ("recorder", 1),
        // One for each channel.
        ("notifier", 3),
        ("live_feed", 1),
        ("maintenance", 1),
    ] {
        let actor = actors.iter().find(|actor| actor["kind"] == kind).unwrap();
        let fields =
            ["resident", "incarnations", "restarts", "quarantined"].map(|field| actor[field].as_i64().unwrap());
        assert_eq!((fields, &actor["last_panic"]), ([count, count, 0, 0], &json!(null)), "{actor}");
    }
    daemon.end().await;
}

#[tokio::test]
async fn a_superadmin_sees_the_state_of_the_installation() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    expect(403, daemon.get("/api/v1/system/status")).await;
    add_person(&daemon, "operator", Role::Superadmin).await;
    let token = token_of(&daemon, "operator@example.com").await;
    daemon.watch(daemon.listing(0)).await;
    let body = expect(200, daemon.request(Method::GET, "/api/v1/system/status").bearer_auth(token)).await;
    assert_eq!((&body["health"]["status"], &body["health"]["database"]), (&json!("ok"), &json!(true)), "{body}");
    assert_eq!((&body["replicas"], &body["stored"]["products"]), (&json!(1), &json!(1)), "{body}");
    for field in ["due_listings", "oldest_due_secs", "parked_listings", "dead_deliveries"] {
        assert!(body["stored"][field].is_number(), "{field}: {body}");
    }
    assert_eq!(body["stored"]["drifts"], json!([]));
    for breaker in body["breakers"].as_array().unwrap() {
        assert_eq!(breaker["state"], "closed", "{body}");
    }
    daemon.end().await;
}

#[tokio::test]
async fn the_api_alone_takes_requests_and_crawls_nothing() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.server.roles = [ProcessRole::Api].into()).await;
    let listing = daemon.listing(0);
    let body = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
    let product = expect(201, daemon.post("/api/v1/products", &body)).await;
    let asked = daemon.post("/api/v1/crawl", &json!({ "product_ids": [product["id"]] })).header("prefer", "wait=1");
    let task = expect(202, asked).await;
    assert!(task["finished_at"].is_null(), "nothing crawls: {task}");
    let metrics = daemon.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(!metrics.contains("tracker_crawls_total{"), "{metrics}");
    daemon.end().await;
}

//! The manners of the API: what it accepts, refuses, and how it says so.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use amazon_tracker::config::Settings;
use amazon_tracker::domain::{Currency, Money};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::postgres::Server;

async fn problem(daemon: &Daemon, status: u16, body: Value) -> String {
    let problem = expect(status, daemon.post("/api/v1/products", &body)).await;
    problem["errors"][0]["field"].as_str().unwrap_or_else(|| problem["code"].as_str().unwrap()).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn accepts_what_people_paste_and_names_the_field_that_is_wrong() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for (url, asin, marketplace) in [
        ("https://www.amazon.de/Sony/dp/B08PZHYWJS/ref=sr_1_1?th=1", "B08PZHYWJS", "de"),
        ("https://www.amazon.co.uk/gp/product/b0bg6843gx", "B0BG6843GX", "co.uk"),
        ("https://www.amazon.com/gp/aw/d/1439878676", "1439878676", "com"),
    ] {
        let product = expect(201, daemon.post("/api/v1/products", &json!({ "url": url }))).await;
        assert_eq!((product["asin"].as_str(), product["marketplace"].as_str()), (Some(asin), Some(marketplace)));
    }
    for (body, field) in [
        (json!({ "asin": "B08" }), "asin"),
        (json!({}), "asin"),
        (json!({ "url": "https://example.com/dp/B08PZHYWJS" }), "url"),
        (json!({ "asin": "B08PZHYWJS", "url": "https://www.amazon.de/dp/B08PZHYWJS" }), "url"),
        (json!({ "asin": "B08PZHYWJS", "marketplace": "xx" }), "marketplace"),
        (json!({ "asin": "B08PZHYWJS", "frequency": "often" }), "frequency"),
        (json!({ "asin": "B08PZHYWJS", "label": "" }), "label"),
        (json!({ "asin": "B08PZHYWJS", "tags": [1] }), "tags[0]"),
        (json!({ "asin": "B08PZHYWJS", "colour": "red" }), "colour"),
        (json!([{ "asin": "B08PZHYWJS" }]), "body"),
    ] {
        assert_eq!(problem(&daemon, 422, body.clone()).await, field, "{body}");
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_listing_twice_is_a_conflict_that_names_the_product() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let body = json!({ "asin": "B08PZHYWJS" });
    let product = expect(201, daemon.post("/api/v1/products", &body)).await;
    let conflict = expect(409, daemon.post("/api/v1/products", &body)).await;
    assert_eq!((&conflict["product_id"], conflict["code"].as_str()), (&product["id"], Some("already_watched")));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_listed_changed_and_deleted() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for n in 0..5 {
        let tags = if n % 2 == 0 { json!(["even"]) } else { json!([]) };
        expect(201, daemon.post("/api/v1/products", &json!({ "asin": daemon.listing(n).asin, "tags": tags }))).await;
    }
    let page = expect(200, daemon.get("/api/v1/products?limit=3")).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    let rest = format!("/api/v1/products?limit=3&cursor={}", page["next_cursor"].as_str().unwrap());
    let link = daemon.get("/api/v1/products?limit=3").send().await.unwrap().headers()["link"].clone();
    assert_eq!(link.to_str().unwrap(), format!("<{rest}>; rel=\"next\""));
    let rest = expect(200, daemon.get(&rest)).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (2, &Value::Null));
    assert_eq!(expect(200, daemon.get("/api/v1/products?tag=even")).await["items"].as_array().unwrap().len(), 3);
    for wrong in [
        "limit=0",
        "limit=251",
        "sort=colour",
        "cursor=nonsense",
        "colour=red",
        "marketplace=xx",
        "status=gone",
        "tag=%00",
        "text=a%00b",
    ] {
        let problem = expect(422, daemon.get(&format!("/api/v1/products?{wrong}"))).await;
        assert_eq!(problem["errors"][0]["field"], wrong.split('=').next().unwrap());
    }
    let path = format!("/api/v1/products/{}", page["items"][0]["id"].as_str().unwrap());
    let patched =
        expect(200, daemon.patch(&path, &json!({ "label": "mine", "status": "paused", "frequency": "6h" }))).await;
    assert_eq!(
        (patched["label"].as_str(), patched["status"].as_str(), patched["frequency"].as_str()),
        (Some("mine"), Some("paused"), Some("6h"))
    );
    assert_eq!(expect(200, daemon.patch(&path, &json!({ "label": null }))).await["label"], Value::Null);
    expect(204, daemon.delete(&path)).await;
    assert_eq!(expect(404, daemon.get(&path)).await["code"], "not_found");
    expect(404, daemon.get("/api/v1/products/not-an-id")).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frequency_of_a_product_can_be_adaptive() {
    let minimum = |settings: &mut Settings| {
        settings.plans.0.values_mut().for_each(|plan| plan.min_interval = "1h".parse().unwrap());
    };
    let daemon = Daemon::start_with(Engine::Sqlite, minimum).await;
    let add = |frequency: &str| json!({ "asin": "B08PZHYWJS", "frequency": frequency });
    for wrong in ["adaptive:", "adaptive:often", "adaptive:30m", "30m"] {
        let problem = expect(422, daemon.post("/api/v1/products", &add(wrong))).await;
        assert_eq!(problem["errors"][0]["field"], "frequency", "{wrong}");
    }
    let added = expect(201, daemon.post("/api/v1/products", &add("adaptive"))).await;
    let shown = |product: &Value| (product["frequency"].clone(), product["effective_interval_secs"].clone());
    assert_eq!(shown(&added), (json!("adaptive"), json!(86_400)));
    let path = format!("/api/v1/products/{}", added["id"].as_str().unwrap());
    for (frequency, interval_secs) in [("adaptive:6h", 21_600), ("6h", 21_600), ("adaptive:hourly", 3_600)] {
        let patched = expect(200, daemon.patch(&path, &json!({ "frequency": frequency }))).await;
        assert_eq!(shown(&patched), (json!(frequency), json!(interval_secs)));
        assert_eq!(shown(&expect(200, daemon.get(&path)).await), (json!(frequency), json!(interval_secs)));
    }
    let export = daemon.get("/api/v1/products/export?format=csv").send().await.unwrap().text().await.unwrap();
    assert!(export.contains(",adaptive:hourly,"), "{export}");
    let batch = json!({ "listings": ["B000000001"], "marketplace": "com", "add": { "frequency": "adaptive:2d" } });
    let job = expect(202, daemon.post("/api/v1/crawl/batch", &batch)).await;
    let job = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    while expect(200, daemon.get(&job)).await["finished_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let products = expect(200, daemon.get("/api/v1/products?text=B000000001")).await;
    assert_eq!(products["items"][0]["frequency"], "adaptive:2d");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_to_private_addresses_are_refused_unless_allowed() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.notify.allow_private_targets = false).await;
    let id = expect(201, daemon.post("/api/v1/products", &json!({ "asin": "B08PZHYWJS" }))).await["id"].clone();
    let rule = |url: &str, currency: &str| json!({ "product_id": id, "kind": "price_at_or_below", "target": { "amount_minor": 1, "currency": currency }, "webhook_url": url });
    for url in [
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "ftp://example.com/",
        "x",
    ] {
        let problem = expect(422, daemon.post("/api/v1/alerts", &rule(url, "USD"))).await;
        assert_eq!(problem["errors"][0]["field"], "webhook_url", "{url}");
    }
    let foreign = expect(422, daemon.post("/api/v1/alerts", &rule("https://example.com/", "EUR"))).await;
    assert_eq!(foreign["errors"][0]["field"], "target.currency");
    let alert = expect(201, daemon.post("/api/v1/alerts", &rule("https://example.com/", "USD"))).await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    assert_eq!(expect(200, daemon.get(&path)).await["webhook_secret"], Value::Null, "shown once only");
    expect(204, daemon.delete(&path)).await;
    expect(404, daemon.get(&path)).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_metrics_and_documents_answer_and_every_answer_has_an_id() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for path in ["/health", "/health/live", "/health/ready"] {
        expect(200, daemon.get(path)).await;
    }
    let response = daemon.get("/nowhere").header("x-request-id", "mine").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["x-request-id"].to_str().unwrap()), (404, "mine"));
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let metrics = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tracker_http_requests_total{method=\"GET\",route=\"/health\",status=\"200\"} 1"));
    let document = expect(200, daemon.get("/api/v1/openapi.json")).await;
    assert_eq!(document["openapi"], "3.1.0");
    let export = &document["paths"]["/api/v1/tenants/me/export"]["get"];
    assert_eq!(export["security"], json!([{ "bearer": [] }]), "API keys are refused");
    let products = &document["paths"]["/api/v1/products"]["get"];
    assert!(products["security"].is_null(), "a user or an API key, as for the whole document");
    let page = daemon.get("/docs/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("swagger-ui") && !page.contains("https://"), "no CDN");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_under_a_path_all_links_have_that_path() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.auth.public_url = Some("https://example.com/tracker".parse().unwrap());
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let header = |response: &reqwest::Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    for (n, forwarded, public_path) in
        [(0, None, "/tracker"), (1, Some("/shop/"), "/shop"), (2, Some("//evil.example"), "/tracker")]
    {
        let send = async |request: reqwest::RequestBuilder| {
            let request = if let Some(path) = forwarded { request.header("x-forwarded-prefix", path) } else { request };
            request.send().await.unwrap()
        };
        let listing = daemon.listing(n);
        let body = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
        let created = header(&send(daemon.post("/api/v1/products", &body)).await, "location");
        assert!(created.starts_with(&format!("{public_path}/api/v1/products/")), "{created}");
        let again = header(&send(daemon.post("/api/v1/products", &body)).await, "location");
        assert_eq!(again, created, "the conflict names the same product");
        let document: Value = send(daemon.get("/api/v1/openapi.json")).await.json().await.unwrap();
        assert_eq!(document["servers"], json!([{ "url": format!("{public_path}/") }]));
        if n > 0 {
            let next = header(&send(daemon.get("/api/v1/products?limit=1")).await, "link");
            assert!(next.starts_with(&format!("<{public_path}/api/v1/products?limit=1&cursor=")), "{next}");
        }
    }
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let docs = client.execute(daemon.get("/docs").build().unwrap()).await.unwrap();
    assert_eq!(header(&docs, "location"), "/tracker/docs/");
    let script = daemon.get("/docs/swagger-initializer.js").send().await.unwrap().text().await.unwrap();
    assert!(script.contains("../api/v1/openapi.json"), "relative to the page");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_disconnected() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.server.send_timeout_secs = 1).await;
    let url = daemon.get("/").build().unwrap().url().clone();
    let mut client = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
    // Together more than the buffers of both sides.
    let request = "GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    client.write_all(request.repeat(300).as_bytes()).await.unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    let is_closed = loop {
        match client.try_write(b"\r\n") {
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break true,
            _ if Instant::now() > until => break false,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert!(is_closed, "what it does not read would be kept for ever");
    expect(200, daemon.get("/health")).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_with_a_listener_of_their_own_are_served_there_alone() {
    let own = |settings: &mut Settings| settings.server.metrics_listen = Some(([127, 0, 0, 1], 0).into());
    let daemon = Daemon::start_with(Engine::Sqlite, own).await;
    expect(404, daemon.get("/metrics")).await;
    expect(200, daemon.get("/health")).await;
    let metrics = daemon.metrics().send().await.unwrap();
    assert_eq!(metrics.status(), 200);
    let elsewhere = metrics.url().join("/health").unwrap();
    assert!(metrics.text().await.unwrap().contains("route=\"/health\",status=\"200\"} 1"));
    assert_eq!(daemon.client.get(elsewhere).send().await.unwrap().status(), 404);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_wait_for_no_writer() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let mut writer = SqliteConnection::connect(&daemon.database_url()).await.unwrap();
    let hold = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    for path in ["/health", "/health/live", "/health/ready"] {
        expect(200, daemon.get(path).timeout(Duration::from_secs(2))).await;
    }
    hold.rollback().await.unwrap();
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_json_and_says_so() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded"] {
        let mut sent = daemon.request(Method::POST, "/api/v1/products").bearer_auth(&daemon.key).body("{}");
        if !content_type.is_empty() {
            sent = sent.header("content-type", content_type);
        }
        assert_eq!(expect(415, sent).await["code"], "unsupported_media_type", "{content_type:?}");
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_methods_return_405_with_allow() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let refused = daemon.delete("/api/v1/products").send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["allow"]),
        (405, &"GET, POST, HEAD, OPTIONS".parse().unwrap())
    );
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "method_not_allowed");
    let options = daemon.request(Method::OPTIONS, "/api/v1/products").send().await.unwrap();
    assert_eq!(
        (options.status().as_u16(), &options.headers()["allow"]),
        (204, &"GET, POST, HEAD, OPTIONS".parse().unwrap())
    );
    let head = daemon.request(Method::HEAD, "/api/v1/products").bearer_auth(&daemon.key).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_a_body_that_names_nothing_is_named() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let known = expect(201, daemon.post("/api/v1/products", &json!({ "asin": "B08PZHYWJS" }))).await["id"].clone();
    let unknown = uuid::Uuid::now_v7().to_string();
    for wait in ["wait=0", "wait=1"] {
        let asked = daemon.post("/api/v1/crawl", &json!({ "product_ids": [known, unknown] })).header("prefer", wait);
        let problem = expect(404, asked).await;
        assert_eq!(
            (problem["errors"].as_array().unwrap().len(), &problem["errors"][0]["field"]),
            (1, &json!("product_ids"))
        );
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains(&unknown));
    }
    let rule = json!({ "product_id": unknown, "kind": "price_at_or_below", "target": { "amount_minor": 1, "currency": "USD" }, "webhook_url": "https://example.com/" });
    assert_eq!(expect(404, daemon.post("/api/v1/alerts", &rule)).await["errors"][0]["field"], "product_id");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_none_match_returns_304() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let first = daemon.get("/api/v1/products").send().await.unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers()["cache-control"], "private, no-cache");
    for known in [tag.clone(), format!("\"x\", {tag}"), tag.trim_start_matches("W/").to_owned(), "*".to_owned()] {
        let again = daemon.get("/api/v1/products").header("if-none-match", known).send().await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (304, tag.as_str()));
        assert_eq!(again.text().await.unwrap(), "");
    }
    expect(201, daemon.post("/api/v1/products", &json!({ "asin": "B08PZHYWJS" }))).await;
    let changed = daemon.get("/api/v1/products").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_ne!(changed.headers()["etag"].to_str().unwrap(), tag);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_a_key_is_carried_out_once_and_answered_alike() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let add = |key: &str, asin: &str| {
            daemon.post("/api/v1/products", &json!({ "asin": asin })).header("idempotency-key", key)
        };
        let first = add("one", "B08PZHYWJS").send().await.unwrap();
        let location = first.headers()["location"].clone();
        let first: Value = first.json().await.unwrap();
        let again = add("one", "B08PZHYWJS").send().await.unwrap();
        assert_eq!((again.status().as_u16(), &again.headers()["location"]), (201, &location));
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.json::<Value>().await.unwrap(), first);
        let other = expect(422, add("one", "B0BG6843GX")).await;
        assert_eq!(other["errors"][0]["field"], "Idempotency-Key");
        expect(409, add("two", "B08PZHYWJS")).await;
        assert_eq!(expect(409, add("two", "B08PZHYWJS")).await["product_id"], first["id"], "a refusal comes again");
        expect(422, add("", "B08PZHYWJS")).await;
        let both = futures_util::future::join_all([0, 1].map(|_| add("three", "B0BG6843GX").send())).await;
        let mut statuses: Vec<u16> = both.into_iter().map(|sent| sent.unwrap().status().as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201], "the second waits for the first, and is answered like it");
        assert_eq!(expect(200, daemon.get("/api/v1/products")).await["items"].as_array().unwrap().len(), 2);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_named_site_may_ask_and_no_other() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.server.cors_origins = vec!["https://app.example.com".parse().unwrap()];
    })
    .await;
    let ask = |origin: &str| daemon.get("/api/v1/products").header("origin", origin).send();
    let named = ask("https://app.example.com").await.unwrap();
    assert_eq!(named.headers()["access-control-allow-origin"], "https://app.example.com");
    assert!(named.headers()["access-control-expose-headers"].to_str().unwrap().contains("ratelimit"));
    assert!(!named.headers().contains_key("access-control-allow-credentials"));
    assert!(!ask("https://evil.example").await.unwrap().headers().contains_key("access-control-allow-origin"));
    let preflight = daemon
        .request(Method::OPTIONS, "/api/v1/products")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), 200);
    assert!(preflight.headers()["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_browsers_from_making_anything_else_of_it() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for path in ["/api/v1/products", "/health", "/nowhere", "/api/v1/products/none"] {
        let answer = daemon.get(path).send().await.unwrap();
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.headers()[header], value, "{path}");
        }
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_what_was_seen_is_refused_once_it_is_something_else() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = expect(201, daemon.post("/api/v1/products", &json!({ "asin": daemon.listing(0).asin }))).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        daemon.eventually(&path, |product| !product["checked_at"].is_null()).await;
        let tag = async || daemon.get(&path).send().await.unwrap().headers()["etag"].clone();
        let label = |label: &str, tag| daemon.patch(&path, &json!({ "label": label })).header("if-match", tag);
        let seen = tag().await;
        let weak = format!("W/{}", seen.to_str().unwrap());
        assert_eq!(expect(412, label("zero", weak.parse().unwrap())).await["code"], "changed", "weak never matches");
        daemon.simulated.set_price(daemon.listing(0), Money::new(12_345, Currency::Usd));
        daemon.check_now(&product["id"]).await;
        assert_ne!(tag().await, seen, "it shows another price");
        let patched = label("one", seen.clone()).send().await.unwrap();
        assert_eq!(patched.status(), 200, "a crawl changes nothing that a patch does");
        assert_eq!(patched.headers()["etag"], tag().await);
        assert_eq!(expect(412, label("two", seen)).await["code"], "changed");
        let seen = tag().await;
        let both = tokio::join!(label("three", seen.clone()).send(), label("four", seen).send());
        let mut statuses = [both.0.unwrap().status().as_u16(), both.1.unwrap().status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        let seen = tag().await;
        expect(200, label("five", "*".parse().unwrap())).await;
        let delete = |tag| daemon.request(Method::DELETE, &path).bearer_auth(&daemon.key).header("if-match", tag);
        assert_eq!(expect(412, delete(seen)).await["code"], "changed", "somebody has changed it since");
        assert_eq!(delete(tag().await).send().await.unwrap().status(), 204);
        daemon.end().await;
    })
    .await;
}

/// The state of a creating request at which its process, or the way back to the client, dies.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_never_came_is_carried_out_once_when_it_is_repeated() {
    let daemon = Daemon::start_with(Engine::Postgres, |settings| settings.server.request_timeout_secs = 1).await;
    let mut blocker = PgConnection::connect(&Server::superuser_url(&daemon.database_url())).await.unwrap();
    let body = json!({ "asin": daemon.listing(0).asin });
    let add = || daemon.post("/api/v1/products", &body).header("idempotency-key", "one");

    // Its connection is cut before the commit: nothing was stored.
    let mut hold = blocker.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM tenant FOR NO KEY UPDATE").execute(&mut *hold).await.unwrap();
    let late = add().send().await.unwrap();
    assert_eq!(late.status(), 504);
    assert_eq!(late.headers()["cache-control"], "no-store");
    assert!(late.headers().contains_key("x-request-id"), "it can be found in the log");
    assert_eq!(late.json::<Value>().await.unwrap()["code"], "timeout");
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    sqlx::query(CUT).execute(&mut *hold).await.unwrap();
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM product").fetch_one(&mut *hold).await.unwrap();
    assert_eq!(stored, 0);

    // It commits when nobody waits for it any more: the repetition gets the answer.
    assert_eq!(expect(504, add()).await["code"], "timeout");
    hold.rollback().await.unwrap();
    let answer = add().send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["idempotency-replayed"].as_bytes()), (201, &b"true"[..]));
    let items = expect(200, daemon.get("/api/v1/products")).await;
    assert_eq!(items["items"].as_array().unwrap().len(), 1);
    assert_eq!(answer.json::<Value>().await.unwrap()["id"], items["items"][0]["id"]);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.server.request_timeout_secs = 1).await;
    let (sender, body) = tokio::sync::mpsc::channel::<std::io::Result<&str>>(1);
    sender.send(Ok("{")).await.unwrap();
    let body = futures_util::stream::unfold(body, async |mut body| Some((body.recv().await?, body)));
    let request = daemon.request(Method::POST, "/api/v1/products").bearer_auth(&daemon.key);
    let request = request.header("content-type", "application/json").body(reqwest::Body::wrap_stream(body));
    assert_eq!(expect(408, request).await["code"], "slow_body");
    drop(sender);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_no_route_reads_keeps_no_connection() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let url = daemon.get("/").build().unwrap().url().clone();
    for head in [
        "GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
        "POST /api/v1/auth/logout HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n",
    ] {
        let mut client = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        // A byte now and then.
        while client.write_all(b"x").await.is_ok() {
            assert!(Instant::now() < until, "{head}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_no_deeper_than_it_needs_to_be() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    for depth in [17, 10_000] {
        let body = format!("{{\"tags\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let request = daemon.request(Method::POST, "/api/v1/products").bearer_auth(&daemon.key);
        let problem = expect(400, request.header("content-type", "application/json").body(body)).await;
        assert_eq!(problem["code"], "too_deep");
    }
    daemon.end().await;
}

//! Listings that fail, and samples of pages that could not be used.

use std::time::{Duration, Instant};

use amazon_tracker::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use crate::daemon::{Daemon, Engine, PATIENCE, expect, on_both_engines};
use crate::matrix::{add_person, token_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_listing_shows_reason_attempts_and_next_attempt() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (fine, failing) = (daemon.listing(0), daemon.listing(1));
        daemon.watch(fine).await;
        let product = daemon.watch(failing).await;
        assert_eq!(product["failure"], Value::Null);
        daemon.simulated.set_missing(failing, true);
        daemon.check_now(&product["id"]).await;
        let page = expect(200, daemon.get("/api/v1/products?failing=true")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        let failure = &page["items"][0]["failure"];
        assert_eq!((&failure["reason"], &failure["consecutive_failures"]), (&json!("not_found"), &json!(1)));
        assert!(failure["message"].as_str().unwrap().contains("does not exist"), "{failure}");
        assert_eq!((&failure["since"], &failure["is_parked"]), (&product["checked_at"], &json!(false)));
        assert_eq!(failure["next_attempt_at"], page["items"][0]["next_crawl_at"]);
        let page = expect(200, daemon.get("/api/v1/products?failing=false")).await;
        assert_eq!(page["items"][0]["asin"], fine.asin.as_str());
        let wrong = expect(422, daemon.get("/api/v1/products?failing=maybe")).await;
        assert_eq!(wrong["errors"][0]["field"], "failing");
        daemon.simulated.set_missing(failing, false);
        daemon.check_now(&product["id"]).await;
        assert_eq!(expect(200, daemon.get("/api/v1/products?failing=true")).await["items"], json!([]));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_crawls_of_a_product_are_listed_with_their_outcomes() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        let product = daemon.watch(listing).await;
        daemon.simulated.set_missing(listing, true);
        daemon.check_now(&product["id"]).await;
        let path = format!("/api/v1/products/{}/crawls", product["id"].as_str().unwrap());
        let crawls = expect(200, daemon.get(&path)).await;
        assert_eq!(crawls["product_id"], product["id"]);
        let items = crawls["items"].as_array().unwrap();
        assert_eq!(
            (&items[0]["outcome"], &items[1]["outcome"]),
            (&json!("not_found"), &json!("observed")),
            "{items:?}"
        );
        assert_eq!((&items[1]["at"], &items[1]["source"]), (&product["checked_at"], &json!("direct")));
        assert!(items.iter().all(|crawl| crawl["duration_millis"].is_u64() && crawl["unread"].is_array()), "{items:?}");
        let nobodys = "/api/v1/products/01900000-0000-7000-8000-000000000000/crawls";
        expect(404, daemon.get(nobodys)).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superadmin_downloads_the_page_that_could_not_be_used_as_text() {
    let market = market_of(UNUSABLE).await;
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| settings.crawl.base_url = Some(market)).await;
    add_person(&daemon, "operator", Role::Superadmin).await;
    let token = token_of(&daemon, "operator@example.com").await;
    let ask = |path: &str| daemon.request(Method::GET, path).bearer_auth(&token);
    let listing = daemon.listing(0);
    let body = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
    expect(201, daemon.post("/api/v1/products", &body)).await;
    let until = Instant::now() + PATIENCE;
    let sample = loop {
        let samples = expect(200, ask("/api/v1/crawl/samples")).await;
        match samples["items"].as_array().unwrap().first() {
            Some(sample) => break sample.clone(),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        assert!(Instant::now() < until, "no sample was kept");
    };
    assert_eq!((&sample["outcome"], &sample["source"]), (&json!("blocked_interstitial"), &json!("direct")));
    assert_eq!((&sample["asin"], &sample["marketplace"]), (&json!(listing.asin), &json!("com")));
    let path = format!("/api/v1/crawl/samples/{}", sample["id"].as_str().unwrap());
    let response = ask(&path).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type").as_str(), header("x-content-type-options").as_str()),
        ("text/plain; charset=utf-8", "nosniff")
    );
    assert!(header("content-disposition").starts_with("attachment"), "no browser shows it");
    assert!(header("content-security-policy").contains("sandbox"));
    let text = response.text().await.unwrap();
    assert!(text.contains("<h1>Choose a store</h1>"), "{text}");
    assert!(!text.contains("123-4567890-1234567"), "the id of a session: {text}");
    expect(403, daemon.get(&path)).await;
    expect(404, ask("/api/v1/crawl/samples/0190a1b2-0000-7000-8000-000000000000")).await;
    daemon.end().await;
}

/// A page that is no product, and no refusal that is known.
const UNUSABLE: &str = "<html><head><title>Stores</title></head><body><h1>Choose a store</h1>\
    <script>ue_sid='123-4567890-1234567';</script>\
    <p>Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor invidunt ut labore et dolore magna \
    aliquyam erat, sed diam voluptua. At vero eos et accusam et justo duo dolores et ea rebum. Stet clita kasd gubergren, no sea \
    takimata sanctus est Lorem ipsum dolor sit amet.</p></body></html>";

/// A server that answers every request with this page.
async fn market_of(page: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = client.read(&mut request).await;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length:";
            let _ = client.write_all(format!("{head} {}\r\n\r\n{page}", page.len()).as_bytes()).await;
        }
    });
    url
}

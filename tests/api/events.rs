//! What is new, as it happens: `/api/v1/events`.

use std::time::Duration;

use amazon_tracker::domain::{Currency, Money};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};

const PATIENCE: Duration = Duration::from_secs(30);

/// A stream that is read event by event.
pub struct Stream {
    response: Response,
    text: String,
}

/// One event of a stream, as a client sees it.
#[derive(Debug, Clone)]
pub struct Told {
    pub id: String,
    pub kind: String,
    pub data: Value,
}

impl Stream {
    pub async fn open(request: RequestBuilder) -> Self {
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/event-stream"));
        assert_eq!((header("x-accel-buffering"), header("cache-control")), ("no".to_owned(), "no-store".to_owned()));
        let first = response.chunk().await.unwrap().unwrap();
        assert_eq!(first, "retry: 3000\n\n");
        Self { response, text: String::new() }
    }

    /// The next event; `None`: the stream is over.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let (Some(id), Some(kind), Some(data)) = (field("id: "), field("event: "), field("data: ")) {
                    return Some(Told { id, kind, data: serde_json::from_str(&data).unwrap() });
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("a heartbeat at least");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// What was said last before the end.
    async fn last_words(mut self) -> String {
        while let Some(chunk) = self.response.chunk().await.unwrap() {
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.text.trim_end().rsplit("\n\n").next().unwrap_or_default().to_owned()
    }

    /// The next of this kind.
    pub async fn next_of(&mut self, kind: &str) -> Told {
        loop {
            let told = self.next().await.expect("the stream goes on");
            if told.kind == kind {
                return told;
            }
        }
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::Usd)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_of_changes_and_alerts_of_their_tenant_and_of_no_other() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let jo = newcomer(&daemon, "jo").await;
        daemon.simulated.set_price(daemon.listing(0), usd(34_999));
        let product = daemon.watch(daemon.listing(0)).await;
        let target = json!({ "amount_minor": 100_000_000, "currency": "USD" });
        let rule = json!({
            "product_id": product["id"], "kind": "price_at_or_below", "target": target, "webhook_url": daemon.receiver.url()
        });
        let mut ours = Stream::open(daemon.get("/api/v1/events")).await;
        let mut theirs = Stream::open(as_bearer(&daemon, Method::GET, "/api/v1/events", &jo)).await;
        let rule = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let alert = ours.next_of("alert").await;
        assert_eq!((&alert.data["alert_id"], &alert.data["product_id"]), (&rule["id"], &product["id"]));
        assert!(alert.data.get("deliveries").is_none());
        daemon.simulated.set_price(daemon.listing(0), usd(33_999));
        daemon.check_now(&product["id"]).await;
        // What was crawled shortly before the stream began may be sent, too: it may have been recorded after that.
        let price = loop {
            let change = ours.next_of("change").await;
            assert_eq!((&change.data["product_id"], &change.data["asin"]), (&product["id"], &product["asin"]));
            let values = change.data["changes"].as_array().unwrap();
            let of_price = values.iter().find(|value| value["series"] == "price").unwrap();
            if of_price["value"]["amount_minor"] != 34_999 {
                break of_price["value"].clone();
            }
        };
        assert_eq!(price, json!({ "amount_minor": 33_999, "currency": "USD" }));
        // Theirs hears its own, and nothing before that.
        let own = json!({ "asin": daemon.listing(1).asin });
        let own = expect(201, as_bearer(&daemon, Method::POST, "/api/v1/products", &jo).json(&own)).await;
        assert_eq!(theirs.next_of("change").await.data["product_id"], own["id"]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reconnects_gets_what_was_new_since_then() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let mut stream = Stream::open(daemon.get("/api/v1/events")).await;
        daemon.simulated.set_price(daemon.listing(0), usd(34_999));
        let product = daemon.watch(daemon.listing(0)).await;
        let first = stream.next_of("change").await;
        drop(stream);
        daemon.simulated.set_price(daemon.listing(0), usd(33_999));
        daemon.check_now(&product["id"]).await;
        let again = daemon.get("/api/v1/events").header("last-event-id", &first.id);
        let mut stream = Stream::open(again).await;
        let mut told = stream.next_of("change").await;
        if told.id == first.id {
            told = stream.next_of("change").await;
        }
        assert_ne!(told.id, first.id);
        assert_eq!(told.data["product_id"], product["id"]);
        let long_ago = daemon.get("/api/v1/events").header("last-event-id", "1000000000000.x");
        assert_eq!(Stream::open(long_ago).await.next().await.unwrap().kind, "reset");
        let in_query = daemon.get("/api/v1/events?last_event_id=1000000000000.x");
        assert_eq!(Stream::open(in_query).await.next().await.unwrap().kind, "reset");
        let newer = daemon.get("/api/v1/events?last_event_id=1000000000000.x").header("last-event-id", &first.id);
        assert_eq!(
            Stream::open(newer).await.next().await.unwrap().kind,
            "change",
            "the header is newer than the query"
        );
        let problem = expect(422, daemon.get("/api/v1/events?last_event_id=nonsense")).await;
        assert_eq!(problem["errors"][0]["field"], "last_event_id");
        let problem = expect(422, daemon.get("/api/v1/events").header("last-event-id", "nonsense")).await;
        assert_eq!(problem["errors"][0]["field"], "Last-Event-ID");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_listener_signs_out() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let jo = newcomer(&daemon, "jo").await;
    let mut stream = Stream::open(as_bearer(&daemon, Method::GET, "/api/v1/events", &jo)).await;
    expect(204, as_bearer(&daemon, Method::POST, "/api/v1/auth/logout", &jo)).await;
    let signed_out_at = std::time::Instant::now();
    assert!(stream.next().await.is_none());
    assert!(signed_out_at.elapsed() < Duration::from_secs(3), "it is told, and does not wait for its next check");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_streams_the_oldest_ends_and_a_drain_waits_for_none() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let oldest = Stream::open(daemon.get("/api/v1/events")).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Stream::open(daemon.get("/api/v1/events")).await);
    }
    // Its page is told to stop: if it came back, it would end another.
    assert_eq!(oldest.last_words().await, "event: full\ndata: {}");
    let head = daemon.request(Method::HEAD, "/api/v1/events").bearer_auth(&daemon.key).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let stopping_at = std::time::Instant::now();
    daemon.end().await;
    assert!(stopping_at.elapsed() < Duration::from_secs(4), "less than the time a drain may take");
}

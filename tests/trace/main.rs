//! Traces over OTLP, as a collector receives them from the real command.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http_sink;
mod process;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use http_sink::{Collector, HttpSink, attribute, hex};
use process::Running;

const EMAIL: &str = "somebody-private@example.com";
const PASSWORD: &str = "correct horse battery staple";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID: &str = "00f067aa0ba902b7";
/// How long the export of the last traces may delay the exit after the drain, plus a margin for a busy machine.
const MAX_END: Duration = Duration::from_millis(3000 + 1500);

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// A daemon with its own store.
struct Daemon {
    running: Running,
    client: Client,
    _folder: TempDir,
}

impl Daemon {
    async fn start(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
        let usual = [
            ("ADMIN_EMAIL", EMAIL),
            ("ADMIN_PASSWORD", PASSWORD),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("NO_COLOR", "1"),
        ];
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", &database];
        let running = Running::start(&arguments, &[&usual, environment].concat()).await;
        Self { running, client: client(), _folder: folder }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.running.url))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}/api/v1{path}", self.running.url)).json(body)
    }

    /// An unauthenticated request for a product list, which is refused but traced like any other.
    async fn ask(&self, traceparent: &str) {
        let answer =
            self.get("/api/v1/products?secret=hunter2").header("traceparent", traceparent).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}

async fn created(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{status} {body}");
    serde_json::from_str(&body).unwrap()
}

/// True if a span ends before it starts.
fn ends_before_it_starts(span: &Span) -> bool {
    span.end_time_unix_nano < span.start_time_unix_nano
}

#[actix_web::test]
async fn a_price_that_crosses_a_target_is_one_trace_from_the_lease_to_the_delivery() {
    let (mut collector, mut receiver) = (Collector::open(), HttpSink::open());
    let market = Running::start(&["simulate", "--listen", "127.0.0.1:0"], &[]).await;
    let daemon = Daemon::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.sink.url()),
        ("OTEL_SERVICE_NAME", "tracker-under-test"),
        ("TRACKER__CRAWL__BASE_URL", &market.url),
        ("TRACKER__CRAWL__REQUESTS_PER_MINUTE", "60000"),
        ("TRACKER__NOTIFY__ALLOW_PRIVATE_TARGETS", "true"),
    ])
    .await;
    let login = json!({ "email": EMAIL, "password": PASSWORD });
    let token = created(daemon.post("/auth/login", &login)).await["access_token"].as_str().unwrap().to_owned();
    let scopes = json!(["product:read", "product:write", "alert:write", "crawl:create"]);
    let body = json!({ "name": "traced", "scopes": scopes });
    let key =
        created(daemon.post("/auth/api-keys", &body).bearer_auth(&token)).await["key"].as_str().unwrap().to_owned();
    let asked = |path: &str, body: Value| created(daemon.post(path, &body).header("x-api-key", &key));
    let product = asked("/products", json!({ "asin": "B000000001" })).await["id"].clone();
    let alert = asked(
        "/alerts",
        json!({
            "product_id": product, "kind": "price_at_or_below",
            "target": { "amount_minor": 99_999_999, "currency": "USD" },
            "webhook_url": format!("{}/hook?secret=hunter2", receiver.url()),
        }),
    )
    .await;
    let webhook = receiver.next().await;
    assert_eq!(webhook.header("traceparent"), None, "internal traces are not propagated to receivers");

    let deliver = collector.until(|spans| spans.named("deliver").next().cloned()).await;
    // The root span is exported last.
    collector.until(|spans| spans.above(&deliver).iter().any(|span| span.name == "claim").then_some(())).await;
    let names: Vec<_> = collector.above(&deliver).iter().map(|span| span.name.clone()).collect();
    let path = ["commit", "tracker crawled", "tracker_shard deliver", "crawl", "claim"];
    assert_eq!(names, path);
    assert_eq!(attribute(&deliver, "tracker.delivery.id").as_deref(), webhook.header("webhook-id"));
    assert_eq!(attribute(&deliver, "tracker.delivery.result").as_deref(), Some("delivered"));
    let commit = collector.above(&deliver)[0];
    assert_eq!(attribute(commit, "tracker.commit.recorded").as_deref(), Some("true"));
    assert_eq!(commit.events[0].name, "crossing");
    let crawl = collector.above(&deliver)[3].clone();
    assert_eq!(attribute(&crawl, "tracker.listing").as_deref(), Some("com/B000000001"));
    assert_eq!(attribute(&crawl, "tracker.outcome").as_deref(), Some("observed"));

    let of_trace = |name: &str| {
        let mut spans = collector.named(name).filter(|span| span.trace_id == deliver.trace_id);
        let span = spans.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(spans.next().is_none(), "{name} twice");
        span
    };
    let (fetch, extract) = (of_trace("GET /dp/{asin}"), of_trace("extract"));
    assert_eq!((&fetch.parent_span_id, &extract.parent_span_id), (&crawl.span_id, &fetch.span_id));
    assert_eq!(fetch.kind, SpanKind::Client as i32);
    assert_eq!(attribute(fetch, "server.address").as_deref(), Some("127.0.0.1"));
    assert_eq!(attribute(fetch, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(collector.above(of_trace("decide"))[0].name, "tracker crawled");
    let claim = of_trace("claim");
    assert!(claim.parent_span_id.is_empty() && claim.start_time_unix_nano <= crawl.start_time_unix_nano);
    assert!(crawl.end_time_unix_nano >= of_trace("decide").end_time_unix_nano);
    assert!(collector.services.iter().all(|name| name.contains("tracker-under-test")));

    // A request that waits for a crawl has a link to it.
    let wait = daemon.post("/crawl", &json!({ "product_ids": [product] })).header("prefer", "wait=20");
    created(wait.header("x-api-key", &key)).await;
    let request = collector.until(|spans| spans.named("POST /api/v1/crawl").next().cloned()).await;
    let linked = |span: &Span| span.links.iter().any(|link| link.trace_id == request.trace_id);
    let asked_for = collector.until(|spans| spans.named("crawl").find(|span| linked(span)).cloned()).await;
    assert_ne!(asked_for.trace_id, request.trace_id);
    let below_request = |name: &str| collector.named(name).any(|span| span.trace_id == request.trace_id);
    assert!(below_request("request_crawl") && below_request("user_shard deliver"), "{:?}", collector.spans);

    let (ended, _) = daemon.running.stop().await;
    assert!(ended.success());
    collector.read_rest();
    assert!(!collector.spans.iter().any(ends_before_it_starts));
    let signing = alert["webhook_secret"].as_str().unwrap();
    for secret in [EMAIL, "somebody-private", PASSWORD, &token, &key, "hunter2", "/hook", signing] {
        let shows = |raw: &Vec<u8>| raw.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!collector.raw.iter().any(shows), "{secret} was exported");
    }
}

#[actix_web::test]
async fn the_trace_of_a_trusted_proxy_is_continued_and_that_of_others_is_not() {
    let is_continued = async |trusted: &str| {
        let mut collector = Collector::open();
        let url = format!("{}/", collector.sink.url());
        let trusting = ("TRACKER__SERVER__TRUSTED_PROXIES", trusted);
        let daemon = Daemon::start(&[("TRACKER__TRACE__OTLP_ENDPOINT", &url), trusting]).await;
        for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
            assert_eq!(daemon.get(path).send().await.unwrap().status(), StatusCode::OK);
        }
        daemon.ask(&format!("00-{TRACE_ID}-{PARENT_ID}-01")).await;
        let request = collector.until(|spans| spans.named("GET /api/v1/products").next().cloned()).await;
        assert_eq!(request.kind, SpanKind::Server as i32);
        assert_eq!(attribute(&request, "http.route").as_deref(), Some("/api/v1/products"));
        assert_eq!(attribute(&request, "http.request.method").as_deref(), Some("GET"));
        assert_eq!(attribute(&request, "http.response.status_code").as_deref(), Some("401"));
        assert!(daemon.running.stop().await.0.success());
        collector.read_rest();
        let is_probe = |span: &&Span| span.name.contains("/health") || span.name.contains("/metrics");
        assert_eq!(collector.spans.iter().find(is_probe), None);
        (hex(&request.trace_id) == TRACE_ID, hex(&request.parent_span_id))
    };
    assert_eq!(is_continued(r#"["127.0.0.0/8"]"#).await, (true, PARENT_ID.to_owned()));
    assert_eq!(is_continued("[]").await, (false, String::new()));
}

#[actix_web::test]
async fn the_sample_ratio_applies_except_to_traces_of_a_trusted_proxy() {
    let mut collector = Collector::open();
    let daemon = Daemon::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.sink.url()),
        ("TRACKER__TRACE__SAMPLE_RATIO", "0"),
        ("TRACKER__SERVER__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#),
    ])
    .await;
    daemon.ask("no traceparent at all").await;
    daemon.ask(&format!("00-{}-{PARENT_ID}-00", TRACE_ID.replace('4', "5"))).await;
    daemon.ask(&format!("00-{TRACE_ID}-{PARENT_ID}-01")).await;
    assert!(daemon.running.stop().await.0.success());
    collector.read_rest();
    let exported: Vec<_> = collector.named("GET /api/v1/products").map(|span| hex(&span.trace_id)).collect();
    assert_eq!(exported, [TRACE_ID]);
    assert!(collector.spans.iter().all(|span| hex(&span.trace_id) == TRACE_ID));
}

#[actix_web::test]
async fn a_collector_that_hangs_delays_neither_requests_nor_the_exit() {
    // The system accepts connections, but nothing answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let daemon = Daemon::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_BSP_MAX_QUEUE_SIZE", "16")]).await;
    daemon.ask("").await;
    let (connection, _) = hanging.accept().unwrap();
    // More than the queue holds: the rest is dropped without waiting.
    let began_at = Instant::now();
    for _ in 0..200 {
        daemon.ask("").await;
    }
    assert!(began_at.elapsed() < Duration::from_secs(4), "the exporter gives up after 5 s: {:?}", began_at.elapsed());
    let began_at = Instant::now();
    let (ended, log) = daemon.running.stop().await;
    assert!(began_at.elapsed() < MAX_END, "{:?}", began_at.elapsed());
    assert!(ended.success() && log.iter().any(|line| line.contains("drained")));
    drop(connection);
}

#[actix_web::test]
async fn an_unavailable_collector_is_logged_once() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let mut daemon = Daemon::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    daemon.ask("").await;
    daemon.running.until_it_logs("cannot export traces").await;
    daemon.ask("").await;
    let began_at = Instant::now();
    let (ended, log) = daemon.running.stop().await;
    assert!(ended.success() && began_at.elapsed() < MAX_END, "{:?}", began_at.elapsed());
    assert!(!log.iter().any(|line| line.contains("cannot export traces")), "{log:?}");
}

#[actix_web::test]
async fn without_an_endpoint_nothing_is_exported() {
    let mut collector = HttpSink::open();
    // Variables that the exporter would read if it were started.
    let daemon = Daemon::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/v1/traces", collector.url())),
    ])
    .await;
    daemon.ask("").await;
    assert!(daemon.running.stop().await.0.success());
    assert!(collector.rest().is_empty());
}

#[actix_web::test]
async fn trace_spans_do_not_appear_in_the_log() {
    let collector = HttpSink::open();
    let daemon = Daemon::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
        ("TRACKER__LOG__FILTER", "amazon_tracker=trace"),
        ("TRACKER__CRAWL__BASE_URL", &collector.url()),
    ])
    .await;
    let login = json!({ "email": EMAIL, "password": PASSWORD });
    let token = created(daemon.post("/auth/login", &login)).await["access_token"].as_str().unwrap().to_owned();
    created(daemon.post("/products", &json!({ "asin": "B000000001" })).bearer_auth(token)).await;
    // Programs written for Keepa have their API key in the query.
    let refused = daemon.get("/keepa/token/?key=at_hunter2").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let mut running = daemon.running;
    let crawled = running.until_it_logs("outcome=").await;
    let (_, mut log) = running.stop().await;
    log.push(crawled);
    assert_eq!(log.iter().find(|line| line.contains("hunter2")), None);
    let shows = |line: &&String| ["otel.", "tracker.", "use case", "message{"].iter().any(|name| line.contains(name));
    assert_eq!(log.iter().find(shows), None);
}

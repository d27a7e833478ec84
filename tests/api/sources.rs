//! Several sources: one stands in for another, and what they brought is shown.

use std::time::{Duration, Instant};

use amazon_tracker::config::{DatabaseSettings, MarketplaceLimits, Secret, Settings, SourceName};
use amazon_tracker::domain::{Currency, FieldCount, FieldDrift, Marketplace, Money};
use amazon_tracker::sources::simulated::{ApifyFault, ApifyRequest};
use amazon_tracker::store::{self, CrawlCount, StoreClock};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::daemon::{Daemon, Engine, PATIENCE, expect, free_socket, on_both_engines};
use crate::events::Stream;

/// On the simulated account, which is served where the simulated pages are.
fn with_apify(settings: &mut Settings, sources: &[SourceName]) {
    settings.crawl.sources = sources.to_vec();
    settings.apify.token = Some(Secret::from("apify_api_test"));
    settings.apify.base_url = settings.crawl.base_url.clone().unwrap();
    settings.apify.gather_secs = 0;
    settings.apify.runs_per_minute = 1000;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_are_crawled_by_runs_of_an_actor() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| with_apify(settings, &[SourceName::Apify])).await;
        daemon.simulated.apify().set_run_time(Duration::from_millis(100));
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, Money::new(10_000, Currency::Usd));
        let product = daemon.watch(listing).await;
        assert_eq!((&product["source"], &product["last_outcome"]), (&json!("apify"), &json!("observed")));
        assert_eq!(product["price"], json!({ "amount_minor": 10_000, "currency": "USD" }));
        daemon.simulated.set_price(listing, Money::new(9_000, Currency::Usd));
        let id = product["id"].as_str().unwrap();
        daemon.check_now(&product["id"]).await;
        let product = expect(200, daemon.get(&format!("/api/v1/products/{id}"))).await;
        assert_eq!(product["price"]["amount_minor"], 9_000, "a run that was read does not answer again");
        assert_eq!(daemon.simulated.apify().inputs().len(), 2);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_what_it_spends_and_stops_at_the_limit_of_its_plan() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| {
            with_apify(settings, &[SourceName::Apify]);
            settings.apify.item_usd = 0.01;
            settings.budget.requested_percent = 0;
            settings.plans.0.values_mut().for_each(|plan| plan.spend_day_usd = Some(0.011));
        })
        .await;
        daemon.simulated.apify().set_run_time(Duration::from_millis(100));
        let none = expect(200, daemon.get("/api/v1/tenants/me/spending")).await;
        assert_eq!((&none["day"]["spent_micros_usd"], &none["sources"]), (&json!(0), &json!([])));
        assert_eq!(
            (&none["day"]["limit_micros_usd"], &none["month"]["limit_micros_usd"]),
            (&json!(11_000), &Value::Null)
        );
        daemon.watch(daemon.listing(0)).await;
        let is_settled = |spending: &Value| spending["sources"][0]["reserved_micros_usd"] == 0;
        let spending = daemon.eventually("/api/v1/tenants/me/spending", is_settled).await;
        let settled = &spending["sources"][0]["settled_micros_usd"];
        assert_eq!((settled, &spending["sources"][0]["listings"]), (&spending["month"]["spent_micros_usd"], &json!(1)));
        assert!(settled.as_u64().unwrap() > 0, "{spending}");
        let mut stream = Stream::open(daemon.get("/api/v1/events")).await;
        let listing = daemon.listing(1);
        let body = json!({ "asin": listing.asin, "marketplace": listing.marketplace });
        let product = expect(201, daemon.post("/api/v1/products", &body)).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let refused = daemon.eventually(&path, |product| !product["last_outcome"].is_null()).await;
        assert_eq!(
            (&refused["last_outcome"], &refused["failure"]["reason"]),
            (&json!("failed_over_budget"), &json!("failed_over_budget"))
        );
        assert!(!refused["next_crawl_at"].is_null(), "it is tried again");
        let told = stream.next_of("budget").await;
        assert_eq!(told.data["budget"], "tenant");
        assert_eq!(daemon.simulated.apify().inputs().len(), 1);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_refuses_is_replaced_by_the_next() {
    let order = [SourceName::Apify, SourceName::Direct];
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| with_apify(settings, &order)).await;
    let refusal = ApifyFault::Error(402, "not-enough-usage-to-run-paid-actor");
    daemon.simulated.apify().fail_next(ApifyRequest::Start, refusal);
    let product = daemon.watch(daemon.listing(0)).await;
    assert_eq!(product["source"], "direct");
    let product = daemon.watch(daemon.listing(1)).await;
    assert_eq!(product["source"], "direct", "the first one rests");
    assert!(daemon.simulated.apify().inputs().is_empty());
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_taken_with_the_secret_of_their_run_as_often_as_they_come() {
    let socket = free_socket();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        with_apify(settings, &[SourceName::Apify]);
        settings.server.listen = address;
        settings.auth.public_url = Some(format!("http://{address}/").parse().unwrap());
    })
    .await;
    daemon.simulated.apify().set_run_time(Duration::from_millis(100));
    daemon.watch(daemon.listing(0)).await;
    while daemon.simulated.apify().callbacks().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(daemon.simulated.apify().callbacks(), [204, 204]);
    let callback = |run: &str| {
        let url = format!("http://{address}/api/v1/crawl/apify/callback?run={run}");
        daemon.client.post(url).bearer_auth("AAAA").json(&json!({}))
    };
    expect(401, callback("0190a1b2-0000-7000-8000-000000000000")).await;
    let wrong = expect(422, callback("17")).await;
    assert_eq!(wrong["errors"][0]["field"], "run");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_sources_is_shown_and_their_costs_to_superadmins() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| {
            settings.crawl.requests_per_minute = 600;
            settings.crawl.concurrency_per_marketplace = 4;
            let limits = MarketplaceLimits {
                requests_per_minute: Some(30),
                peak_hours: vec!["07:00-23:00".parse().unwrap()],
                peak_requests_per_minute: Some(10),
                ..MarketplaceLimits::default()
            };
            settings.crawl.by_marketplace.insert(Marketplace::De, limits);
        })
        .await;
        let none = expect(200, daemon.get("/api/v1/crawl/sources")).await;
        assert_eq!(none, json!({ "items": [] }));
        let store = daemon.store().await;
        let count = |source: &str, marketplace, kind: &str, count| CrawlCount {
            source: source.to_owned(),
            marketplace,
            kind: kind.to_owned(),
            count,
        };
        let (de, us) = (Marketplace::De, Marketplace::Us);
        let counts = [
            count("apify", us, "failed_not_delivered", 1),
            count("direct", de, "observed", 6),
            count("direct", de, "blocked_captcha", 1),
            count("direct", de, "blocked_throttled", 1),
            count("direct", de, "without:price", 5),
            count("direct", us, "not_found", 3),
        ];
        store.add_crawl_counts(&counts).await.unwrap();
        let sources = expect(200, daemon.get("/api/v1/crawl/sources")).await;
        let marketplace = |name: &str, [observed, not_found, blocked, failed]: [u64; 4], share: f64, limits: Value| {
            json!({
                "marketplace": name, "crawls": observed + not_found + blocked + failed, "observed": observed,
                "not_found": not_found, "blocked": blocked, "failed": failed, "blocked_share": share,
                "outage_since": null, "limits": limits,
            })
        };
        let source = |name: &str, marketplaces: Vec<Value>| {
            json!({ "name": name, "marketplaces": marketplaces, "drifts": [], "runs": null, "cost_micros_usd": null, "history": null })
        };
        let usual = json!({ "requests_per_minute": 600, "concurrency": 4, "peak_hours": [], "peak_requests_per_minute": null });
        let slower = json!({
            "requests_per_minute": 30, "concurrency": 4, "peak_hours": ["07:00-23:00"], "peak_requests_per_minute": 10,
        });
        let expected = [
            source("apify", vec![marketplace("com", [0, 0, 0, 1], 0.0, Value::Null)]),
            source(
                "direct",
                vec![marketplace("com", [0, 3, 0, 0], 0.0, usual), marketplace("de", [6, 0, 2, 0], 0.25, slower)],
            ),
        ];
        assert_eq!(sources["items"], json!(expected));
        let started_at = Timestamp::now().round(jiff::Unit::Millisecond).unwrap();
        let drift = FieldDrift {
            source: "direct".to_owned(),
            marketplace: de,
            field: "rating".to_owned(),
            started_at,
            ended_at: None,
            usual: FieldCount { pages: 1000, missing: 100 },
            recent: FieldCount { pages: 40, missing: 30 },
        };
        store.record_field_drift(&drift).await.unwrap();
        store.report_outages(&[de]).await.unwrap();
        let sources = expect(200, daemon.get("/api/v1/crawl/sources")).await;
        let since = |at: usize| sources["items"][1]["marketplaces"][at]["outage_since"].clone();
        assert_eq!((since(0), since(1).is_string()), (Value::Null, true), "{sources}");
        let expected = json!([{
            "marketplace": "de", "field": "rating", "started_at": started_at, "ended_at": null,
            "usual_share": 0.1, "recent_share": 0.75, "recent_pages": 40,
        }]);
        assert_eq!(sources["items"][1]["drifts"], expected);
        daemon.watch(daemon.listing(0)).await;
        store.refetch_history(store.listing_id(daemon.listing(0)).await.unwrap()).await.unwrap();
        let sources = expect(200, daemon.get("/api/v1/crawl/sources")).await;
        let of_past = sources["items"].as_array().unwrap().iter().find(|source| source["name"] == "keepa").unwrap();
        assert_eq!(of_past["history"], json!({ "imported": 0, "waiting": 1, "failing": 0, "tokens": null }));
        store.close().await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_nobody_watches_is_crawled_and_counted_on_its_own() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        settings.crawl.canary.insert(Marketplace::Us, vec!["B0CANARY01".parse().unwrap()]);
    })
    .await;
    let line = r#"tracker_canary_crawls_total{marketplace="com",outcome="observed",source="direct"} 1"#;
    let until = Instant::now() + PATIENCE;
    while !daemon.metrics().send().await.unwrap().text().await.unwrap().contains(line) {
        assert!(Instant::now() < until, "no canary was counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(expect(200, daemon.get("/api/v1/products")).await["items"], json!([]), "no tenant has it");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_ends_leaves_its_counts_in_the_store() {
    let daemon = Daemon::start(Engine::Postgres).await;
    daemon.watch(daemon.listing(0)).await;
    let url = Secret::from(daemon.database_url());
    let settings = DatabaseSettings { url, ..DatabaseSettings::default() };
    daemon.end().await;
    let store = store::open(&settings, StoreClock::real()).await.unwrap();
    let since = Timestamp::now() - SignedDuration::from_hours(1);
    let counts = store.crawl_counts(since).await.unwrap();
    let observed = counts.iter().find(|count| count.kind == "observed").unwrap();
    assert_eq!((observed.source.as_str(), observed.marketplace, observed.count), ("direct", Marketplace::Us, 1));
    store.close().await;
}

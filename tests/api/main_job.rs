//! The main job, end to end: a listing comes due, is crawled, compared, recorded, and a crossing is delivered.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::{
    Availability, Currency, Listing, ListingState, Marketplace, Money, Point, PointValue, ProductId, ProductSettings,
    ProductStatus, Series, TenantId,
};
use amazon_tracker::sources::simulated::Fault;
use amazon_tracker::store::{self, NewProduct, StoreClock};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;

use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::postgres::Server;

pub const fn usd(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::Usd)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_shows_is_what_the_api_says() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(34_999));
        daemon.simulated.set_availability(listing, Availability::InStock);
        let product = daemon.watch(listing).await;
        assert_eq!(product["price"], json!({ "amount_minor": 34_999, "currency": "USD" }));
        assert_eq!(product["availability"], "in_stock");
        assert_eq!(product["last_outcome"], "observed");
        assert!(product["title"].as_str().unwrap().len() > 10);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_says_how_old_its_price_is_and_its_history_where_it_has_gaps() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let product = daemon.watch(daemon.listing(0)).await;
        assert_eq!((&product["price_as_of"], &product["is_stale"]), (&product["checked_at"], &json!(false)));
        assert_eq!(product["unread_since"], json!({}));
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let history = expect(200, daemon.get(&format!("{path}/history?to=9999-12-31T23:59:59Z"))).await;
        assert_eq!(history["gaps"], json!([]));
        assert!(history["series"].as_array().unwrap().iter().all(|series| series["series"] != "unobserved"));
        let unknown = expect(422, daemon.get(&format!("{path}/history?series=unobserved"))).await;
        assert!(unknown["errors"][0]["field"] == "series", "{unknown}");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_read_in_parts() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let id = add_product_with_a_past(&daemon).await;
        let whole = part_of_history(&daemon, &id, "").await;
        assert_eq!((whole.points.len(), &whole.next_from), (7, &Value::Null));
        for limit in 1..=7 {
            let (mut read, mut part) = (Vec::new(), part_of_history(&daemon, &id, &format!("limit={limit}")).await);
            while let Some(from) = part.next_from.as_str() {
                let later = part.points.iter().filter(|(_, at)| at.as_str() > read_until(&read)).count();
                assert!((1..=limit).contains(&later), "{later} at a limit of {limit}");
                let next = format!("limit={limit}&from={from}");
                read.append(&mut part.points);
                part = part_of_history(&daemon, &id, &next).await;
            }
            read.append(&mut part.points);
            read.sort_unstable();
            read.dedup();
            assert_eq!(read, whole.points, "limit={limit}");
        }
        let refused = expect(422, daemon.get(&format!("/api/v1/products/{id}/history?limit=2501"))).await;
        assert_eq!(refused["errors"][0]["field"], "limit");
        daemon.end().await;
    })
    .await;
}

fn read_until(read: &[(String, String)]) -> &str {
    read.iter().map(|(_, at)| at.as_str()).max().unwrap_or_default()
}

/// Series and time of each point, in order.
struct PartOfHistory {
    points: Vec<(String, String)>,
    next_from: Value,
}

async fn part_of_history(daemon: &Daemon, id: &ProductId, query: &str) -> PartOfHistory {
    let history = expect(200, daemon.get(&format!("/api/v1/products/{id}/history?{query}"))).await;
    let mut points = Vec::new();
    for series in history["series"].as_array().unwrap() {
        let name = series["series"].as_str().unwrap();
        let times = series["points"].as_array().unwrap().iter().map(|point| point["at"].as_str().unwrap().to_owned());
        points.extend(times.map(|at| (name.to_owned(), at)));
    }
    points.sort_unstable();
    PartOfHistory { points, next_from: history["next_from"].clone() }
}

/// Seven points at four times. It is paused, so no crawl adds any.
async fn add_product_with_a_past(daemon: &Daemon) -> ProductId {
    let store = daemon.store().await;
    let settings = ProductSettings { status: ProductStatus::Paused, ..ProductSettings::default() };
    let product = NewProduct { tenant_id: TenantId::BUILT_IN, listing: daemon.listing(0), settings, quota: 10 };
    let product = store.add_product(product).await.unwrap();
    let point = |series: Series, second: i64, number: i64| Point {
        key: series.into(),
        at: Timestamp::from_second(1_700_000_000 + second).unwrap(),
        value: Some(PointValue::Number(number)),
    };
    let price = |second| point(Series::Price, second, 1000 + second);
    let rank = |second| point(Series::SalesRank, second, 1 + second);
    let count = |second| point(Series::ReviewCount, second, 1 + second);
    let points = [price(0), rank(0), count(0), rank(1), price(2), rank(2), rank(3)];
    let mut state = ListingState::default();
    points.iter().for_each(|point| state.replay(point));
    assert!(store.import(product.listing_id, &points, &state).await.unwrap());
    store.close().await;
    product.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossing_is_delivered_once_signed_and_again_after_a_real_rise() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(10_000));
        let id = daemon.watch(listing).await["id"].clone();
        let rule = json!({
            "product_id": id, "kind": "price_at_or_below",
            "target": { "amount_minor": 9000, "currency": "USD" }, "webhook_url": daemon.receiver.url(),
        });
        let alert = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        daemon.check_now(&id).await;
        for (price, crossings) in [(8_900, 1), (8_800, 1), (9_050, 1), (8_900, 1), (9_500, 1), (8_000, 2)] {
            daemon.simulated.set_price(listing, usd(price));
            assert_eq!(daemon.check_now(&id).await["status"], "done");
            let events = expect(200, daemon.get("/api/v1/alerts/events")).await;
            assert_eq!(events["items"].as_array().unwrap().len(), crossings, "at {price}");
        }
        for (crossing, price) in [(1, 8_900), (2, 8_000)] {
            let webhook = daemon.receiver.next().await;
            assert!(webhook.is_signed_with(alert["webhook_secret"].as_str().unwrap()));
            assert_eq!(webhook.body["type"], "product.price_at_or_below");
            assert_eq!(webhook.body["data"]["price"]["amount_minor"], price);
            assert_eq!(webhook.body["data"]["crossing"], crossing);
        }
        let told = |events: &serde_json::Value| {
            let items = events["items"].as_array().unwrap();
            items.iter().all(|event| event["deliveries"][0]["status"] == "delivered")
        };
        daemon.eventually("/api/v1/alerts/events", told).await;
        assert!(daemon.receiver.is_quiet().await);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_reached_at_creation_fires() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(5_000));
        let id = daemon.watch(listing).await["id"].clone();
        let rule = json!({
            "product_id": id, "kind": "price_at_or_below",
            "target": { "amount_minor": 6000, "currency": "USD" }, "webhook_url": daemon.receiver.url(),
        });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        assert_eq!(daemon.receiver.next().await.body["data"]["price"]["amount_minor"], 5_000);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_gets_the_same_message_again_under_the_same_id() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(5_000));
        let id = daemon.watch(listing).await["id"].clone();
        daemon.receiver.answer_next(&[500]);
        let rule = json!({
            "product_id": id, "kind": "price_at_or_below",
            "target": { "amount_minor": 6000, "currency": "USD" }, "webhook_url": daemon.receiver.url(),
        });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let (first, second) = (daemon.receiver.next().await, daemon.receiver.next().await);
        assert_eq!((first.id, first.raw), (second.id, second.raw));
        let events = daemon
            .eventually("/api/v1/alerts/events", |events| events["items"][0]["deliveries"][0]["status"] == "delivered")
            .await;
        assert_eq!(events["items"][0]["deliveries"][0]["attempts"], 2);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_delivery_is_sent_again_when_it_is_asked_for() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(5_000));
        let id = daemon.watch(listing).await["id"].clone();
        daemon.receiver.answer_next(&[410]);
        let rule = json!({
            "product_id": id, "kind": "price_at_or_below",
            "target": { "amount_minor": 6000, "currency": "USD" }, "webhook_url": daemon.receiver.url(),
        });
        expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let first = daemon.receiver.next().await;
        let is = |status: &'static str| move |events: &Value| events["items"][0]["deliveries"][0]["status"] == status;
        let events = daemon.eventually("/api/v1/alerts/events", is("dead")).await;
        let delivery = events["items"][0]["deliveries"][0]["id"].as_str().unwrap().to_owned();
        let retry = format!("/api/v1/alerts/deliveries/{delivery}/retry");
        expect(204, daemon.post(&retry, &json!({}))).await;
        let second = daemon.receiver.next().await;
        assert_eq!((first.id, first.raw), (second.id, second.raw));
        daemon.eventually("/api/v1/alerts/events", is("delivered")).await;
        expect(404, daemon.post(&retry, &json!({}))).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_listing_is_released_through_its_product() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let product = daemon.watch(daemon.listing(0)).await;
    let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
    let release = format!("{path}/release");
    assert_eq!(expect(409, daemon.post(&release, &json!({}))).await["code"], "not_parked");
    let mut database = SqliteConnection::connect(&daemon.database_url()).await.unwrap();
    sqlx::query("UPDATE lease SET parked_at = 1").execute(&mut database).await.unwrap();
    daemon.eventually(&path, |product| product["next_crawl_at"].is_null()).await;
    assert!(!expect(200, daemon.post(&release, &json!({}))).await["next_crawl_at"].is_null());
    let seen = &product["checked_at"];
    daemon.eventually(&path, |product| product["checked_at"] != *seen).await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_collapses_is_confirmed_before_an_alert() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(10_000));
        let id = daemon.watch(listing).await["id"].clone();
        let path = format!("/api/v1/products/{}", id.as_str().unwrap());
        daemon.simulated.set_price(listing, usd(1_000));
        expect(202, daemon.post("/api/v1/crawl", &json!({ "product_ids": [id] }))).await;
        let held = daemon.eventually(&path, |product| product["is_held"] == true).await;
        assert_eq!(held["price"]["amount_minor"], 10_000);
        let believed = daemon.eventually(&path, |product| product["is_held"] == false).await;
        assert_eq!(believed["price"]["amount_minor"], 1_000);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captcha_is_no_data_and_the_crawl_is_repeated() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        daemon.simulated.set_price(listing, usd(10_000));
        let id = daemon.watch(listing).await["id"].clone();
        daemon.simulated.set_price(listing, usd(9_000));
        daemon.simulated.fail_next(2, Fault::Captcha);
        let task = daemon.check_now(&id).await;
        assert_eq!((task["status"].as_str(), task["items"][0]["outcome"].as_str()), (Some("done"), Some("observed")));
        let path = format!("/api/v1/products/{}/price-history", id.as_str().unwrap());
        let history = expect(200, daemon.get(&path)).await;
        let prices: Vec<_> = history["series"][0]["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point["value"]["amount_minor"].as_i64())
            .collect();
        assert_eq!(prices, [Some(10_000), Some(9_000)]);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prefer_wait_waits_for_the_crawl_that_succeeds() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        let id = daemon.watch(listing).await["id"].clone();
        daemon.simulated.fail_next(1, Fault::Captcha);
        let asked = daemon.post("/api/v1/crawl", &json!({ "product_ids": [id] })).header("prefer", "wait=20");
        let task = expect(202, asked).await;
        assert_eq!((task["status"].as_str(), task["items"][0]["outcome"].as_str()), (Some("done"), Some("observed")));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_stops_nothing_for_good() {
    let server = Server::start();
    let daemon = Daemon::start_with(Engine::Postgres, |settings| {
        settings.database.url = Secret::from(server.url("tracker"));
        settings.database.acquire_timeout_secs = 1;
    })
    .await;
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    server.interrupt();
    let body = json!({ "product_ids": [id] });
    let refused = daemon.post("/api/v1/crawl", &body).send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    expect(503, daemon.get("/health/ready")).await;
    expect(200, daemon.get("/health/live")).await;
    server.resume();
    daemon.eventually_answers(200, "/health/ready").await;
    assert_eq!(daemon.check_now(&id).await["status"], "done");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_concurrent_requests_cause_one_crawl() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        let id = daemon.watch(listing).await["id"].clone();
        let served =
            || daemon.simulated.truth(0).into_iter().filter(|line| format!("{line:?}").contains("Served")).count();
        let before = served();
        daemon.simulated.fail_next(1, Fault::Slow);
        let asked = (0..10).map(|_| daemon.check_now(&id));
        let tasks = futures_util::future::join_all(asked).await;
        assert!(tasks.iter().all(|task| task["status"] == "done"));
        assert!(served() - before <= 2, "a crawl that had begun is shared, and at most one follows it");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_is_said_in_the_health() {
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        let database = settings.database.clone();
        tokio::task::block_in_place(|| Handle::current().block_on(add_product_a_month_ahead(&database)));
    })
    .await;
    let health = daemon.eventually("/health", |health| !health["clock_set_back_at"].is_null()).await;
    assert_eq!(health["status"], "ok", "the listing is due: nothing is left to do");
    daemon.end().await;
}

async fn add_product_a_month_ahead(database: &DatabaseSettings) {
    let ahead = Timestamp::now() + SignedDuration::from_hours(30 * 24);
    let store = store::open(database, StoreClock::manual(ahead)).await.unwrap();
    store.migrate().await.unwrap();
    let settings = ProductSettings::default();
    let listing = Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap());
    store.add_product(NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: 10 }).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_added_by_its_short_link() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let asin = daemon.listing(0).asin;
    let link = |url: &str, marketplace: &str| json!({ "url": url, "marketplace": marketplace });
    let short = format!("https://a.co/d/{asin}");
    let refused = expect(422, daemon.post("/api/v1/products", &link(&short, "de"))).await;
    assert_eq!(refused["errors"][0]["field"], "marketplace", "{refused}");
    let product = expect(201, daemon.post("/api/v1/products", &link(&short, "com"))).await;
    assert_eq!((&product["asin"], &product["marketplace"]), (&json!(asin), &json!("com")));
    let nowhere = expect(422, daemon.post("/api/v1/products", &link("https://a.co/d/nowhere", "com"))).await;
    assert_eq!(nowhere["errors"][0]["field"], "url");
    assert!(nowhere["errors"][0]["message"].as_str().unwrap().contains("open it in a browser"), "{nowhere}");
    daemon.end().await;

    let off = Daemon::start_with(Engine::Sqlite, |settings| settings.crawl.resolve_short_links = false).await;
    let refused = expect(422, off.post("/api/v1/products", &link(&short, "com"))).await;
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("host of short links"), "{refused}");
    off.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_database_file_is_not_ready_and_no_new_one_appears() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let file = PathBuf::from(daemon.database_url().trim_start_matches("sqlite://"));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "others cannot read it");
    expect(200, daemon.get("/health/ready")).await;
    std::fs::remove_file(&file).unwrap();
    let health = expect(503, daemon.get("/health/ready")).await;
    assert_eq!((&health["database"], &health["database_problem"]), (&json!(false), &json!("file_gone")));
    expect(200, daemon.get("/health/live")).await;
    assert!(!file.exists());
    daemon.end().await;
}

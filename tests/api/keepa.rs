//! Programs written for Keepa read our products.

use std::io::Read;
use std::process::Command;

use amazon_tracker::domain::*;
use amazon_tracker::keepa::{keepa_minute, time_of};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::access::{as_bearer, newcomer};
use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::main_job::usd;

/// The minute of the first point that tests import: early in 2025.
const FIRST: i64 = 7_400_000;
const BUY_BOX: usize = 18;

/// Sends and reads as the official client does: it decompresses whatever it gets.
async fn told(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-encoding"], "gzip", "{status}");
    let (bytes, mut json) = (response.bytes().await.unwrap(), String::new());
    GzDecoder::new(&bytes[..]).read_to_string(&mut json).unwrap();
    (status, serde_json::from_str(&json).unwrap())
}

fn with_key(daemon: &Daemon, path: &str, key: &str) -> RequestBuilder {
    let separator = if path.contains('?') { '&' } else { '?' };
    daemon.request(Method::GET, &format!("/keepa{path}{separator}key={key}"))
}

async fn get(daemon: &Daemon, path: &str) -> Value {
    let (status, answer) = told(with_key(daemon, path, &daemon.key)).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn refused(daemon: &Daemon, path: &str) -> (u16, Value) {
    told(with_key(daemon, path, &daemon.key)).await
}

fn point(series: Series, minute: i64, number: i64) -> Point {
    let value = (number >= 0).then_some(PointValue::Number(number));
    Point { key: series.into(), at: time_of(minute).unwrap(), value }
}

/// What a listing was before its first crawl.
async fn import(daemon: &Daemon, listing: Listing, points: Vec<Point>) {
    let store = daemon.store().await;
    let known_until = points.iter().map(|point| point.at).max().unwrap();
    let past = Past { listing, points, known_until };
    store.import_past(store.listing_id(listing).await.unwrap(), &past, "test", None).await.unwrap();
    store.close().await;
}

/// A product with a past: two prices with shipping, and a time without an offer.
async fn with_a_past(daemon: &Daemon, listing: Listing) -> Value {
    daemon.simulated.set_price(listing, usd(34_999));
    let product = daemon.watch(listing).await;
    let points = vec![
        point(Series::Price, FIRST, 29_900),
        point(Series::Shipping, FIRST, 499),
        point(Series::ListPrice, FIRST, 39_900),
        point(Series::Rating, FIRST, 453),
        point(Series::ReviewCount, FIRST, 120),
        point(Series::Price, FIRST + 1000, -1),
        point(Series::Shipping, FIRST + 1000, -1),
        point(Series::Price, FIRST + 2000, 31_000),
        point(Series::Shipping, FIRST + 2000, 0),
    ];
    import(daemon, listing, points).await;
    product
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_told_with_its_history_in_the_places_that_clients_know() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        let known = with_a_past(&daemon, listing).await;
        let path = format!("/product/?domain=1&asin={},B000000000,nonsense&stats=90", listing.asin);
        let answer = get(&daemon, &path).await;
        let [product, stranger, nonsense] = answer["products"].as_array().unwrap().as_slice() else {
            panic!("{answer}")
        };
        for unknown in [stranger, nonsense] {
            assert_eq!(
                (&unknown["productType"], &unknown["title"], &unknown["csv"]),
                (&json!(4), &Value::Null, &Value::Null)
            );
            assert_eq!(unknown["domainId"], 1);
        }
        assert_eq!((&product["asin"], &product["productType"]), (&json!(listing.asin), &json!(0)));
        assert_eq!(product["title"], known["title"]);
        let csv = product["csv"].as_array().unwrap();
        assert_eq!(csv.len(), 36);
        let buy_box: Vec<i64> = serde_json::from_value(csv[BUY_BOX].clone()).unwrap();
        let past = [FIRST, 29_900, 499, FIRST + 1000, -1, -1, FIRST + 2000, 31_000, 0];
        assert_eq!(buy_box[..9], past);
        let first_crawl: Timestamp = known["checked_at"].as_str().unwrap().parse().unwrap();
        let unknown: Vec<i64> = serde_json::from_value(product["unknownTimes"].clone()).unwrap();
        assert_eq!(
            unknown,
            [FIRST + 2001, keepa_minute(first_crawl)],
            "nothing was known between the past and the first crawl"
        );
        assert_eq!(buy_box[9..12], [unknown[0], -1, -1]);
        let [.., at, price, shipping] = buy_box[..] else { panic!("{buy_box:?}") };
        assert_eq!((at, price), (unknown[1], 34_999));
        // Imported until another one is stated.
        assert_eq!(shipping, 0);
        assert_eq!(csv[16].as_array().unwrap()[..2], [json!(FIRST), json!(45)]);
        assert_eq!(csv[1], Value::Null, "the featured price is not the lowest");
        assert_eq!(product["lastUpdate"], keepa_minute(first_crawl));
        assert_eq!(product["stats"]["current"][BUY_BOX], 34_999);
        assert_eq!(product["stats"]["min"][BUY_BOX], json!([FIRST, 30_399]));
        assert_eq!(product["stats"]["min"][2], Value::Null);
        let ranks: Vec<i64> = serde_json::from_value(csv[3].clone()).unwrap();
        let ours = known["ranks"].as_array().unwrap().iter().max_by_key(|rank| rank["rank"].as_i64()).unwrap();
        assert_eq!((ranks.last(), &product["salesRankCategory"]), (ours["rank"].as_i64().as_ref(), &ours["category"]));
        let short = get(&daemon, &format!("/product?domain=1&asin={}&history=0", listing.asin)).await;
        assert_eq!(short["products"][0]["csv"], Value::Null);
        assert_eq!(short["products"][0].get("stats"), Some(&Value::Null));
        let days = get(&daemon, &format!("/product?domain=1&asin={}&days=2", listing.asin)).await;
        assert_eq!(days["products"][0]["csv"][BUY_BOX].as_array().unwrap().len(), 6, "what held before, and what is");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipping_that_no_page_states_is_marked_unless_the_client_adds_numbers_blindly() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let listing = daemon.listing(1);
    daemon.simulated.set_price(listing, usd(1_999));
    daemon.watch(listing).await;
    let path = format!("/product?domain=1&asin={}", listing.asin);
    let offer = async |path: &str| get(&daemon, path).await["products"][0]["csv"][BUY_BOX].clone();
    let (marked, free) = (offer(&path).await, offer(&format!("{path}&unstated-shipping=0")).await);
    assert_eq!((&marked[1], &marked[2]), (&json!(1_999), &json!(-1)));
    assert_eq!((&free[1], &free[2]), (&json!(1_999), &json!(0)));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_envelope_and_the_states_that_clients_know() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let answer = get(&daemon, "/token/").await;
    let minute =
        daemon.get("/api/v1/products").send().await.unwrap().headers()["ratelimit-policy"].to_str().unwrap().to_owned();
    assert_eq!(minute, format!("\"requests\";q={};w=60", answer["refillRate"]));
    let left = answer["tokensLeft"].as_i64().unwrap();
    assert!((0..answer["refillRate"].as_i64().unwrap()).contains(&left), "{answer}");
    let now = Timestamp::now().as_millisecond();
    assert!((answer["timestamp"].as_i64().unwrap() - now).abs() < 60_000);
    for field in ["refillIn", "tokenFlowReduction", "tokensConsumed", "processingTimeInMs"] {
        assert!(answer[field].is_number(), "{field}");
    }
    assert!(get(&daemon, "/token").await["tokensLeft"].as_i64().unwrap() < answer["refillRate"].as_i64().unwrap());
    for (path, status, kind) in [
        ("/bestsellers/?domain=1&category=1", 404, "notFound"),
        ("/deal", 404, "notFound"),
        ("/seller", 404, "notFound"),
        ("/search/", 404, "notFound"),
        ("/category", 404, "notFound"),
        ("/product?domain=7&asin=B000000000", 400, "invalidParameter"),
        ("/product?domain=1", 400, "invalidParameter"),
        ("/product?domain=1&code=4006381333931", 400, "invalidParameter"),
        ("/product?domain=1&asin=B000000000&stats=never", 400, "invalidParameter"),
        ("/graphimage?domain=1&asin=B000000000", 404, "notFound"),
        ("/query?domain=1&selection=%7B%22monthlySold_gte%22%3A1%7D", 400, "invalidParameter"),
        ("/tracking?type=webhook&url=x", 400, "invalidParameter"),
    ] {
        let (got, answer) = refused(&daemon, path).await;
        assert_eq!((got, &answer["error"]["type"]), (status, &json!(kind)), "{path}: {answer}");
        assert!(answer["tokensLeft"].is_number() && answer["refillRate"].is_number(), "{path}: {answer}");
    }
    let nowhere = told(daemon.request(Method::GET, "/keepa/a/b")).await;
    assert_eq!((nowhere.0, &nowhere.1["error"]["type"]), (404, &json!("notFound")));
    let posted = told(daemon.request(Method::POST, "/keepa/token")).await;
    assert_eq!((posted.0, &posted.1["error"]["type"]), (405, &json!("methodNotAllowed")));
    let plain = with_key(&daemon, "/product?domain=1", &daemon.key).header("accept-encoding", "identity");
    assert_eq!(expect(400, plain).await["error"]["details"], "asin: is required");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_what_its_scopes_allow_and_a_wrong_one_is_a_rejected_request() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let asin = daemon.listing(0).asin;
    daemon.watch(daemon.listing(0)).await;
    let reader = daemon.key_with(&[Scope::ProductRead]).await;
    let product = format!("/product?domain=1&asin={asin}");
    let kind = async |request: RequestBuilder| {
        let (status, answer) = told(request).await;
        (status, answer["error"]["type"].as_str().unwrap_or_default().to_owned())
    };
    let wrong = "at_0123456789012345678901234567890123456789012";
    for request in [
        with_key(&daemon, "/token", wrong),
        with_key(&daemon, &product, "secret"),
        daemon.request(Method::GET, "/keepa/token"),
        // Of two keys, a proxy may look at one and the daemon at the other.
        with_key(&daemon, &format!("/token?key={}", daemon.key), &daemon.key),
        daemon.request(Method::GET, "/keepa/token").bearer_auth(&daemon.key),
    ] {
        assert_eq!(kind(request).await, (400, "invalidKey".to_owned()));
    }
    assert_eq!(kind(with_key(&daemon, &product, &reader)).await.0, 200);
    let add = daemon.request(Method::POST, &format!("/keepa/tracking?type=add&key={reader}")).json(&json!([]));
    for request in [
        with_key(&daemon, &format!("{product}&update=0"), &reader),
        with_key(&daemon, &format!("/tracking?type=remove&asin={asin}"), &reader),
        with_key(&daemon, "/tracking?type=removeAll", &reader),
        add,
    ] {
        assert_eq!(kind(request).await, (400, "forbidden".to_owned()));
    }
    // Nor do other paths take a key from the query.
    let elsewhere = daemon.request(Method::GET, &format!("/api/v1/products?key={}", daemon.key));
    assert_eq!(elsewhere.send().await.unwrap().status(), 401);
    let metrics = daemon.metrics().send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\"/keepa/product\"") && !metrics.contains("at_"), "{metrics}");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_rate_limit_says_when_there_are_tokens_again() {
    let few = |settings: &mut amazon_tracker::config::Settings| {
        settings.plans.0.values_mut().for_each(|plan| plan.requests_per_minute = 2);
    };
    let daemon = Daemon::start_with(Engine::Sqlite, few).await;
    assert_eq!(get(&daemon, "/token").await["tokensLeft"], 1);
    assert_eq!(get(&daemon, "/token").await["tokensLeft"], 0);
    let (status, answer) = refused(&daemon, "/token").await;
    assert_eq!((status, &answer["error"]["type"]), (429, &json!("notEnoughTokens")));
    assert_eq!(
        (&answer["tokensLeft"], &answer["refillRate"], &answer["tokensConsumed"]),
        (&json!(0), &json!(2), &json!(0))
    );
    assert!((1..=30_001).contains(&answer["refillIn"].as_i64().unwrap()), "{answer}");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_learns_nothing_about_our_products() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let listing = daemon.listing(0);
    with_a_past(&daemon, listing).await;
    let jo = newcomer(&daemon, "jo").await;
    let key = json!({ "name": "keepa", "scopes": ["product:read", "alert:write", "crawl:create"] });
    let key = expect(201, as_bearer(&daemon, Method::POST, "/api/v1/auth/api-keys", &jo).json(&key)).await;
    let key = key["key"].as_str().unwrap();
    let asin = listing.asin;
    let (_, told_them) =
        told(with_key(&daemon, &format!("/product?domain=1&asin={asin}&stats=90&update=0"), key)).await;
    assert_eq!(told_them["products"][0]["productType"], 4, "{told_them}");
    assert_eq!(told_them["products"][0]["csv"], Value::Null);
    let (_, found) = told(with_key(&daemon, "/query?domain=1&selection=%7B%7D", key)).await;
    assert_eq!((&found["asinList"], &found["totalResults"]), (&json!([]), &json!(0)));
    assert_eq!(told(with_key(&daemon, &format!("/graphimage?domain=1&asin={asin}"), key)).await.0, 404);
    assert_eq!(told(with_key(&daemon, &format!("/tracking?type=get&domain=1&asin={asin}"), key)).await.0, 404);
    let add = daemon.request(Method::POST, &format!("/keepa/tracking?type=add&key={key}"));
    let (status, answer) = told(add.json(&json!([tracking(asin, 100)]))).await;
    assert_eq!(
        (status, answer["error"]["details"].as_str().unwrap()),
        (400, "[0].asin: is none of your products; add it first")
    );
    daemon.end().await;
}

fn tracking(asin: Asin, price: i64) -> Value {
    json!({
        "asin": asin, "ttl": 48, "expireNotify": true, "desiredPricesInMainCurrency": true, "mainDomainId": 1,
        "updateInterval": 1, "metaData": "mine", "individualNotificationInterval": 60,
        "notificationType": [false, false, false, false, false, true, false],
        "thresholdValues": [
            { "thresholdValue": price, "domain": 1, "csvType": 18, "isDrop": true },
            { "thresholdValue": 45, "domain": 1, "csvType": 16, "isDrop": false },
        ],
        "notifyIf": [{ "domain": 1, "csvType": 18, "notifyIfType": 1 }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn trackings_are_alerts_of_the_product() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (listing, began_at) = (daemon.listing(0), keepa_minute(Timestamp::now()));
        daemon.simulated.set_price(listing, usd(34_999));
        let id = daemon.watch(listing).await["id"].clone();
        let asin = listing.asin;
        let add = async |body: &Value| {
            let request = daemon.request(Method::POST, &format!("/keepa/tracking/?type=add&key={}", daemon.key));
            told(request.header("content-type", "application/json; charset=UTF-8").body(body.to_string())).await
        };
        let (status, added) = add(&json!([tracking(asin, 34_000)])).await;
        assert_eq!(status, 200, "{added}");
        let told_back = &added["trackings"][0];
        assert_eq!(
            (&told_back["ttl"], &told_back["metaData"], &told_back["mainDomainId"]),
            (&json!(48), &json!("mine"), &json!(1))
        );
        assert_eq!(told_back["individualNotificationInterval"], 60);
        let thresholds = told_back["thresholdValues"].as_array().unwrap();
        assert_eq!((&thresholds[0]["csvType"], &thresholds[0]["thresholdValueCSV"][1]), (&json!(18), &json!(34_000)));
        assert_eq!((&thresholds[1]["csvType"], &thresholds[1]["isDrop"]), (&json!(16), &json!(false)));
        assert_eq!(told_back["notifyIf"], json!([{ "domain": 1, "csvType": 18, "notifyIfType": 1 }]));
        let alerts = expect(200, daemon.get("/api/v1/alerts")).await;
        assert_eq!(alerts["items"].as_array().unwrap().len(), 3);
        assert!(alerts["items"].as_array().unwrap().iter().any(|alert| alert["target"]["amount_minor"] == 34_000));
        // A threshold that is there already stays the alert that it is.
        let kept =
            alerts["items"].as_array().unwrap().iter().find(|alert| alert["kind"] == "level").unwrap()["id"].clone();
        let mut changed = tracking(asin, 33_000);
        changed["notifyIf"] = Value::Null;
        assert_eq!(add(&changed).await.1["trackings"][0]["thresholdValues"][1]["thresholdValueCSV"][1], 33_000);
        let after = expect(200, daemon.get("/api/v1/alerts")).await;
        assert_eq!(after["items"].as_array().unwrap().len(), 2);
        assert!(after["items"].as_array().unwrap().iter().any(|alert| alert["id"] == kept));
        daemon.check_now(&id).await;
        daemon.simulated.set_price(listing, usd(32_500));
        daemon.check_now(&id).await;
        daemon
            .eventually("/api/v1/alerts/events", |events| {
                events["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|event| event["kind"] == "price_at_or_below" || event["price"]["amount_minor"] == 32_500)
            })
            .await;
        let answer = get(&daemon, &format!("/tracking?type=notification&revise=0&since={began_at}")).await;
        let notifications = answer["notifications"].as_array().unwrap();
        let price = notifications.iter().find(|it| it["csvType"] == 18).unwrap_or_else(|| panic!("{answer}"));
        assert_eq!((&price["asin"], &price["trackingNotificationCause"]), (&json!(asin), &json!(1)));
        assert_eq!((&price["currentPrices"][18], &price["metaData"]), (&json!(32_500), &json!("mine")));
        let later = keepa_minute(Timestamp::now()) + 10;
        assert_eq!(
            get(&daemon, &format!("/tracking?type=notification&since={later}")).await["notifications"],
            json!([])
        );
        assert_eq!(get(&daemon, "/tracking?type=list&asins-only=1").await["asinList"], json!([asin]));
        assert_eq!(get(&daemon, "/tracking?type=list").await["trackings"].as_array().unwrap().len(), 1);
        assert_eq!(get(&daemon, &format!("/tracking?type=get&asin={asin}")).await["trackings"][0]["asin"], json!(asin));
        get(&daemon, &format!("/tracking?type=remove&asin={asin}")).await;
        assert_eq!(get(&daemon, "/tracking?type=list").await["trackings"], json!([]));
        assert_eq!(expect(200, daemon.get("/api/v1/alerts")).await["items"], json!([]));

        // An alert that tells somebody is told as a threshold, and not taken away.
        let target = json!({ "amount_minor": 100, "currency": "USD" });
        let told = json!({ "product_id": id, "kind": "price_at_or_below", "target": target, "webhook_url": daemon.receiver.url() });
        let told = expect(201, daemon.post("/api/v1/alerts", &told)).await["id"].clone();
        assert_eq!(add(&json!([tracking(asin, 34_000)])).await.0, 200);
        get(&daemon, &format!("/tracking?type=remove&asin={asin}")).await;
        let left = get(&daemon, &format!("/tracking?type=get&asin={asin}")).await;
        assert_eq!(left["trackings"][0]["thresholdValues"][0]["thresholdValueCSV"][1], 100, "{left}");
        let alerts = expect(200, daemon.get("/api/v1/alerts")).await;
        assert_eq!((alerts["items"].as_array().unwrap().len(), &alerts["items"][0]["id"]), (1, &told));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_trackings_are_named_and_none_is_set() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let asin = daemon.listing(0).asin;
    daemon.watch(daemon.listing(0)).await;
    for (change, details) in [
        (json!({ "mainDomainId": 7 }), "[1].mainDomainId: must be the number of a marketplace: 1 to 6, or 8 to 12"),
        (json!({ "asin": "x" }), "[1].asin: is not an ASIN"),
        (
            json!({ "thresholdValues": null, "notifyIf": null }),
            "[1].thresholdValues: must have 1 to 50 values, together with `notifyIf`",
        ),
        (json!({ "ttl": 9_000_000_000_000_000_i64 }), "[1].ttl: is too large"),
    ] {
        let mut wrong = tracking(asin, 100);
        change.as_object().unwrap().iter().for_each(|(field, value)| wrong[field] = value.clone());
        let request = daemon.request(Method::POST, &format!("/keepa/tracking?type=add&key={}", daemon.key));
        let (status, answer) = told(request.json(&json!([tracking(asin, 100), wrong]))).await;
        assert_eq!(status, 400);
        assert!(answer["error"]["details"].as_str().unwrap().contains(details), "{answer}");
    }
    let untyped =
        daemon.request(Method::POST, &format!("/keepa/tracking?type=add&key={}", daemon.key)).json(&json!([{}]));
    assert_eq!(told(untyped).await.1["error"]["details"], "[0].asin: missing field `asin`");
    assert_eq!(expect(200, daemon.get("/api/v1/alerts")).await["items"], json!([]));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_products_are_found_by_their_values_and_drawn() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let (cheap, dear) = (daemon.listing(0), daemon.listing(1));
        for (listing, price) in [(cheap, 1_000), (dear, 90_000)] {
            daemon.simulated.set_price(listing, usd(price));
            daemon.watch(listing).await;
        }
        let find = async |selection: Value| {
            let path = url::form_urlencoded::Serializer::new("/query?domain=1&".to_owned())
                .append_pair("selection", &selection.to_string())
                .finish();
            get(&daemon, &path).await
        };
        assert_eq!(find(json!({})).await["totalResults"], 2);
        let found = find(json!({ "current_BUY_BOX_SHIPPING_lte": 2_000, "perPage": 50, "page": 0 })).await;
        assert_eq!((&found["asinList"], &found["totalResults"]), (&json!([cheap.asin]), &json!(1)));
        let averages = find(json!({ "avg30_BUY_BOX_SHIPPING_gte": 2_000 })).await;
        assert_eq!(averages["asinList"], json!([dear.asin]));
        let sorted = find(json!({ "sort": [["current_BUY_BOX_SHIPPING", "desc"]], "perPage": 1 })).await;
        assert_eq!((&sorted["asinList"], &sorted["totalResults"]), (&json!([dear.asin]), &json!(2)));
        let next = find(json!({ "sort": [["current_BUY_BOX_SHIPPING", "desc"]], "perPage": 1, "page": 1 })).await;
        assert_eq!(next["asinList"], json!([cheap.asin]));
        assert_eq!(find(json!({ "brand": "nobody's" })).await["totalResults"], 0);
        let picture =
            with_key(&daemon, &format!("/graphimage/?domain=1&asin={}&range=30&amazon=1", cheap.asin), &daemon.key);
        let picture = picture.send().await.unwrap();
        assert_eq!(
            (picture.status().as_u16(), &picture.headers()["content-type"]),
            (200, &"image/png".parse().unwrap())
        );
        assert!(picture.bytes().await.unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_data_are_crawled_for_the_answer() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let listing = daemon.listing(0);
    daemon.simulated.set_price(listing, usd(10_000));
    daemon.watch(listing).await;
    daemon.simulated.set_price(listing, usd(9_500));
    let offer = async |update: &str| {
        let path = format!("/product?domain=1&asin={}&history=0&stats=1{update}", listing.asin);
        get(&daemon, &path).await["products"][0]["stats"]["current"][BUY_BOX].clone()
    };
    assert_eq!(offer("&update=1").await, 10_000, "it is younger than an hour");
    assert_eq!(offer("&update=0").await, 9_500);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_can_be_imported_again_as_it_was() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let listing = daemon.listing(0);
        with_a_past(&daemon, listing).await;
        let answer = get(&daemon, &format!("/product?domain=1&asin={}", listing.asin)).await;
        let folder = tempfile::tempdir().unwrap();
        let (file, url) =
            (folder.path().join("answer.json"), format!("sqlite://{}", folder.path().join("other.sqlite").display()));
        std::fs::write(&file, answer.to_string()).unwrap();
        let mut import = Command::new(env!("CARGO_BIN_EXE_amazon-tracker"));
        let import = import.args(["import", "keepa", "--add", "--database-url", &url]).arg(&file).output().unwrap();
        assert!(import.status.success(), "{import:?}");
        let of = async |store: amazon_tracker::store::SharedStore| {
            let id = store.listing_id(listing).await.unwrap();
            let series = [Series::Price, Series::Shipping, Series::ListPrice, Series::ReviewCount, Series::OfferCount];
            let points = store.points(id, &series, None, None, 1000).await.unwrap();
            store.close().await;
            points.into_iter().map(|point| (point.key.series, keepa_minute(point.at), point.value)).collect::<Vec<_>>()
        };
        let other = amazon_tracker::config::DatabaseSettings {
            url: amazon_tracker::config::Secret::from(url),
            ..Default::default()
        };
        let imported =
            of(amazon_tracker::store::open(&other, amazon_tracker::store::StoreClock::real()).await.unwrap()).await;
        let ours = of(daemon.store().await).await;
        // Of this last hour nothing is imported: a crawl may be under way.
        let until = keepa_minute(Timestamp::now()) - 61;
        let ours: Vec<_> = ours.into_iter().filter(|(_, minute, _)| *minute < until).collect();
        assert!(ours.len() >= 8, "{ours:?}");
        assert_eq!(imported, ours);
        daemon.end().await;
    })
    .await;
}

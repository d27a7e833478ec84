//! What a dashboard shows: boards, charts, and changes of many products.

use std::collections::BTreeSet;

use amazon_tracker::config::ProcessRole;
use amazon_tracker::domain::{
    Availability, ListingState, Point, PointValue, ProductSettings, Scope, Series, SeriesKey, TenantId,
};
use amazon_tracker::store::{AuditFilter, NewProduct, SharedStore};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Engine, expect, on_both_engines};

const PRODUCTS: usize = 14;
const DAYS: i64 = 120;

/// A daemon without crawler: products have the history that they are given.
async fn start(engine: Engine) -> Daemon {
    Daemon::start_with(engine, |settings| settings.server.roles = [ProcessRole::Api].into()).await
}

/// The same numbers in each run.
fn numbers(seed: i64) -> impl FnMut(i64) -> i64 {
    let mut state = 77_777 + seed * 1_000;
    move |below| {
        state = (state.wrapping_mul(1_103_515_245) + 12_345) & 0x7fff_ffff;
        (state >> 8) % below
    }
}

/// A history of some months: prices, now and then none, gaps, ranks and availability. The last crawl of some was long ago.
fn history(seed: i64, now: Timestamp) -> Vec<Point> {
    let mut random = numbers(seed);
    let point = |series: Series, at: Timestamp, value: Option<i64>| {
        let category = if series == Series::SalesRank { "Audio".to_owned() } else { String::new() };
        Point { key: SeriesKey { series, category }, at, value: value.map(PointValue::Number) }
    };
    let mut points = Vec::new();
    let mut at = now - SignedDuration::from_hours(24 * DAYS);
    let end = now - SignedDuration::from_hours(if seed % 5 == 4 { 24 * 9 } else { 1 });
    let mut last = None;
    while at < end {
        // Falls from one to the next, or jumps about.
        let price = if seed % 3 == 0 { 9_000 - points.len() as i64 } else { 2_000 + random(40) };
        let price = (random(9) > 0).then_some(price);
        if price != last || points.is_empty() {
            points.push(point(Series::Price, at, price));
            last = price;
        }
        if random(4) == 0 {
            points.push(point(Series::Availability, at, Some([1, 1, 3, 5][random(4) as usize])));
            points.push(point(Series::SalesRank, at, Some(1 + random(5_000))));
        }
        let silence = SignedDuration::from_hours(1 + random(60));
        let next = (at + silence).min(end);
        if random(12) == 0 && next < end {
            let next = at + SignedDuration::from_hours(24 * 6);
            points.push(point(Series::Unobserved, next.min(end), Some(at.as_millisecond())));
            at = next.min(end);
        } else {
            at = next;
        }
    }
    if seed % 4 > 0 {
        let name = ["acme", "Bravo", "Ćma"][seed as usize % 3].to_owned();
        let key = SeriesKey { series: Series::Seller, category: String::new() };
        points.push(Point { key, at: end, value: Some(PointValue::Text(name)) });
    }
    // Read at the end: a price is current.
    points.push(point(Series::Price, end, Some(if seed % 2 == 0 { 1_500 } else { 2_010 })));
    points
}

/// Adds products with a past; the last has none.
async fn fill(daemon: &Daemon) -> Vec<Value> {
    let store = daemon.store().await;
    let mut ids = Vec::new();
    for n in 0..PRODUCTS {
        let tags = if n % 2 == 0 { vec!["even".to_owned()] } else { Vec::new() };
        let settings = ProductSettings { tags, ..ProductSettings::default() };
        let product =
            NewProduct { tenant_id: TenantId::BUILT_IN, listing: daemon.listing(n), settings, quota: u32::MAX };
        let product = store.add_product(product).await.unwrap();
        if n + 1 < PRODUCTS {
            import(&store, &product, &history(n as i64, store.now().await.unwrap()), n).await;
        }
        ids.push(json!(product.id));
    }
    store.close().await;
    ids
}

async fn import(store: &SharedStore, product: &amazon_tracker::domain::Product, points: &[Point], n: usize) {
    let mut points = points.to_vec();
    points.sort_by_key(|point| point.at);
    let mut state = ListingState::default();
    state.title = Some(format!("Product {}", (n * 5) % PRODUCTS));
    points.iter().filter(|point| point.key.series != Series::Unobserved).for_each(|point| state.replay(point));
    assert!(store.import(product.listing_id, &points, &state).await.unwrap());
}

/// All rows of a board, read in pages of five.
async fn rows(daemon: &Daemon, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = expect(200, daemon.get(&format!("/api/v1/board?limit=5&{query}{cursor}"))).await;
        rows.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

fn id_of(row: &Value) -> &str {
    row["product"]["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_board_agrees_with_the_insight_and_the_statistics_of_its_product() {
    on_both_engines(async |engine| {
        let daemon = start(engine).await;
        fill(&daemon).await;
        let rows = rows(&daemon, "sort=title").await;
        assert_eq!(rows.len(), PRODUCTS);
        let mut at_low = 0;
        for row in &rows {
            let path = format!("/api/v1/products/{}", id_of(row));
            assert_eq!(row["product"], expect(200, daemon.get(&path)).await);
            let insight = expect(200, daemon.get(&format!("{path}/insight"))).await;
            let is_lowest = insight["lowest"]["value"]["is_lowest_of_90_days"].as_bool().unwrap_or(false);
            assert_eq!(row["is_at_low"], is_lowest, "{row} {insight}");
            at_low += u64::from(is_lowest);
            let stats = expect(200, daemon.get(&format!("{path}/stats"))).await;
            let month = &stats["windows"][0];
            assert_eq!((&row["low"], &row["high"]), (&month["minimum"]["price"], &month["maximum"]["price"]));
            let minor = |money: &Value| money["amount_minor"].as_f64();
            let share =
                minor(&month["current"]).zip(minor(&month["average"])).map(|(now, average)| now / average - 1.0);
            match (share, row["against_average"]["share"].as_f64()) {
                (Some(expected), Some(found)) => assert!((expected - found).abs() < 0.01, "{row} {month}"),
                (expected, found) => assert_eq!(expected, found, "{row} {month}"),
            }
            check_change(&daemon, row).await;
            check_spark(row);
        }
        assert!(0 < at_low && at_low < PRODUCTS as u64, "{at_low} at their lowest");
        let counts = expect(200, daemon.get("/api/v1/board?limit=1")).await["counts"].clone();
        let is_out =
            |row: &&Value| matches!(row["product"]["availability"].as_str(), Some("out_of_stock" | "unavailable"));
        let out = rows.iter().filter(is_out).count();
        let expected =
            json!({ "tracked": PRODUCTS, "at_low": at_low, "out_of_stock": out, "failing": 0, "alerts_today": 0 });
        assert_eq!(counts, expected);
        daemon.end().await;
    })
    .await;
}

/// The last change, looked up in the history.
async fn check_change(daemon: &Daemon, row: &Value) {
    let history = expect(200, daemon.get(&format!("/api/v1/products/{}/price-history", id_of(row)))).await;
    let points = history["series"][0]["points"].as_array().cloned().unwrap_or_default();
    let now = points.last().map(|point| point["value"].clone()).unwrap_or_default();
    let Some(other) = points.iter().rposition(|point| !point["value"].is_null() && point["value"] != now) else {
        assert_eq!(row["change"], Value::Null, "{row}");
        return;
    };
    let changed = points[other..].iter().find(|point| point["value"] == now).unwrap();
    assert_eq!((&row["change"]["from"], &row["change"]["at"]), (&points[other]["value"], &changed["at"]));
    let minor = |money: &Value| money["amount_minor"].as_f64();
    let share = minor(&now).map(|now| now / minor(&points[other]["value"]).unwrap() - 1.0);
    assert_eq!(row["change"]["share"].as_f64(), share);
}

/// The spark line has the extremes, and few steps.
fn check_spark(row: &Value) {
    let list = |name: &str| row["spark"][name].as_array().unwrap().clone();
    let (at, values) = (list("at"), list("values"));
    assert_eq!(at.len(), values.len());
    assert!(at.len() <= 5 * 60, "{} steps", at.len());
    assert!(at.is_sorted_by_key(|at| at.as_i64()));
    let known = || values.iter().filter_map(Value::as_i64);
    let of = |name: &str| row[name]["amount_minor"].as_i64();
    assert_eq!((known().min(), known().max()), (of("low"), of("high")), "{row}");
}

/// In the order of the stock.
fn availability_number(row: &Value) -> f64 {
    let name = row["product"]["availability"].as_str().unwrap();
    let found = Availability::ALL.iter().find(|availability| availability.as_str() == name).unwrap();
    found.number() as f64
}

/// What a row is sorted by, as a number; titles are compared as texts.
fn key(row: &Value, sort: &str) -> Option<f64> {
    let time = |value: &Value| Some(value.as_str()?.parse::<Timestamp>().unwrap().as_millisecond() as f64);
    match sort {
        "price" => row["product"]["price"]["amount_minor"].as_f64(),
        "change" => row["change"]["share"].as_f64(),
        "average" => row["against_average"]["share"].as_f64(),
        "rank" => row["product"]["ranks"][0]["rank"].as_f64(),
        "stock" => Some(availability_number(row)),
        "seller" => row["product"]["seller"].as_str().map(|seller| f64::from(seller.to_lowercase().as_bytes()[0])),
        "changed" => time(&row["changed_at"]),
        "next_crawl" => time(&row["next_crawl_at"]),
        _ => row["product"]["title"].as_str().and_then(|title| title[8..].parse().ok()).map(|n: f64| {
            // As text: 10 comes before 2.
            if n >= 10.0 { 1.0 + (n - 9.0) / 100.0 } else { n }
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_is_sorted_and_filtered_over_all_of_its_pages() {
    on_both_engines(async |engine| {
        let daemon = start(engine).await;
        let ids = fill(&daemon).await;
        for sort in ["title", "price", "change", "average", "stock", "rank", "seller", "changed", "next_crawl"] {
            for falls in [false, true] {
                let rows = rows(&daemon, &format!("sort={}{sort}", if falls { "-" } else { "" })).await;
                let found: BTreeSet<&str> = rows.iter().map(id_of).collect();
                assert_eq!((rows.len(), found.len()), (PRODUCTS, PRODUCTS), "{sort}: each once");
                let keys: Vec<Option<f64>> = rows.iter().map(|row| key(row, sort)).collect();
                let known: Vec<f64> = keys.iter().map_while(|key| *key).collect();
                assert!(
                    keys[known.len()..].iter().all(Option::is_none),
                    "{sort}: those without a value come last: {keys:?}"
                );
                let is_sorted = known.is_sorted_by(|a, b| if falls { a >= b } else { a <= b });
                // Shares are compared in millionths.
                let rounded: Vec<i64> = known.iter().map(|share| (share * 1e6).round() as i64).collect();
                let is_nearly = rounded.is_sorted_by(|a, b| if falls { a + 1 >= *b } else { *a <= b + 1 });
                assert!(is_sorted || ["change", "average"].contains(&sort) && is_nearly, "{sort}: {known:?}");
            }
        }
        let all = rows(&daemon, "").await;
        let expected = |is_wanted: &dyn Fn(&Value) -> bool| {
            all.iter().filter(|row| is_wanted(row)).map(|row| id_of(row).to_owned()).collect::<BTreeSet<_>>()
        };
        let found = async |query: &str| {
            rows(&daemon, query).await.iter().map(|row| id_of(row).to_owned()).collect::<BTreeSet<_>>()
        };
        assert_eq!(found("at_low=true&sort=price").await, expected(&|row| row["is_at_low"] == true));
        assert_eq!(
            found("availability=out_of_stock").await,
            expected(&|row| row["product"]["availability"] == "out_of_stock")
        );
        assert_eq!(found("availability=unknown").await, expected(&|row| row["product"]["availability"] == "unknown"));
        assert_eq!(found("tag=even&failing=false&status=active").await.len(), PRODUCTS / 2);
        for (query, matching) in [("", PRODUCTS), ("tag=even&limit=2", PRODUCTS / 2), ("failing=true", 0)] {
            let page = expect(200, daemon.get(&format!("/api/v1/board?{query}"))).await;
            assert_eq!(page["matching"], matching, "{query}");
        }
        assert_eq!(found("failing=true").await.len(), 0);
        let path = format!("/api/v1/products/{}", ids[1].as_str().unwrap());
        expect(200, daemon.patch(&path, &json!({ "is_competitor": true }))).await;
        assert_eq!(found("competitor=true").await, [ids[1].as_str().unwrap().to_owned()].into());
        assert_eq!(found("competitor=false").await.len(), PRODUCTS - 1);
        let two = [ids[3].as_str().unwrap(), ids[5].as_str().unwrap()];
        assert_eq!(found(&format!("ids={}", two.join(","))).await, two.map(str::to_owned).into());
        for (wrong, field) in [
            ("sort=colour", "sort"),
            ("limit=101", "limit"),
            ("at_low=false", "at_low"),
            ("ids=x", "ids"),
            ("availability=yes", "availability"),
        ] {
            let refused = expect(422, daemon.get(&format!("/api/v1/board?{wrong}"))).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_has_the_extremes_gaps_targets_and_events_of_its_window() {
    on_both_engines(async |engine| {
        let daemon = start(engine).await;
        let ids = fill(&daemon).await;
        let target = json!({ "amount_minor": 1_234, "currency": "USD" });
        let rule = json!({
            "product_id": ids[1], "name": "Cheap", "kind": "price_at_or_below", "target": target,
            "webhook_url": daemon.receiver.url()
        });
        let rule = expect(201, daemon.post("/api/v1/alerts", &rule)).await;
        let path = format!("/api/v1/products/{}", ids[1].as_str().unwrap());
        let chart = expect(200, daemon.get(&format!("{path}/chart?range=all&columns=50"))).await;
        let stats = expect(200, daemon.get(&format!("{path}/stats"))).await;
        let ever = &stats["windows"][4];
        let from: Timestamp = chart["from"].as_str().unwrap().parse().unwrap();
        let seconds = |at: &Value| at.as_str().unwrap().parse::<Timestamp>().unwrap().as_second() - from.as_second();
        for (mine, theirs) in [("low", "minimum"), ("high", "maximum")] {
            assert_eq!(chart["stats"][mine]["amount_minor"], ever[theirs]["price"]["amount_minor"], "{chart} {ever}");
            assert_eq!(chart["stats"][mine]["at"], seconds(&ever[theirs]["at"]));
        }
        let line = |name: &str| {
            let all = chart["series"].as_array().unwrap();
            all.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name} in {chart}")).clone()
        };
        let price = line("price");
        let values: Vec<Option<f64>> = price["values"].as_array().unwrap().iter().map(Value::as_f64).collect();
        let lowest = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(Some(lowest), chart["stats"]["low"]["amount_minor"].as_f64());
        assert_eq!(price["at"].as_array().unwrap().len(), values.len());
        assert_eq!((&line("sales_rank")["unit"], &line("sales_rank")["category"]), (&json!("rank"), &json!("Audio")));
        let history = expect(200, daemon.get(&format!("{path}/history"))).await;
        let gaps: Vec<Value> = history["gaps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|gap| json!([seconds(&gap["from"]), seconds(&gap["to"])]))
            .collect();
        assert_eq!(chart["gaps"], json!(gaps));
        assert_eq!(chart["targets"], json!([{ "rule_id": rule["id"], "name": "Cheap", "amount_minor": 1_234 }]));
        let events = chart["events"].as_array().unwrap();
        assert!(events.iter().any(|event| event["kind"] == "out_of_stock"), "{events:?}");
        assert!(events.is_sorted_by_key(|event| event["at"].as_i64()));

        let week = expect(200, daemon.get(&format!("{path}/chart?range=7d"))).await;
        let begin: Timestamp = week["from"].as_str().unwrap().parse().unwrap();
        let end: Timestamp = week["to"].as_str().unwrap().parse().unwrap();
        assert!((end.duration_since(begin).as_secs() - 7 * 86_400).abs() < 60);
        let span = expect(200, daemon.get(&format!("{path}/chart?from={begin}&to={end}"))).await;
        assert_eq!((&span["from"], &span["series"]), (&week["from"], &week["series"]));
        for (wrong, field) in [
            ("range=2d", "range"),
            ("columns=49", "columns"),
            ("columns=2001", "columns"),
            ("range=7d&from=2026-01-01T00:00:00Z", "range"),
            ("from=2999-01-01T00:00:00Z", "to"),
        ] {
            let refused = expect(422, daemon.get(&format!("{path}/chart?{wrong}"))).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        let empty = expect(
            200,
            daemon.get(&format!("/api/v1/products/{}/chart?range=all", ids[PRODUCTS - 1].as_str().unwrap())),
        )
        .await;
        assert_eq!((&empty["series"], &empty["stats"]["low"]), (&json!([]), &Value::Null));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_products_are_changed_crawled_and_deleted_at_once() {
    on_both_engines(async |engine| {
        let daemon = start(engine).await;
        let ids = fill(&daemon).await;
        let bulk = |body: &Value| daemon.post("/api/v1/products/bulk", body);
        let stranger = json!("0190a1b2-0000-7000-8000-000000000000");
        let body = json!({ "ids": [ids[0], ids[1], stranger, ids[0]], "change": { "add_tags": ["new", "even"], "frequency": "6h" } });
        let changed = expect(200, bulk(&body)).await;
        assert_eq!((&changed["changed"], &changed["failed"]), (&json!(2), &json!(1)), "{changed}");
        assert_eq!((&changed["errors"][0]["id"], &changed["errors"][0]["code"]), (&stranger, &json!("not_found")));
        let product = async |n: usize| {
            expect(200, daemon.get(&format!("/api/v1/products/{}", ids[n].as_str().unwrap()))).await
        };
        let first = product(0).await;
        assert_eq!((&first["tags"], &first["frequency"]), (&json!(["even", "new"]), &json!("6h")));
        assert_eq!(expect(200, bulk(&json!({ "ids": [ids[0]], "change": { "add_tags": ["new"] } }))).await["unchanged"], 1);

        let pause = json!({ "filter": { "tag": "new" }, "change": { "remove_tags": ["new"], "status": "paused" } });
        let keyed = |body: &Value| bulk(body).header("idempotency-key", "once");
        let paused = expect(200, keyed(&pause)).await;
        assert_eq!((&paused["changed"], &paused["next_after"]), (&json!(2), &Value::Null));
        assert_eq!(expect(200, keyed(&pause)).await, paused, "replayed: nothing has the tag any more");
        let first = product(0).await;
        assert_eq!((&first["status"], &first["tags"], &first["next_crawl_at"]), (&json!("paused"), &json!(["even"]), &Value::Null));
        let resumed = json!({ "filter": { "status": "paused" }, "change": { "status": "active" } });
        assert_eq!(expect(200, bulk(&resumed)).await["changed"], 2);
        assert_ne!(product(0).await["next_crawl_at"], Value::Null);

        let crawl = expect(200, bulk(&json!({ "ids": [ids[2], ids[3]], "action": "crawl" }))).await;
        let job = expect(200, daemon.get(&format!("/api/v1/jobs/{}", crawl["job_id"].as_str().unwrap()))).await;
        assert_eq!((&crawl["changed"], &job["progress"]["total"]), (&json!(2), &json!(2)), "{job}");

        let limited = daemon.key_with(&[Scope::ProductRead, Scope::ProductWrite]).await;
        let delete = json!({ "filter": { "tag": "even" }, "action": "delete" });
        let refused = daemon.request(Method::POST, "/api/v1/products/bulk").bearer_auth(&limited).json(&delete);
        expect(403, refused).await;
        assert_eq!(expect(200, bulk(&delete)).await["changed"], PRODUCTS / 2 + 1);
        let left = expect(200, daemon.get("/api/v1/board")).await;
        assert_eq!(left["counts"]["tracked"], PRODUCTS / 2 - 1);
        let store = daemon.store().await;
        let log = store.audit_entries(TenantId::BUILT_IN, &AuditFilter::default(), None, 1).await.unwrap();
        store.close().await;
        let entry = &log.items[0];
        assert_eq!(entry.action, "product.delete", "{entry:?}");
        assert_eq!(entry.facts["products"].as_array().map(Vec::len), Some(PRODUCTS / 2 + 1), "{entry:?}");
        for (wrong, field) in [
            (json!({ "action": "crawl" }), "ids"),
            (json!({ "ids": [], "action": "crawl" }), "ids"),
            (json!({ "ids": [ids[0]] }), "change"),
            (json!({ "ids": [ids[0]], "change": {} }), "change"),
            (json!({ "ids": [ids[0]], "action": "explode" }), "action"),
            (json!({ "filter": { "status": "lost" }, "action": "crawl" }), "filter.status"),
            (json!({ "ids": [ids[0]], "change": { "frequency": "never" } }), "change.frequency"),
        ] {
            let refused = expect(422, bulk(&wrong)).await;
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        daemon.end().await;
    })
    .await;
}

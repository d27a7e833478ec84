//! Answers stay small, and tell the truth nevertheless.

use amazon_tracker::domain::{
    Listing, ListingState, Marketplace, Point, PointValue, ProductId, ProductSettings, ProductStatus, Series, TenantId,
};
use amazon_tracker::store::NewProduct;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::client::{Client, Era};
use crate::daemon::{Daemon, Engine};

const MAX_ANSWER_BYTES: usize = 40_000;

/// Two years, two changes a day.
const POINTS: i64 = 2 * 365 * 2;

/// A paused product with a past; no crawl adds to it.
async fn add_product(daemon: &Daemon, listing: Listing, title: &str, points: &[Point]) -> ProductId {
    let store = daemon.store().await;
    let settings = ProductSettings { status: ProductStatus::Paused, ..ProductSettings::default() };
    let product = NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: 1000 };
    let product = store.add_product(product).await.unwrap();
    let (mut state, title) = (ListingState::default(), Some(title.to_owned()));
    state.title = title;
    points.iter().for_each(|point| state.replay(point));
    assert!(store.import(product.listing_id, points, &state).await.unwrap());
    store.close().await;
    product.id
}

fn at(n: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_hours(12 * n)
}

fn series(series: Series, value: impl Fn(i64) -> Option<PointValue>) -> Vec<Point> {
    (0..POINTS).map(|n| Point { key: series.into(), at: at(n), value: value(n) }).collect()
}

/// The body of a call and its answer.
async fn called(client: &Client<'_>, tool: &str, arguments: Value) -> (usize, Value) {
    let message = client.message("tools/call", json!({ "name": tool, "arguments": arguments }));
    let body = client.post(&message).send().await.unwrap().bytes().await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    (body.len(), answer["result"]["structuredContent"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_years_of_four_series_are_small_and_their_extremes_exact() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    // A low of one point, a high of another, and a time without a price.
    let price = series(Series::Price, |n| match n {
        333 => Some(PointValue::Number(101)),
        777 => Some(PointValue::Number(999_999)),
        900 => None,
        _ => Some(PointValue::Number(5000 + n * 37 % 500)),
    });
    let seller = series(Series::Seller, |n| {
        Some(PointValue::Text(format!("Seller number {n} \u{202e}{}", "\u{65e5}\"".repeat(150))))
    });
    let rank = series(Series::SalesRank, |n| Some(PointValue::Number(1 + n * 91 % 7000)));
    let rating = series(Series::Rating, |n| Some(PointValue::Number(300 + n % 200)));
    let all: Vec<Point> = [price, seller, rank, rating].concat();
    let id = add_product(&daemon, daemon.listing(0), "Kettle", &all).await;
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);

    let two_years =
        json!({ "product_id": id, "series": ["price", "sales_rank", "rating", "review_count"], "max_points": 200 });
    client.answer("get_price_history", two_years.clone()).await;
    let (size, answer) = called(&client, "get_price_history", two_years).await;
    assert!(size <= MAX_ANSWER_BYTES, "{size} bytes");
    assert_eq!((&answer["sampled"], &answer["currency"]), (&json!(true), &json!("USD")));
    let series = answer["series"].as_array().unwrap();
    let names: Vec<&str> = series.iter().map(|series| series["series"].as_str().unwrap()).collect();
    assert_eq!(names, ["price", "sales_rank", "rating"], "nothing is known of the fourth");
    let points = |series: &Value| series["points"].as_array().unwrap().clone();
    assert!(series.iter().map(|series| points(series).len()).sum::<usize>() <= 200);
    let price = &series[0];
    assert_eq!((&price["unit"], &price["count"]), (&json!("minor"), &json!(POINTS)));
    assert_eq!(price["min"], json!([at(333), 101]));
    assert_eq!(price["max"], json!([at(777), 999_999]));
    assert_eq!(price["last"], json!([at(POINTS - 1), 5000 + (POINTS - 1) * 37 % 500]));
    for kept in [json!([at(0), 5000]), json!([at(333), 101]), json!([at(777), 999_999]), json!([at(900), null])] {
        assert!(points(price).contains(&kept), "{kept} is not in the sample");
    }
    assert_eq!(series[2]["min"][1], 3.0, "stars, not hundredths");

    // Texts are long: fewer points, never more bytes.
    let sellers = json!({ "product_id": id, "series": ["seller"], "max_points": 200 });
    let (size, answer) = called(&client, "get_price_history", sellers).await;
    assert!(size <= MAX_ANSWER_BYTES, "{size} bytes");
    let sellers = &answer["series"][0];
    assert!(points(sellers).len() > 10 && sellers["sampled"] == true, "{sellers}");
    assert!(!answer.to_string().contains('\u{202e}'));

    // A part, which begins with the value in effect.
    let week = json!({ "product_id": id, "from": at(100) + SignedDuration::from_hours(1), "to": at(105) });
    let part = client.answer("get_price_history", week).await;
    assert_eq!((&part["sampled"], part["series"][0]["points"].as_array().unwrap().len()), (&json!(false), 5));
    assert_eq!(part["series"][0]["points"][0][0], json!(at(100)));
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_with_endless_titles_are_small_and_their_titles_plain() {
    let daemon = Daemon::start(Engine::Sqlite).await;
    let title = format!("Kettle\u{202e}\r\n\u{0}{}", "\u{65e5}\u{672c} \"".repeat(5000));
    let price = [Point { key: Series::Price.into(), at: at(0), value: Some(PointValue::Number(1)) }];
    let mut last = None;
    for n in 0..50 {
        let listing = Listing::new(Marketplace::Us, format!("B0{n:08}").parse().unwrap());
        last = Some(add_product(&daemon, listing, &title, &price).await);
    }
    let client = Client::new(&daemon, Era::PerRequest, &daemon.key);
    let (size, answer) = called(&client, "get_product", json!({ "product_id": last })).await;
    assert!(
        size <= MAX_ANSWER_BYTES && answer["product"]["title"].as_str().unwrap().ends_with('\u{2026}'),
        "{size} bytes"
    );
    let (mut seen, mut cursor) = (0, Value::Null);
    loop {
        let (size, answer) = called(&client, "search_products", json!({ "limit": 50, "cursor": cursor })).await;
        assert!(size <= MAX_ANSWER_BYTES, "{size} bytes");
        let products = answer["products"].as_array().unwrap();
        seen += products.len();
        for product in products {
            let title = product["title"].as_str().unwrap();
            assert!(title.starts_with("Kettle \u{65e5}") && !title.contains(['\u{202e}', '\n', '\0']), "{title:?}");
        }
        cursor = answer["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, 50, "what did not fit is on the next pages");
    daemon.end().await;
}

//! Any history of ours comes back from the series that we tell Keepa's clients.

use std::collections::BTreeMap;

use amazon_tracker::domain::steps::Gap;
use amazon_tracker::domain::*;
use amazon_tracker::keepa::{KeepaHistory, UnstatedShipping, keepa_minute, time_of};
use amazon_tracker::sources::keepa::{Answer, past_of};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

/// The last minute of these histories; one that is later than 2026-02-16.
const LAST: i64 = 8_000_000;
/// The first minute from which the lowest price has its shipping.
const NEW_HAS_SHIPPING: i64 = 7_956_000;
/// A category that is always listed last but one, so that it is the root.
const ROOT: &str = "Beauty";

fn now() -> Timestamp {
    time_of(LAST).unwrap()
}

/// Values by their times, in milliseconds after the beginning of a minute: they are told by the minute.
fn changes(
    value: impl Strategy<Value = i64> + 'static,
    first: i64,
) -> impl Strategy<Value = Vec<(Timestamp, Option<i64>)>> {
    let values = proptest::collection::btree_map(first..LAST, (proptest::option::of(value), 0..60_000_i64), 0..10);
    values.prop_map(|values| {
        let mut values: Vec<_> = values.into_iter().collect();
        values.dedup_by(|later, earlier| later.1.0 == earlier.1.0);
        let at = |minute, millis| time_of(minute).unwrap() + SignedDuration::from_millis(millis);
        values.into_iter().map(|(minute, (value, millis))| (at(minute, millis), value)).collect()
    })
}

fn of_series(key: impl Into<SeriesKey>, values: &[(Timestamp, Option<i64>)]) -> Vec<Point> {
    let key = key.into();
    values.iter().map(|(at, value)| Point { key: key.clone(), at: *at, value: value.map(PointValue::Number) }).collect()
}

fn histories() -> impl Strategy<Value = Vec<Point>> {
    let money = || 0..=99_999_i64;
    let series = (
        changes(money(), 0),
        changes(money(), NEW_HAS_SHIPPING),
        changes(money(), 0),
        changes(0..=99_i64, 0),
        changes(0..=99_i64, 0),
        changes((1..=50_i64).prop_map(|tenths| tenths * 10), 0),
        changes(0..=99_999_i64, 0),
        changes(1..=99_999_i64, 0),
    );
    series.prop_map(|(price, new, list, offers, used, rating, reviews, ranks)| {
        let rank = SeriesKey { series: Series::SalesRank, category: ROOT.to_owned() };
        [
            of_series(Series::Price, &price),
            // Stated with each price, and absent with it.
            of_series(
                Series::Shipping,
                &price.iter().map(|(at, price)| (*at, price.map(|price| price % 7))).collect::<Vec<_>>(),
            ),
            of_series(Series::LowestNewPrice, &new),
            of_series(Series::ListPrice, &list),
            of_series(Series::OfferCount, &offers),
            of_series(Series::UsedOfferCount, &used),
            of_series(Series::Rating, &rating),
            of_series(Series::ReviewCount, &reviews),
            of_series(rank, &ranks),
        ]
        .concat()
    })
}

/// Times without a crawl, in which nothing is recorded.
fn gaps() -> impl Strategy<Value = Vec<Gap>> {
    proptest::collection::btree_set(0..LAST, 0..6).prop_map(|minutes| {
        let minutes: Vec<i64> = minutes.into_iter().collect();
        let gap = |pair: &[i64]| Gap { from: time_of(pair[0]).unwrap(), to: time_of(pair[1]).unwrap() };
        minutes.chunks_exact(2).map(gap).collect()
    })
}

/// The changes of each series by the minute.
fn by_minute(points: &[Point]) -> BTreeMap<SeriesKey, Vec<(i64, Option<PointValue>)>> {
    let mut series: BTreeMap<SeriesKey, Vec<(i64, Option<PointValue>)>> = BTreeMap::new();
    for point in points {
        let changes = series.entry(point.key.clone()).or_default();
        if changes.last().map(|(_, value)| value) != Some(&point.value) {
            changes.push((keepa_minute(point.at), point.value.clone()));
        }
    }
    series
}

fn told_and_read(points: &[Point], gaps: &[Gap]) -> Vec<Point> {
    let history = KeepaHistory::of(points, gaps, Marketplace::De, now());
    let product = json!({
        "asin": "B08PZHYWJS", "domainId": 3, "productType": 0,
        "csv": history.csv(None, UnstatedShipping::Marked),
        "salesRankCategory": history.rank_category(), "unknownTimes": history.unknown_times(),
        "buyBoxSellerIdHistory": history.buy_box_sellers(),
    });
    let answer = Answer::parse(json!({ "products": [product] }).to_string().as_bytes()).unwrap();
    past_of(&answer.products[0], now()).unwrap().points
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_history_that_is_told_and_read_again_is_the_same(points in histories(), gaps in gaps()) {
        let is_crawled = |point: &Point| {
            let minute = keepa_minute(point.at);
            !gaps.iter().any(|gap| (keepa_minute(gap.from) + 1..keepa_minute(gap.to)).contains(&minute))
        };
        let points: Vec<Point> = points.into_iter().filter(is_crawled).collect();
        prop_assert_eq!(by_minute(&told_and_read(&points, &gaps)), by_minute(&points));
    }
}

#[test]
fn a_price_without_stated_shipping_and_a_named_seller_come_back_too() {
    let at = |minute| time_of(minute).unwrap();
    let seller = |minute, id: &str| Point {
        key: Series::SellerId.into(),
        at: at(minute),
        value: Some(PointValue::Text(id.to_owned())),
    };
    let mut points = of_series(Series::Price, &[(at(100), Some(1999)), (at(300), Some(2499))]);
    points.extend([seller(100, "A1B2C3D4E5F6"), seller(300, "A3JWKAKR8XB7XF")]);
    let gap = Gap { from: at(150), to: at(200) };
    assert_eq!(by_minute(&told_and_read(&points, &[gap])), by_minute(&points));
}

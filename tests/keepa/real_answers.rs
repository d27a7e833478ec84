//! Real answers, as a person reads them. The values were read from the files with a script of its own and checked by hand: the minute
//! of a value, plus 21,564,000, times 60,000, is its time.

use std::collections::{BTreeMap, BTreeSet};

use amazon_tracker::domain::*;
use amazon_tracker::keepa::{domain_of, keepa_minute};
use amazon_tracker::sources::keepa::{past_of, products_in_file};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::corpus;

/// A series with its number of points, how many of them are absent, its first and its last.
type Expected = (Series, &'static str, usize, usize, (&'static str, Option<i64>), (&'static str, Option<i64>));

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn past_in(file: &str) -> Option<Past> {
    let json = std::fs::read(corpus::folder()?.join("keepa").join(file)).unwrap();
    let products = products_in_file(&json).unwrap();
    assert_eq!(products.len(), 1, "{file}");
    Some(past_of(&products[0], at("2026-11-29T00:00:00Z")).unwrap())
}

fn series(past: &Past, series: Series, category: &str) -> Vec<Point> {
    let key = SeriesKey { series, category: category.to_owned() };
    past.points.iter().filter(|point| point.key == key).cloned().collect()
}

fn check(past: &Past, expected: &[Expected]) {
    for (kind, category, count, absent, first, last) in expected {
        let points = series(past, *kind, category);
        let name = kind.as_str();
        assert_eq!(points.len(), *count, "{name} {category}");
        assert_eq!(points.iter().filter(|point| point.value.is_none()).count(), *absent, "{name} {category}");
        let number = |point: &Point| point.value.as_ref().and_then(PointValue::number);
        assert_eq!((points[0].at, number(&points[0])), (at(first.0), first.1), "{name} {category}");
        let end = points.last().unwrap();
        assert_eq!((end.at, number(end)), (at(last.0), last.1), "{name} {category}");
    }
    let others = past.points.iter().filter(|point| {
        point.key.series != Series::SellerId
            && !expected.iter().any(|(kind, category, ..)| *kind == point.key.series && *category == point.key.category)
    });
    assert_eq!(others.map(|point| &point.key).collect::<Vec<_>>(), Vec::<&SeriesKey>::new());
}

/// A product of Keepa's that tells this past: the other way round.
fn product_of(past: &Past) -> Value {
    let number = |point: &Point| point.value.as_ref().map_or(-1, |value| value.number().unwrap());
    let list = |kind: Series, scale: i64| -> Vec<i64> {
        let scaled = |number: i64| if number < 0 { number } else { number / scale };
        let points = series(past, kind, "");
        points.iter().flat_map(|point| [keepa_minute(point.at), scaled(number(point))]).collect()
    };
    let mut csv = vec![Value::Null; 36];
    for (index, kind, scale) in [
        (1, Series::LowestNewPrice, 1),
        (4, Series::ListPrice, 1),
        (11, Series::OfferCount, 1),
        (12, Series::UsedOfferCount, 1),
        (16, Series::Rating, 10),
        (17, Series::ReviewCount, 1),
    ] {
        csv[index] = json!(list(kind, scale));
    }
    let (mut offers, mut held) = (Vec::new(), (-1, -1));
    let both = [Series::Price, Series::Shipping].iter().flat_map(|kind| series(past, *kind, ""));
    let mut by_time: BTreeMap<Timestamp, Vec<Point>> = BTreeMap::new();
    both.for_each(|point| by_time.entry(point.at).or_default().push(point));
    for (at, points) in by_time {
        for point in points {
            let part = if point.key.series == Series::Price { &mut held.0 } else { &mut held.1 };
            *part = number(&point);
        }
        offers.extend([keepa_minute(at), held.0, held.1]);
    }
    csv[18] = json!(offers);
    let categories: BTreeSet<&str> =
        past.points.iter().map(|point| point.key.category.as_str()).filter(|name| !name.is_empty()).collect();
    let ranks = |name: &str| -> Vec<i64> {
        series(past, Series::SalesRank, name).iter().flat_map(|point| [keepa_minute(point.at), number(point)]).collect()
    };
    let ids = || categories.iter().enumerate();
    let tree: Vec<Value> = ids().map(|(id, name)| json!({ "catId": id, "name": name })).collect();
    let ranks: BTreeMap<String, Vec<i64>> = ids().map(|(id, name)| (id.to_string(), ranks(name))).collect();
    let sellers: Vec<String> = sellers(past)
        .into_iter()
        .flat_map(|(at, seller)| [keepa_minute(at).to_string(), seller.unwrap_or_else(|| "-1".to_owned())])
        .collect();
    json!({
        "asin": past.listing.asin, "domainId": domain_of(past.listing.marketplace), "csv": csv, "categoryTree": tree,
        "salesRanks": ranks, "buyBoxSellerIdHistory": sellers, "lastUpdate": keepa_minute(past.known_until),
    })
}

#[test]
fn the_past_of_a_real_answer_makes_an_answer_of_the_same_past() {
    for file in [
        "cunuo-20260510-B0D8W1YVBX-full.json",
        "cunuo-research-keepa-product.json",
        "stanikawa-keepa_raw.json",
        "stanikawa-keepa_response_B0DT64M849.json",
    ] {
        let Some(mut past) = past_in(file) else { return };
        let products = products_in_file(product_of(&past).to_string().as_bytes()).unwrap();
        let mut again = past_of(&products[0], at("2026-11-29T00:00:00Z")).unwrap();
        for past in [&mut past, &mut again] {
            past.points.sort_by(|one, other| (&one.key, one.at).cmp(&(&other.key, other.at)));
        }
        assert!(past == again, "{file}");
    }
}

fn sellers(past: &Past) -> Vec<(Timestamp, Option<String>)> {
    let text = |value: PointValue| value.text().map(str::to_owned);
    series(past, Series::SellerId, "").into_iter().map(|point| (point.at, point.value.and_then(text))).collect()
}

#[test]
fn a_serum_in_dollars() {
    // Both files are the same answer, one of them without its envelope's end.
    for file in ["cunuo-20260510-B0D8W1YVBX-full.json", "cunuo-research-keepa-product.json"] {
        let Some(past) = past_in(file) else { return };
        assert_eq!(past.listing.to_string(), "com/B0D8W1YVBX");
        assert_eq!(past.known_until, at("2026-05-10T04:02:00Z"));
        use Series::*;
        check(
            &past,
            &[
                (Price, "", 202, 5, ("2024-09-14T00:24:00Z", Some(2499)), ("2026-04-27T07:46:00Z", Some(1499))),
                (Shipping, "", 11, 5, ("2024-09-14T00:24:00Z", Some(0)), ("2026-03-05T22:36:00Z", Some(0))),
                (ListPrice, "", 11, 5, ("2024-09-16T12:36:00Z", Some(2499)), ("2025-07-01T08:32:00Z", Some(2499))),
                (LowestNewPrice, "", 85, 0, ("2026-02-19T11:04:00Z", Some(1599)), ("2026-04-27T07:46:00Z", Some(1499))),
                (OfferCount, "", 195, 0, ("2024-09-14T00:24:00Z", Some(1)), ("2026-05-10T04:02:00Z", Some(5))),
                (Rating, "", 109, 3, ("2024-09-30T23:56:00Z", Some(500)), ("2026-04-11T23:36:00Z", Some(430))),
                (ReviewCount, "", 2956, 3, ("2024-09-30T23:56:00Z", Some(1)), ("2026-05-10T02:44:00Z", Some(11_598))),
                (
                    SalesRank,
                    "Beauty & Personal Care",
                    2740,
                    4,
                    ("2024-09-14T15:04:00Z", Some(272_670)),
                    ("2026-05-10T01:20:00Z", Some(23)),
                ),
                (SalesRank, "Serums", 1772, 0, ("2024-09-14T00:24:00Z", Some(3523)), ("2026-05-08T11:04:00Z", Some(1))),
            ],
        );
        let sellers = sellers(&past);
        let amazon = |time, id: &str| (at(time), Some(id.to_owned()));
        assert_eq!(sellers.len(), 146, "unknown sellers, and those who only came back, are no change");
        assert_eq!(sellers[1], amazon("2025-06-06T01:26:00Z", "A1CX3WR5ZE8WAV"));
        assert_eq!(sellers[145], amazon("2026-04-27T05:42:00Z", "AFZNN5H6MIT2Z"));
    }
}

#[test]
fn a_mask_in_yen_whose_ranks_were_those_of_another_category_for_a_while() {
    let Some(past) = past_in("stanikawa-keepa_raw.json") else { return };
    assert_eq!(past.listing.to_string(), "co.jp/B0BSL6P6WJ");
    assert_eq!(past.known_until, at("2025-11-11T23:36:00Z"));
    use Series::*;
    check(
        &past,
        &[
            (Price, "", 152, 5, ("2023-01-21T10:04:00Z", Some(770)), ("2025-11-11T19:50:00Z", Some(620))),
            (Shipping, "", 33, 5, ("2023-01-21T10:04:00Z", Some(0)), ("2024-08-24T03:16:00Z", Some(0))),
            (ListPrice, "", 79, 39, ("2023-01-22T07:16:00Z", Some(770)), ("2025-11-11T23:22:00Z", Some(770))),
            (OfferCount, "", 372, 4, ("2023-01-21T10:04:00Z", Some(1)), ("2025-11-10T10:04:00Z", Some(19))),
            (
                SalesRank,
                "ビューティー",
                5914,
                2,
                ("2023-01-22T07:04:00Z", Some(47_278)),
                ("2025-11-11T22:20:00Z", Some(2028)),
            ),
            (
                SalesRank,
                "フェイスパック",
                4550,
                1,
                ("2023-01-22T07:04:00Z", Some(833)),
                ("2025-11-11T13:36:00Z", Some(47)),
            ),
        ],
    );
    // From 2024-10-31T21:02Z to 2024-11-26T14:54Z SALES holds the ranks of a category that the product's path does not name.
    let ranks = series(&past, SalesRank, "ビューティー");
    let meanwhile =
        ranks.iter().filter(|point| point.at >= at("2024-10-31T21:02:00Z") && point.at < at("2024-11-26T14:54:00Z"));
    assert_eq!(meanwhile.map(|point| &point.value).collect::<Vec<_>>(), [&None]);
    let shipping = series(&past, Shipping, "");
    assert_eq!(shipping[31].value, Some(PointValue::Number(1875)));
    assert_eq!((sellers(&past).len(), sellers(&past)[1].0), (199, at("2023-07-07T19:20:00Z")));
}

#[test]
fn a_litter_box_in_yen_that_nobody_sold_for_days() {
    let Some(past) = past_in("stanikawa-keepa_response_B0DT64M849.json") else { return };
    assert_eq!(past.listing.to_string(), "co.jp/B0DT64M849");
    use Series::*;
    check(
        &past,
        &[
            (Price, "", 49, 17, ("2025-01-23T06:04:00Z", Some(1848)), ("2025-11-07T08:00:00Z", Some(1848))),
            (Shipping, "", 35, 17, ("2025-01-23T06:04:00Z", Some(0)), ("2025-11-07T08:00:00Z", Some(0))),
            (ListPrice, "", 20, 10, ("2025-03-21T00:10:00Z", Some(1848)), ("2025-11-04T16:08:00Z", None)),
            (OfferCount, "", 35, 17, ("2025-01-23T06:04:00Z", Some(1)), ("2025-11-07T08:00:00Z", Some(1))),
            (UsedOfferCount, "", 8, 4, ("2025-05-23T10:10:00Z", Some(1)), ("2025-09-18T15:16:00Z", None)),
            (SalesRank, "トイレ本体", 636, 0, ("2025-02-19T23:36:00Z", Some(22)), ("2025-11-10T09:44:00Z", Some(45))),
            // Its first point says that there was no rank yet.
            (SalesRank, "ペット用品", 312, 2, ("2025-01-24T10:20:00Z", None), ("2025-10-10T19:22:00Z", Some(1))),
        ],
    );
    let amazon = |time| (at(time), Some("AN1VRQENFRJN5".to_owned()));
    assert_eq!(
        sellers(&past),
        [
            amazon("2025-01-23T06:04:00Z"),
            (at("2025-05-27T06:32:00Z"), None),
            amazon("2025-05-29T10:34:00Z"),
            (at("2025-08-26T11:28:00Z"), None),
            amazon("2025-08-28T03:24:00Z"),
        ]
    );
}

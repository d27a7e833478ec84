//! The rules by which series of Keepa become points of history, one by one.

use amazon_tracker::domain::*;
use amazon_tracker::keepa::time_of;
use amazon_tracker::sources::keepa::{Answer, UnusableProduct, past_of, products_in_file};
use jiff::Timestamp;
use serde_json::{Value, json};

fn now() -> Timestamp {
    "2026-11-29T00:00:00Z".parse().unwrap()
}

/// A product with one series.
fn product(index: usize, list: Value) -> Value {
    let mut csv = vec![Value::Null; 36];
    csv[index] = list;
    json!({ "asin": "B08PZHYWJS", "domainId": 3, "csv": csv })
}

fn try_past(product: &Value) -> Result<Past, UnusableProduct> {
    let answer = Answer::parse(json!({ "products": [product] }).to_string().as_bytes()).unwrap();
    past_of(&answer.products[0], now())
}

fn past(product: &Value) -> Past {
    try_past(product).unwrap()
}

/// The points of a series by minute.
fn points(product: &Value, series: Series) -> Vec<(i64, Option<i64>)> {
    let points = past(product).points.into_iter().filter(|point| point.key.series == series);
    points
        .map(|point| (amazon_tracker::keepa::keepa_minute(point.at), point.value.and_then(|value| value.number())))
        .collect()
}

#[test]
fn minus_one_is_absent_and_minus_two_is_no_point() {
    let list = product(4, json!([100, 2499, 200, -2, 300, 2499, 400, -1, 500, -2, 600, -1, 700, 1999]));
    assert_eq!(points(&list, Series::ListPrice), [(100, Some(2499)), (400, None), (700, Some(1999))]);
    let only_unknown = product(4, json!([100, -2]));
    assert_eq!(points(&only_unknown, Series::ListPrice), []);
}

#[test]
fn the_two_markers_of_a_triplet_are_never_added() {
    let rows = json!([100, 1000, 499, 200, -1, -1, 300, 1000, -1, 400, -2, -2, 500, 1000, 0, 600, -1, 0, 700, 900, -2]);
    let merchant = product(7, rows.clone());
    let landed = [(100, Some(1499)), (200, None), (500, Some(1000)), (600, None)];
    assert_eq!(points(&merchant, Series::LowestMerchantPrice), landed);
    let buy_box = product(18, rows);
    let prices = [(100, Some(1000)), (200, None), (300, Some(1000)), (600, None), (700, Some(900))];
    assert_eq!(points(&buy_box, Series::Price), prices);
    assert_eq!(points(&buy_box, Series::Shipping), [(100, Some(499)), (200, None), (500, Some(0)), (600, None)]);
}

#[test]
fn a_price_of_yen_is_not_scaled() {
    let mut yen = product(18, json!([100, 770, 0]));
    yen["domainId"] = json!(5);
    let past = past(&yen);
    assert_eq!(past.listing.marketplace, Marketplace::Jp);
    assert_eq!(past.points[0].value, Some(PointValue::Number(770)));
    assert_eq!(past.listing.marketplace.currency().exponent(), 0);
}

#[test]
fn the_lowest_new_price_is_taken_from_when_it_includes_shipping() {
    let new = product(1, json!([7_955_000, 1000, 7_955_999, -1, 7_956_000, 1200, 7_956_001, -1]));
    assert_eq!(points(&new, Series::LowestNewPrice), [(7_956_000, Some(1200)), (7_956_001, None)]);
}

#[test]
fn a_rating_of_45_is_four_and_a_half_stars() {
    let rating = product(16, json!([100, 45, 200, -1, 300, 50, 400, 0, 500, 51]));
    assert_eq!(points(&rating, Series::Rating), [(100, Some(450)), (200, None), (300, Some(500))]);
}

#[test]
fn a_seller_of_minus_one_is_nobody_and_of_minus_two_unknown() {
    let sellers =
        ["100", "A1", "200", "-2", "300", "A1", "400", "-1", "500", "A2", "x", "A3", "600", "not an id", "700"];
    let product = json!({ "asin": "B08PZHYWJS", "domainId": 1, "buyBoxSellerIdHistory": sellers });
    let found: Vec<_> = past(&product).points.into_iter().map(|point| (point.at, point.value)).collect();
    let seller = |minute, id: &str| (time_of(minute).unwrap(), Some(PointValue::Text(id.to_owned())));
    assert_eq!(found, [seller(100, "A1"), (time_of(400).unwrap(), None), seller(500, "A2")]);
}

#[test]
fn ranks_belong_to_the_category_that_was_the_reference_of_their_time() {
    let mut csv = vec![Value::Null; 36];
    csv[3] = json!([100, 50, 200, 7, 300, 40, 400, -1, 500, 30]);
    let product = json!({
        "asin": "B08PZHYWJS", "domainId": 1, "csv": csv, "salesRankReference": 1, "rootCategory": 1,
        // Category 9 has no name, and -1 at 400 says that there was no rank.
        "salesRankReferenceHistory": [100, 1, 200, 9, 300, 1, 400, -1, 500, 1],
        "categoryTree": [{ "catId": 1, "name": " Root " }, { "catId": 2, "name": "Leaf" }, { "catId": 3, "name": "Root" }],
        "salesRanks": { "1": [100, 50, 150, 45, 200, -1, 300, 40], "2": [120, 3], "3": [1, 1], "9": [200, 7] },
    });
    let found: Vec<_> = past(&product).points;
    let ranks = |category: &str| -> Vec<(i64, Option<i64>)> {
        let of_category = found.iter().filter(|point| point.key.category == category);
        let number = |point: &Point| point.value.as_ref().and_then(PointValue::number);
        of_category.map(|point| (amazon_tracker::keepa::keepa_minute(point.at), number(point))).collect()
    };
    let root = [(100, Some(50)), (150, Some(45)), (200, None), (300, Some(40)), (400, None), (500, Some(30))];
    assert_eq!(ranks("Root"), root);
    assert_eq!(ranks("Leaf"), [(120, Some(3))]);
    assert!(found.iter().all(|point| ["Root", "Leaf"].contains(&point.key.category.as_str())));
}

#[test]
fn sales_ranks_alone_belong_to_the_root() {
    let mut only_sales = product(3, json!([100, 812, 200, 640]));
    only_sales["categoryTree"] = json!([{ "catId": "17", "name": "Kitchen" }]);
    only_sales["rootCategory"] = json!(17);
    assert_eq!(points(&only_sales, Series::SalesRank), [(100, Some(812)), (200, Some(640))]);
    only_sales["categoryTree"] = Value::Null;
    assert_eq!(points(&only_sales, Series::SalesRank), [], "a category without a name");
}

#[test]
fn what_is_out_of_order_or_incomplete_is_put_right() {
    let list = product(11, json!([300, 3, 100, 1, 100, 2, "200", 2, 250, "x", 260, 4.0, 270, 4.5, 400]));
    assert_eq!(points(&list, Series::OfferCount), [(100, Some(2)), (260, Some(4)), (300, Some(3))]);
}

#[test]
fn the_future_and_the_time_before_2011_are_left_out() {
    let now = amazon_tracker::keepa::keepa_minute(now());
    let list = product(12, json!([-1, 9, 0, 1, now, 2, now + 1, 3]));
    assert_eq!(points(&list, Series::UsedOfferCount), [(0, Some(1)), (now, Some(2))]);
}

#[test]
fn values_are_known_until_keepa_last_looked() {
    let mut list = product(4, json!([100, 2499]));
    assert_eq!(past(&list).known_until, time_of(100).unwrap(), "nothing tells that it looked later");
    list["lastUpdate"] = json!(500);
    assert_eq!(past(&list).known_until, time_of(500).unwrap());
    list["lastUpdate"] = json!(i64::MAX);
    assert_eq!(past(&list).known_until, time_of(100).unwrap());
}

#[test]
fn a_product_that_keepa_does_not_know_has_no_past_and_one_without_identity_is_refused() {
    let mut list = product(4, json!([100, 2499]));
    for kind in [4, 5] {
        list["productType"] = json!(kind);
        assert_eq!(past(&list).points, []);
    }
    list["domainId"] = json!(7);
    assert_eq!(try_past(&list), Err(UnusableProduct::Domain));
    list["asin"] = json!("nonsense");
    assert!(matches!(try_past(&list), Err(UnusableProduct::Asin(_))));
    list["asin"] = Value::Null;
    assert_eq!(try_past(&list), Err(UnusableProduct::NoAsin));
}

#[test]
fn the_envelope_is_read_with_every_answer() {
    let json =
        br#"{"timestamp":1713840000000,"tokensLeft":-12,"refillIn":41230,"refillRate":5,"tokenFlowReduction":0.0,
        "tokensConsumed":3,"processingTimeInMs":18,"products":[null,7,{"asin":"B08PZHYWJS"}],"error":null,"x":[]}"#;
    let answer = Answer::parse(json).unwrap();
    let envelope = (answer.tokens_left, answer.refill_in, answer.refill_rate, answer.tokens_consumed);
    assert_eq!(envelope, (Some(-12), Some(41230), Some(5), Some(3)));
    assert_eq!((answer.products.len(), answer.error), (1, None));
    let refused = Answer::parse(br#"{"error":{"type":"paymentRequired","message":"no","details":""},"products":null}"#);
    let problem = refused.unwrap().error.unwrap();
    assert_eq!((problem.kind.as_str(), problem.message.as_str()), ("paymentRequired", "no"));
}

#[test]
fn a_file_holds_an_answer_a_product_or_a_list_of_them() {
    let product = product(4, json!([100, 2499]));
    let answer = json!({ "products": [product, product] });
    for (file, count) in [(product.clone(), 1), (answer.clone(), 2), (json!([product, answer]), 3)] {
        assert_eq!(products_in_file(file.to_string().as_bytes()).unwrap().len(), count);
    }
    for file in ["", "{}", "[]", "7", r#"{"products":[]}"#] {
        assert!(products_in_file(file.as_bytes()).is_err(), "{file}");
    }
}

//! Any history that Keepa can tell comes back from its answer as it was.

use std::collections::BTreeMap;

use amazon_tracker::domain::*;
use amazon_tracker::keepa::{keepa_minute, time_of};
use amazon_tracker::sources::keepa::{Answer, past_of};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The categories of the products of these tests.
const CATEGORIES: [(i64, &str); 2] = [(3_760_911, "Beauty"), (7_792_528_011, "Serums")];
/// Of `csv`.
const SERIES: usize = 36;
/// The last minute of the histories of these tests; one that is later than 2026-02-16.
const LAST_MINUTE: i64 = 8_000_000;
const NEW_HAS_SHIPPING: i64 = 7_956_000;

fn now() -> Timestamp {
    time_of(LAST_MINUTE).unwrap()
}

/// The changes of a series: strictly ordered, no value twice in a row.
type Changes<T> = Vec<(i64, Option<T>)>;

fn changes<T: Clone + PartialEq + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
    first: i64,
) -> impl Strategy<Value = Changes<T>> {
    proptest::collection::btree_map(first..=LAST_MINUTE, proptest::option::of(value), 0..12).prop_map(|values| {
        let mut changes: Changes<T> = values.into_iter().collect();
        changes.dedup_by(|later, earlier| later.1 == earlier.1);
        changes
    })
}

/// A history of everything that Keepa tells.
#[derive(Debug, Clone)]
struct History {
    /// Price and shipping: absent together.
    offers: Changes<(i64, i64)>,
    /// By index of `csv`.
    pairs: BTreeMap<usize, Changes<i64>>,
    /// The lowest offer that a merchant ships.
    merchants: Changes<(i64, i64)>,
    sellers: Changes<String>,
    ranks: [Changes<i64>; 2],
}

fn histories() -> impl Strategy<Value = History> {
    let offer = || (0..=99_999_i64, 0..=999_i64);
    let pair = |first, range: std::ops::RangeInclusive<i64>| changes(range, first);
    let pairs = (
        pair(NEW_HAS_SHIPPING, 0..=99_999),
        pair(0, 0..=99_999),
        pair(0, 0..=99_999),
        pair(0, 0..=99),
        pair(0, 0..=99),
        pair(0, 1..=50),
        pair(0, 0..=99_999),
    );
    let pairs = pairs.prop_map(|(new, list, fba, count, used, rating, reviews)| {
        BTreeMap::from([(1, new), (4, list), (10, fba), (11, count), (12, used), (16, rating), (17, reviews)])
    });
    let ranks = [changes(1..=999_999_i64, 0), changes(1..=999_999_i64, 0)];
    let parts = (changes(offer(), 0), pairs, changes(offer(), 0), changes("A[0-9A-Z]{13}", 0), ranks);
    parts.prop_map(|(offers, pairs, merchants, sellers, ranks)| History { offers, pairs, merchants, sellers, ranks })
}

/// What a change is made of in a list of Keepa's, with a marker for absence.
fn flat(changes: &Changes<i64>) -> Vec<i64> {
    changes.iter().flat_map(|(minute, value)| [*minute, value.unwrap_or(-1)]).collect()
}

fn flat_triplets(changes: &Changes<(i64, i64)>) -> Vec<i64> {
    changes.iter().flat_map(|(minute, value)| value.map_or([*minute, -1, -1], |(a, b)| [*minute, a, b])).collect()
}

impl History {
    fn product(&self, asin: &str) -> Value {
        let mut csv = vec![Value::Null; SERIES];
        for (index, changes) in &self.pairs {
            csv[*index] = json!(flat(changes));
        }
        csv[18] = json!(flat_triplets(&self.offers));
        csv[7] = json!(flat_triplets(&self.merchants));
        let ranks = CATEGORIES.iter().zip(&self.ranks);
        let ranks: BTreeMap<String, Vec<i64>> = ranks.map(|((id, _), ranks)| (id.to_string(), flat(ranks))).collect();
        csv[3] = json!(flat(&self.ranks[0]));
        let sellers = self.sellers.iter();
        let sellers: Vec<String> = sellers
            .flat_map(|(minute, seller)| [minute.to_string(), seller.clone().unwrap_or_else(|| "-1".to_owned())])
            .collect();
        let tree: Vec<Value> = CATEGORIES.iter().map(|(id, name)| json!({ "catId": id, "name": name })).collect();
        json!({
            "asin": asin, "domainId": 3, "productType": 0, "csv": csv, "salesRanks": ranks, "categoryTree": tree,
            "rootCategory": CATEGORIES[0].0, "salesRankReference": CATEGORIES[0].0, "lastUpdate": LAST_MINUTE,
            "buyBoxSellerIdHistory": sellers,
        })
    }

    /// The points by series and category.
    fn points(&self) -> BTreeMap<SeriesKey, Vec<(i64, Option<PointValue>)>> {
        let number = |changes: &Changes<i64>, scale: i64| -> Vec<(i64, Option<PointValue>)> {
            changes
                .iter()
                .map(|(minute, value)| (*minute, value.map(|value| PointValue::Number(value * scale))))
                .collect()
        };
        let of_offers = |changes: &Changes<(i64, i64)>, value: fn((i64, i64)) -> i64| {
            let values: Changes<i64> = changes.iter().map(|(minute, offer)| (*minute, offer.map(value))).collect();
            let mut values = number(&values, 1);
            values.dedup_by(|later, earlier| later.1 == earlier.1);
            values
        };
        let mut points = BTreeMap::new();
        for (index, series, scale) in [
            (1, Series::LowestNewPrice, 1),
            (4, Series::ListPrice, 1),
            (10, Series::LowestFbaPrice, 1),
            (11, Series::OfferCount, 1),
            (12, Series::UsedOfferCount, 1),
            (16, Series::Rating, 10),
            (17, Series::ReviewCount, 1),
        ] {
            points.insert(SeriesKey::from(series), number(&self.pairs[&index], scale));
        }
        points.insert(Series::Price.into(), of_offers(&self.offers, |(price, _)| price));
        points.insert(Series::Shipping.into(), of_offers(&self.offers, |(_, shipping)| shipping));
        points.insert(
            Series::LowestMerchantPrice.into(),
            of_offers(&self.merchants, |(price, shipping)| price + shipping),
        );
        let sellers = self.sellers.iter().map(|(minute, seller)| (*minute, seller.clone().map(PointValue::Text)));
        points.insert(Series::SellerId.into(), sellers.collect());
        for ((_, name), ranks) in CATEGORIES.iter().zip(&self.ranks) {
            let key = SeriesKey { series: Series::SalesRank, category: (*name).to_owned() };
            points.insert(key, number(ranks, 1));
        }
        points.retain(|_, points| !points.is_empty());
        points
    }
}

/// The points of an answer by series and category, in the order in which they were told.
fn mapped(product: &Value) -> BTreeMap<SeriesKey, Vec<(i64, Option<PointValue>)>> {
    let answer = Answer::parse(json!({ "products": [product] }).to_string().as_bytes()).unwrap();
    let past = past_of(&answer.products[0], now()).unwrap();
    let mut points: BTreeMap<SeriesKey, Vec<_>> = BTreeMap::new();
    for point in past.points {
        points.entry(point.key).or_default().push((keepa_minute(point.at), point.value));
    }
    points
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|fields| Value::from(serde_json::Map::from_iter(fields))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_history_comes_back_as_it_was(history in histories()) {
        prop_assert_eq!(mapped(&history.product("B08PZHYWJS")), history.points());
    }

    #[test]
    fn repeated_and_unknown_values_change_nothing(history in histories(), at in 0..LAST_MINUTE) {
        let mut product = history.product("B08PZHYWJS");
        for index in [4, 10, 11, 16] {
            let list = product["csv"][index].as_array_mut().unwrap();
            // The value of the moment again, and then an unknown one.
            let held = list.chunks(2).rfind(|pair| pair[0].as_i64().unwrap() <= at).map(|pair| pair[1].clone());
            let Some(held) = held else { continue };
            let at = at + 1;
            if list.chunks(2).all(|pair| pair[0] != at && pair[0] != at - 1) {
                let place = list.chunks(2).filter(|pair| pair[0].as_i64().unwrap() < at).count() * 2;
                list.splice(place..place, [json!(at - 1), held, json!(at), json!(-2)]);
            }
        }
        prop_assert_eq!(mapped(&product), history.points());
    }

    #[test]
    fn a_field_of_another_type_takes_nothing_else_along(history in histories(), other in any_json(), field in 0usize..8) {
        let mut product = history.product("B08PZHYWJS");
        let names =
            ["title", "categoryTree", "salesRanks", "buyBoxSellerIdHistory", "productType", "lastUpdate", "stats", "csv"];
        // A type that is one of those without a history would be right to take it away.
        prop_assume!(names[field] != "productType" || !matches!(other.as_i64(), Some(4 | 5)));
        product[names[field]] = other;
        let mut expected = history.points();
        let found = mapped(&product);
        match names[field] {
            "csv" => expected.retain(|key, _| key.series == Series::SellerId),
            "buyBoxSellerIdHistory" => expected.retain(|key, _| key.series != Series::SellerId),
            _ => {}
        }
        let of_ranks = |key: &SeriesKey| key.series == Series::SalesRank;
        for (key, points) in expected.iter().filter(|(key, _)| !of_ranks(key)) {
            prop_assert_eq!(found.get(key), Some(points), "{:?}", names[field]);
        }
    }

    #[test]
    fn points_are_strictly_ordered_changes_of_the_past_whatever_the_answer_holds(
        list in proptest::collection::vec(prop_oneof![-3..60_i64, Just(i64::MAX), Just(i64::MIN), 7_999_990..8_000_010_i64], 0..40),
    ) {
        let sellers: Vec<String> = list.iter().map(ToString::to_string).collect();
        let csv: Vec<_> = (0..SERIES).map(|_| &list).collect();
        let product = json!({
            "asin": "B08PZHYWJS", "domainId": 5, "csv": csv, "buyBoxSellerIdHistory": sellers,
            "categoryTree": [{ "catId": 1, "name": "A" }], "rootCategory": 1, "salesRanks": { "1": &list },
        });
        for (key, points) in mapped(&product) {
            prop_assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1), "{:?}", key);
            prop_assert!(points.iter().all(|(minute, _)| (0..=LAST_MINUTE).contains(minute)), "{:?}", key);
            let numbers = points.iter().filter_map(|(_, value)| value.as_ref()?.number());
            prop_assert!({ numbers }.all(|number| number >= 0), "{:?}: a marker became a value", key);
        }
    }

    #[test]
    fn nothing_that_is_json_breaks_the_reader(any in any_json()) {
        let json = any.to_string();
        let _ = amazon_tracker::sources::keepa::products_in_file(json.as_bytes());
        let _ = Answer::parse(json!({ "products": [any.clone()], "tokensLeft": any }).to_string().as_bytes()).unwrap();
    }
}

//! The histories of three real listings. The values were computed from the vendor's answers with a script of its own, by hand's rules:
//! every span of time added up, medians read from sorted lists.

use amazon_tracker::insight::{Insight, ListingHistory, Method, Missing, insight};
use amazon_tracker::sources::keepa::{past_of, products_in_file};
use jiff::Timestamp;

use crate::corpus;
use crate::grid::no_peer;

/// The insight of the last 90 days, as it was when the vendor last looked.
fn insight_of(file: &str) -> Option<Insight> {
    let json = std::fs::read(corpus::folder()?.join("keepa").join(file)).unwrap();
    let products = products_in_file(&json).unwrap();
    let past = past_of(&products[0], Timestamp::now()).unwrap();
    let history = ListingHistory::new(past.points, None, false, past.known_until);
    Some(insight(&history, 90, &no_peer(), &[]))
}

#[track_caller]
fn is(found: f64, expected: f64) {
    assert!((found - expected).abs() < 5e-5, "{found} instead of {expected}");
}

#[test]
fn a_serum_that_is_cheaper_than_nine_tenths_of_the_time() {
    let Some(insight) = insight_of("cunuo-20260510-B0D8W1YVBX-full.json") else { return };
    is(insight.price_percentile.value.unwrap(), 0.889_621);
    is(insight.deal_score.value.unwrap(), 8.896_214);
    assert_eq!((insight.price_percentile.n, insight.deal_score.n), (155, 12));
    let lowest = insight.lowest.value.unwrap();
    assert!(lowest.of_all_time && lowest.of_90_days);
    assert_eq!((lowest.lowest_minor, lowest.lowest_at), (1499, "2026-03-25T07:16:00Z".parse().unwrap()));
    let volatility = insight.volatility.value.unwrap();
    is(volatility.changes_per_30_days, 51.025_198);
    is(volatility.relative_deviation, 0.004_523);
    let buy_box = insight.buy_box.value.unwrap();
    assert_eq!(buy_box.flips, 141);
    let sellers: Vec<_> =
        buy_box.sellers.iter().map(|seller| (seller.seller_id.as_str(), seller.mean_price_minor)).collect();
    let expected =
        [("AFZNN5H6MIT2Z", 1807), ("A382YMOFSCAYQE", 1648), ("A2D7JKJIGBZO3G", 1882), ("A13ASQDJPF4YGN", 1990)];
    assert_eq!(sellers, expected.map(|(id, mean)| (id, Some(mean))));
    is(buy_box.sellers[0].share, 0.9535);
    let drops = insight.rank_drops.value.unwrap();
    assert_eq!((drops.category.as_str(), drops.drops, drops.changes), ("Beauty & Personal Care", 75, 166));
    let outlook = insight.outlook.value.unwrap();
    assert_eq!((insight.outlook.n, outlook.method), (484, Method::Median90Days));
    assert_eq!((outlook.mean_error_minor, outlook.other_mean_error_minor), (89, 107));
    assert_eq!((outlook.price_minor, outlook.low_minor, outlook.high_minor), (1990, 1199, 1666));
    assert!(matches!(insight.season.value, Err(Missing::TooShort { needed: 730, .. })));
}

#[test]
fn a_face_mask_at_a_low_price_that_was_lower_years_ago() {
    let Some(insight) = insight_of("stanikawa-keepa_raw.json") else { return };
    is(insight.price_percentile.value.unwrap(), 0.987_994);
    assert_eq!((insight.price_percentile.n, insight.deal_score.n), (29, 5));
    let lowest = insight.lowest.value.unwrap();
    assert!(!lowest.of_all_time && lowest.of_90_days);
    assert_eq!((lowest.lowest_minor, lowest.lowest_at), (425, "2024-08-09T06:02:00Z".parse().unwrap()));
    is(insight.volatility.value.unwrap().changes_per_30_days, 9.333_333);
    let buy_box = insight.buy_box.value.unwrap();
    assert_eq!((buy_box.sellers.len(), buy_box.flips), (5, 102));
    is(buy_box.sellers[0].share, 0.7398);
    let drops = insight.rank_drops.value.unwrap();
    assert_eq!((drops.category.as_str(), drops.drops, drops.changes), ("ビューティー", 192, 354));
    assert_eq!(insight.outlook.n, 906);
    let season = insight.season.value.unwrap();
    assert!(season.months.iter().all(Option::is_some), "{season:?}");
}

#[test]
fn a_litter_box_that_had_two_prices_has_no_score() {
    let Some(insight) = insight_of("stanikawa-keepa_response_B0DT64M849.json") else { return };
    is(insight.price_percentile.value.unwrap(), 0.396_417);
    assert_eq!(
        insight.deal_score.value.unwrap_err(),
        Missing::TooFew { what: "different prices", count: 2, needed: 3 }
    );
    let lowest = insight.lowest.value.unwrap();
    assert_eq!((lowest.of_all_time, lowest.of_90_days, lowest.lowest_minor), (false, false, 1478));
    is(insight.volatility.value.unwrap().changes_per_30_days, 1.565_019);
    let buy_box = insight.buy_box.value.unwrap();
    assert_eq!((buy_box.sellers.len(), buy_box.flips, buy_box.sellers[0].mean_price_minor), (1, 0, Some(1771)));
    // Its rank among all pet supplies is 1 nearly all the time, which Amazon's numbers contradict: it is the 54th of the litter boxes.
    let drops = insight.rank_drops.value.unwrap();
    assert_eq!((drops.category.as_str(), drops.drops, drops.changes), ("トイレ本体", 50, 115));
    let outlook = insight.outlook.value.unwrap();
    assert_eq!((insight.outlook.n, outlook.mean_error_minor, outlook.other_mean_error_minor), (151, 56, 76));
    assert_eq!((outlook.price_minor, outlook.low_minor, outlook.high_minor), (1848, 1663, 2054));
}

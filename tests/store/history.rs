//! Points: reading, importing, forgetting.

use amazon_tracker::domain::*;
use jiff::Timestamp;

use crate::fixture::*;

on_both_engines! {
    points_come_by_series_category_and_time,
    a_window_begins_with_what_holds_at_its_start,
    a_point_at_the_very_start_is_what_holds_there,
    a_limit_keeps_the_earliest,
    pages_by_time_have_each_point_once,
    none_and_text_come_back_as_they_were,
    an_import_gives_a_new_listing_its_past,
    a_listing_with_a_past_takes_no_other,
    forgetting_spares_the_last_point_of_each_series,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn point(series: Series, category: &str, second: i64, value: i64) -> Point {
    let key = SeriesKey { series, category: category.to_owned() };
    Point { key, at: at(second), value: Some(PointValue::Number(value)) }
}

fn price(second: i64, value: i64) -> Point {
    point(Series::Price, "", second, value)
}

async fn import(fixture: &Fixture, points: &[Point]) -> ListingId {
    let product = fixture.watch(1).await;
    let mut state = ListingState::default();
    points.iter().for_each(|point| state.replay(point));
    assert!(fixture.store.import(product.listing_id, points, &state).await.unwrap());
    product.listing_id
}

async fn points_come_by_series_category_and_time(fixture: &Fixture) {
    let rank = |category, second, value| point(Series::SalesRank, category, second, value);
    let points = [price(0, 100), rank("Books", 0, 7), rank("Audio", 1, 3), price(2, 90), rank("Books", 3, 5)];
    let id = import(fixture, &points).await;
    let expected = [price(0, 100), price(2, 90), rank("Audio", 1, 3), rank("Books", 0, 7), rank("Books", 3, 5)];
    assert_eq!(fixture.store.points(id, Series::ALL, None, None, 100).await.unwrap(), expected);
    assert_eq!(fixture.store.points(id, &[Series::SalesRank], None, None, 100).await.unwrap(), expected[2..]);
    assert!(fixture.store.points(id, &[], None, None, 100).await.unwrap().is_empty());
    assert!(fixture.store.points(ListingId(999), Series::ALL, None, None, 100).await.unwrap().is_empty());
}

async fn a_window_begins_with_what_holds_at_its_start(fixture: &Fixture) {
    let rank = |category, second, value| point(Series::SalesRank, category, second, value);
    let points = [price(0, 100), rank("A", 1, 1), rank("B", 2, 2), price(10, 90), rank("A", 11, 3), price(20, 80)];
    let id = import(fixture, &points).await;
    let window = fixture.store.points(id, Series::ALL, Some(at(5)), Some(at(20)), 100).await.unwrap();
    assert_eq!(window, [price(0, 100), price(10, 90), rank("A", 1, 1), rank("A", 11, 3), rank("B", 2, 2)]);
}

async fn pages_by_time_have_each_point_once(fixture: &Fixture) {
    let rank = |category, second, value| point(Series::SalesRank, category, second, value);
    // Several at the same time, across the ends of pages.
    let mut points: Vec<Point> = (0..5).map(|n| price(n, 100 + n)).collect();
    points.extend((0..5).flat_map(|n| ["B", "a", "É"].map(|category| rank(category, n, n))));
    let id = import(fixture, &points).await;
    let pages = async |series: &[Series], range, limit| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = fixture.store.points_by_time(id, series, range, after.as_ref(), limit).await.unwrap();
            all.extend(page.points);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    };
    for limit in 1..=7 {
        let mut found = pages(Series::ALL, (None, None), limit).await;
        assert!(found.is_sorted_by_key(|point| point.at), "{limit}");
        found.sort_by_key(|point| (point.key.clone(), point.at));
        assert_eq!(found, fixture.store.points(id, Series::ALL, None, None, 100).await.unwrap(), "{limit}");
        let prices = pages(&[Series::Price], (Some(at(0)), Some(at(3))), limit).await;
        assert_eq!(prices, [price(1, 101), price(2, 102)], "{limit}");
    }
}

async fn a_point_at_the_very_start_is_what_holds_there(fixture: &Fixture) {
    let id = import(fixture, &[price(0, 100), price(10, 90), price(20, 80)]).await;
    let window = fixture.store.points(id, &[Series::Price], Some(at(10)), None, 100).await.unwrap();
    assert_eq!(window, [price(10, 90), price(20, 80)]);
    let until = fixture.store.points(id, &[Series::Price], None, Some(at(20)), 100).await.unwrap();
    assert_eq!(until, [price(0, 100), price(10, 90)], "the end is not part of it");
}

async fn a_limit_keeps_the_earliest(fixture: &Fixture) {
    let rank = |second, value| point(Series::SalesRank, "A", second, value);
    let id = import(fixture, &[price(0, 100), rank(1, 1), price(2, 90), rank(3, 2), price(4, 80)]).await;
    let points = fixture.store.points(id, Series::ALL, None, None, 3).await.unwrap();
    assert_eq!(points, [price(0, 100), price(2, 90), rank(1, 1)]);
}

async fn none_and_text_come_back_as_they_were(fixture: &Fixture) {
    let seller = |second, name: Option<&str>| Point {
        key: Series::Seller.into(),
        at: at(second),
        value: name.map(|name| PointValue::Text(name.to_owned())),
    };
    let points = [seller(0, Some("Händler & Söhne 🛒")), seller(1, None), seller(2, Some(""))];
    let id = import(fixture, &points).await;
    assert_eq!(fixture.store.points(id, &[Series::Seller], None, None, 100).await.unwrap(), points);
}

async fn an_import_gives_a_new_listing_its_past(fixture: &Fixture) {
    let id = import(fixture, &[price(0, 100), price(10, 90)]).await;
    let claim = fixture.claim_one().await;
    assert_eq!((claim.listing_id, claim.state.number(Series::Price)), (id, Some(90)));
    assert_eq!(claim.state.checked_at, Some(at(10)));
}

async fn a_listing_with_a_past_takes_no_other(fixture: &Fixture) {
    let id = import(fixture, &[price(0, 100)]).await;
    let other = ListingState::default();
    assert!(!fixture.store.import(id, &[price(5, 50)], &other).await.unwrap());
    let looked_at = fixture.watch(2).await;
    for claim in fixture.claim(2).await {
        fixture.commit(seen(&claim, 300, fixture.now().await)).await;
    }
    assert!(!fixture.store.import(looked_at.listing_id, &[price(5, 50)], &other).await.unwrap());
    assert_eq!(fixture.number("SELECT count(*) FROM point WHERE number = 50").await, 0);
}

async fn forgetting_spares_the_last_point_of_each_series(fixture: &Fixture) {
    const MONTH_SECS: i64 = 31 * 24 * 3600;
    let rank = |month: i64, value| point(Series::SalesRank, "A", month * MONTH_SECS, value);
    let price = |month: i64, value| price(month * MONTH_SECS, value);
    let id = import(fixture, &[price(0, 1), rank(0, 1), price(1, 2), rank(1, 2), price(2, 3), price(5, 4)]).await;
    assert!(fixture.prune_history(at(4 * MONTH_SECS)).await > 0);
    let left = fixture.store.points(id, Series::ALL, None, None, 100).await.unwrap();
    assert_eq!(left, [price(5, 4), rank(1, 2)]);
    assert_eq!(fixture.prune_history(at(4 * MONTH_SECS)).await, 0);
    assert_eq!(fixture.store.points(id, Series::ALL, None, None, 100).await.unwrap(), left);
}

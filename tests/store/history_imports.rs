//! The past of listings, imported from a service that watched them before us.

use amazon_tracker::domain::*;
use amazon_tracker::store::{HistoryClaim, HistoryImportSums, HistoryLease, HistoryRetry, ImportedPast, StoreError};
use jiff::{SignedDuration, Timestamp};

use crate::fixture::*;

on_both_engines! {
    a_past_lies_before_our_own_points_and_never_over_them,
    an_import_that_is_repeated_changes_nothing,
    a_later_answer_adds_what_lies_outside_of_what_was_imported,
    without_own_points_the_last_hour_is_left_to_crawls,
    the_time_until_our_first_crawl_is_marked_as_unknown,
    a_later_answer_shortens_the_unknown_time,
    ranks_that_our_first_page_does_not_name_end_there,
    old_points_are_left_out_as_the_retention_would_delete_them,
    a_past_of_many_years_is_read_back_month_by_month,
    a_listing_that_is_not_known_takes_no_past,
    each_past_is_fetched_once_by_one_replica,
    only_listings_with_an_active_product_on_a_known_marketplace_are_fetched,
    a_fetch_that_failed_is_made_again_later_and_one_that_was_not_made_does_not_count,
    a_lease_that_was_lost_changes_nothing,
    a_claim_takes_listings_of_one_marketplace,
    what_was_spent_within_a_day_is_added_up,
    a_past_is_fetched_again_on_request,
}

/// So long before noon of the fixture's day.
fn ago(hours: i64) -> Timestamp {
    let noon: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
    noon - SignedDuration::from_hours(hours)
}

fn point(series: Series, category: &str, hours_ago: i64, value: Option<i64>) -> Point {
    let key = SeriesKey { series, category: category.to_owned() };
    Point { key, at: ago(hours_ago), value: value.map(PointValue::Number) }
}

fn price(hours_ago: i64, value: i64) -> Point {
    point(Series::Price, "", hours_ago, Some(value))
}

fn rank(category: &str, hours_ago: i64, value: Option<i64>) -> Point {
    point(Series::SalesRank, category, hours_ago, value)
}

fn past(points: &[Point], known_until: i64) -> Past {
    let listing = Listing::new(Marketplace::De, asin(1));
    Past { listing, points: points.to_vec(), known_until: ago(known_until) }
}

async fn import(fixture: &Fixture, id: ListingId, past: &Past) -> u64 {
    fixture.store.import_past(id, past, "keepa", None).await.unwrap().added
}

async fn points(fixture: &Fixture, id: ListingId, series: Series) -> Vec<Point> {
    fixture.store.points(id, &[series], None, None, 10_000).await.unwrap()
}

async fn all_points(fixture: &Fixture, id: ListingId) -> Vec<Point> {
    fixture.store.points(id, Series::ALL, None, None, 10_000).await.unwrap()
}

async fn a_past_lies_before_our_own_points_and_never_over_them(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(900).await;
    let own = all_points(fixture, product.listing_id).await;
    let given = [price(48, 1000), price(24, 1100), price(0, 5), price(-1, 7), point(Series::Rating, "", -2, Some(450))];
    let imported = fixture.store.import_past(product.listing_id, &past(&given, -2), "keepa", None).await.unwrap();
    assert_eq!(imported, ImportedPast { added: 2, own_from: Some(ago(0)) });
    let expected: Vec<Point> = [price(48, 1000), price(24, 1100)].into_iter().chain(own).collect();
    assert_eq!(all_points(fixture, product.listing_id).await, expected);
    // Our next crawl goes on from our own state.
    fixture.clock.advance(2 * DAY);
    fixture.see(950).await;
    assert_eq!(
        points(fixture, product.listing_id, Series::Price).await.last().unwrap().value,
        Some(PointValue::Number(950))
    );
}

async fn an_import_that_is_repeated_changes_nothing(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    let past = past(&[price(96, 1000), price(72, 1100), rank("A", 80, Some(7)), rank("A", 70, None)], 70);
    assert_eq!(import(fixture, id, &past).await, 4);
    let before = all_points(fixture, id).await;
    assert_eq!(import(fixture, id, &past).await, 0);
    fixture.see(900).await;
    let joined = fixture.store.join_pasts().await.unwrap();
    let after_crawl = all_points(fixture, id).await;
    assert_eq!((joined, import(fixture, id, &past).await), (1, 0));
    assert_eq!(all_points(fixture, id).await, after_crawl);
    assert!(before.iter().all(|point| after_crawl.contains(point)));
    assert_eq!(fixture.store.join_pasts().await.unwrap(), 0);
    assert_eq!(fixture.number("SELECT points FROM history_import").await, 4);
}

async fn a_later_answer_adds_what_lies_outside_of_what_was_imported(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    assert_eq!(import(fixture, id, &past(&[price(96, 1000), price(48, 1100)], 48)).await, 2);
    let more = past(&[price(120, 900), price(72, 1), price(47, 1100), price(24, 1200)], 20);
    assert_eq!(import(fixture, id, &more).await, 2);
    let expected = [price(120, 900), price(96, 1000), price(48, 1100), price(24, 1200)];
    assert_eq!(all_points(fixture, id).await, expected);
}

async fn without_own_points_the_last_hour_is_left_to_crawls(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    let given = [price(2, 1000), price(1, 1100), price(0, 1200)];
    assert_eq!(import(fixture, id, &past(&given, 0)).await, 1);
    fixture.see(900).await;
    assert_eq!(import(fixture, id, &past(&given, 0)).await, 1, "it lies before our own first point");
    let prices = points(fixture, id, Series::Price).await;
    assert_eq!(prices, [price(2, 1000), price(1, 1100), price(0, 900)]);
}

fn unknown_since(hours_ago: i64) -> Point {
    point(Series::Unobserved, "", 0, Some(ago(hours_ago).as_millisecond()))
}

async fn the_time_until_our_first_crawl_is_marked_as_unknown(fixture: &Fixture) {
    // Imported before our first crawl and after it, and one of which little was missed.
    let before = fixture.watch(1).await.listing_id;
    assert_eq!(import(fixture, before, &past(&[price(96, 1000)], 72)).await, 1);
    assert_eq!(fixture.store.join_pasts().await.unwrap(), 0, "there is nothing to join yet");
    let after = fixture.watch(2).await.listing_id;
    let little = fixture.watch(3).await.listing_id;
    fixture.see_all(900).await;
    assert_eq!(import(fixture, after, &past(&[price(96, 1000)], 72)).await, 1);
    assert_eq!(import(fixture, little, &past(&[price(96, 1000)], 20)).await, 1);
    assert_eq!(fixture.store.join_pasts().await.unwrap(), 1, "an import after the first crawl joins by itself");
    for id in [before, after] {
        assert_eq!(points(fixture, id, Series::Unobserved).await, [unknown_since(72)]);
    }
    assert_eq!(points(fixture, little, Series::Unobserved).await, []);
}

async fn a_later_answer_shortens_the_unknown_time(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    fixture.see(900).await;
    import(fixture, id, &past(&[price(96, 1000)], 90)).await;
    assert_eq!(points(fixture, id, Series::Unobserved).await, [unknown_since(90)]);
    import(fixture, id, &past(&[price(96, 1000), price(80, 1100)], 48)).await;
    assert_eq!(points(fixture, id, Series::Unobserved).await, [unknown_since(48)]);
    import(fixture, id, &past(&[price(96, 1000)], 90)).await;
    assert_eq!(points(fixture, id, Series::Unobserved).await, [unknown_since(48)], "an older answer knows less");
    import(fixture, id, &past(&[price(96, 1000)], 2)).await;
    assert_eq!(points(fixture, id, Series::Unobserved).await, []);
}

async fn ranks_that_our_first_page_does_not_name_end_there(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    let given =
        [rank("Root", 96, Some(500)), rank("Leaf", 96, Some(5)), rank("Gone", 96, Some(3)), rank("Gone", 90, None)];
    import(fixture, id, &past(&given, 12)).await;
    let claim = fixture.claim_one().await;
    let mut page = page(claim.listing.asin, "A thing", 900);
    page.ranks = Reading::Is(vec![Rank { rank: 400, category: "Root".to_owned() }]);
    let judged = claim.state.judge(&page, fixture.now().await);
    let commit = seen(&claim, 900, fixture.now().await);
    assert!(
        fixture
            .commit(amazon_tracker::store::Commit { points: judged.points, state: Some(judged.state), ..commit })
            .await
    );
    for _ in 0..2 {
        fixture.store.join_pasts().await.unwrap();
        import(fixture, id, &past(&given, 12)).await;
        let ranks = points(fixture, id, Series::SalesRank).await;
        let expected = [
            rank("Gone", 96, Some(3)),
            rank("Gone", 90, None),
            rank("Leaf", 96, Some(5)),
            rank("Leaf", 0, None),
            rank("Root", 96, Some(500)),
            rank("Root", 0, Some(400)),
        ];
        assert_eq!(ranks, expected);
    }
}

async fn old_points_are_left_out_as_the_retention_would_delete_them(fixture: &Fixture) {
    const MONTH_HOURS: i64 = 31 * 24;
    let id = fixture.watch(1).await.listing_id;
    let list = |hours_ago| point(Series::ListPrice, "", hours_ago, Some(hours_ago));
    let months = |months: i64| months * MONTH_HOURS;
    let given = [price(months(9), 1), price(months(8), 2), price(months(1), 3), list(months(9)), list(months(8))];
    let keep_from = Some(ago(months(5)));
    let imported = fixture.store.import_past(id, &past(&given, 12), "keepa", keep_from).await.unwrap();
    assert_eq!(imported.added, 2);
    let expected = [price(months(1), 3), list(months(8))];
    assert_eq!(all_points(fixture, id).await, expected);
    fixture.prune_history(ago(months(5))).await;
    assert_eq!(all_points(fixture, id).await, expected, "the retention finds nothing to delete");
    assert_eq!(fixture.store.import_past(id, &past(&given, 12), "keepa", keep_from).await.unwrap().added, 0);
}

async fn a_past_of_many_years_is_read_back_month_by_month(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    let beginning: Timestamp = "2011-01-01T00:00:00Z".parse().unwrap();
    let month = |n: i64| beginning + SignedDuration::from_hours(n * 24 * 30);
    let point = |n: i64| Point { key: Series::Price.into(), at: month(n), value: Some(PointValue::Number(n)) };
    let many: Vec<Point> = (0..180).map(point).collect();
    assert_eq!(import(fixture, id, &past(&many, 12)).await, 180);
    assert_eq!(all_points(fixture, id).await, many);
    if fixture.is_postgres() {
        let newest = fixture.number("SELECT max(at) FROM point_default").await;
        let newest = Timestamp::from_millisecond(newest).unwrap();
        assert!(
            newest < "2021-01-31T00:00:00Z".parse().unwrap(),
            "{newest}: each month of five years has its partition"
        );
        let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'point'::regclass";
        assert!(fixture.number(partitions).await < 70, "queries lock each of them");
    }
}

async fn a_listing_that_is_not_known_takes_no_past(fixture: &Fixture) {
    let unknown = fixture.store.import_past(ListingId(77), &past(&[price(96, 1000)], 72), "keepa", None).await;
    assert!(unknown.is_err());
    assert_eq!(fixture.number("SELECT count(*) FROM point").await, 0);
}

async fn claim(fixture: &Fixture, limit: u32) -> Vec<HistoryLease> {
    let claim = HistoryClaim { limit, lease: LEASE, owner: "test", charge: 4 };
    fixture.store.claim_history_imports(&claim).await.unwrap()
}

async fn enqueue(fixture: &Fixture) -> u64 {
    fixture.store.enqueue_history_imports(&[Marketplace::De, Marketplace::Us], 100).await.unwrap()
}

async fn each_past_is_fetched_once_by_one_replica(fixture: &Fixture) {
    let products = [fixture.watch(1).await, fixture.watch(2).await, fixture.watch(3).await];
    assert_eq!((enqueue(fixture).await, enqueue(fixture).await), (3, 0));
    let other = fixture.replica().await;
    let theirs = HistoryClaim { limit: 2, lease: LEASE, owner: "other", charge: 4 };
    let (ours, theirs) = (claim(fixture, 2).await, other.claim_history_imports(&theirs).await.unwrap());
    assert_eq!((ours.len(), theirs.len()), (2, 1));
    assert!(ours.iter().all(|lease| lease.attempt == 1 && lease.listing.marketplace == Marketplace::De));
    for lease in ours.iter().chain(&theirs) {
        let nothing = Past { listing: lease.listing, points: Vec::new(), known_until: ago(0) };
        assert_eq!(import(fixture, lease.listing_id, &nothing).await, 0);
    }
    fixture.clock.advance(2 * LEASE);
    assert_eq!((enqueue(fixture).await, claim(fixture, 9).await), (0, Vec::new()), "its past is known to be empty");
    fixture.store.remove_product(US, products[0].id, None).await.unwrap();
    fixture.watch(1).await;
    assert_eq!(enqueue(fixture).await, 0, "nor when the product is added again");
    other.close().await;
}

async fn only_listings_with_an_active_product_on_a_known_marketplace_are_fetched(fixture: &Fixture) {
    let mut elsewhere = new_product(US, 1);
    elsewhere.listing.marketplace = Marketplace::Pl;
    fixture.store.add_product(elsewhere).await.unwrap();
    let mut paused = new_product(US, 2);
    paused.settings.status = ProductStatus::Paused;
    fixture.store.add_product(paused).await.unwrap();
    assert_eq!(enqueue(fixture).await, 0);
    fixture.watch(3).await;
    assert_eq!(enqueue(fixture).await, 1);
    let from_a_file = fixture.watch(4).await.listing_id;
    import(fixture, from_a_file, &past(&[price(96, 1000)], 72)).await;
    assert_eq!(enqueue(fixture).await, 0, "its past was imported from a file");
}

async fn a_fetch_that_failed_is_made_again_later_and_one_that_was_not_made_does_not_count(fixture: &Fixture) {
    fixture.watch(1).await;
    enqueue(fixture).await;
    let leases = claim(fixture, 1).await;
    let failed = HistoryRetry { after: HOUR, error: Some("no answer") };
    fixture.store.retry_history_imports(&leases, failed).await.unwrap();
    assert_eq!(claim(fixture, 1).await, []);
    assert_eq!(fixture.text("SELECT error FROM history_import").await, "no answer");
    fixture.clock.advance(HOUR);
    let again = claim(fixture, 1).await;
    assert_eq!((again[0].attempt, again[0].token), (2, leases[0].token + 1));
    fixture.store.retry_history_imports(&again, HistoryRetry { after: SECOND, error: None }).await.unwrap();
    fixture.clock.advance(SECOND);
    assert_eq!(claim(fixture, 1).await[0].attempt, 2);
    // A replica that dies gives nothing back.
    fixture.clock.advance(LEASE);
    assert_eq!(claim(fixture, 1).await[0].attempt, 3);
}

async fn a_lease_that_was_lost_changes_nothing(fixture: &Fixture) {
    let id = fixture.watch(1).await.listing_id;
    enqueue(fixture).await;
    let lost = claim(fixture, 1).await;
    fixture.clock.advance(LEASE);
    let held = claim(fixture, 1).await;
    let retry = HistoryRetry { after: SECOND, error: Some("late") };
    fixture.store.retry_history_imports(&lost, retry).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM history_import WHERE error IS NULL AND owner = 'test'").await, 1);
    import(fixture, id, &past(&[price(96, 1000)], 72)).await;
    fixture.store.retry_history_imports(&held, retry).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM history_import WHERE ready_at IS NULL").await, 1, "it is done");
}

async fn a_claim_takes_listings_of_one_marketplace(fixture: &Fixture) {
    let mut american = new_product(US, 1);
    american.listing.marketplace = Marketplace::Us;
    fixture.store.add_product(american).await.unwrap();
    enqueue(fixture).await;
    fixture.clock.advance(SECOND);
    fixture.watch(2).await;
    fixture.watch(3).await;
    enqueue(fixture).await;
    let of = async || claim(fixture, 9).await.into_iter().map(|lease| lease.listing.marketplace).collect::<Vec<_>>();
    assert_eq!(of().await, [Marketplace::Us], "it waits longest");
    assert_eq!(of().await, [Marketplace::De, Marketplace::De]);
}

async fn what_was_spent_within_a_day_is_added_up(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.watch(2).await;
    enqueue(fixture).await;
    let leases = claim(fixture, 2).await;
    assert_eq!(fixture.store.history_charge().await.unwrap(), 8, "it is reserved before the call");
    fixture.store.settle_history_charge(&leases, 4, 3).await.unwrap();
    assert_eq!(fixture.store.history_charge().await.unwrap(), 6);
    fixture.clock.advance(LEASE);
    let again = claim(fixture, 2).await;
    fixture.store.settle_history_charge(&again, 4, 3).await.unwrap();
    assert_eq!(fixture.store.history_charge().await.unwrap(), 12, "both attempts were paid for");
    fixture.clock.advance(DAY);
    assert_eq!(fixture.store.history_charge().await.unwrap(), 0);
}

async fn a_past_is_fetched_again_on_request(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let id = product.listing_id;
    let sums = async || fixture.store.history_import_sums().await.unwrap();
    assert_eq!(sums().await, HistoryImportSums::default());
    import(fixture, id, &past(&[price(48, 1000)], 2)).await;
    let imported = HistoryImportSums { imported: 1, ..HistoryImportSums::default() };
    assert_eq!(sums().await, imported);
    assert!(fixture.store.refetch_history(id).await.unwrap());
    assert_eq!(sums().await, HistoryImportSums { waiting: 1, ..imported });
    let claim = HistoryClaim { limit: 9, lease: LEASE, owner: "test", charge: 4 };
    let leases = fixture.store.claim_history_imports(&claim).await.unwrap();
    assert_eq!((leases.len(), leases[0].listing_id), (1, id));
    assert!(!fixture.store.refetch_history(id).await.unwrap(), "it is being fetched");
    let retry = HistoryRetry { after: HOUR, error: Some("no") };
    fixture.store.retry_history_imports(&leases, retry).await.unwrap();
    assert_eq!(sums().await, HistoryImportSums { imported: 1, waiting: 1, failing: 1, tokens: 4 });
    let unknown = fixture.store.refetch_history(ListingId(999)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("listing"))));
}

//! Boards: what is kept of prices beside the listings, and changes of many products.

use amazon_tracker::domain::stats::price_stats;
use amazon_tracker::domain::steps::Gap;
use amazon_tracker::domain::*;
use amazon_tracker::store::{Commit, ProductFilter, ProductOrder, ProductsChange, SettingsChange};
use jiff::Timestamp;

use crate::fixture::*;

on_both_engines! {
    what_is_kept_of_a_price_follows_from_its_points_after_every_commit,
    a_tenant_changes_its_own_products_alone,
}

/// The marks of the one product.
async fn marks(fixture: &Fixture) -> (PriceMarks, Product) {
    let page = fixture.store.board(US, &ProductFilter::default(), ProductOrder::NewestFirst, None, 10).await.unwrap();
    let row = page.items.into_iter().next().unwrap();
    (row.marks, row.product)
}

/// The last change of a price, as anybody would look it up.
fn last_change(prices: &[Point]) -> Option<(Timestamp, i64)> {
    let now = &prices.last()?.value;
    let other = prices.iter().rposition(|point| point.value.is_some() && point.value != *now)?;
    let changed = prices[other..].iter().find(|point| point.value == *now)?;
    Some((changed.at, prices[other].value.as_ref()?.number()?))
}

async fn what_is_kept_of_a_price_follows_from_its_points_after_every_commit(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let prices =
        [1000, 1000, 900, 950, 940, 940, 800, 900, 800, 790, 790, 1000, 790, 800, 850, 790, 780, 900, 780, 780];
    let mut lows = 0;
    for (n, price_minor) in prices.into_iter().enumerate() {
        let now = fixture.now().await;
        let claim = fixture.claim_one().await;
        let commit = seen(&claim, price_minor, now);
        let gap = claim.state.gap_before(now, 3 * DAY);
        let points = gap.into_iter().chain(commit.points.clone()).collect();
        assert!(fixture.commit(Commit { points, ..commit }).await);
        let read = [Series::Price, Series::Unobserved];
        let points = fixture.store.points(product.listing_id, &read, None, None, 1000).await.unwrap();
        let (gaps, prices): (Vec<Point>, Vec<Point>) =
            points.into_iter().partition(|point| point.key.series == Series::Unobserved);
        let gaps: Vec<Gap> = gaps.iter().filter_map(Gap::of).collect();
        let (marks, product) = marks(fixture).await;
        assert_eq!(marks.change_at.zip(marks.change_from_minor), last_change(&prices), "price {n}");
        assert_eq!(marks.offer_changed_at, prices.last().map(|point| point.at));
        for later in [0, 1, 2] {
            // After the crawl: a gap that ends now leaves the price unknown.
            let now = now + SECOND + later * DAY;
            let stats = price_stats(&prices, &[], &gaps, Some(90), now);
            let is_lowest = stats.is_lowest && stats.maximum.map(|most| most.amount_minor) > stats.current_minor;
            assert_eq!(marks.is_lowest(now), is_lowest, "price {n}: {marks:?} {stats:?}");
            let counts = fixture.store.board_counts(US, &ProductFilter::default(), now, now).await.unwrap();
            assert_eq!(counts.at_low == 1, is_lowest && !product.is_price_stale(now), "price {n}");
            lows += u32::from(is_lowest);
        }
        // Mostly within a few days, now and then after a gap.
        fixture.clock.advance(DAY * [5, 1, 2, 40, 1][n % 5]);
    }
    assert!(lows > 5, "{lows}");
}

async fn a_tenant_changes_its_own_products_alone(fixture: &Fixture) {
    fixture.add_tenant().await;
    let theirs = fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    let mut ours = Vec::new();
    for n in 1..4 {
        ours.push(fixture.watch(n).await.id);
    }
    let filter = ProductFilter::default();
    let found = fixture.store.matching_products(US, &filter, None, 2).await.unwrap();
    assert_eq!(found, ours[..2]);
    let rest = fixture.store.matching_products(US, &filter, found.last().copied(), 10).await.unwrap();
    assert_eq!(rest, ours[2..]);

    let pause = SettingsChange { status: Some(ProductStatus::Paused), ..SettingsChange::default() };
    let all: Vec<ProductId> = ours.iter().copied().chain([theirs.id]).collect();
    let changed = fixture.store.change_products(US, &all, &ProductsChange::Settings(pause), None).await.unwrap();
    assert_eq!((&changed.changed, &changed.unknown), (&ours, &vec![theirs.id]));
    let status = |product: Product| product.settings.status;
    assert_eq!(status(fixture.store.product(THEM, theirs.id).await.unwrap()), ProductStatus::Active);
    assert_eq!(status(fixture.store.product(US, ours[0]).await.unwrap()), ProductStatus::Paused);
    let is_due = |product: Product| product.next_crawl_at.is_some();
    assert!(is_due(fixture.store.product(US, ours[0]).await.unwrap()), "they watch it too");
    assert!(!is_due(fixture.store.product(US, ours[1]).await.unwrap()));

    let tags = (0..51).map(|n| n.to_string()).collect();
    let too_many = SettingsChange { add_tags: tags, ..SettingsChange::default() };
    let changed = fixture.store.change_products(US, &ours, &ProductsChange::Settings(too_many), None).await.unwrap();
    assert_eq!((changed.changed.len(), changed.too_many_tags), (0, ours.clone()));
    let deleted = fixture.store.change_products(US, &all, &ProductsChange::Delete, None).await.unwrap();
    assert_eq!((deleted.changed, deleted.unknown), (ours, vec![theirs.id]));
    assert!(fixture.store.product(THEM, theirs.id).await.is_ok());
}

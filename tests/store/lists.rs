//! Lists of products: filters, orders, pages.

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    Claim, Commit, ItemsEnd, NewProduct, Next, ProductFilter, ProductOrder, ProductPatch, StoreError,
};
use jiff::Timestamp;

use crate::accounts::tenant_of;
use crate::fixture::*;
use crate::sessions::new_key;

on_both_engines! {
    every_order_is_complete_over_its_pages_with_ties_and_missing_values,
    a_cursor_of_another_order_or_none_at_all_is_not_found,
    filters_hold_together,
    failing_listings_are_found_whatever_their_reason,
    text_is_found_in_title_label_and_asin_whatever_its_case,
    wildcards_stand_for_themselves,
    a_tag_is_matched_as_a_whole,
    a_list_shows_only_the_tenants_own,
    a_row_that_cannot_be_read_takes_no_other_of_its_list_along,
}

const ORDERS: [ProductOrder; 5] = [
    ProductOrder::NewestFirst,
    ProductOrder::OldestFirst,
    ProductOrder::Title,
    ProductOrder::PriceRising,
    ProductOrder::PriceFalling,
];

/// Looks at what is due and sees a title and a price each, by the number in the ASIN.
async fn see_each(fixture: &Fixture, facts: impl Fn(u32) -> Option<(&'static str, i64)>) {
    let now = fixture.now().await;
    for claim in fixture.claim(100).await {
        let n = claim.listing.asin.as_str()[1..].parse().unwrap();
        let Some((title, price_minor)) = facts(n) else { continue };
        let judged = claim.state.judge(&page(claim.listing.asin, title, price_minor), now);
        fixture.commit(Commit { state: Some(judged.state), ..seen(&claim, price_minor, now) }).await;
    }
}

async fn numbers(fixture: &Fixture, filter: &ProductFilter, order: ProductOrder, limit: u32) -> Vec<u32> {
    let (mut numbers, mut cursor) = (Vec::new(), None);
    loop {
        let page = fixture.store.products(US, filter, order, cursor.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        numbers.extend(page.items.iter().map(|product| product.listing.asin.as_str()[1..].parse::<u32>().unwrap()));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return numbers,
        }
    }
}

async fn every_order_is_complete_over_its_pages_with_ties_and_missing_values(fixture: &Fixture) {
    for n in 0..10 {
        fixture.watch(n).await;
        if n % 2 == 1 {
            fixture.clock.advance(SECOND);
        }
    }
    see_each(fixture, |n| match n {
        0..=2 => Some(("banana", 300)),
        3 => Some(("Äpfel", 200)),
        4 => Some(("Apple", 100)),
        5 => Some(("apple", 300)),
        _ => None,
    })
    .await;
    let all = ProductFilter::default();
    for order in ORDERS {
        let whole = numbers(fixture, &all, order, 100).await;
        let mut sorted = whole.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>(), "{order:?}");
        for limit in 1..=10 {
            assert_eq!(numbers(fixture, &all, order, limit).await, whole, "{order:?} by {limit}");
        }
    }
    let starts = |order, expected: Vec<u32>| {
        let all = &all;
        async move { assert_eq!(numbers(fixture, all, order, 3).await[..expected.len()], expected, "{order:?}") }
    };
    starts(ProductOrder::OldestFirst, (0..10).collect()).await;
    starts(ProductOrder::NewestFirst, (0..10).rev().collect()).await;
    starts(ProductOrder::Title, vec![4, 5, 0, 1, 2, 3, 6, 7, 8, 9]).await;
    starts(ProductOrder::PriceRising, vec![4, 3, 0, 1, 2, 5, 6, 7, 8, 9]).await;
    starts(ProductOrder::PriceFalling, vec![5, 2, 1, 0, 3, 4, 9, 8, 7, 6]).await;
}

async fn a_cursor_of_another_order_or_none_at_all_is_not_found(fixture: &Fixture) {
    for n in 0..3 {
        fixture.watch(n).await;
    }
    let list = |order, cursor: String| async move {
        fixture.store.products(US, &ProductFilter::default(), order, Some(&cursor), 1).await
    };
    for made_for in ORDERS {
        let page = fixture.store.products(US, &ProductFilter::default(), made_for, None, 1).await.unwrap();
        let cursor = page.next_cursor.unwrap();
        for order in ORDERS {
            let answer = list(order, cursor.clone()).await;
            assert_eq!(answer.is_ok(), order == made_for);
            assert!(order == made_for || matches!(answer, Err(StoreError::InvalidCursor)));
        }
    }
    for nonsense in ["", "x", "bm9uc2Vuc2U", "%%%", "ünï"] {
        let answer = list(ProductOrder::Title, nonsense.to_owned()).await;
        assert!(matches!(answer, Err(StoreError::InvalidCursor)), "{nonsense}");
    }
}

async fn filters_hold_together(fixture: &Fixture) {
    for n in 0..8u32 {
        let mut new = new_product(US, n);
        if n & 1 == 1 {
            new.listing.marketplace = Marketplace::Jp;
        }
        if n & 2 == 2 {
            new.settings.status = ProductStatus::Paused;
        }
        if n & 4 == 4 {
            new.settings.tags = vec!["first".to_owned(), "second".to_owned()];
        }
        fixture.store.add_product(new).await.unwrap();
    }
    let tagged = ProductFilter { tag: Some("second".to_owned()), ..ProductFilter::default() };
    assert_eq!(numbers(fixture, &tagged, ProductOrder::OldestFirst, 2).await, [4, 5, 6, 7]);
    let paused = ProductFilter { status: Some(ProductStatus::Paused), ..tagged };
    assert_eq!(numbers(fixture, &paused, ProductOrder::OldestFirst, 2).await, [6, 7]);
    let japanese = ProductFilter { marketplace: Some(Marketplace::Jp), ..paused };
    assert_eq!(numbers(fixture, &japanese, ProductOrder::OldestFirst, 2).await, [7]);
    let texted = ProductFilter { text: Some("b00000000".to_owned()), ..japanese };
    assert_eq!(numbers(fixture, &texted, ProductOrder::OldestFirst, 2).await, [7]);
}

async fn failing_listings_are_found_whatever_their_reason(fixture: &Fixture) {
    for n in 0..5 {
        fixture.watch(n).await;
    }
    let failed = |claim: &Claim, outcome: &'static str| Commit {
        outcome: Some(outcome),
        state: Some(claim.state.after_failed_crawl()),
        points: Vec::new(),
        next: Next::Postponed(HOUR),
        job_items: ItemsEnd::Keep,
        ..seen(claim, 100, Timestamp::UNIX_EPOCH)
    };
    let now = fixture.now().await;
    for claim in fixture.claim(5).await.into_iter().filter(|claim| claim.listing.asin != asin(4)) {
        let commit = match claim.listing.asin {
            one if one == asin(1) => failed(&claim, "failed_timeout"),
            gone if gone == asin(2) => failed(&claim, "not_found"),
            _ => seen(&claim, 100, now),
        };
        assert!(fixture.commit(commit).await);
    }
    // Its crawls never end.
    let parked = format!("(SELECT id FROM listing WHERE asin = '{}')", asin(3));
    fixture.execute(&format!("UPDATE lease SET parked_at = 1, attempt = 5 WHERE listing_id = {parked}")).await;
    let listed = async |failing| {
        let filter = ProductFilter { failing: Some(failing), ..ProductFilter::default() };
        numbers(fixture, &filter, ProductOrder::OldestFirst, 2).await
    };
    assert_eq!(listed(true).await, [1, 2, 3]);
    assert_eq!(listed(false).await, [0, 4], "4 was not crawled yet");
    let page = fixture.store.failing_listings(None, ListingId(0), 2).await.unwrap();
    let rest = fixture.store.failing_listings(Some(Marketplace::De), page[1].listing_id, 9).await.unwrap();
    let reasons: Vec<_> = page.iter().chain(&rest).map(|listing| listing.failure.reason.as_str()).collect();
    assert_eq!(reasons, ["failed_timeout", "not_found", "failed_panicked"]);
    assert_eq!((page[0].failure.consecutive_failures, page[0].failure.next_attempt_at), (1, Some(now + HOUR)));
    assert_eq!((rest[0].failure.attempts, rest[0].failure.next_attempt_at), (5, None));
    assert!(fixture.store.failing_listings(Some(Marketplace::Jp), ListingId(0), 9).await.unwrap().is_empty());
}

async fn found(fixture: &Fixture, text: &str) -> Vec<u32> {
    let filter = ProductFilter { text: Some(text.to_owned()), ..ProductFilter::default() };
    numbers(fixture, &filter, ProductOrder::OldestFirst, 2).await
}

async fn text_is_found_in_title_label_and_asin_whatever_its_case(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.watch(2).await;
    let labelled = fixture.watch(3).await;
    let label = ProductPatch { label: Some(Some("Geschenk für ÖLAF".to_owned())), ..ProductPatch::default() };
    fixture.store.update_product(US, labelled.id, &label).await.unwrap();
    see_each(fixture, |n| (n == 2).then_some(("SONY Kopfhörer 日本", 100))).await;
    assert_eq!(found(fixture, "kopfHÖRER").await, [2]);
    assert_eq!(found(fixture, "日本").await, [2]);
    assert_eq!(found(fixture, "ölaf").await, [3]);
    assert_eq!(found(fixture, "b000000001").await, [1]);
    assert!(found(fixture, "nothing like it").await.is_empty());
    let unlabelled = ProductPatch { label: Some(None), ..ProductPatch::default() };
    fixture.store.update_product(US, labelled.id, &unlabelled).await.unwrap();
    assert!(found(fixture, "ölaf").await.is_empty());
}

async fn wildcards_stand_for_themselves(fixture: &Fixture) {
    for (n, label) in ["100% wool", "100 wool", "a_b", "axb", r"back\slash"].into_iter().enumerate() {
        let mut new: NewProduct = new_product(US, n as u32);
        new.settings.label = Some(label.to_owned());
        fixture.store.add_product(new).await.unwrap();
    }
    assert_eq!(found(fixture, "100%").await, [0]);
    assert_eq!(found(fixture, "a_b").await, [2]);
    assert_eq!(found(fixture, r"k\s").await, [4]);
    assert_eq!(found(fixture, "%").await, [0]);
    assert_eq!(found(fixture, "'").await, Vec::<u32>::new());
}

async fn a_tag_is_matched_as_a_whole(fixture: &Fixture) {
    for (n, tag) in ["red", "dark red", r#"re"d"#, "Röd"].into_iter().enumerate() {
        let mut new = new_product(US, n as u32);
        new.settings.tags = vec!["other".to_owned(), tag.to_owned()];
        fixture.store.add_product(new).await.unwrap();
    }
    let tagged = |tag: &str| ProductFilter { tag: Some(tag.to_owned()), ..ProductFilter::default() };
    assert_eq!(numbers(fixture, &tagged("red"), ProductOrder::OldestFirst, 9).await, [0]);
    assert_eq!(numbers(fixture, &tagged(r#"re"d"#), ProductOrder::OldestFirst, 9).await, [2]);
    assert_eq!(numbers(fixture, &tagged("Röd"), ProductOrder::OldestFirst, 9).await, [3]);
    assert!(numbers(fixture, &tagged("re"), ProductOrder::OldestFirst, 9).await.is_empty());
}

async fn a_list_shows_only_the_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    fixture.watch(1).await;
    fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    fixture.store.add_product(new_product(THEM, 2)).await.unwrap();
    assert_eq!(numbers(fixture, &ProductFilter::default(), ProductOrder::Title, 1).await, [1]);
}

/// Such rows were written by an earlier version, or by hand.
async fn a_row_that_cannot_be_read_takes_no_other_of_its_list_along(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    for number in 1..=2 {
        fixture.store.add_api_key(new_key(&jo, number)).await.unwrap();
    }
    for n in 0..2 {
        fixture.watch(n).await;
    }
    let claims = fixture.claim(9).await;
    for (claim, price_minor) in claims.iter().zip([100, 200]) {
        assert!(fixture.commit(seen(claim, price_minor, fixture.now().await)).await);
    }
    let points = async || {
        let series = [Series::Price, Series::Availability];
        fixture.store.points(claims[0].listing_id, &series, None, None, 10).await.unwrap().len()
    };
    let all = points().await;
    assert!(all > 0);
    for damage in [
        "UPDATE api_key SET expires_at = 9000000000000000000 WHERE name = 'key 1'",
        "UPDATE product SET interval_secs = -1 WHERE listing_id = (SELECT min(listing_id) FROM product)",
        "INSERT INTO point (listing_id, series, category, at, number) \
           SELECT min(listing_id), min(series), '', 9000000000000000000, 1 FROM point",
    ] {
        fixture.execute(damage).await;
    }
    let keys = fixture.store.api_keys(jo.tenant_id, None, 10).await.unwrap().items;
    assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["key 2"]);
    assert_eq!(numbers(fixture, &ProductFilter::default(), ProductOrder::OldestFirst, 10).await.len(), 1);
    assert_eq!(points().await, all);
}

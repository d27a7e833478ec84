//! Products, one at a time.

use amazon_tracker::domain::*;
use amazon_tracker::store::{NewProduct, Next, ProductPatch, StoreError};

use crate::fixture::*;

on_both_engines! {
    a_product_comes_back_as_it_was_added,
    a_listing_is_watched_once_by_a_tenant_and_the_error_names_the_product,
    of_many_that_add_the_same_at_once_one_wins_and_the_others_name_it,
    tenants_share_the_listing_but_see_only_their_own_products,
    a_patch_changes_what_it_names_and_nothing_else,
    of_two_patches_at_once_neither_is_lost,
    pausing_the_last_product_rests_the_listing_and_resuming_wakes_it,
    a_product_added_paused_is_not_crawled,
    a_shorter_interval_brings_the_crawl_forward_and_a_longer_one_does_not,
    a_new_rhythm_does_not_wake_a_listing_that_was_parked,
    removing_takes_rules_and_waiting_items_and_keeps_events_and_history,
    removing_the_last_product_parks_and_adding_again_wakes_with_a_higher_token,
    a_listing_that_another_tenant_watches_is_not_parked,
    adding_makes_an_idle_listing_due_and_cuts_no_crawl_short,
    products_are_counted_over_all_tenants,
    products_are_found_by_their_listings_within_their_tenant,
}

async fn a_product_comes_back_as_it_was_added(fixture: &Fixture) {
    let mut new = new_product(US, 1);
    new.settings.label = Some("Ein Kopfhörer — „gut“ 🎧".to_owned());
    new.settings.tags = vec!["Zweites".to_owned(), "erstes".to_owned(), "a\"b".to_owned()];
    new.settings.is_competitor = true;
    let product = fixture.store.add_product(new.clone()).await.unwrap();
    assert_eq!((product.tenant_id, product.listing), (US, new.listing));
    assert_eq!(product.settings, new.settings);
    assert_eq!((product.created_at, product.updated_at), (fixture.now().await, fixture.now().await));
    assert_eq!(product.next_crawl_at, Some(fixture.now().await));
    assert_eq!(
        (&product.state, &product.last_outcome, product.last_crawled_at),
        (&ListingState::default(), &None, None)
    );
    assert_eq!(fixture.store.product(US, product.id).await.unwrap(), product);
    assert!(matches!(fixture.store.product(US, ProductId::new()).await, Err(StoreError::NotFound(_))));
}

async fn products_are_found_by_their_listings_within_their_tenant(fixture: &Fixture) {
    fixture.add_tenant().await;
    let (one, other) = (fixture.watch(1).await, fixture.watch(2).await);
    fixture.watch(3).await;
    let theirs = fixture.store.add_product(new_product(THEM, 4)).await.unwrap();
    let find = async |tenant_id, marketplace, numbers: &[u32]| {
        let listings: Vec<Listing> = numbers.iter().map(|n| Listing::new(marketplace, asin(*n))).collect();
        let mut found = fixture.store.products_of_listings(tenant_id, &listings).await.unwrap();
        found.sort_by_key(|product| product.listing);
        found.into_iter().map(|product| product.id).collect::<Vec<_>>()
    };
    assert_eq!(find(US, Marketplace::De, &[1, 2, 4, 9]).await, [one.id, other.id]);
    assert_eq!(find(THEM, Marketplace::De, &[1, 4]).await, [theirs.id]);
    assert_eq!(find(US, Marketplace::Jp, &[1]).await, []);
    assert_eq!(find(US, Marketplace::De, &[]).await, []);
}

async fn a_listing_is_watched_once_by_a_tenant_and_the_error_names_the_product(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    match fixture.store.add_product(new_product(US, 1)).await {
        Err(StoreError::AlreadyWatched(id)) => assert_eq!(id, product.id),
        other => panic!("{other:?}"),
    }
    let elsewhere = Listing::new(Marketplace::Jp, asin(1));
    fixture.store.add_product(NewProduct { listing: elsewhere, ..new_product(US, 1) }).await.unwrap();
}

async fn of_many_that_add_the_same_at_once_one_wins_and_the_others_name_it(fixture: &Fixture) {
    let adders = (0..12).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.add_product(new_product(US, 1)).await })
    });
    let (mut won, mut named) = (Vec::new(), Vec::new());
    for adder in adders.collect::<Vec<_>>() {
        match adder.await.unwrap() {
            Ok(product) => won.push(product.id),
            Err(StoreError::AlreadyWatched(id)) => named.push(id),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((won.len(), named.len()), (1, 11));
    assert!(named.iter().all(|id| *id == won[0]));
    assert_eq!(fixture.number("SELECT count(*) FROM lease").await, 1);
}

async fn tenants_share_the_listing_but_see_only_their_own_products(fixture: &Fixture) {
    fixture.add_tenant().await;
    let ours = fixture.watch(1).await;
    let theirs = fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    assert_eq!(ours.listing_id, theirs.listing_id);
    let store = &fixture.store;
    assert!(matches!(store.product(US, theirs.id).await, Err(StoreError::NotFound(_))));
    let patch = ProductPatch::default();
    assert!(matches!(store.update_product(US, theirs.id, &patch).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.remove_product(US, theirs.id, None).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.product(THEM, theirs.id).await.unwrap(), theirs);
}

async fn a_patch_changes_what_it_names_and_nothing_else(fixture: &Fixture) {
    let mut new = new_product(US, 1);
    new.settings.label = Some("label".to_owned());
    let before = fixture.store.add_product(new).await.unwrap();
    fixture.clock.advance(SECOND);
    let tags = ProductPatch { tags: Some(vec!["x".to_owned()]), ..ProductPatch::default() };
    let after = fixture.store.update_product(US, before.id, &tags).await.unwrap();
    let expected = ProductSettings { tags: vec!["x".to_owned()], ..before.settings };
    assert_eq!((after.settings, after.created_at), (expected, before.created_at));
    assert_eq!(after.updated_at, fixture.now().await);
    let unlabelled = ProductPatch { label: Some(None), is_competitor: Some(true), ..ProductPatch::default() };
    let after = fixture.store.update_product(US, before.id, &unlabelled).await.unwrap();
    assert_eq!((after.settings.label, after.settings.is_competitor), (None, true));
    assert_eq!(after.settings.tags, ["x"]);
}

async fn of_two_patches_at_once_neither_is_lost(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let patches = [
        ProductPatch { label: Some(Some("label".to_owned())), ..ProductPatch::default() },
        ProductPatch { tags: Some(vec!["tag".to_owned()]), ..ProductPatch::default() },
        ProductPatch { is_competitor: Some(true), ..ProductPatch::default() },
    ];
    let patchers = patches.map(|patch| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.update_product(US, product.id, &patch).await.unwrap() })
    });
    for patcher in patchers {
        patcher.await.unwrap();
    }
    let settings = fixture.store.product(US, product.id).await.unwrap().settings;
    assert_eq!((settings.label.as_deref(), settings.tags.len(), settings.is_competitor), (Some("label"), 1, true));
}

fn status(status: ProductStatus) -> ProductPatch {
    ProductPatch { status: Some(status), ..ProductPatch::default() }
}

fn frequency(text: &str) -> ProductPatch {
    ProductPatch { frequency: Some(text.parse().unwrap()), ..ProductPatch::default() }
}

async fn pausing_the_last_product_rests_the_listing_and_resuming_wakes_it(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let paused = fixture.store.update_product(US, product.id, &status(ProductStatus::Paused)).await.unwrap();
    assert_eq!((paused.settings.status, paused.next_crawl_at), (ProductStatus::Paused, None));
    assert!(fixture.claim(1).await.is_empty());
    let resumed = fixture.store.update_product(US, product.id, &status(ProductStatus::Active)).await.unwrap();
    assert_eq!(resumed.next_crawl_at, Some(fixture.now().await), "it was due already");
    fixture.see(500).await;
    fixture.store.update_product(US, product.id, &status(ProductStatus::Paused)).await.unwrap();
    let mut resume = status(ProductStatus::Active);
    resume.frequency = Some("hourly".parse().unwrap());
    let resumed = fixture.store.update_product(US, product.id, &resume).await.unwrap();
    assert_eq!(resumed.next_crawl_at, Some(fixture.now().await + HOUR));
}

async fn a_product_added_paused_is_not_crawled(fixture: &Fixture) {
    let mut new = new_product(US, 1);
    new.settings.status = ProductStatus::Paused;
    let product = fixture.store.add_product(new).await.unwrap();
    assert_eq!(product.next_crawl_at, None);
    assert!(fixture.claim(1).await.is_empty());
}

async fn a_shorter_interval_brings_the_crawl_forward_and_a_longer_one_does_not(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(500).await;
    let due = |hours: u32| async move { fixture.now().await + HOUR * hours };
    let hourly = fixture.store.update_product(US, product.id, &frequency("hourly")).await.unwrap();
    assert_eq!(hourly.next_crawl_at, Some(due(1).await));
    let weekly = fixture.store.update_product(US, product.id, &frequency("weekly")).await.unwrap();
    assert_eq!(weekly.next_crawl_at, Some(due(1).await));
    let daily = fixture.store.update_product(US, product.id, &frequency("daily")).await.unwrap();
    assert_eq!(daily.next_crawl_at, Some(due(1).await), "shorter than before, but the crawl is due sooner anyway");
}

async fn a_new_rhythm_does_not_wake_a_listing_that_was_parked(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    fixture.commit(failed(&claim, Next::Parked)).await;
    let hourly = fixture.store.update_product(US, product.id, &frequency("hourly")).await.unwrap();
    assert_eq!(hourly.next_crawl_at, None);
}

async fn removing_takes_rules_and_waiting_items_and_keeps_events_and_history(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    let task = fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    assert!(matches!(fixture.store.product(US, product.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(fixture.store.remove_product(US, product.id, None).await, Err(StoreError::NotFound(_))));
    assert!(matches!(fixture.store.rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    let task = fixture.store.task(US, task.id).await.unwrap();
    assert_eq!(task.status(), JobStatus::Cancelled);
    assert_eq!(task.finished_at(), Some(fixture.now().await));
    let events = fixture.store.events(US, &EventFilter::of_product(Some(product.id)), None, 10).await.unwrap().items;
    assert_eq!((events.len(), events[0].deliveries.len()), (1, 1));
    assert!(!fixture.store.points(product.listing_id, Series::ALL, None, None, 10).await.unwrap().is_empty());
}

async fn removing_the_last_product_parks_and_adding_again_wakes_with_a_higher_token(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.see(500).await;
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    fixture.clock.advance(2 * DAY);
    let claim_time = fixture.now().await;
    assert!(fixture.claim(1).await.is_empty());
    let again = fixture.watch(1).await;
    assert_eq!(again.listing_id, product.listing_id);
    assert!(again.next_crawl_at.is_some_and(|at| at < claim_time), "due at once");
    assert_eq!(fixture.claim_one().await.token, claim.token + 1);
}

async fn a_listing_that_another_tenant_watches_is_not_parked(fixture: &Fixture) {
    fixture.add_tenant().await;
    let ours = fixture.watch(1).await;
    fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    fixture.store.remove_product(US, ours.id, None).await.unwrap();
    assert_eq!(fixture.claim(1).await.len(), 1);
}

async fn adding_makes_an_idle_listing_due_and_cuts_no_crawl_short(fixture: &Fixture) {
    fixture.add_tenant().await;
    fixture.watch(1).await;
    fixture.see(500).await;
    let theirs = fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    assert_eq!(theirs.next_crawl_at, Some(fixture.now().await));
    assert_eq!(theirs.state.number(Series::Price), Some(500), "what is known is known to everyone");
    let claim = fixture.claim_one().await;
    fixture.store.remove_product(THEM, theirs.id, None).await.unwrap();
    fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    assert!(fixture.claim(1).await.is_empty());
    assert!(fixture.commit(seen(&claim, 500, fixture.now().await)).await);
}

async fn products_are_counted_over_all_tenants(fixture: &Fixture) {
    fixture.add_tenant().await;
    assert_eq!(fixture.store.count_products().await.unwrap(), 0);
    fixture.watch(1).await;
    fixture.watch(2).await;
    fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    assert_eq!(fixture.store.count_products().await.unwrap(), 3);
}

//! Competitor sets: an own product and what it is compared with.

use amazon_tracker::domain::*;
use amazon_tracker::store::{CompetitorSetPatch, NewCompetitorSet, StoreError};

use crate::accounts::tenant_of;
use crate::fixture::*;

on_both_engines! {
    a_set_comes_back_as_it_was_added_and_its_competitors_in_their_order,
    a_set_is_its_tenants_own_and_names_products_of_its_tenant,
    a_set_is_changed_by_the_version_that_was_read,
    a_competitor_that_is_deleted_leaves_its_sets_and_an_own_product_takes_them_along,
    products_are_read_together_and_those_of_others_are_missing,
}

/// A set of an own product.
pub fn new_set(own: &Product, competitors: &[&Product]) -> NewCompetitorSet {
    NewCompetitorSet {
        tenant_id: own.tenant_id,
        name: "Headphones".to_owned(),
        product_id: own.id,
        competitors: competitors.iter().map(|product| product.id).collect(),
        quota: u32::MAX,
    }
}

async fn a_set_comes_back_as_it_was_added_and_its_competitors_in_their_order(fixture: &Fixture) {
    let (own, first, second) = (fixture.watch(1).await, fixture.watch(2).await, fixture.watch(3).await);
    let store = &fixture.store;
    let set = store.add_competitor_set(new_set(&own, &[&second, &first])).await.unwrap();
    assert_eq!((set.product_id, &set.competitors), (own.id, &vec![second.id, first.id]));
    assert_eq!(store.competitor_set(US, set.id).await.unwrap(), set);
    let empty = store.add_competitor_set(new_set(&first, &[])).await.unwrap();
    assert_eq!(store.competitor_sets(US, None, None, 9).await.unwrap().items, [empty.clone(), set.clone()]);
    assert_eq!(store.competitor_sets(US, Some(own.id), None, 9).await.unwrap().items, std::slice::from_ref(&set));
    let page = store.competitor_sets(US, None, None, 1).await.unwrap();
    assert_eq!(page.items, [empty]);
    let rest = store.competitor_sets(US, None, page.next_cursor.as_deref(), 1).await.unwrap();
    assert_eq!((rest.items, rest.next_cursor), (vec![set], None));
    let one_more = store.add_competitor_set(NewCompetitorSet { quota: 2, ..new_set(&own, &[]) }).await;
    assert!(matches!(one_more, Err(StoreError::OverQuota { quota: "competitor_sets", limit: 2 })));
}

async fn a_set_is_its_tenants_own_and_names_products_of_its_tenant(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    let (own, rival) = (fixture.watch(1).await, fixture.watch(2).await);
    let store = &fixture.store;
    let theirs = store.add_product(new_product(them, 1)).await.unwrap();
    let set = store.add_competitor_set(new_set(&own, &[&rival])).await.unwrap();
    let nothing = CompetitorSetPatch::default();
    assert!(matches!(store.competitor_set(them, set.id).await, Err(StoreError::NotFound("competitor set"))));
    assert!(matches!(
        store.update_competitor_set(them, set.id, nothing).await,
        Err(StoreError::NotFound("competitor set"))
    ));
    assert!(matches!(store.remove_competitor_set(them, set.id).await, Err(StoreError::NotFound("competitor set"))));
    assert!(store.competitor_sets(them, None, None, 9).await.unwrap().items.is_empty());
    let foreign = store.add_competitor_set(new_set(&own, &[&theirs])).await;
    assert!(matches!(foreign, Err(StoreError::NotFound("product"))));
    let of_foreign = NewCompetitorSet { tenant_id: US, ..new_set(&theirs, &[]) };
    assert!(matches!(store.add_competitor_set(of_foreign).await, Err(StoreError::NotFound("product"))));
    assert_eq!(fixture.number("SELECT count(*) FROM competitor_set").await, 1, "nothing is half stored");
}

async fn a_set_is_changed_by_the_version_that_was_read(fixture: &Fixture) {
    let (own, first, second) = (fixture.watch(1).await, fixture.watch(2).await, fixture.watch(3).await);
    let store = &fixture.store;
    let set = store.add_competitor_set(new_set(&own, &[&first])).await.unwrap();
    let patch = CompetitorSetPatch {
        name: Some("Others".to_owned()),
        competitors: Some(vec![second.id]),
        expected_version: Some(1),
    };
    let changed = store.update_competitor_set(US, set.id, patch.clone()).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.competitors, changed.version), ("Others", &vec![second.id], 2));
    assert!(matches!(store.update_competitor_set(US, set.id, patch).await, Err(StoreError::Changed)));
    let unknown = CompetitorSetPatch { competitors: Some(vec![ProductId::new()]), ..CompetitorSetPatch::default() };
    assert!(matches!(store.update_competitor_set(US, set.id, unknown).await, Err(StoreError::NotFound("product"))));
    assert_eq!(store.competitor_set(US, set.id).await.unwrap(), changed, "nothing is half stored");
    store.remove_competitor_set(US, set.id).await.unwrap();
    assert!(matches!(store.competitor_set(US, set.id).await, Err(StoreError::NotFound(_))));
}

async fn a_competitor_that_is_deleted_leaves_its_sets_and_an_own_product_takes_them_along(fixture: &Fixture) {
    let (own, first, second) = (fixture.watch(1).await, fixture.watch(2).await, fixture.watch(3).await);
    let store = &fixture.store;
    let set = store.add_competitor_set(new_set(&own, &[&first, &second])).await.unwrap();
    store.remove_product(US, first.id, None).await.unwrap();
    assert_eq!(store.competitor_set(US, set.id).await.unwrap().competitors, [second.id]);
    store.remove_product(US, own.id, None).await.unwrap();
    assert!(matches!(store.competitor_set(US, set.id).await, Err(StoreError::NotFound(_))));
    assert_eq!(fixture.number("SELECT count(*) FROM competitor").await, 0);
}

async fn products_are_read_together_and_those_of_others_are_missing(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    let (first, second) = (fixture.watch(1).await, fixture.watch(2).await);
    let theirs = fixture.store.add_product(new_product(them, 3)).await.unwrap();
    let ids = [second.id, theirs.id, first.id, ProductId::new()];
    let mut found = fixture.store.products_of_ids(US, &ids).await.unwrap();
    found.sort_by_key(|product| product.id);
    assert_eq!(found, [first, second]);
    assert!(fixture.store.products_of_ids(US, &[]).await.unwrap().is_empty());
    let listings = [found[1].listing, theirs.listing];
    assert_eq!(fixture.store.products_of_listings(US, &listings).await.unwrap(), found[1..]);
    assert!(fixture.store.products_of_listings(US, &[]).await.unwrap().is_empty());
}

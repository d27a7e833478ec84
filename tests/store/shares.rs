//! Public links to products.

use amazon_tracker::domain::{Product, Share, SharedParts, TokenHash};
use amazon_tracker::store::{NewShare, StoreError, TenantPatch};

use crate::accounts::tenant_of;
use crate::fixture::*;

on_both_engines! {
    a_share_is_found_by_its_token_until_it_is_removed,
    the_shares_of_a_product_end_with_it_and_have_a_quota,
    nobody_shares_or_removes_what_is_another_tenants,
    the_shares_of_a_tenant_that_leaves_are_dead,
}

const ALL_PARTS: SharedParts = SharedParts { label: true, tags: true, target: true };

async fn share(fixture: &Fixture, product: &Product, n: u8) -> Share {
    fixture.store.add_share(new_share(product, n)).await.unwrap()
}

fn new_share(product: &Product, n: u8) -> NewShare {
    let (tenant_id, product_id) = (product.tenant_id, product.id);
    NewShare { tenant_id, product_id, hash: TokenHash([n; 32]), shows: ALL_PARTS, quota: 2 }
}

fn is_none<T>(found: &Result<T, StoreError>) -> bool {
    matches!(found, Err(StoreError::NotFound(_)))
}

async fn a_share_is_found_by_its_token_until_it_is_removed(fixture: &Fixture) {
    let (store, token) = (&fixture.store, TokenHash([1; 32]));
    let product = fixture.watch(1).await;
    let added = share(fixture, &product, 1).await;
    assert_eq!((added.shows, added.product_id, added.used_at), (ALL_PARTS, product.id, None));
    assert_eq!(store.use_share(token).await.unwrap(), added);
    let first_use = fixture.now().await;
    fixture.clock.advance(HOUR / 2);
    store.use_share(token).await.unwrap();
    assert_eq!(store.shares(US, product.id).await.unwrap()[0].used_at, Some(first_use), "to the hour");
    fixture.clock.advance(HOUR);
    store.use_share(token).await.unwrap();
    assert_eq!(store.shares(US, product.id).await.unwrap()[0].used_at, Some(fixture.now().await));
    assert!(is_none(&store.use_share(TokenHash([2; 32])).await));
    assert_eq!(store.remove_share(US, added.id).await.unwrap().product_id, product.id);
    assert!(is_none(&store.use_share(token).await) && is_none(&store.remove_share(US, added.id).await));
}

async fn the_shares_of_a_product_end_with_it_and_have_a_quota(fixture: &Fixture) {
    let (one, two) = (fixture.watch(1).await, fixture.watch(2).await);
    let first = share(fixture, &one, 1).await;
    fixture.clock.advance(SECOND);
    let second = share(fixture, &one, 2).await;
    assert_eq!(fixture.store.shares(US, one.id).await.unwrap(), [second, first], "newest first");
    let refused = fixture.store.add_share(new_share(&one, 3)).await;
    assert!(matches!(refused, Err(StoreError::OverQuota { quota: "shares", limit: 2 })), "{refused:?}");
    share(fixture, &two, 3).await;
    fixture.store.remove_product(US, one.id, None).await.unwrap();
    assert!(is_none(&fixture.store.use_share(TokenHash([1; 32])).await));
    assert!(fixture.store.use_share(TokenHash([3; 32])).await.is_ok());
}

async fn nobody_shares_or_removes_what_is_another_tenants(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let ours = share(fixture, &product, 1).await;
    let them = tenant_of(fixture, "them").await.tenant_id;
    let stolen = fixture.store.add_share(NewShare { tenant_id: them, ..new_share(&product, 2) }).await;
    assert!(is_none(&stolen) && is_none(&fixture.store.remove_share(them, ours.id).await));
    assert!(fixture.store.shares(them, product.id).await.unwrap().is_empty());
}

async fn the_shares_of_a_tenant_that_leaves_are_dead(fixture: &Fixture) {
    let them = tenant_of(fixture, "them").await.tenant_id;
    let product = fixture.store.add_product(new_product(them, 1)).await.unwrap();
    share(fixture, &product, 1).await;
    let leave = |at| TenantPatch { deletion_scheduled_at: Some(at), ..TenantPatch::default() };
    let soon = fixture.now().await + DAY;
    fixture.store.update_tenant(them, &leave(Some(soon))).await.unwrap();
    assert!(is_none(&fixture.store.use_share(TokenHash([1; 32])).await));
    fixture.store.update_tenant(them, &leave(None)).await.unwrap();
    assert!(fixture.store.use_share(TokenHash([1; 32])).await.is_ok(), "it stays");
}

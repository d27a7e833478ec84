//! A request under an idempotency key: its effect and its response are stored together.

use amazon_tracker::domain::{Product, TokenHash};
use amazon_tracker::store::{
    AuditActor, Creation, IdempotencyClaim, IdempotencyKey, SharedStore, StoreError, StoreResult, StoredResponse,
    idempotently,
};

use crate::fixture::*;

on_both_engines! {
    a_repetition_is_answered_alike_and_creates_nothing,
    of_two_at_once_one_is_carried_out_and_both_are_answered_alike,
    a_crash_before_the_commit_leaves_neither_effect_nor_response,
    a_crash_after_the_commit_leaves_both,
    a_request_that_fails_leaves_no_response,
    another_request_under_the_same_key_is_refused,
    a_key_can_be_used_anew_after_a_day,
}

fn key(fingerprint: u8) -> IdempotencyKey {
    let fingerprint = TokenHash([fingerprint; 32]);
    IdempotencyKey { tenant_id: US, caller: AuditActor::System, key: "k".to_owned(), fingerprint }
}

fn response(product: &Product) -> StoredResponse {
    StoredResponse { status: 201, location: format!("/{}", product.id), body: "{}".to_owned() }
}

async fn add(store: &SharedStore, fingerprint: u8, n: u32) -> StoreResult<Creation<Product>> {
    let claim = IdempotencyClaim { key: key(fingerprint), render: Box::new(response) };
    idempotently(Some(claim), store.add_product(new_product(US, n))).await
}

fn response_to(creation: Creation<Product>) -> StoredResponse {
    match creation {
        Creation::Created(product) => response(&product),
        Creation::Replayed(stored) => stored,
    }
}

async fn products(fixture: &Fixture) -> i64 {
    fixture.number("SELECT count(*) FROM product").await
}

async fn a_repetition_is_answered_alike_and_creates_nothing(fixture: &Fixture) {
    assert_eq!(fixture.store.stored_response(&key(1)).await.unwrap(), None);
    let Creation::Created(product) = add(&fixture.store, 1, 1).await.unwrap() else { panic!("it is the first") };
    assert_eq!(add(&fixture.store, 1, 1).await.unwrap(), Creation::Replayed(response(&product)));
    assert_eq!(fixture.store.stored_response(&key(1)).await.unwrap(), Some(response(&product)));
    assert_eq!(products(fixture).await, 1);
}

async fn of_two_at_once_one_is_carried_out_and_both_are_answered_alike(fixture: &Fixture) {
    let other = fixture.replica().await;
    let (one, two) = tokio::join!(add(&fixture.store, 1, 1), add(&other, 1, 1));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(matches!(one, Creation::Created(_)) != matches!(two, Creation::Created(_)), "{one:?} {two:?}");
    assert_eq!(response_to(one), response_to(two));
    assert_eq!(products(fixture).await, 1);
    other.close().await;
}

async fn a_crash_before_the_commit_leaves_neither_effect_nor_response(fixture: &Fixture) {
    let store = fixture.store.clone();
    let crashed = tokio::spawn(async move {
        let claim = IdempotencyClaim { key: key(1), render: Box::new(|_: &Product| panic!("after the effect")) };
        idempotently(Some(claim), store.add_product(new_product(US, 1))).await
    });
    assert!(crashed.await.unwrap_err().is_panic());
    assert!(matches!(add(&fixture.store, 1, 1).await.unwrap(), Creation::Created(_)));
    assert_eq!(products(fixture).await, 1);
}

async fn a_crash_after_the_commit_leaves_both(fixture: &Fixture) {
    let store = fixture.store.clone();
    let crashed = tokio::spawn(async move {
        let created = add(&store, 1, 1).await.unwrap();
        panic!("before {created:?} is sent");
    });
    assert!(crashed.await.unwrap_err().is_panic());
    assert!(matches!(add(&fixture.store, 1, 1).await.unwrap(), Creation::Replayed(_)));
    assert_eq!(products(fixture).await, 1);
}

async fn a_request_that_fails_leaves_no_response(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    assert!(matches!(add(&fixture.store, 1, 1).await, Err(StoreError::AlreadyWatched(_))));
    assert_eq!(fixture.number("SELECT count(*) FROM idempotency_key").await, 0);
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    assert!(matches!(add(&fixture.store, 1, 1).await.unwrap(), Creation::Created(_)));
}

async fn another_request_under_the_same_key_is_refused(fixture: &Fixture) {
    add(&fixture.store, 1, 1).await.unwrap();
    assert!(matches!(add(&fixture.store, 2, 2).await, Err(StoreError::IdempotencyKeyReused)));
    assert!(matches!(fixture.store.stored_response(&key(2)).await, Err(StoreError::IdempotencyKeyReused)));
    assert_eq!(products(fixture).await, 1);
}

async fn a_key_can_be_used_anew_after_a_day(fixture: &Fixture) {
    add(&fixture.store, 1, 1).await.unwrap();
    fixture.clock.advance(DAY);
    assert_eq!(fixture.store.stored_response(&key(2)).await.unwrap(), None);
    assert!(matches!(add(&fixture.store, 2, 2).await.unwrap(), Creation::Created(_)));
    assert_eq!(products(fixture).await, 2);
}

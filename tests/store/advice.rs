//! Advice of models: money is reserved before it is spent, and the same question is asked once.

use std::time::Duration;

use amazon_tracker::domain::{
    AdviceFailureCode, AdviceLimits, AdviceRequestId, AdviceStatus, AdviceTokens, BudgetOwner, Language, Product,
    ProductId, TenantId,
};
use amazon_tracker::store::{AcceptedAdvice, AdviceEnd, AdviceReservation, NewAdviceRequest, StoreError};
use serde_json::json;

use crate::accounts::tenant_of;
use crate::fixture::*;

on_both_engines! {
    an_answer_is_stored_for_its_product_until_it_expires,
    what_is_reserved_counts_until_what_it_cost_replaces_it,
    each_tenant_and_the_installation_stop_at_their_limits_until_midnight,
    the_same_question_is_asked_once_at_a_time,
    of_two_reservations_at_once_only_one_gets_the_last_money,
    a_request_that_nobody_ends_costs_what_was_reserved_until_its_end_is_known,
    a_tenant_has_so_many_open_questions,
    an_answer_about_a_product_that_was_deleted_is_charged_and_not_stored,
    a_tenant_sees_no_advice_of_another,
}

const LASTS: Duration = Duration::from_secs(1200);
const TOKENS: AdviceTokens = AdviceTokens { input: 900, cached_input: 300, output: 120 };

fn question(tenant_id: TenantId, product_id: ProductId, key: &str) -> NewAdviceRequest {
    NewAdviceRequest {
        tenant_id,
        product_id,
        cache_key: key.to_owned(),
        model: "a-model".to_owned(),
        language: Language::De,
        reserved_nanos: 1_000,
        limits: AdviceLimits::default(),
        lasts: LASTS,
        max_open: 9,
    }
}

fn limited(about: &Product, key: &str, tenant_nanos: Option<u64>, installation_nanos: Option<u64>) -> NewAdviceRequest {
    let limits = AdviceLimits { tenant_nanos, installation_nanos };
    NewAdviceRequest { limits, ..question(about.tenant_id, about.id, key) }
}

fn answered(settled_nanos: u64) -> AdviceEnd {
    let accepted = AcceptedAdvice { body: json!({ "suggestions": ["„kürzer“"] }), lasts: 30 * DAY };
    AdviceEnd { settled_nanos, tokens: TOKENS, outcome: Ok(accepted) }
}

fn failed(settled_nanos: u64, code: AdviceFailureCode) -> AdviceEnd {
    AdviceEnd { settled_nanos, tokens: AdviceTokens::default(), outcome: Err(code) }
}

async fn reserve(fixture: &Fixture, request: NewAdviceRequest) -> AdviceReservation {
    fixture.store.reserve_advice(request).await.unwrap()
}

async fn reserved(fixture: &Fixture, request: NewAdviceRequest) -> AdviceRequestId {
    match reserve(fixture, request).await {
        AdviceReservation::Reserved(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn spent(fixture: &Fixture, tenant_id: TenantId) -> u64 {
    fixture.store.advice_spending(tenant_id).await.unwrap().spent_nanos
}

/// Advice about a product, and one request that was made for it.
pub async fn advise(fixture: &Fixture, about: &Product) {
    let id = reserved(fixture, question(about.tenant_id, about.id, "key")).await;
    assert!(fixture.store.end_advice(about.tenant_id, id, answered(700)).await.unwrap());
}

async fn an_answer_is_stored_for_its_product_until_it_expires(fixture: &Fixture) {
    let (product, other) = (fixture.watch(1).await, fixture.watch(2).await);
    let stored = async |key: Option<&str>| fixture.store.stored_advice(US, product.id, key).await.unwrap();
    assert_eq!(stored(None).await, None);
    advise(fixture, &product).await;
    let advice = stored(Some("key")).await.unwrap();
    assert_eq!((advice.model.as_str(), advice.language), ("a-model", Language::De));
    assert_eq!(advice.body, json!({ "suggestions": ["„kürzer“"] }));
    assert_eq!(advice.expires_at.duration_since(advice.created_at), (30 * DAY).try_into().unwrap());
    assert_eq!(stored(Some("another key")).await, None);
    assert_eq!(fixture.store.stored_advice(US, other.id, Some("key")).await.unwrap(), None, "it is about one product");
    let again = reserve(fixture, question(US, product.id, "key")).await;
    assert_eq!(again, AdviceReservation::Answered(advice.clone()));
    fixture.clock.advance(SECOND);
    let id = reserved(fixture, question(US, product.id, "another key")).await;
    assert_eq!(stored(None).await.unwrap(), advice, "the other one is not answered");
    assert!(fixture.store.end_advice(US, id, answered(1)).await.unwrap());
    assert_eq!(stored(None).await.unwrap().cache_key, "another key", "the latest");
    fixture.clock.advance(30 * DAY);
    assert_eq!(stored(None).await, None);
    reserved(fixture, question(US, product.id, "key")).await;
    fixture.clock.advance(SECOND);
    fixture.store.prune(&KEEP_ALL).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM advice").await, 0);
}

async fn what_is_reserved_counts_until_what_it_cost_replaces_it(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let id = reserved(fixture, question(US, product.id, "key")).await;
    let asking = fixture.store.advice_request(US, id).await.unwrap();
    assert_eq!((asking.status, asking.cost_nanos(), asking.ended_at), (AdviceStatus::Asking, 1_000, None));
    assert_eq!(spent(fixture, US).await, 1_000);
    fixture.clock.advance(SECOND);
    assert!(fixture.store.end_advice(US, id, answered(700)).await.unwrap());
    let ended = fixture.store.advice_request(US, id).await.unwrap();
    assert_eq!((ended.status, ended.settled_nanos, ended.tokens), (AdviceStatus::Answered, Some(700), TOKENS));
    assert_eq!((ended.at, ended.ended_at), (asking.at, Some(fixture.now().await)));
    assert!(!fixture.store.end_advice(US, id, failed(9, AdviceFailureCode::Unusable)).await.unwrap());
    // An answer that was lost was asked for again: it may cost more than was reserved.
    let id = reserved(fixture, question(US, product.id, "another key")).await;
    assert!(fixture.store.end_advice(US, id, failed(1_500, AdviceFailureCode::NoAnswer)).await.unwrap());
    assert_eq!(spent(fixture, US).await, 2_200);
    let latest = fixture.store.latest_advice_request(US, product.id).await.unwrap().unwrap();
    assert_eq!((latest.id, latest.status), (id, AdviceStatus::Failed(AdviceFailureCode::NoAnswer)));
}

async fn each_tenant_and_the_installation_stop_at_their_limits_until_midnight(fixture: &Fixture) {
    let ours = fixture.watch(1).await;
    let them = tenant_of(fixture, "them").await.tenant_id;
    let theirs = fixture.store.add_product(new_product(them, 2)).await.unwrap();
    let day_ends_at = "2026-01-16T00:00:00Z".parse().unwrap();
    let over = |owner| AdviceReservation::OverBudget { owner, day_ends_at };
    assert_eq!(reserve(fixture, limited(&ours, "1", Some(999), None)).await, over(BudgetOwner::Tenant));
    let id = reserved(fixture, limited(&ours, "1", Some(1_600), Some(2_600))).await;
    assert_eq!(reserve(fixture, limited(&ours, "2", Some(1_600), Some(2_600))).await, over(BudgetOwner::Tenant));
    fixture.store.end_advice(US, id, answered(600)).await.unwrap();
    reserved(fixture, limited(&ours, "2", Some(1_600), Some(2_600))).await;
    reserved(fixture, limited(&theirs, "1", Some(1_600), Some(2_600))).await;
    let exhausted = reserve(fixture, limited(&theirs, "2", Some(9_999), Some(2_600))).await;
    assert_eq!(exhausted, over(BudgetOwner::Installation), "600, 1000 and 1000 are spent");
    assert_eq!((spent(fixture, US).await, spent(fixture, them).await), (1_600, 1_000));
    fixture.clock.advance(12 * HOUR);
    assert_eq!(spent(fixture, US).await, 0);
    reserved(fixture, limited(&theirs, "2", Some(1_600), Some(2_600))).await;
}

async fn the_same_question_is_asked_once_at_a_time(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let ask = || reserve(fixture, question(US, product.id, "key"));
    let (one, two) = tokio::join!(ask(), ask());
    let (id, other) = match (one, two) {
        (AdviceReservation::Reserved(id), AdviceReservation::Asking(other))
        | (AdviceReservation::Asking(other), AdviceReservation::Reserved(id)) => (id, other),
        both => panic!("{both:?}"),
    };
    assert_eq!((id, spent(fixture, US).await), (other, 1_000));
    fixture.store.end_advice(US, id, failed(0, AdviceFailureCode::RateLimited)).await.unwrap();
    assert!(matches!(ask().await, AdviceReservation::Reserved(_)), "a failure is no answer");
}

async fn of_two_reservations_at_once_only_one_gets_the_last_money(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let ask = |key| reserve(fixture, limited(&product, key, None, Some(1_999)));
    let (one, two) = tokio::join!(ask("1"), ask("2"));
    let is_over = |made: &AdviceReservation| matches!(made, AdviceReservation::OverBudget { .. });
    assert!(is_over(&one) != is_over(&two), "{one:?} {two:?}");
}

async fn a_request_that_nobody_ends_costs_what_was_reserved_until_its_end_is_known(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let id = reserved(fixture, question(US, product.id, "key")).await;
    fixture.clock.advance(LASTS);
    assert_eq!(fixture.store.settle_lost_advice().await.unwrap(), 0, "it may still be answered");
    fixture.clock.advance(SECOND);
    // Before anybody has settled it: it is not waited for.
    let again = reserved(fixture, question(US, product.id, "key")).await;
    assert_eq!(fixture.store.settle_lost_advice().await.unwrap(), 1);
    assert_eq!(fixture.store.settle_lost_advice().await.unwrap(), 0);
    let lost = fixture.store.advice_request(US, id).await.unwrap();
    assert_eq!(lost.status, AdviceStatus::Failed(AdviceFailureCode::Lost));
    assert_eq!((lost.settled_nanos, spent(fixture, US).await), (Some(1_000), 2_000));
    // Its process was only slow.
    assert!(fixture.store.end_advice(US, id, answered(300)).await.unwrap());
    assert_eq!(spent(fixture, US).await, 1_300);
    assert!(fixture.store.end_advice(US, again, answered(200)).await.unwrap());
    assert_eq!(fixture.number("SELECT count(*) FROM advice").await, 1);
}

async fn a_tenant_has_so_many_open_questions(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let ask = |key: &str| reserve(fixture, NewAdviceRequest { max_open: 2, ..question(US, product.id, key) });
    for key in ["1", "2"] {
        assert!(matches!(ask(key).await, AdviceReservation::Reserved(_)));
    }
    assert_eq!(ask("3").await, AdviceReservation::TooManyOpen);
    fixture.clock.advance(LASTS);
    assert!(matches!(ask("3").await, AdviceReservation::Reserved(_)), "they are lost");
}

async fn an_answer_about_a_product_that_was_deleted_is_charged_and_not_stored(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    advise(fixture, &product).await;
    let id = reserved(fixture, question(US, product.id, "another key")).await;
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM advice").await, 0, "the first went with the product");
    assert!(fixture.store.end_advice(US, id, answered(300)).await.unwrap());
    assert_eq!(fixture.number("SELECT count(*) FROM advice").await, 0);
    assert_eq!(spent(fixture, US).await, 1_000);
    let gone = fixture.store.reserve_advice(question(US, product.id, "key")).await;
    assert!(matches!(gone, Err(StoreError::NotFound("product"))), "{gone:?}");
}

async fn a_tenant_sees_no_advice_of_another(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    advise(fixture, &product).await;
    let id = fixture.store.latest_advice_request(US, product.id).await.unwrap().unwrap().id;
    let them = tenant_of(fixture, "them").await.tenant_id;
    assert_eq!(fixture.store.stored_advice(them, product.id, None).await.unwrap(), None);
    assert_eq!(fixture.store.latest_advice_request(them, product.id).await.unwrap(), None);
    assert!(matches!(fixture.store.advice_request(them, id).await, Err(StoreError::NotFound(_))));
    assert!(!fixture.store.end_advice(them, id, answered(0)).await.unwrap());
    assert_eq!((spent(fixture, them).await, spent(fixture, US).await), (0, 700));
    let theirs = fixture.store.reserve_advice(question(them, product.id, "key")).await;
    assert!(matches!(theirs, Err(StoreError::NotFound("product"))), "{theirs:?}");
}

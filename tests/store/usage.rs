//! Quotas of tenants.

use amazon_tracker::domain::Role;
use amazon_tracker::store::{NewProduct, NewRule, NewUser, StoreError};

use crate::accounts::{new_user, tenant_of};
use crate::fixture::*;

on_both_engines! {
    quotas_hold_and_nothing_is_half_stored,
    of_two_concurrent_additions_at_the_quota_one_succeeds,
    crawls_are_counted_all_or_none_and_reset_with_the_day,
    a_request_that_fails_costs_nothing,
}

async fn quotas_hold_and_nothing_is_half_stored(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let product = fixture.store.add_product(NewProduct { quota: 1, ..new_product(jo.tenant_id, 1) }).await.unwrap();
    let more = fixture.store.add_product(NewProduct { quota: 1, ..new_product(jo.tenant_id, 2) }).await;
    assert!(matches!(more, Err(StoreError::OverQuota { .. })));
    let again = fixture.store.add_product(NewProduct { quota: 1, ..new_product(jo.tenant_id, 1) }).await;
    assert!(matches!(again, Err(StoreError::AlreadyWatched(_))), "a repeat is a repeat, full or not");
    fixture.store.add_rule(NewRule { quota: 1, ..new_rule(&product, 1000) }).await.unwrap();
    let more = fixture.store.add_rule(NewRule { quota: 1, ..new_rule(&product, 900) }).await;
    assert!(matches!(more, Err(StoreError::OverQuota { .. })));
    let more = fixture.store.add_user(jo.tenant_id, NewUser { quota: 1, ..new_user("al", Role::User) }).await;
    assert!(matches!(more, Err(StoreError::OverQuota { .. })));
    let usage = fixture.store.usage(jo.tenant_id).await.unwrap();
    assert_eq!((usage.products, usage.users, usage.alerts, usage.crawls_today), (1, 1, 1, 0));
    assert_eq!(fixture.number("SELECT count(*) FROM listing").await, 1);
}

async fn of_two_concurrent_additions_at_the_quota_one_succeeds(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let add = |n| fixture.store.add_product(NewProduct { quota: 1, ..new_product(jo.tenant_id, n) });
    let (one, two) = tokio::join!(add(1), add(2));
    assert!(one.is_ok() != two.is_ok());
    assert!(matches!(one.and(two), Err(StoreError::OverQuota { .. })));
}

async fn crawls_are_counted_all_or_none_and_reset_with_the_day(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let mut products = Vec::new();
    for n in 1..=11 {
        products.push(fixture.store.add_product(new_product(jo.tenant_id, n)).await.unwrap().id);
    }
    let request = async |crawls: usize| fixture.store.request_crawl(jo.tenant_id, &products[..crawls], 10).await;
    let is_refused = |request| matches!(request, Err(StoreError::OverQuota { quota: "crawls_per_day", limit: 10 }));
    assert!(is_refused(request(11).await));
    request(6).await.unwrap();
    assert!(is_refused(request(5).await));
    assert_eq!(fixture.number("SELECT count(*) FROM job").await, 1, "a refused request leaves nothing");
    request(4).await.unwrap();
    let usage = fixture.store.usage(jo.tenant_id).await.unwrap();
    assert_eq!(usage.crawls_today, 10);
    assert_eq!(usage.day_ends_at, "2026-01-16T00:00:00Z".parse().unwrap(), "it is noon");
    fixture.clock.advance(DAY);
    assert_eq!(fixture.store.usage(jo.tenant_id).await.unwrap().crawls_today, 0);
    request(10).await.unwrap();
}

async fn a_request_that_fails_costs_nothing(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let product = fixture.store.add_product(new_product(jo.tenant_id, 1)).await.unwrap();
    let unknown = [product.id, amazon_tracker::domain::ProductId::new()];
    let request = fixture.store.request_crawl(jo.tenant_id, &unknown, 10).await;
    assert!(matches!(request, Err(StoreError::NotFound("product"))));
    assert_eq!(fixture.store.usage(jo.tenant_id).await.unwrap().crawls_today, 0);
}

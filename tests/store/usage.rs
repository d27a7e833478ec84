//! What tenants have of what they may have.

use amazon_tracker::domain::Role;
use amazon_tracker::store::{CrawlQuota, NewProduct, NewRule, NewUser, StoreError};

use crate::accounts::{new_user, tenant_of};
use crate::fixture::*;

on_both_engines! {
    a_tenant_has_no_more_than_it_may_and_nothing_is_half_stored,
    of_two_who_take_the_last_place_at_once_one_gets_it,
    looks_are_spent_all_or_none_and_come_back_with_the_day,
    what_was_spent_for_nothing_is_given_back,
}

async fn a_tenant_has_no_more_than_it_may_and_nothing_is_half_stored(fixture: &Fixture) {
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

async fn of_two_who_take_the_last_place_at_once_one_gets_it(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let add = |n| fixture.store.add_product(NewProduct { quota: 1, ..new_product(jo.tenant_id, n) });
    let (one, two) = tokio::join!(add(1), add(2));
    assert!(one.is_ok() != two.is_ok());
    assert!(matches!(one.and(two), Err(StoreError::OverQuota { .. })));
}

async fn looks_are_spent_all_or_none_and_come_back_with_the_day(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    let spend = async |crawls| fixture.store.consume_crawls(jo.tenant_id, crawls, 10).await.unwrap();
    assert!(matches!(spend(11).await, CrawlQuota::Exceeded { .. }));
    assert_eq!(spend(6).await, CrawlQuota::Within);
    let CrawlQuota::Exceeded { day_ends_at } = spend(5).await else { panic!("beyond") };
    assert_eq!(day_ends_at, "2026-01-16T00:00:00Z".parse().unwrap(), "it is noon");
    assert_eq!(spend(4).await, CrawlQuota::Within);
    assert_eq!(fixture.store.usage(jo.tenant_id).await.unwrap().crawls_today, 10);
    fixture.clock.advance(DAY);
    assert_eq!(fixture.store.usage(jo.tenant_id).await.unwrap().crawls_today, 0);
    assert_eq!(spend(10).await, CrawlQuota::Within);
}

async fn what_was_spent_for_nothing_is_given_back(fixture: &Fixture) {
    let jo = tenant_of(fixture, "jo").await;
    fixture.store.consume_crawls(jo.tenant_id, 10, 10).await.unwrap();
    fixture.store.refund_crawls(jo.tenant_id, 4).await.unwrap();
    assert_eq!(fixture.store.usage(jo.tenant_id).await.unwrap().crawls_today, 6);
    fixture.store.refund_crawls(jo.tenant_id, 7).await.unwrap();
    assert_eq!(fixture.store.usage(jo.tenant_id).await.unwrap().crawls_today, 6, "never below nothing");
}

//! Rules and events.

use amazon_tracker::domain::*;
use amazon_tracker::store::{DeliveryClaim, DeliveryEnd, Next, ProductPatch, StoreError};

use crate::fixture::*;

on_both_engines! {
    a_rule_comes_back_as_it_was_added,
    a_new_rule_makes_its_listing_due,
    a_rule_for_a_paused_product_wakes_nobody,
    a_rule_wakes_a_listing_that_was_parked,
    rules_come_newest_first_in_pages_of_one_product_or_all,
    a_removed_rule_is_gone_and_its_events_stay,
    a_removed_product_has_no_more_deliveries,
    rules_and_events_are_their_tenants_own,
    each_crossing_has_one_event_over_many_crawls,
    events_come_newest_first_in_pages,
}

async fn a_rule_comes_back_as_it_was_added(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let new = new_rule(&product, 1234);
    let row = fixture.store.add_rule(new.clone()).await.unwrap();
    assert_eq!((row.rule.tenant_id, row.rule.product_id, row.rule.listing_id), (US, product.id, product.listing_id));
    assert_eq!((row.rule.condition, row.rule.arming), (new.condition, Arming::NEW));
    assert_eq!((&row.webhook_url, &row.webhook_secret), (&new.webhook_url, &new.webhook_secret));
    assert_eq!(row.created_at, fixture.now().await);
    let read = fixture.store.rule(US, row.rule.id).await.unwrap();
    assert_eq!((read.rule, read.created_at), (row.rule, row.created_at));
    let nobodys = amazon_tracker::store::NewRule { product_id: ProductId::new(), ..new };
    assert!(matches!(fixture.store.add_rule(nobodys).await, Err(StoreError::NotFound(_))));
}

async fn a_new_rule_makes_its_listing_due(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(900).await;
    assert!(fixture.claim(1).await.is_empty());
    fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    assert_eq!(fixture.store.events(US, None, None, 10).await.unwrap().items.len(), 1);
}

async fn a_rule_for_a_paused_product_wakes_nobody(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let pause = ProductPatch { status: Some(ProductStatus::Paused), ..ProductPatch::default() };
    fixture.store.update_product(US, product.id, &pause).await.unwrap();
    fixture.add_rule(&product, 1000).await;
    assert!(fixture.claim(1).await.is_empty());
}

async fn a_rule_wakes_a_listing_that_was_parked(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    fixture.commit(failed(&claim, Next::Parked)).await;
    fixture.add_rule(&product, 1000).await;
    assert_eq!(fixture.claim_one().await.attempt, 1);
}

async fn rules_come_newest_first_in_pages_of_one_product_or_all(fixture: &Fixture) {
    let products = [fixture.watch(1).await, fixture.watch(2).await];
    let mut added = Vec::new();
    for n in 0..7 {
        added.push(fixture.add_rule(&products[n % 2], 1000).await.rule.id);
        if n == 3 {
            fixture.clock.advance(SECOND);
        }
    }
    added.reverse();
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = fixture.store.rules(US, None, cursor.as_deref(), 3).await.unwrap();
        listed.extend(page.items.iter().map(|row| row.rule.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, added);
    let of_one = fixture.store.rules(US, Some(products[0].id), None, 10).await.unwrap().items;
    assert_eq!(of_one.len(), 4);
    assert!(of_one.iter().all(|row| row.rule.product_id == products[0].id));
    assert!(matches!(fixture.store.rules(US, None, Some("x"), 10).await, Err(StoreError::InvalidCursor)));
}

async fn a_removed_rule_is_gone_and_its_events_stay(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await.rule;
    fixture.see(900).await;
    fixture.store.remove_rule(US, rule.id).await.unwrap();
    assert!(matches!(fixture.store.rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(fixture.store.remove_rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    let events = fixture.store.events(US, None, None, 10).await.unwrap().items;
    assert_eq!((events[0].event.rule_id, events[0].deliveries.len()), (rule.id, 1));
    nothing_is_delivered_for(fixture, "the alert was deleted").await;
}

async fn a_removed_product_has_no_more_deliveries(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    let taken = fixture.store.claim_deliveries(&DeliveryClaim::any(10, LEASE, "test")).await.unwrap().remove(0);
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    nothing_is_delivered_for(fixture, "the product was deleted").await;
    let retry = DeliveryEnd::Retry { after: SECOND, error: "503".to_owned() };
    assert!(
        !fixture.store.finish_delivery(taken.id, taken.token, &retry).await.unwrap(),
        "the sender that had it is refused"
    );
}

async fn nothing_is_delivered_for(fixture: &Fixture, reason: &str) {
    fixture.clock.advance(DAY);
    assert!(fixture.store.claim_deliveries(&DeliveryClaim::any(10, LEASE, "test")).await.unwrap().is_empty());
    let delivery = fixture.store.events(US, None, None, 10).await.unwrap().items.remove(0).deliveries.remove(0);
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Dead, Some(reason)));
}

async fn rules_and_events_are_their_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    let theirs = fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    let rule = fixture.add_rule(&theirs, 1000).await.rule;
    fixture.see(900).await;
    let store = &fixture.store;
    assert!(matches!(store.rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.remove_rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    let foreign = amazon_tracker::store::NewRule { tenant_id: US, ..new_rule(&theirs, 1) };
    assert!(matches!(store.add_rule(foreign).await, Err(StoreError::NotFound(_))));
    assert!(store.rules(US, Some(theirs.id), None, 10).await.unwrap().items.is_empty());
    assert!(store.events(US, Some(theirs.id), None, 10).await.unwrap().items.is_empty());
    assert_eq!(store.events(THEM, Some(theirs.id), None, 10).await.unwrap().items.len(), 1);
}

/// Falls, stays, rises past the margin, falls again: two crossings.
async fn each_crossing_has_one_event_over_many_crawls(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    for price_minor in [1500, 900, 950, 1100, 990, 980] {
        fixture.see(price_minor).await;
        fixture.clock.advance(DAY);
    }
    let events = fixture.store.events(US, None, None, 10).await.unwrap().items;
    let told: Vec<_> = events.iter().map(|row| (row.event.facts.crossing, row.event.facts.price)).collect();
    assert_eq!(told, [(2, euros(990)), (1, euros(900))]);
    assert!(events.iter().all(|row| row.deliveries.len() == 1 && row.deliveries[0].status == DeliveryStatus::Pending));
}

async fn events_come_newest_first_in_pages(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    for _ in 0..5 {
        fixture.add_rule(&product, 1000).await;
    }
    fixture.see(900).await;
    let whole = fixture.store.events(US, None, None, 10).await.unwrap();
    assert_eq!((whole.items.len(), whole.next_cursor), (5, None));
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = fixture.store.events(US, Some(product.id), cursor.as_deref(), 2).await.unwrap();
        listed.extend(page.items.into_iter().map(|row| row.event));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, whole.items.into_iter().map(|row| row.event).collect::<Vec<_>>());
}

//! Rules and events.

use amazon_tracker::domain::*;
use amazon_tracker::store::{
    DeliveryClaim, DeliveryEnd, NewRule, Next, ProductPatch, RuleChannels, RuleFilter, RulePatch, RuleWebhook,
    StoreError,
};

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
    events_are_found_by_rule_time_severity_and_delivery,
    rules_are_found_by_tag_and_say_when_they_fired,
    a_rule_about_a_tag_counts_the_crossings_of_each_product,
    a_rule_that_is_paused_or_has_expired_is_not_evaluated,
    an_edited_rule_keeps_its_count_and_refuses_what_was_read_before,
    a_change_of_a_version_that_has_passed_is_refused,
    windows_of_history_come_with_the_claim,
    the_states_of_rules_go_with_them,
}

async fn a_rule_comes_back_as_it_was_added(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let new = new_rule(&product, 1234);
    let row = fixture.store.add_rule(new.clone()).await.unwrap();
    assert_eq!((row.tenant_id, row.scope.clone(), row.crossings), (US, RuleScope::Product(product.id), 0));
    assert_eq!((&row.settings, &row.webhook), (&new.settings, &new.webhook));
    assert_eq!(row.created_at, fixture.now().await);
    let read = fixture.store.rule(US, row.id).await.unwrap();
    assert_eq!(read, row);
    let nobodys = amazon_tracker::store::NewRule { scope: RuleScope::Product(ProductId::new()), ..new };
    assert!(matches!(fixture.store.add_rule(nobodys).await, Err(StoreError::NotFound(_))));
}

async fn a_new_rule_makes_its_listing_due(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.see(900).await;
    assert!(fixture.claim(1).await.is_empty());
    fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    assert_eq!(fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.len(), 1);
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
        added.push(fixture.add_rule(&products[n % 2], 1000).await.id);
        if n == 3 {
            fixture.clock.advance(SECOND);
        }
    }
    added.reverse();
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = fixture.store.rules(US, &RuleFilter::default(), cursor.as_deref(), 3).await.unwrap();
        listed.extend(page.items.iter().map(|row| row.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, added);
    let of_one = fixture.store.rules(US, &RuleFilter::of_product(products[0].id), None, 10).await.unwrap().items;
    assert_eq!(of_one.len(), 4);
    assert!(of_one.iter().all(|row| row.scope == RuleScope::Product(products[0].id)));
    assert!(matches!(
        fixture.store.rules(US, &RuleFilter::default(), Some("x"), 10).await,
        Err(StoreError::InvalidCursor)
    ));
}

async fn a_removed_rule_is_gone_and_its_events_stay(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    fixture.store.remove_rule(US, rule.id).await.unwrap();
    assert!(matches!(fixture.store.rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(fixture.store.remove_rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    let events = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items;
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
    let delivery =
        fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.remove(0).deliveries.remove(0);
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Dead, Some(reason)));
}

async fn rules_and_events_are_their_tenants_own(fixture: &Fixture) {
    fixture.add_tenant().await;
    let theirs = fixture.store.add_product(new_product(THEM, 1)).await.unwrap();
    let rule = fixture.add_rule(&theirs, 1000).await;
    fixture.see(900).await;
    let store = &fixture.store;
    assert!(matches!(store.rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.remove_rule(US, rule.id).await, Err(StoreError::NotFound(_))));
    let foreign = amazon_tracker::store::NewRule { tenant_id: US, ..new_rule(&theirs, 1) };
    assert!(matches!(store.add_rule(foreign).await, Err(StoreError::NotFound(_))));
    assert!(store.rules(US, &RuleFilter::of_product(theirs.id), None, 10).await.unwrap().items.is_empty());
    assert!(store.events(US, &EventFilter::of_product(Some(theirs.id)), None, 10).await.unwrap().items.is_empty());
    assert_eq!(store.events(THEM, &EventFilter::of_product(Some(theirs.id)), None, 10).await.unwrap().items.len(), 1);
}

/// Falls, stays, rises past the margin, falls again: two crossings.
async fn each_crossing_has_one_event_over_many_crawls(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    for price_minor in [1500, 900, 950, 1100, 990, 980] {
        fixture.see(price_minor).await;
        fixture.clock.advance(DAY);
    }
    let events = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items;
    let told: Vec<_> = events.iter().map(|row| (row.event.facts.crossing, row.event.facts.price)).collect();
    assert_eq!(told, [(2, Some(euros(990))), (1, Some(euros(900)))]);
    assert!(events.iter().all(|row| row.deliveries.len() == 1 && row.deliveries[0].status == DeliveryStatus::Pending));
}

async fn events_come_newest_first_in_pages(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    for _ in 0..5 {
        fixture.add_rule(&product, 1000).await;
    }
    fixture.see(900).await;
    let whole = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap();
    assert_eq!((whole.items.len(), whole.next_cursor), (5, None));
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page =
            fixture.store.events(US, &EventFilter::of_product(Some(product.id)), cursor.as_deref(), 2).await.unwrap();
        listed.extend(page.items.into_iter().map(|row| row.event));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, whole.items.into_iter().map(|row| row.event).collect::<Vec<_>>());
}

async fn events_are_found_by_rule_time_severity_and_delivery(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rules = [fixture.add_rule(&product, 1000).await, fixture.add_rule(&product, 800).await];
    fixture.see(900).await;
    let later = fixture.now().await + HOUR;
    fixture.clock.advance(DAY);
    fixture.see(700).await;
    let found = async |filter: EventFilter| {
        let events = fixture.store.events(US, &filter, None, 10).await.unwrap().items;
        events.into_iter().map(|row| row.event.rule_id).collect::<Vec<_>>()
    };
    assert_eq!(found(EventFilter { rule_id: Some(rules[0].id), ..EventFilter::default() }).await, [rules[0].id]);
    assert_eq!(found(EventFilter { since: Some(later), ..EventFilter::default() }).await, [rules[1].id]);
    assert_eq!(found(EventFilter { until: Some(later), ..EventFilter::default() }).await, [rules[0].id]);
    let severity = |severity| EventFilter { severity: Some(severity), ..EventFilter::default() };
    assert_eq!(found(severity(Severity::Normal)).await, [rules[1].id, rules[0].id]);
    assert_eq!(found(severity(Severity::Urgent)).await, []);
    let delivery = |status| EventFilter { delivery: Some(status), ..EventFilter::default() };
    assert_eq!(found(delivery(DeliveryStatus::Pending)).await, [rules[1].id, rules[0].id]);
    assert_eq!(found(delivery(DeliveryStatus::Dead)).await, []);
    let event = fixture.store.events(US, &EventFilter::default(), None, 1).await.unwrap().items.remove(0).event;
    assert_eq!(fixture.store.event(US, event.id).await.unwrap().event, event);
    assert!(matches!(fixture.store.event(THEM, event.id).await, Err(StoreError::NotFound(_))));
}

async fn rules_are_found_by_tag_and_say_when_they_fired(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let of_product = fixture.add_rule(&product, 1000).await;
    let of_tag = fixture.store.add_rule(rule_about("toys")).await.unwrap();
    assert_eq!((of_product.last_fired_at, of_tag.last_fired_at), (None, None));
    fixture.see(900).await;
    let filter = RuleFilter { tag: Some("toys".to_owned()), ..RuleFilter::default() };
    let found = fixture.store.rules(US, &filter, None, 10).await.unwrap().items;
    assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), [of_tag.id]);
    let event = fixture.store.events(US, &EventFilter::default(), None, 1).await.unwrap().items.remove(0).event;
    let fired = fixture.store.rule(US, of_product.id).await.unwrap();
    assert_eq!(fired.last_fired_at, Some(event.at));
}

/// A rule about the products with a tag.
pub fn rule_about(tag: &str) -> NewRule {
    let condition = Condition::PriceAtOrBelow { target: euros(1000) };
    let webhook = RuleWebhook { url: "https://example.com/hook".to_owned(), secret: "whsec_x".to_owned() };
    let (scope, settings) = (RuleScope::Tag(tag.to_owned()), RuleSettings::of(condition));
    NewRule {
        tenant_id: US,
        scope,
        settings,
        webhook: Some(webhook),
        channels: RuleChannels::default(),
        quota: u32::MAX,
    }
}

async fn a_rule_about_a_tag_counts_the_crossings_of_each_product(fixture: &Fixture) {
    let toys = ProductPatch { tags: Some(vec!["toys".to_owned()]), ..ProductPatch::default() };
    for n in 1..=3 {
        let product = fixture.watch(n).await;
        if n < 3 {
            fixture.store.update_product(US, product.id, &toys).await.unwrap();
        }
    }
    let rule = fixture.store.add_rule(rule_about("toys")).await.unwrap();
    assert_eq!(rule.scope, RuleScope::Tag("toys".to_owned()));
    for claim in fixture.claim(10).await {
        fixture.commit(seen(&claim, 900, fixture.now().await)).await;
    }
    let events = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(events.iter().map(|row| row.event.facts.crossing).collect::<Vec<_>>(), [1, 1]);
    assert_ne!(events[0].event.product_id, events[1].event.product_id);
    assert!(events.iter().all(|row| row.deliveries.len() == 1));
    assert_eq!(fixture.store.rule(US, rule.id).await.unwrap().crossings, 2);
}

async fn a_rule_that_is_paused_or_has_expired_is_not_evaluated(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let expires_at = Some(Some(fixture.now().await + HOUR));
    let pause = RulePatch { is_paused: Some(true), ..RulePatch::default() };
    for patch in [pause, RulePatch { expires_at, ..RulePatch::default() }] {
        let rule = fixture.add_rule(&product, 1000).await;
        fixture.store.update_rule(US, rule.id, patch).await.unwrap();
    }
    fixture.clock.advance(HOUR);
    assert!(fixture.claim_one().await.rules.is_empty());
}

async fn an_edited_rule_keeps_its_count_and_refuses_what_was_read_before(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await;
    fixture.see(900).await;
    fixture.clock.advance(DAY);
    let claim = fixture.claim_one().await;
    let condition = Some(Condition::PriceAtOrBelow { target: euros(950) });
    let edited = fixture.store.update_rule(US, rule.id, RulePatch { condition, ..RulePatch::default() }).await.unwrap();
    assert_eq!((edited.version, edited.crossings, edited.is_armed), (2, 1, true));
    // Past the margin: the old condition would be re-armed.
    fixture.commit(seen(&claim, 1100, fixture.now().await)).await;
    let claim = fixture.claim_one().await;
    assert_eq!(claim.rules[0].state, RuleState { crossings: 1, condition_version: 2, ..RuleState::default() });
    fixture.commit(seen(&claim, 940, fixture.now().await)).await;
    let events = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(events.iter().map(|row| row.event.facts.crossing).collect::<Vec<_>>(), [2, 1]);
}

async fn a_change_of_a_version_that_has_passed_is_refused(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await;
    let rename =
        |expected_version| RulePatch { name: Some(Some("Cheap".to_owned())), expected_version, ..RulePatch::default() };
    assert_eq!(fixture.store.update_rule(US, rule.id, rename(Some(1))).await.unwrap().settings.name.unwrap(), "Cheap");
    assert!(matches!(fixture.store.update_rule(US, rule.id, rename(Some(1))).await, Err(StoreError::Changed)));
    assert!(matches!(fixture.store.update_rule(THEM, rule.id, rename(None)).await, Err(StoreError::NotFound(_))));
}

async fn windows_of_history_come_with_the_claim(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let lowest = serde_json::json!({"kind": "any", "of": [
        {"kind": "lowest", "field": "price", "days": 2},
        {"kind": "lowest", "field": "price", "ever": true}]});
    let settings = RuleSettings::of(Condition::from_json(&lowest).unwrap());
    let rule = NewRule { settings, ..new_rule(&product, 1) };
    fixture.store.add_rule(rule).await.unwrap();
    for price_minor in [1500, 1000, 1200, 900] {
        fixture.see(price_minor).await;
        fixture.clock.advance(DAY);
    }
    let windows = fixture.claim_one().await.windows;
    let window = |days| *windows.get(rule::Field::Price, None, days).unwrap();
    let found = |window: rule::Window| (window.min, window.max, window.mean, window.points);
    assert_eq!(found(window(Some(2))), (Some(900), Some(1200), Some(1050), 2));
    assert_eq!(found(window(None)), (Some(900), Some(1500), Some(1150), 4));
}

async fn the_states_of_rules_go_with_them(fixture: &Fixture) {
    let products = [fixture.watch(1).await, fixture.watch(2).await];
    let rule = fixture.add_rule(&products[0], 1000).await;
    fixture.add_rule(&products[1], 1000).await;
    for claim in fixture.claim(10).await {
        fixture.commit(seen(&claim, 900, fixture.now().await)).await;
    }
    assert_eq!(fixture.number("SELECT count(*) FROM rule_state").await, 2);
    fixture.store.remove_rule(US, rule.id).await.unwrap();
    fixture.store.remove_product(US, products[1].id, None).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM rule_state").await, 0);
}

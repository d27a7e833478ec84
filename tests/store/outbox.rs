//! Deliveries: claimed, fenced, retried, given up, revived.

use std::collections::HashSet;
use std::time::Duration;

use amazon_tracker::domain::{Delivery, DeliveryStatus, OutboxMessage};
use amazon_tracker::store::{ClaimedDelivery, Commit, DeliveryChannel, DeliveryClaim, DeliveryEnd, RuleFilter};

use crate::fixture::*;

on_both_engines! {
    a_claimed_delivery_knows_what_to_tell_and_where,
    a_delivery_continues_the_trace_of_its_crawl,
    a_delivery_that_is_taken_is_claimed_no_more,
    a_retry_waits_and_counts,
    a_delivery_whose_sender_died_is_claimed_again_and_the_dead_is_refused,
    a_dead_delivery_rests_until_it_is_revived,
    a_dead_delivery_is_revived_by_its_tenant_alone_and_only_while_its_rule_exists,
    two_senders_never_share_a_delivery,
    tenants_take_turns_and_a_busy_one_or_receiver_is_passed_over,
    the_outbox_says_when_the_next_is_due,
    a_delivery_that_cannot_be_read_takes_no_other_along,
}

/// Lets as many rules fire.
async fn tell(fixture: &Fixture, rules: u32) {
    let product = fixture.watch(1).await;
    for _ in 0..rules {
        fixture.add_rule(&product, 1000).await;
    }
    fixture.see(900).await;
}

async fn claim(fixture: &Fixture, limit: u32) -> Vec<ClaimedDelivery> {
    fixture.store.claim_deliveries(&DeliveryClaim::any(limit, LEASE, "test")).await.unwrap()
}

async fn the_delivery(fixture: &Fixture) -> Delivery {
    fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.remove(0).deliveries.remove(0)
}

async fn finish(fixture: &Fixture, claimed: &ClaimedDelivery, end: DeliveryEnd) -> bool {
    fixture.store.finish_delivery(claimed.id, claimed.token, &end).await.unwrap()
}

fn retry(after: Duration) -> DeliveryEnd {
    DeliveryEnd::Retry { after, error: "503".to_owned() }
}

async fn a_claimed_delivery_knows_what_to_tell_and_where(fixture: &Fixture) {
    tell(fixture, 1).await;
    let claimed = claim(fixture, 10).await.remove(0);
    let row = fixture.store.events(US, &EventFilter::default(), None, 10).await.unwrap().items.remove(0);
    assert_eq!((claimed.id, claimed.token, claimed.attempt), (row.deliveries[0].id, 1, 1));
    let (url, secret) = ("https://example.com/hook".to_owned(), "whsec_x".to_owned());
    assert_eq!(claimed.message, OutboxMessage::Webhook { url, secret, event: Box::new(row.event) });
}

async fn a_delivery_continues_the_trace_of_its_crawl(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.add_rule(&product, 1000).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    let crawl = fixture.claim_one().await;
    let told = seen(&crawl, 900, fixture.now().await);
    assert!(fixture.commit(Commit { trace_context: Some(traceparent.clone()), ..told }).await);
    assert_eq!(claim(fixture, 10).await.remove(0).trace_context, Some(traceparent));
}

async fn a_delivery_that_is_taken_is_claimed_no_more(fixture: &Fixture) {
    tell(fixture, 1).await;
    let claimed = claim(fixture, 10).await.remove(0);
    assert!(finish(fixture, &claimed, DeliveryEnd::Delivered).await);
    assert!(!finish(fixture, &claimed, retry(SECOND)).await, "the lease has ended");
    fixture.clock.advance(DAY);
    assert!(claim(fixture, 10).await.is_empty());
    let delivery = the_delivery(fixture).await;
    assert_eq!((delivery.status, delivery.attempts, delivery.last_error), (DeliveryStatus::Delivered, 1, None));
    assert_eq!(delivery.delivered_at, Some(fixture.now().await - DAY));
}

async fn a_retry_waits_and_counts(fixture: &Fixture) {
    tell(fixture, 1).await;
    let first = claim(fixture, 10).await.remove(0);
    assert!(finish(fixture, &first, retry(HOUR)).await);
    let delivery = the_delivery(fixture).await;
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Pending, Some("503")));
    fixture.clock.advance(HOUR - SECOND);
    assert!(claim(fixture, 10).await.is_empty());
    fixture.clock.advance(SECOND);
    let second = claim(fixture, 10).await.remove(0);
    assert_eq!((second.id, second.token, second.attempt), (first.id, first.token + 1, 2));
}

async fn a_delivery_whose_sender_died_is_claimed_again_and_the_dead_is_refused(fixture: &Fixture) {
    tell(fixture, 1).await;
    let dead = claim(fixture, 10).await.remove(0);
    assert!(claim(fixture, 10).await.is_empty());
    fixture.clock.advance(LEASE);
    let alive = claim(fixture, 10).await.remove(0);
    assert!(!finish(fixture, &dead, DeliveryEnd::Delivered).await);
    assert!(finish(fixture, &alive, DeliveryEnd::Delivered).await);
}

async fn a_dead_delivery_rests_until_it_is_revived(fixture: &Fixture) {
    tell(fixture, 1).await;
    let claimed = claim(fixture, 10).await.remove(0);
    assert!(!fixture.store.retry_delivery(None, claimed.id).await.unwrap(), "only the dead");
    assert!(finish(fixture, &claimed, DeliveryEnd::Dead { error: "410 Gone".to_owned() }).await);
    let delivery = the_delivery(fixture).await;
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Dead, Some("410 Gone")));
    fixture.clock.advance(DAY);
    assert!(claim(fixture, 10).await.is_empty());
    assert!(fixture.store.retry_delivery(None, claimed.id).await.unwrap());
    assert_eq!(claim(fixture, 10).await[0].attempt, 1, "with a full count of attempts before it");
}

async fn a_dead_delivery_is_revived_by_its_tenant_alone_and_only_while_its_rule_exists(fixture: &Fixture) {
    fixture.add_tenant().await;
    tell(fixture, 1).await;
    let claimed = claim(fixture, 10).await.remove(0);
    let dead = || DeliveryEnd::Dead { error: "410 Gone".to_owned() };
    assert!(finish(fixture, &claimed, dead()).await);
    assert!(!fixture.store.retry_delivery(Some(THEM), claimed.id).await.unwrap());
    assert!(fixture.store.retry_delivery(Some(US), claimed.id).await.unwrap());
    let claimed = claim(fixture, 10).await.remove(0);
    assert!(finish(fixture, &claimed, dead()).await);
    let rule = fixture.store.rules(US, &RuleFilter::default(), None, 9).await.unwrap().items.remove(0).id;
    fixture.store.remove_rule(US, rule).await.unwrap();
    assert!(!fixture.store.retry_delivery(None, claimed.id).await.unwrap());
}

async fn two_senders_never_share_a_delivery(fixture: &Fixture) {
    const RULES: u32 = 30;
    tell(fixture, RULES).await;
    let senders = (0..6).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.claim_deliveries(&DeliveryClaim::any(4, LEASE, "sender")).await.unwrap() })
    });
    let mut all = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        let claimed = sender.await.unwrap();
        assert!(claimed.len() <= 4);
        all.extend(claimed);
    }
    all.extend(claim(fixture, RULES).await);
    let distinct: HashSet<_> = all.iter().map(|claimed| claimed.id).collect();
    assert_eq!((all.len() as u32, distinct.len() as u32), (RULES, RULES));
}

async fn tenants_take_turns_and_a_busy_one_or_receiver_is_passed_over(fixture: &Fixture) {
    fixture.add_tenant().await;
    tell(fixture, 9).await;
    let them = if fixture.is_postgres() {
        "'00000000-0000-0000-0000-000000000002'"
    } else {
        "x'00000000000000000000000000000002'"
    };
    // The last three are theirs, and one of these has another receiver.
    let id = if fixture.is_postgres() { "id::text" } else { "hex(id)" };
    let last = |count: u32| format!("{id} IN (SELECT {id} FROM delivery ORDER BY {id} DESC LIMIT {count})");
    fixture
        .execute(&format!("UPDATE delivery SET tenant_id = {them}, ready_at = ready_at + 1 WHERE {}", last(3)))
        .await;
    let other = "webhook_url = 'https://other.example:8443/hook'";
    fixture.execute(&format!("UPDATE delivery SET {other} WHERE {}", last(1))).await;
    fixture.clock.advance(SECOND);
    let count = async |claim: DeliveryClaim<'_>| {
        let claimed = fixture.store.claim_deliveries(&claim).await.unwrap();
        for delivery in &claimed {
            fixture.store.release_delivery(delivery.id, delivery.token).await.unwrap();
        }
        let ours = claimed.iter().filter(|delivery| delivery.tenant_id == US).count();
        (ours, claimed.len() - ours)
    };
    let any = || DeliveryClaim::any(9, LEASE, "test");
    assert_eq!(count(DeliveryClaim { limit: 4, per_tenant: 4, per_host: 9, ..any() }).await, (2, 2));
    assert_eq!(count(DeliveryClaim { per_tenant: 1, ..any() }).await, (1, 1));
    assert_eq!(count(DeliveryClaim { busy_tenants: vec![US], ..any() }).await, (0, 3));
    assert_eq!(count(DeliveryClaim { busy_hosts: vec!["example.com".to_owned()], ..any() }).await, (0, 1));
    assert_eq!(count(DeliveryClaim { busy_hosts: vec!["other.example:8443".to_owned()], ..any() }).await, (6, 2));
    let (ours, theirs) = count(DeliveryClaim { per_host: 1, ..any() }).await;
    assert_eq!(ours + theirs, 2, "one for each receiver");
    assert_eq!(count(DeliveryClaim { channel: Some(DeliveryChannel::Email), ..any() }).await, (0, 0));
    assert_eq!(count(DeliveryClaim { channel: Some(DeliveryChannel::Webhook), ..any() }).await, (6, 3));
}

async fn the_outbox_says_when_the_next_is_due(fixture: &Fixture) {
    assert_eq!(fixture.store.next_delivery_in().await.unwrap(), None);
    tell(fixture, 1).await;
    assert_eq!(fixture.store.next_delivery_in().await.unwrap(), Some(Duration::ZERO));
    let claimed = claim(fixture, 1).await.remove(0);
    finish(fixture, &claimed, retry(HOUR)).await;
    assert_eq!(fixture.store.next_delivery_in().await.unwrap(), Some(HOUR));
    fixture.clock.advance(HOUR);
    let claimed = claim(fixture, 1).await.remove(0);
    finish(fixture, &claimed, DeliveryEnd::Delivered).await;
    assert_eq!(fixture.store.next_delivery_in().await.unwrap(), None);
}

async fn a_delivery_that_cannot_be_read_takes_no_other_along(fixture: &Fixture) {
    tell(fixture, 3).await;
    let whole = if fixture.is_postgres() { "'{}'::jsonb" } else { "'{}'" };
    for (damage, what) in [(format!("mail = {whole}"), "min"), ("webhook_url = NULL".to_owned(), "max")] {
        // By text, for there is no least UUID in PostgreSQL.
        let id = if fixture.is_postgres() { "id::text" } else { "hex(id)" };
        let one = format!("UPDATE delivery SET {damage} WHERE {id} = (SELECT {what}({id}) FROM delivery)");
        fixture.execute(&one).await;
    }
    assert_eq!(claim(fixture, 10).await.len(), 1);
    fixture.clock.advance(HOUR);
    assert_eq!(claim(fixture, 10).await.len(), 1, "the others are given up");
    assert_eq!(fixture.number("SELECT count(*) FROM delivery WHERE status = 'dead'").await, 2);
}

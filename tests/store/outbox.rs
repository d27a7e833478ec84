//! Deliveries: claimed, fenced, retried, given up, revived.

use std::collections::HashSet;
use std::time::Duration;

use amazon_tracker::domain::{Delivery, DeliveryStatus, Letter};
use amazon_tracker::store::{ClaimedDelivery, Commit, DeliveryEnd};

use crate::world::*;

on_both_engines! {
    a_claimed_delivery_knows_what_to_tell_and_where,
    a_delivery_goes_on_with_the_trace_of_its_look,
    a_delivery_that_is_taken_is_claimed_no_more,
    a_retry_waits_and_counts,
    a_delivery_whose_sender_died_is_claimed_again_and_the_dead_is_refused,
    a_dead_delivery_rests_until_it_is_revived,
    two_senders_never_share_a_delivery,
    the_outbox_says_when_the_next_is_due,
    a_delivery_that_cannot_be_read_takes_no_other_along,
}

/// Lets as many rules fire.
async fn tell(world: &World, rules: u32) {
    let product = world.watch(1).await;
    for _ in 0..rules {
        world.add_rule(&product, 1000).await;
    }
    world.see(900).await;
}

async fn claim(world: &World, limit: u32) -> Vec<ClaimedDelivery> {
    world.store.claim_deliveries(limit, LEASE, "test").await.unwrap()
}

async fn the_delivery(world: &World) -> Delivery {
    world.store.events(US, None, None, 10).await.unwrap().items.remove(0).deliveries.remove(0)
}

async fn finish(world: &World, claimed: &ClaimedDelivery, end: DeliveryEnd) -> bool {
    world.store.finish_delivery(claimed.id, claimed.token, &end).await.unwrap()
}

fn retry(after: Duration) -> DeliveryEnd {
    DeliveryEnd::Retry { after, error: "503".to_owned() }
}

async fn a_claimed_delivery_knows_what_to_tell_and_where(world: &World) {
    tell(world, 1).await;
    let claimed = claim(world, 10).await.remove(0);
    let row = world.store.events(US, None, None, 10).await.unwrap().items.remove(0);
    assert_eq!((claimed.id, claimed.token, claimed.attempt), (row.deliveries[0].id, 1, 1));
    let (url, secret) = ("https://example.com/hook".to_owned(), "whsec_x".to_owned());
    assert_eq!(claimed.letter, Letter::Webhook { url, secret, event: Box::new(row.event) });
}

async fn a_delivery_goes_on_with_the_trace_of_its_look(world: &World) {
    let product = world.watch(1).await;
    world.add_rule(&product, 1000).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    let look = world.claim_one().await;
    let told = seen(&look, 900, world.now().await);
    assert!(world.commit(Commit { trace_context: Some(traceparent.clone()), ..told }).await);
    assert_eq!(claim(world, 10).await.remove(0).trace_context, Some(traceparent));
}

async fn a_delivery_that_is_taken_is_claimed_no_more(world: &World) {
    tell(world, 1).await;
    let claimed = claim(world, 10).await.remove(0);
    assert!(finish(world, &claimed, DeliveryEnd::Delivered).await);
    assert!(!finish(world, &claimed, retry(SECOND)).await, "the lease has ended");
    world.clock.advance(DAY);
    assert!(claim(world, 10).await.is_empty());
    let delivery = the_delivery(world).await;
    assert_eq!((delivery.status, delivery.attempts, delivery.last_error), (DeliveryStatus::Delivered, 1, None));
    assert_eq!(delivery.delivered_at, Some(world.now().await - DAY));
}

async fn a_retry_waits_and_counts(world: &World) {
    tell(world, 1).await;
    let first = claim(world, 10).await.remove(0);
    assert!(finish(world, &first, retry(HOUR)).await);
    let delivery = the_delivery(world).await;
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Pending, Some("503")));
    world.clock.advance(HOUR - SECOND);
    assert!(claim(world, 10).await.is_empty());
    world.clock.advance(SECOND);
    let second = claim(world, 10).await.remove(0);
    assert_eq!((second.id, second.token, second.attempt), (first.id, first.token + 1, 2));
}

async fn a_delivery_whose_sender_died_is_claimed_again_and_the_dead_is_refused(world: &World) {
    tell(world, 1).await;
    let dead = claim(world, 10).await.remove(0);
    assert!(claim(world, 10).await.is_empty());
    world.clock.advance(LEASE);
    let alive = claim(world, 10).await.remove(0);
    assert!(!finish(world, &dead, DeliveryEnd::Delivered).await);
    assert!(finish(world, &alive, DeliveryEnd::Delivered).await);
}

async fn a_dead_delivery_rests_until_it_is_revived(world: &World) {
    tell(world, 1).await;
    let claimed = claim(world, 10).await.remove(0);
    assert!(!world.store.revive_delivery(claimed.id).await.unwrap(), "only the dead");
    assert!(finish(world, &claimed, DeliveryEnd::Dead { error: "410 Gone".to_owned() }).await);
    let delivery = the_delivery(world).await;
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Dead, Some("410 Gone")));
    world.clock.advance(DAY);
    assert!(claim(world, 10).await.is_empty());
    assert!(world.store.revive_delivery(claimed.id).await.unwrap());
    assert_eq!(claim(world, 10).await[0].attempt, 1, "with a full count of attempts before it");
}

async fn two_senders_never_share_a_delivery(world: &World) {
    const RULES: u32 = 30;
    tell(world, RULES).await;
    let senders = (0..6).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move { store.claim_deliveries(4, LEASE, "sender").await.unwrap() })
    });
    let mut all = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        let claimed = sender.await.unwrap();
        assert!(claimed.len() <= 4);
        all.extend(claimed);
    }
    all.extend(claim(world, RULES).await);
    let distinct: HashSet<_> = all.iter().map(|claimed| claimed.id).collect();
    assert_eq!((all.len() as u32, distinct.len() as u32), (RULES, RULES));
}

async fn the_outbox_says_when_the_next_is_due(world: &World) {
    assert_eq!(world.store.next_delivery_in().await.unwrap(), None);
    tell(world, 1).await;
    assert_eq!(world.store.next_delivery_in().await.unwrap(), Some(Duration::ZERO));
    let claimed = claim(world, 1).await.remove(0);
    finish(world, &claimed, retry(HOUR)).await;
    assert_eq!(world.store.next_delivery_in().await.unwrap(), Some(HOUR));
    world.clock.advance(HOUR);
    let claimed = claim(world, 1).await.remove(0);
    finish(world, &claimed, DeliveryEnd::Delivered).await;
    assert_eq!(world.store.next_delivery_in().await.unwrap(), None);
}

async fn a_delivery_that_cannot_be_read_takes_no_other_along(world: &World) {
    tell(world, 3).await;
    let whole = if world.is_postgres() { "'{}'::jsonb" } else { "'{}'" };
    for (damage, what) in [(format!("mail = {whole}"), "min"), ("webhook_url = NULL".to_owned(), "max")] {
        // By text, for there is no least UUID in PostgreSQL.
        let id = if world.is_postgres() { "id::text" } else { "hex(id)" };
        let one = format!("UPDATE delivery SET {damage} WHERE {id} = (SELECT {what}({id}) FROM delivery)");
        world.execute(&one).await;
    }
    assert_eq!(claim(world, 10).await.len(), 1);
    world.clock.advance(HOUR);
    assert_eq!(claim(world, 10).await.len(), 1, "the others are given up");
    assert_eq!(world.number("SELECT count(*) FROM delivery WHERE status = 'dead'").await, 2);
}

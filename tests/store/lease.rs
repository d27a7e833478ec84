//! Claims, releases, extensions and the quarantine.

use std::collections::HashSet;
use std::time::Duration;

use amazon_tracker::domain::{ListingId, ProductStatus};
use amazon_tracker::store::{Lane, Next, ProductPatch};

use crate::world::*;

on_both_engines! {
    a_new_product_is_due_at_once_with_all_that_judging_takes,
    two_claimers_never_share_a_row,
    a_claim_never_exceeds_its_limit,
    the_oldest_is_claimed_first,
    the_lanes_are_claimed_apart,
    a_lease_that_is_held_is_not_claimable,
    an_expired_lease_is_claimable_and_its_old_token_is_refused_everywhere,
    a_release_makes_claimable_at_once_and_does_not_count_the_attempt,
    an_extension_holds_others_off,
    the_attempt_limit_stops_claims_and_parks,
    a_lease_within_its_time_is_not_parked_as_poison,
    an_unparked_listing_is_due_and_its_attempts_are_forgotten,
    a_held_lease_is_not_unparked,
    the_claim_carries_the_shortest_active_rhythm,
    the_queue_says_when_the_next_is_due,
    the_backlog_counts_what_is_due_and_what_is_parked,
}

async fn a_new_product_is_due_at_once_with_all_that_judging_takes(world: &World) {
    let product = world.watch(1).await;
    let rule = world.add_rule(&product, 1000).await.rule;
    let claim = world.claim_one().await;
    assert_eq!((claim.listing_id, claim.listing), (product.listing_id, product.listing));
    assert_eq!((claim.token, claim.attempt, claim.lane), (1, 1, Lane::Scheduled));
    assert_eq!(claim.state, product.state);
    assert_eq!(claim.frequency, Some(product.settings.frequency));
    assert_eq!(claim.rules, [rule]);
}

async fn two_claimers_never_share_a_row(world: &World) {
    const LISTINGS: u32 = 60;
    for n in 0..LISTINGS {
        world.watch(n).await;
    }
    let claimers = (0..8).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claims = store.claim(Lane::Scheduled, 7, LEASE, "claimer", MAX_ATTEMPTS).await.unwrap();
                if claims.is_empty() {
                    return mine;
                }
                assert!(claims.len() <= 7);
                mine.extend(claims.into_iter().map(|claim| claim.listing_id));
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        all.extend(claimer.await.unwrap());
    }
    // A claimer that met only rows others were locking may have stopped early; what is left must be unclaimed.
    all.extend(world.claim(LISTINGS).await.into_iter().map(|claim| claim.listing_id));
    assert_eq!(all.len() as u32, LISTINGS);
    assert_eq!(all.iter().collect::<HashSet<_>>().len() as u32, LISTINGS);
}

async fn a_claim_never_exceeds_its_limit(world: &World) {
    for n in 0..20 {
        world.watch(n).await;
    }
    assert_eq!(world.claim(0).await.len(), 0);
    assert_eq!(world.claim(3).await.len(), 3);
    assert_eq!(world.claim(30).await.len(), 17);
}

async fn the_oldest_is_claimed_first(world: &World) {
    let mut expected = Vec::new();
    for n in [5, 3, 8, 1] {
        expected.push(world.watch(n).await.listing_id);
        world.clock.advance(SECOND);
    }
    let mut claimed: Vec<ListingId> = world.claim(2).await.iter().map(|claim| claim.listing_id).collect();
    claimed.extend(world.claim(2).await.iter().map(|claim| claim.listing_id));
    assert_eq!(claimed, expected);
}

async fn the_lanes_are_claimed_apart(world: &World) {
    let asked = world.watch(1).await;
    let scheduled = world.watch(2).await;
    world.store.request_look(US, &[asked.id]).await.unwrap();
    let claims = world.claim_from(Lane::AskedFor, 10).await;
    assert_eq!(claims.iter().map(|claim| claim.listing_id).collect::<Vec<_>>(), [asked.listing_id]);
    assert_eq!(claims[0].lane, Lane::AskedFor);
    assert_eq!(world.claim_one().await.listing_id, scheduled.listing_id);
}

async fn a_lease_that_is_held_is_not_claimable(world: &World) {
    world.watch(1).await;
    world.claim_one().await;
    world.clock.advance(LEASE - SECOND);
    assert!(world.claim(10).await.is_empty());
}

async fn an_expired_lease_is_claimable_and_its_old_token_is_refused_everywhere(world: &World) {
    world.watch(1).await;
    let dead = world.claim_one().await;
    world.clock.advance(LEASE);
    let alive = world.claim_one().await;
    assert_eq!((alive.token, alive.attempt), (dead.token + 1, 2));
    assert!(!world.commit(seen(&dead, 500, world.now().await)).await);
    assert!(!world.store.extend(dead.listing_id, dead.token, LEASE).await.unwrap());
    assert_eq!(world.store.release(&[(dead.listing_id, dead.token)]).await.unwrap(), 0);
    assert_eq!(world.number("SELECT count(*) FROM point").await, 0);
    assert!(world.commit(seen(&alive, 700, world.now().await)).await);
}

async fn a_release_makes_claimable_at_once_and_does_not_count_the_attempt(world: &World) {
    world.watch(1).await;
    let first = world.claim_one().await;
    assert_eq!(world.store.release(&[(first.listing_id, first.token)]).await.unwrap(), 1);
    assert_eq!(world.store.release(&[(first.listing_id, first.token)]).await.unwrap(), 0);
    let second = world.claim_one().await;
    assert_eq!((second.token, second.attempt), (first.token + 1, 1));
}

async fn an_extension_holds_others_off(world: &World) {
    world.watch(1).await;
    let claim = world.claim_one().await;
    world.clock.advance(LEASE - SECOND);
    assert!(world.store.extend(claim.listing_id, claim.token, LEASE).await.unwrap());
    world.clock.advance(LEASE - SECOND);
    assert!(world.claim(10).await.is_empty());
    assert!(world.commit(seen(&claim, 500, world.now().await)).await);
    assert!(!world.store.extend(claim.listing_id, claim.token, LEASE).await.unwrap(), "the lease has ended");
}

async fn the_attempt_limit_stops_claims_and_parks(world: &World) {
    let product = world.watch(1).await;
    world.store.request_look(US, &[product.id]).await.unwrap();
    let mut last_token = 0;
    for attempt in 1..=MAX_ATTEMPTS {
        let claims = world.claim_from(Lane::AskedFor, 10).await;
        assert_eq!(claims[0].attempt, attempt);
        last_token = claims[0].token;
        world.clock.advance(LEASE);
    }
    assert!(world.claim_from(Lane::AskedFor, 10).await.is_empty());
    assert_eq!(world.store.park_poison(MAX_ATTEMPTS, 10).await.unwrap(), 1);
    assert_eq!(world.store.park_poison(MAX_ATTEMPTS, 10).await.unwrap(), 0);
    assert_eq!(world.store.backlog().await.unwrap().parked, 1);
    let back_from_the_dead = world.store.extend(product.listing_id, last_token, LEASE).await.unwrap();
    assert!(!back_from_the_dead);
}

async fn a_lease_within_its_time_is_not_parked_as_poison(world: &World) {
    world.watch(1).await;
    world.watch(2).await;
    world.store.claim(Lane::Scheduled, 2, LEASE, "test", MAX_ATTEMPTS).await.unwrap();
    assert_eq!(world.store.park_poison(1, 10).await.unwrap(), 0);
    world.clock.advance(LEASE);
    assert_eq!(world.store.park_poison(1, 1).await.unwrap(), 1, "at most the limit");
    assert_eq!(world.store.park_poison(1, 10).await.unwrap(), 1);
}

async fn an_unparked_listing_is_due_and_its_attempts_are_forgotten(world: &World) {
    let product = world.watch(1).await;
    let claim = world.claim_one().await;
    assert!(world.commit(failed(&claim, Next::Parked)).await);
    world.clock.advance(DAY);
    assert!(world.claim(10).await.is_empty());
    assert!(world.store.unpark(product.listing_id).await.unwrap());
    let again = world.claim_one().await;
    assert_eq!((again.token, again.attempt), (claim.token + 1, 1));
}

async fn a_held_lease_is_not_unparked(world: &World) {
    let product = world.watch(1).await;
    world.claim_one().await;
    assert!(!world.store.unpark(product.listing_id).await.unwrap());
    assert!(world.claim(10).await.is_empty());
}

async fn the_claim_carries_the_shortest_active_rhythm(world: &World) {
    world.add_tenant().await;
    let ours = world.watch(1).await;
    let mut theirs = new_product(THEM, 1);
    theirs.settings.frequency = "2h".parse().unwrap();
    let theirs = world.store.add_product(theirs).await.unwrap();
    let rule = world.add_rule(&theirs, 100).await.rule;
    let claim = world.claim_one().await;
    assert_eq!(claim.frequency, Some("2h".parse().unwrap()));
    assert_eq!(claim.rules, [rule]);

    let pause = ProductPatch { status: Some(ProductStatus::Paused), ..ProductPatch::default() };
    world.store.update_product(THEM, theirs.id, &pause).await.unwrap();
    world.store.release(&[(claim.listing_id, claim.token)]).await.unwrap();
    let claim = world.claim_one().await;
    assert_eq!(claim.frequency, Some(ours.settings.frequency));
    assert!(claim.rules.is_empty(), "a paused product's rules rest");
}

async fn the_queue_says_when_the_next_is_due(world: &World) {
    assert_eq!(world.store.next_due_in().await.unwrap(), None);
    world.watch(1).await;
    assert_eq!(world.store.next_due_in().await.unwrap(), Some(Duration::ZERO));
    let claim = world.claim_one().await;
    world.clock.advance(SECOND);
    assert_eq!(world.store.next_due_in().await.unwrap(), Some(LEASE - SECOND));
    world.commit(failed(&claim, Next::Retry(HOUR))).await;
    assert_eq!(world.store.next_due_in().await.unwrap(), Some(HOUR));
    world.clock.advance(DAY);
    assert_eq!(world.store.next_due_in().await.unwrap(), Some(Duration::ZERO));
    let claim = world.claim_one().await;
    world.commit(failed(&claim, Next::Parked)).await;
    assert_eq!(world.store.next_due_in().await.unwrap(), None);
}

async fn the_backlog_counts_what_is_due_and_what_is_parked(world: &World) {
    let empty = world.store.backlog().await.unwrap();
    assert_eq!((empty.due, empty.oldest_due, empty.parked), (0, Duration::ZERO, 0));
    for n in 0..3 {
        world.watch(n).await;
        world.clock.advance(SECOND);
    }
    let first = world.claim(1).await.remove(0);
    world.commit(failed(&first, Next::Parked)).await;
    let backlog = world.store.backlog().await.unwrap();
    assert_eq!((backlog.due, backlog.oldest_due, backlog.parked), (2, 2 * SECOND, 1));
}

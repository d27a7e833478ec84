//! Claims, releases, extensions and the quarantine.

use std::collections::HashSet;
use std::time::Duration;

use amazon_tracker::domain::{Listing, ListingId, Marketplace, ProductStatus};
use amazon_tracker::store::{Commit, Lane, NewProduct, Next, ProductPatch, Room};

use crate::fixture::*;

on_both_engines! {
    a_new_product_is_due_at_once_with_all_that_judging_takes,
    two_claimers_never_share_a_row,
    a_claim_never_exceeds_its_limit,
    the_oldest_is_claimed_first,
    the_lanes_are_claimed_apart,
    a_claim_takes_from_each_marketplace_only_what_there_is_room_for,
    a_lease_that_is_held_is_not_claimable,
    an_expired_lease_is_claimable_and_its_old_token_is_refused_everywhere,
    a_release_makes_claimable_at_once_and_does_not_count_the_attempt,
    an_extension_holds_others_off,
    the_attempt_limit_stops_claims_and_parks,
    a_lease_that_has_not_expired_is_not_parked,
    an_unparked_listing_is_due_and_its_attempts_are_forgotten,
    a_held_lease_is_not_unparked,
    a_listing_that_is_not_parked_or_that_nobody_watches_is_not_unparked,
    a_listing_that_nobody_watches_can_be_made_due_until_its_crawls_never_end,
    the_claim_carries_the_shortest_active_rhythm,
    the_queue_says_when_the_next_is_due,
    a_clock_that_was_set_back_does_not_stop_crawling,
    the_backlog_counts_what_is_due_and_what_is_parked,
}

async fn a_new_product_is_due_at_once_with_all_that_judging_takes(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let rule = fixture.add_rule(&product, 1000).await;
    let claim = fixture.claim_one().await;
    assert_eq!((claim.listing_id, claim.listing), (product.listing_id, product.listing));
    assert_eq!((claim.token, claim.attempt, claim.lane), (1, 1, Lane::Scheduled));
    assert_eq!(claim.state, product.state);
    assert_eq!(claim.interval(), Some(product.interval));
    assert_eq!((claim.rules[0].id, claim.rules.len()), (rule.id, 1));
}

async fn two_claimers_never_share_a_row(fixture: &Fixture) {
    const LISTINGS: u32 = 60;
    for n in 0..LISTINGS {
        fixture.watch(n).await;
    }
    let claimers = (0..8).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claims = store.claim(scheduled(7, &everywhere(7))).await.unwrap();
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
    all.extend(fixture.claim(LISTINGS).await.into_iter().map(|claim| claim.listing_id));
    assert_eq!(all.len() as u32, LISTINGS);
    assert_eq!(all.iter().collect::<HashSet<_>>().len() as u32, LISTINGS);
}

async fn a_claim_never_exceeds_its_limit(fixture: &Fixture) {
    for n in 0..20 {
        fixture.watch(n).await;
    }
    assert_eq!(fixture.claim(0).await.len(), 0);
    assert_eq!(fixture.claim(3).await.len(), 3);
    assert_eq!(fixture.claim(30).await.len(), 17);
}

async fn the_oldest_is_claimed_first(fixture: &Fixture) {
    let mut expected = Vec::new();
    for n in [5, 3, 8, 1] {
        expected.push(fixture.watch(n).await.listing_id);
        fixture.clock.advance(SECOND);
    }
    let mut claimed: Vec<ListingId> = fixture.claim(2).await.iter().map(|claim| claim.listing_id).collect();
    claimed.extend(fixture.claim(2).await.iter().map(|claim| claim.listing_id));
    assert_eq!(claimed, expected);
}

async fn the_lanes_are_claimed_apart(fixture: &Fixture) {
    let asked = fixture.watch(1).await;
    let scheduled = fixture.watch(2).await;
    fixture.store.request_crawl(US, &[asked.id], u32::MAX).await.unwrap();
    let claims = fixture.claim_from(Lane::Requested, 10).await;
    assert_eq!(claims.iter().map(|claim| claim.listing_id).collect::<Vec<_>>(), [asked.listing_id]);
    assert_eq!(claims[0].lane, Lane::Requested);
    assert_eq!(fixture.claim_one().await.listing_id, scheduled.listing_id);
}

async fn a_claim_takes_from_each_marketplace_only_what_there_is_room_for(fixture: &Fixture) {
    // The older ones are all of one marketplace.
    for n in 0..10 {
        fixture.watch(n).await;
    }
    fixture.clock.advance(SECOND);
    for n in 10..13 {
        let listing = Listing::new(Marketplace::Fr, asin(n));
        fixture.store.add_product(NewProduct { listing, ..new_product(US, n) }).await.unwrap();
    }
    let room = |marketplace, places| Room { marketplace, places };
    let claim = async |limit: u32, rooms: &[Room]| {
        let claims = fixture.store.claim(scheduled(limit, rooms)).await.unwrap();
        claims.into_iter().map(|claim| claim.listing.marketplace).collect::<Vec<_>>()
    };
    let (de, fr, jp) = (Marketplace::De, Marketplace::Fr, Marketplace::Jp);
    assert!(claim(9, &[room(jp, 9)]).await.is_empty());
    assert_eq!(claim(9, &[room(de, 2), room(fr, 1), room(jp, 3)]).await, [de, de, fr]);
    assert_eq!(claim(2, &[room(de, 9), room(fr, 9)]).await, [de, de], "the oldest of all");
    assert_eq!(claim(9, &[room(fr, 9)]).await, [fr, fr]);
    assert_eq!(fixture.store.next_due_in(&[fr, jp], 5).await.unwrap(), Some(LEASE));
    assert_eq!(fixture.store.next_due_in(&[de], 5).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(fixture.store.next_due_in(&[jp], 5).await.unwrap(), None);
}

async fn a_lease_that_is_held_is_not_claimable(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.claim_one().await;
    fixture.clock.advance(LEASE - SECOND);
    assert!(fixture.claim(10).await.is_empty());
}

async fn an_expired_lease_is_claimable_and_its_old_token_is_refused_everywhere(fixture: &Fixture) {
    fixture.watch(1).await;
    let dead = fixture.claim_one().await;
    fixture.clock.advance(LEASE);
    let alive = fixture.claim_one().await;
    assert_eq!((alive.token, alive.attempt), (dead.token + 1, 2));
    assert!(!fixture.commit(seen(&dead, 500, fixture.now().await)).await);
    assert!(fixture.store.extend(&[(dead.listing_id, dead.token)], LEASE).await.unwrap().is_empty());
    assert_eq!(fixture.store.release(&[(dead.listing_id, dead.token)]).await.unwrap(), 0);
    assert_eq!(fixture.number("SELECT count(*) FROM point").await, 0);
    assert!(fixture.commit(seen(&alive, 700, fixture.now().await)).await);
}

async fn a_release_makes_claimable_at_once_and_does_not_count_the_attempt(fixture: &Fixture) {
    fixture.watch(1).await;
    let first = fixture.claim_one().await;
    assert_eq!(fixture.store.release(&[(first.listing_id, first.token)]).await.unwrap(), 1);
    assert_eq!(fixture.store.release(&[(first.listing_id, first.token)]).await.unwrap(), 0);
    let second = fixture.claim_one().await;
    assert_eq!((second.token, second.attempt), (first.token + 1, 1));
}

async fn an_extension_holds_others_off(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.watch(2).await;
    let claims = fixture.claim(2).await;
    let held: Vec<_> = claims.iter().map(|claim| (claim.listing_id, claim.token)).collect();
    fixture.clock.advance(LEASE - SECOND);
    let mut extended = fixture.store.extend(&held, LEASE).await.unwrap();
    extended.sort_unstable();
    assert_eq!(extended, held.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    fixture.clock.advance(LEASE - SECOND);
    assert!(fixture.claim(10).await.is_empty());
    assert!(fixture.commit(seen(&claims[0], 500, fixture.now().await)).await);
    assert_eq!(fixture.store.extend(&held, LEASE).await.unwrap(), [claims[1].listing_id], "the other has ended");
}

async fn the_attempt_limit_stops_claims_and_parks(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.store.request_crawl(US, &[product.id], u32::MAX).await.unwrap();
    let mut last_token = 0;
    for attempt in 1..=MAX_ATTEMPTS {
        let claims = fixture.claim_from(Lane::Requested, 10).await;
        assert_eq!(claims[0].attempt, attempt);
        last_token = claims[0].token;
        fixture.clock.advance(LEASE);
    }
    assert!(fixture.claim_from(Lane::Requested, 10).await.is_empty());
    assert_eq!(fixture.store.park_failing(MAX_ATTEMPTS, 10).await.unwrap(), 1);
    assert_eq!(fixture.store.park_failing(MAX_ATTEMPTS, 10).await.unwrap(), 0);
    assert_eq!(fixture.store.backlog().await.unwrap().parked, 1);
    let back_from_the_dead = fixture.store.extend(&[(product.listing_id, last_token)], LEASE).await.unwrap();
    assert!(back_from_the_dead.is_empty());
}

async fn a_lease_that_has_not_expired_is_not_parked(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.watch(2).await;
    fixture.claim(2).await;
    assert_eq!(fixture.store.park_failing(1, 10).await.unwrap(), 0);
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.store.park_failing(1, 1).await.unwrap(), 1, "at most the limit");
    assert_eq!(fixture.store.park_failing(1, 10).await.unwrap(), 1);
}

async fn an_unparked_listing_is_due_and_its_attempts_are_forgotten(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    let claim = fixture.claim_one().await;
    assert!(fixture.commit(failed(&claim, Next::Parked)).await);
    fixture.clock.advance(DAY);
    assert!(fixture.claim(10).await.is_empty());
    assert!(fixture.store.unpark(product.listing_id).await.unwrap());
    let again = fixture.claim_one().await;
    assert_eq!((again.token, again.attempt), (claim.token + 1, 1));
}

async fn a_held_lease_is_not_unparked(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    fixture.claim_one().await;
    assert!(!fixture.store.unpark(product.listing_id).await.unwrap());
    assert!(fixture.claim(10).await.is_empty());
}

async fn a_listing_that_is_not_parked_or_that_nobody_watches_is_not_unparked(fixture: &Fixture) {
    let product = fixture.watch(1).await;
    assert_eq!(fixture.store.listing_id(product.listing).await.unwrap(), product.listing_id);
    assert!(!fixture.store.unpark(product.listing_id).await.unwrap());
    fixture.store.remove_product(US, product.id, None).await.unwrap();
    assert!(!fixture.store.unpark(product.listing_id).await.unwrap());
}

async fn a_listing_that_nobody_watches_can_be_made_due_until_its_crawls_never_end(fixture: &Fixture) {
    let listing = Listing::new(Marketplace::De, asin(7));
    let schedule = async || fixture.store.schedule_unwatched(&[listing], MAX_ATTEMPTS).await.unwrap();
    schedule().await;
    let claim = fixture.claim_one().await;
    assert_eq!((claim.listing, claim.interval(), claim.lane), (listing, None, Lane::Scheduled));
    schedule().await;
    assert!(fixture.claim(10).await.is_empty(), "the crawl is under way");
    let parked = Commit { next: Next::Parked, ..seen(&claim, 100, fixture.now().await) };
    assert!(fixture.commit(parked).await);
    fixture.clock.advance(DAY);
    assert!(fixture.claim(10).await.is_empty());
    schedule().await;
    assert_eq!(fixture.claim_one().await.listing, listing);
    // Each crawl ends its process.
    for _ in 1..MAX_ATTEMPTS {
        fixture.clock.advance(LEASE);
        fixture.claim_one().await;
    }
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.store.park_failing(MAX_ATTEMPTS, 10).await.unwrap(), 1);
    schedule().await;
    assert!(fixture.claim(10).await.is_empty());
}

async fn the_claim_carries_the_shortest_active_rhythm(fixture: &Fixture) {
    fixture.add_tenant().await;
    let ours = fixture.watch(1).await;
    let mut theirs = new_product(THEM, 1);
    theirs.settings.frequency = "2h".parse().unwrap();
    let theirs = fixture.store.add_product(theirs).await.unwrap();
    let rule = fixture.add_rule(&theirs, 100).await;
    let claim = fixture.claim_one().await;
    assert_eq!(claim.interval(), Some("2h".parse().unwrap()));
    assert_eq!((claim.rules[0].id, claim.rules.len()), (rule.id, 1));

    let pause = ProductPatch { status: Some(ProductStatus::Paused), ..ProductPatch::default() };
    fixture.store.update_product(THEM, theirs.id, &pause).await.unwrap();
    fixture.store.release(&[(claim.listing_id, claim.token)]).await.unwrap();
    let claim = fixture.claim_one().await;
    assert_eq!(claim.interval(), Some(ours.interval));
    assert!(claim.rules.is_empty(), "a paused product's rules rest");
}

async fn the_queue_says_when_the_next_is_due(fixture: &Fixture) {
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), None);
    fixture.watch(1).await;
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(Duration::ZERO));
    let claim = fixture.claim_one().await;
    fixture.clock.advance(SECOND);
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(LEASE - SECOND));
    fixture.commit(failed(&claim, Next::Retry(HOUR))).await;
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(HOUR));
    fixture.clock.advance(DAY);
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(
        fixture.store.next_due_in(Marketplace::ALL, 0).await.unwrap(),
        None,
        "it has too many attempts to be claimed"
    );
    let claim = fixture.claim_one().await;
    fixture.commit(failed(&claim, Next::Parked)).await;
    assert_eq!(fixture.store.next_due_in(Marketplace::ALL, 5).await.unwrap(), None);
}

async fn a_clock_that_was_set_back_does_not_stop_crawling(fixture: &Fixture) {
    fixture.watch(1).await;
    fixture.watch(2).await;
    let claims = fixture.claim(2).await;
    fixture.commit(failed(&claims[0], Next::Due(DAY))).await;
    assert_eq!(
        fixture.store.clamp_due_times().await.unwrap(),
        0,
        "a day ahead, and a lease that is held: as they should be"
    );
    // As if the clock had been 30 days ahead.
    fixture.execute("UPDATE lease SET ready_at = ready_at + 2592000000").await;
    assert!(fixture.claim(2).await.is_empty());
    assert_eq!(fixture.store.clamp_due_times().await.unwrap(), 2);
    assert_eq!(fixture.claim(2).await.len(), 2);
}

async fn the_backlog_counts_what_is_due_and_what_is_parked(fixture: &Fixture) {
    let empty = fixture.store.backlog().await.unwrap();
    assert_eq!((empty.due, empty.oldest_due, empty.parked), (0, Duration::ZERO, 0));
    for n in 0..3 {
        fixture.watch(n).await;
        fixture.clock.advance(SECOND);
    }
    let first = fixture.claim(1).await.remove(0);
    fixture.commit(failed(&first, Next::Parked)).await;
    let backlog = fixture.store.backlog().await.unwrap();
    assert_eq!((backlog.due, backlog.oldest_due, backlog.parked), (2, 2 * SECOND, 1));
}

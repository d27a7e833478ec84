use amazon_tracker::domain::Marketplace;
use amazon_tracker::sources::simulated::{FaultRates, SimulatedSettings};
use serde_json::Value;

use crate::market::{listing, start};

/// The log of a fixed sequence of requests and steps, without timestamps.
async fn log_of(seed: u64) -> Vec<Value> {
    let faults = FaultRates { captcha: 0.2, unavailable: 0.2, ..FaultRates::default() };
    let market = start(SimulatedSettings { seed, faults, page_kb: 0, ..SimulatedSettings::default() }).await;
    for round in 0..30 {
        market.get(listing(Marketplace::De, round % 5)).await;
        market.running.advance(2);
    }
    let mut log = market.truth(0).await;
    for line in &mut log {
        line.as_object_mut().unwrap().remove("at").unwrap();
    }
    log
}

#[tokio::test]
async fn the_log_depends_only_on_the_seed() {
    let log = log_of(7).await;
    assert!(log.len() > 100);
    assert_eq!(log, log_of(7).await);
    assert_ne!(log, log_of(8).await);
}

#[tokio::test]
async fn the_same_seed_gives_identical_pages() {
    let (one, two) = (start(SimulatedSettings::default()).await, start(SimulatedSettings::default()).await);
    for number in 0..20 {
        let listing = listing(Marketplace::Us, number);
        assert_eq!(one.page(listing).await, two.page(listing).await);
    }
}

#[tokio::test]
async fn a_page_does_not_change_until_the_world_advances() {
    let market = start(SimulatedSettings::default()).await;
    let listing = listing(Marketplace::Us, 0);
    let first = market.page(listing).await;
    assert_eq!(market.page(listing).await, first);
    market.running.advance(1);
    assert_ne!(market.page(listing).await, first);
}

#[tokio::test]
async fn the_past_ends_with_the_facts_of_the_page() {
    let market = start(SimulatedSettings::default()).await;
    market.running.advance(17);
    let listing = listing(Marketplace::Us, 4);
    let past = market.running.past(listing, 90, jiff::Timestamp::now());
    let price = past.iter().rfind(|point| point.field == amazon_tracker::sources::simulated::Field::Price).unwrap();
    assert_eq!(price.value, market.page(listing).await.price.into());
}

use std::time::Duration;

use amazon_tracker::domain::{Listing, Marketplace};
use amazon_tracker::sources::simulated::{SimulatedSettings, Truth};
use reqwest::header::HeaderValue;
use serde_json::json;

use crate::market::{Page, listing, start};

#[tokio::test]
async fn every_page_shows_the_facts_of_its_log_line() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let mut sold_out = 0;
    for round in 0..60 {
        let listing = listing(Marketplace::Us, round % 20);
        let response = market.get(listing).await;
        let seq: u64 = response.headers()["x-simulated-seq"].to_str().unwrap().parse().unwrap();
        let page = Page::read(&response.text().await.unwrap(), listing.marketplace);
        let line = &market.truth(seq - 1).await[0];
        assert_eq!(line["what"], "served");
        assert_eq!(line["asin"], json!(listing.asin));
        assert_eq!(line["price"], json!(page.price));
        assert_eq!(line["availability"], json!(page.availability()));
        sold_out += u32::from(page.price.is_none());
        market.running.advance(3);
    }
    assert!(sold_out > 0, "some listings were sold out");
}

#[tokio::test]
async fn a_page_shows_every_fact_of_its_listing() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    for round in 0..60 {
        let listing = listing(Marketplace::De, round % 20);
        let page = market.page(listing).await;
        let facts = market.running.facts(listing);
        assert_eq!(page.price, facts.price, "{listing}");
        assert_eq!(page.list_price, facts.list_price, "{listing}");
        assert_eq!(page.seller, facts.seller.map(|seller| seller.name(listing.marketplace)), "{listing}");
        assert_eq!(page.review_count, Some(facts.review_count), "{listing}");
        let stars = format!("{},{} von 5 Sternen", facts.rating.0 / 100, facts.rating.0 / 10 % 10);
        assert_eq!(page.rating_text, Some(stars), "{listing}");
        assert_eq!(page.asin.as_deref(), Some(listing.asin.as_str()));
        assert_eq!(page.title, Some(market.running.catalogue().product(listing.asin).title));
        market.running.advance(3);
    }
}

#[tokio::test]
async fn changes_are_logged_without_gaps_from_the_first_request() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let listing = listing(Marketplace::Us, 2);
    market.running.advance(10);
    let mut price = json!(market.page(listing).await.price);
    market.running.advance(200);
    let mut changes = 0;
    for line in market.truth(0).await.iter().filter(|line| line["field"] == "price") {
        assert_eq!(line["from"], price);
        price = line["to"].clone();
        changes += 1;
    }
    assert!(changes > 10, "{changes}");
    assert_eq!(price, json!(market.page(listing).await.price));
}

#[tokio::test]
async fn the_log_has_no_gaps_and_can_be_read_from_any_line() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    for number in 0..50 {
        market.get(listing(Marketplace::Us, number)).await;
    }
    market.running.advance(50);
    let all = market.truth(0).await;
    let seqs: Vec<u64> = all.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=all.len() as u64).collect::<Vec<_>>());
    assert!(all.len() > 1_000, "the log is longer than one page of lines");
    assert_eq!(market.truth(700).await, all[700..]);
    assert!(market.truth(u64::MAX).await.is_empty());
}

#[tokio::test]
async fn a_truncated_log_names_its_first_line() {
    let market = start(SimulatedSettings { truth_lines: 3, page_kb: 0, ..SimulatedSettings::default() }).await;
    for _ in 0..5 {
        market.get(listing(Marketplace::Us, 0)).await;
    }
    let lines = market.truth(0).await;
    assert_eq!(lines[0], json!({"truncated_before": 3}));
    assert_eq!(lines[1]["seq"], 3);
    assert_eq!(lines.len(), 4);
    assert_eq!(market.truth(2).await[0]["seq"], 3);
}

#[tokio::test]
async fn the_world_advances_at_the_configured_interval() {
    let move_every = Some(Duration::from_millis(5));
    let market = start(SimulatedSettings { move_every, page_kb: 0, ..SimulatedSettings::default() }).await;
    market.get(listing(Marketplace::Us, 0)).await;
    let moved = || market.running.truth(0).iter().any(|line| matches!(line.what, Truth::Change { .. }));
    let wait = async {
        while !moved() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    assert!(market.running.step() > 0);
}

#[tokio::test]
async fn the_catalogue_has_the_prices_and_titles_of_the_pages() {
    let market = start(SimulatedSettings::default()).await;
    let url = market.url("/_catalogue?marketplace=de&count=20");
    let rows: Vec<serde_json::Value> = market.client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(rows.len(), 20);
    for row in rows {
        let listing = Listing::new(Marketplace::De, row["asin"].as_str().unwrap().parse().unwrap());
        let page = market.page(listing).await;
        assert_eq!(row["price"], json!(page.price));
        assert_eq!(row["title"], json!(page.title));
    }
    let url = market.url("/_catalogue?marketplace=mars");
    let rejected = market.client.get(url).send().await.unwrap();
    assert_eq!(rejected.status(), 422);
    assert_eq!(rejected.headers()["content-type"], HeaderValue::from_static("application/problem+json"));
}

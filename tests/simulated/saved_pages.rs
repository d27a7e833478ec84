use amazon_tracker::domain::{Listing, Marketplace};
use amazon_tracker::sources::simulated::{Fault, SimulatedSettings};
use reqwest::StatusCode;
use serde_json::json;

use crate::market::{Market, start};

/// Latin-1, like old pages: not valid UTF-8.
const BYTES: &[u8] = b"<html><span id=productTitle>Kopfh\xf6rer</span></html>";

async fn market_of(folder: &tempfile::TempDir) -> Market {
    std::fs::write(folder.path().join("de-b000000001-someone.html"), BYTES).unwrap();
    start(SimulatedSettings { pages: Some(folder.path().to_owned()), ..SimulatedSettings::default() }).await
}

fn listing(site: Marketplace, asin: &str) -> Listing {
    Listing::new(site, asin.parse().unwrap())
}

#[tokio::test]
async fn a_saved_page_is_served_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let market = market_of(&folder).await;
    let response = market.get(listing(Marketplace::De, "B000000001")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/html");
    assert_eq!(response.bytes().await.unwrap(), BYTES);
}

#[tokio::test]
async fn a_listing_without_a_saved_page_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let market = market_of(&folder).await;
    for missing in [listing(Marketplace::De, "B000000002"), listing(Marketplace::Fr, "B000000001")] {
        assert_eq!(market.get(missing).await.status(), StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn saved_pages_fail_on_demand_and_are_logged_without_facts() {
    let folder = tempfile::tempdir().unwrap();
    let market = market_of(&folder).await;
    market.running.fail_next(1, Fault::Truncated);
    let listing = listing(Marketplace::De, "B000000001");
    assert!(market.get(listing).await.bytes().await.is_err());
    market.get(listing).await;
    market.running.advance(100);
    let log = market.truth(0).await;
    assert_eq!(log.len(), 2, "the facts of saved pages are unknown, so no changes are logged");
    assert_eq!((&log[0]["answer"], &log[1]["answer"]), (&json!("truncated"), &json!("page")));
    assert_eq!(log[1].get("price"), None);
}

use amazon_tracker::domain::{Availability, Currency, Marketplace, Money};
use amazon_tracker::sources::simulated::SimulatedSettings;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::market::{listing, start};

#[tokio::test]
async fn a_fixed_price_is_on_the_page_and_in_the_log() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let listing = listing(Marketplace::De, 0);
    let before = market.page(listing).await.price;
    let price = Money::new(12_345, Currency::Eur);
    let command = json!({"set_price": {"marketplace": "de", "asin": listing.asin, "price": price}});
    assert_eq!(market.control(command).await.status(), StatusCode::OK);
    assert_eq!(market.page(listing).await.price, Some(price));
    let log = market.truth(0).await;
    let change = log.iter().find(|line| line["field"] == "price").unwrap();
    assert_eq!((&change["from"], &change["to"]), (&json!(before), &json!(price)));
}

#[tokio::test]
async fn every_control_works_over_http() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let listing = listing(Marketplace::Us, 0);
    let at = |more: Value| {
        let mut fields = json!({"marketplace": listing.marketplace, "asin": listing.asin});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    market.control(json!({"set_availability": at(json!({"availability": "unavailable"}))})).await;
    let page = market.page(listing).await;
    assert_eq!((page.price, page.availability()), (None, Availability::Unavailable));
    market.control(json!({"release": at(json!({}))})).await;
    assert!(market.page(listing).await.price.is_some());
    market.control(json!({"set_missing": at(json!({"missing": true}))})).await;
    assert_eq!(market.get(listing).await.status(), StatusCode::NOT_FOUND);
    market.control(json!({"set_missing": at(json!({"missing": false}))})).await;
    market.control(json!({"fail_next": {"count": 1, "fault": "unavailable"}})).await;
    assert_eq!(market.get(listing).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let reply: Value = market.control(json!({"step": 3})).await.json().await.unwrap();
    assert_eq!(reply["step"], 3);
    assert_eq!(reply["seq"], json!(market.running.truth(0).len()));
}

#[tokio::test]
async fn a_sold_out_page_has_only_prices_of_other_offers() {
    let market = start(SimulatedSettings { page_kb: 0, ..SimulatedSettings::default() }).await;
    let listing = listing(Marketplace::Us, 0);
    market.running.set_availability(listing, Availability::OutOfStock);
    let page = market.page(listing).await;
    assert_eq!(page.price, None);
    assert_eq!(page.availability(), Availability::OutOfStock);
    assert!(!page.html.contains("add-to-cart-button") && !page.html.contains("sellerProfileTriggerId"));
    assert!(page.html.contains("usedPrice") && page.html.contains("sp_detail_carousel"));
}

#[tokio::test]
async fn an_invalid_command_is_rejected_with_the_name_of_its_field() {
    let market = start(SimulatedSettings::default()).await;
    for (body, field) in [
        (json!({"fail_next": {"count": 1, "fault": "fire"}}), "fail_next.fault"),
        (json!({"set_price": {"marketplace": "mars"}}), "set_price.marketplace"),
        (json!([1, 2]), "body"),
    ] {
        let response = market.control(body).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["field"], field);
    }
    assert_eq!(market.running.step(), 0);
}

//! Alerts: a rule is a sentence, and is played over the history before it is saved.

use amazon_tracker::domain::TenantId;
use serde_json::json;

use crate::daemon::expect;
use crate::fixture::{add_admin, add_products, still};
use crate::page::Page;

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_built_from_a_sentence_and_says_when_it_would_have_fired() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let channel = json!({ "kind": "webhook", "name": "Shop floor", "config": { "url": daemon.receiver.url() } });
    expect(201, daemon.post("/api/v1/channels", &channel)).await;
    let page = Page::open_as(&daemon, "jo", &format!("/alerts/new?product_id={product}")).await;
    page.see_line("price").await;
    page.push("Use the lowest price of 30 days: $50.00").await;
    page.see("It would have fired once in 90 days.").await;
    page.fill("Price", "60").await;
    page.until("it is drawn", "return document.querySelector('.plot').textContent.includes('$60.00')").await;
    page.push("Save").await;
    page.see("The alert is saved.").await;
    assert_eq!(page.path().await, "/alerts");
    page.see("$60.00").await;
    page.visit(&format!("/products/{product}")).await;
    page.see_line("price").await;
    page.until("the target is a line", "return document.querySelector('.plot').textContent.includes('$60.00')").await;
    page.end().await;
    daemon.end().await;
}

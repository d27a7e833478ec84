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

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_a_template_that_was_tried_and_is_told_when_another_channel_cannot_be() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let channel = json!({ "kind": "webhook", "name": "Shop floor", "config": { "url": daemon.receiver.url() } });
    expect(201, daemon.post("/api/v1/channels", &channel)).await;
    let page = Page::open_as(&daemon, "jo", "/alerts/channels").await;
    page.push("New channel").await;
    page.choose("Kind", "Webhook").await;
    page.fill("Name", "Till").await;
    page.fill("URL", &daemon.receiver.url()).await;
    page.fill("Body of your own (optional)", r#"{ "text": "{{ title }}" }"#).await;
    page.push("Preview").await;
    page.see("\"text\": \"").await;
    page.push("Save").await;
    page.see("Secret, shown only once").await;
    page.visit(&format!("/alerts/new?product_id={product}")).await;
    page.see("It would have fired").await;
    page.choose("If none of them could deliver, tell", "Till").await;
    page.choose("after", "1 hr").await;
    page.push("Save").await;
    page.see("The alert is saved.").await;
    let channels = expect(200, daemon.get("/api/v1/channels")).await;
    let till = channels["items"].as_array().unwrap().iter().find(|channel| channel["name"] == "Till").unwrap();
    let rules = expect(200, daemon.get("/api/v1/alerts")).await;
    assert_eq!(rules["items"][0]["fallback"], json!({ "channel": till["id"], "after_secs": 3600 }));
    page.end().await;
    daemon.end().await;
}

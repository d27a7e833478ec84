//! Sections of a product that follow from more than its price: who had the Buy Box, and what a model advises.

use amazon_tracker::domain::{Point, PointValue, Product, Series, TenantId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::daemon::{Daemon, Engine};
use crate::fixture::{add_admin, add_product, generous, history, still};
use crate::model_endpoint::{MODEL, ModelEndpoint};
use crate::page::Page;

/// A product whose Buy Box two sellers had, one after the other.
async fn product_of_two_sellers(daemon: &Daemon) -> Product {
    let now = Timestamp::now();
    let text = |series: Series, days: i64, text: &str| Point {
        key: series.into(),
        at: now - SignedDuration::from_hours(24 * days),
        value: Some(PointValue::Text(text.to_owned())),
    };
    let mut points = history(0, 90);
    for (days, id, name) in [(88, "A1ACME", "Acme"), (10, "A2BOLT", "Bolt")] {
        points.push(text(Series::SellerId, days, id));
        points.push(text(Series::Seller, days, name));
    }
    points.sort_by_key(|point| point.at);
    add_product(daemon, TenantId::BUILT_IN, 0, "Headphones", &points).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_tells_who_had_the_buy_box() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let id = product_of_two_sellers(&daemon).await.id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{id}")).await;
    page.see_line("price").await;
    page.eval("document.querySelector('[data-name=buy_box]').scrollIntoView()").await;
    page.until("their shares", "return [...document.querySelectorAll('.holder')].map((it) => it.firstChild.textContent).join() === 'Acme,Bolt'").await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_what_could_be_improved_and_its_advice_is_shown() {
    let suggestion = json!({
        "field": "price", "action": "investigate", "severity": "medium", "reason": "It is {f1}.", "evidence": ["f1"],
        "new_text": null
    });
    let endpoint = ModelEndpoint::start(json!({ "suggestions": [suggestion] }).to_string());
    let daemon = Daemon::start_with(Engine::Sqlite, |settings| {
        generous(settings);
        settings.advice = endpoint.settings();
    })
    .await;
    add_admin(&daemon, "jo").await;
    let id = daemon.watch(daemon.listing(0)).await["id"].as_str().unwrap().to_owned();
    // As if it had been crawled often, for two months.
    daemon.execute("UPDATE point SET at = at - 5184000000").await;
    daemon.execute("UPDATE listing SET state = json_set(state, '$.change_rate.comparisons', 30)").await;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{id}")).await;
    page.see_the("heading", "What the history says").await;
    page.eval("document.querySelector('[data-name=advice]').scrollIntoView()").await;
    page.push("Ask a model").await;
    page.see("Ask a model what could be improved?").await;
    page.push("Ask a model").await;
    page.see(&format!("By {MODEL}")).await;
    page.see("It is ").await;
    assert_eq!(endpoint.requests().len(), 1);
    page.end().await;
    daemon.end().await;
}

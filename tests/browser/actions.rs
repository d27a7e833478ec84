//! What users do with products, jobs and messages, pressed as they press it. What became of it is asked of the API.

use std::path::Path;

use amazon_tracker::domain::{Product, ProductId, Series, TenantId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect};
use crate::fixture::{add_admin, add_product, add_products, crawling, listing, point, still, usd};
use crate::page::Page;

/// Rows that a board reads at a time.
const ROWS: usize = 50;

impl Page {
    /// Chooses a file in the dialog.
    async fn attach(&self, path: &Path) {
        let input = json!({ "expression": "document.querySelector('dialog input[type=file]')" });
        let input = self.devtools("Runtime.evaluate", input).await["result"]["objectId"].clone();
        self.devtools("DOM.setFileInputFiles", json!({ "objectId": input, "files": [path] })).await;
    }
}

async fn product(daemon: &Daemon, id: ProductId) -> Value {
    expect(200, daemon.get(&format!("/api/v1/products/{id}"))).await
}

/// Waits until a field of each product has a value.
async fn all_have(daemon: &Daemon, products: &[Product], field: &str, value: &str) {
    for Product { id, .. } in products {
        daemon.eventually(&format!("/api/v1/products/{id}"), |product| product[field] == value).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_are_selected_are_changed_together() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let products = add_products(&daemon, TenantId::BUILT_IN, 3).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    page.see_rows(&["Product 0", "Product 1", "Product 2"]).await;
    page.press("j x j x").await;
    page.see("2 selected").await;
    page.push("Crawl frequency").await;
    page.choose("Crawl", "every 6 hours").await;
    page.push("Apply").await;
    all_have(&daemon, &products[..2], "frequency", "6h").await;
    page.push("Pause").await;
    all_have(&daemon, &products[..2], "status", "paused").await;
    page.push("Tags").await;
    page.fill("Add tags", "sale, toys").await;
    page.push("Apply").await;
    page.see("sale").await;
    assert_eq!(product(&daemon, products[1].id).await["tags"], json!(["sale", "toys"]));
    let other = product(&daemon, products[2].id).await;
    assert_eq!(
        (&other["frequency"], &other["status"], &other["tags"]),
        (&json!("daily"), &json!("active"), &json!(["even"]))
    );
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_changed_in_its_row() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let products = add_products(&daemon, TenantId::BUILT_IN, 2).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    page.see_rows(&["Product 0", "Product 1"]).await;
    page.press("j e").await;
    page.fill("Name", "Ours").await;
    page.fill("Tags, separated by commas", "toys, sale").await;
    page.choose("Crawl", "weekly").await;
    page.push("Save").await;
    page.see("Ours").await;
    let changed = product(&daemon, products[0].id).await;
    let expected = json!(["Ours", ["toys", "sale"], "weekly"]);
    assert_eq!(json!([changed["label"], changed["tags"], changed["frequency"]]), expected);
    page.press("e").await;
    page.fill("Name", "Theirs").await;
    page.press("Escape").await;
    page.see("Ours").await;
    assert_eq!(product(&daemon, products[0].id).await["label"], "Ours");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_undone_or_done_when_the_page_is_left() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let products = add_products(&daemon, TenantId::BUILT_IN, 2).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    let visible = |name: &str| {
        format!(
            "return [...document.querySelectorAll('main tr[data-id]:not([hidden]) a.name')].map((it) => it.textContent).join() === '{name}'"
        )
    };
    page.see_rows(&["Product 0", "Product 1"]).await;
    page.press("j x").await;
    page.push("Delete").await;
    page.until("it is hidden", &visible("Product 1")).await;
    page.push("Undo").await;
    page.until("it is back", &visible("Product 0,Product 1")).await;
    page.press("k x").await;
    page.see("1 selected").await;
    page.push("Delete").await;
    page.until("it is hidden", &visible("Product 1")).await;
    page.follow("Product 1").await;
    daemon.eventually_answers(404, &format!("/api/v1/products/{}", products[0].id)).await;
    expect(200, daemon.get(&format!("/api/v1/products/{}", products[1].id))).await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_could_be_undone_is_done_before_the_session_ends() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let products = add_products(&daemon, TenantId::BUILT_IN, 2).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    page.see_rows(&["Product 0", "Product 1"]).await;
    page.press("j x").await;
    page.push("Delete").await;
    page.see_the("button", "Undo").await;
    page.push("Sign out").await;
    page.see_the("button", "Sign in").await;
    daemon.eventually_answers(404, &format!("/api/v1/products/{}", products[0].id)).await;
    page.expect("/api/v1/users/me");
    page.reload().await;
    assert_eq!(page.path().await, "/sign-in", "the session has ended");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_products_that_match_are_changed_and_not_only_those_in_the_page() {
    const PRODUCTS: usize = 3 * ROWS;
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let now = Timestamp::now();
    let price = |hours: i64, minor: i64| point(Series::Price, now - SignedDuration::from_hours(hours), Some(minor));
    let mut at_low = Vec::new();
    for n in 0..PRODUCTS {
        let points = [price(48, 6_000), price(1, 5_000)];
        at_low.push(add_product(&daemon, TenantId::BUILT_IN, n, &format!("Low {n:03}"), &points).await);
    }
    let points = [price(48, 5_000), price(1, 6_000)];
    let other = add_product(&daemon, TenantId::BUILT_IN, PRODUCTS, "Other", &points).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title&at_low=true").await;
    page.see_the("button", &format!("{PRODUCTS} at their low")).await;
    page.see("Low 000").await;
    page.click("checkbox", "Select all shown").await;
    page.push(&format!("Select all {PRODUCTS} that match")).await;
    page.push("Pause").await;
    all_have(&daemon, &at_low, "status", "paused").await;
    assert_eq!(product(&daemon, other.id).await["status"], "active");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_edited_paused_and_deleted_on_its_page() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let products = add_products(&daemon, TenantId::BUILT_IN, 1).await;
    let id = products[0].id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{id}")).await;
    page.push("Edit").await;
    page.fill("Name", "Ours").await;
    page.push("Save").await;
    page.see_the("heading", "Ours").await;
    page.push("Pause").await;
    all_have(&daemon, &products, "status", "paused").await;
    page.push("Resume").await;
    all_have(&daemon, &products, "status", "active").await;
    page.push("Delete").await;
    page.see("Delete this product and its alert rules?").await;
    page.press("Escape").await;
    page.until("the question is gone", "return !document.querySelector('dialog')").await;
    expect(200, daemon.get(&format!("/api/v1/products/{id}"))).await;
    page.push("Delete").await;
    page.see_the("dialog", "Delete this product and its alert rules?").await;
    page.push("Delete").await;
    daemon.eventually_answers(404, &format!("/api/v1/products/{id}")).await;
    page.see("Track your first product").await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_products_is_imported_and_each_line_says_what_became_of_it() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("products.csv");
    std::fs::write(&file, format!("asin,label\n{},Ours\nnonsense,Theirs\n", listing(1).asin)).unwrap();
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.press("a").await;
    page.see_the("dialog", "Track products").await;
    page.attach(&file).await;
    page.push("Track").await;
    page.see("1 tracked, 0 already there, 1 failed, of 2").await;
    page.press("Escape").await;
    page.see_rows(&["Ours"]).await;
    page.visit("/work").await;
    page.see("Import products").await;
    page.push("Details").await;
    page.see("Failed items").await;
    page.see("nonsense").await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_and_begun_again() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 1).await;
    let batch = json!({ "listings": [listing(0).url()] });
    let job = expect(202, daemon.post("/api/v1/crawl/batch", &batch)).await;
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    let page = Page::open_as(&daemon, "jo", "/work").await;
    page.see("0 of 1").await;
    page.push("Cancel").await;
    daemon.eventually(&path, |job| job["status"] == "cancelled").await;
    page.push("Retry").await;
    daemon.eventually(&path, |job| job["status"] != "cancelled" && job["finished_at"].is_null()).await;
    page.see_the("button", "Cancel").await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_given_up_is_sent_again() {
    let daemon = crawling().await;
    add_admin(&daemon, "jo").await;
    daemon.simulated.set_price(daemon.listing(0), usd(5_000));
    let id = daemon.watch(daemon.listing(0)).await["id"].clone();
    daemon.receiver.answer_next(&[410]);
    let target = json!({ "amount_minor": 6_000, "currency": "USD" });
    let rule = json!({ "product_id": id, "kind": "price_at_or_below", "target": target, "webhook_url": daemon.receiver.url() });
    expect(201, daemon.post("/api/v1/alerts", &rule)).await;
    let delivery_is =
        |status: &'static str| move |events: &Value| events["items"][0]["deliveries"][0]["status"] == status;
    daemon.eventually("/api/v1/alerts/events", delivery_is("dead")).await;
    let page = Page::open_as(&daemon, "jo", "/alerts/activity?delivery=dead").await;
    page.push("Send again").await;
    daemon.eventually("/api/v1/alerts/events", delivery_is("delivered")).await;
    page.choose("Delivery", "any").await;
    page.see("delivered").await;
    page.end().await;
    daemon.end().await;
}

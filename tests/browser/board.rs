//! The board: rows, filters, the keyboard.

use amazon_tracker::domain::TenantId;
use serde_json::json;

use crate::fixture::{add_admin, add_products, still};
use crate::page::Page;

impl Page {
    /// The names of the products on the board, in their order.
    pub async fn rows(&self) -> Vec<String> {
        let names = self
            .eval("return [...document.querySelectorAll('main tr[data-id] a.name')].map((name) => name.textContent)")
            .await;
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the board has these rows.
    pub async fn see_rows(&self, names: &[&str]) {
        let script = format!(
            "return JSON.stringify([...document.querySelectorAll('main tr[data-id] a.name')].map((name) => name.textContent)) === JSON.stringify({})",
            json!(names)
        );
        self.until(&format!("the rows {names:?}"), &script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_shows_a_row_for_each_product() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 3).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    page.see_rows(&["Product 0", "Product 1", "Product 2"]).await;
    page.see_the("button", "3 tracked").await;
    for text in ["$50.00", "$100.10", "low", "In stock", "B000000002 · com", "even"] {
        page.see(text).await;
    }
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_filters_and_order_are_in_the_address_and_survive_a_reload() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 12).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=-title").await;
    page.press("/").await;
    assert_eq!(page.focused().await, ("searchbox".to_owned(), "Search products".to_owned()));
    page.write("Product 1").await;
    page.see_rows(&["Product 11", "Product 10", "Product 1"]).await;
    page.push("Price").await;
    page.see_rows(&["Product 10", "Product 1", "Product 11"]).await;
    page.push("Price").await;
    page.see_rows(&["Product 11", "Product 1", "Product 10"]).await;
    page.settled().await;
    assert_eq!(page.path().await, "/?sort=-price&text=Product+1");
    page.reload().await;
    page.see_rows(&["Product 11", "Product 1", "Product 10"]).await;
    assert_eq!(page.eval("return document.querySelector('[aria-sort]').ariaSort").await, "descending");
    page.push("6 at their low").await;
    page.see_rows(&["Product 10"]).await;
    page.reload().await;
    page.see_rows(&["Product 10"]).await;
    page.choose("Any stock", "Out of stock").await;
    page.see("No product fits these filters.").await;
    page.push("Clear the filters").await;
    page.until("all rows", "return document.querySelectorAll('main tr[data-id]').length === 12").await;
    assert_eq!(page.path().await, "/?sort=-price", "the order stays");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_moves_selects_and_tells_its_keys() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 3).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    page.see_rows(&["Product 0", "Product 1", "Product 2"]).await;
    page.press("j j j k x").await;
    page.see("1 selected").await;
    assert_eq!(page.eval(SELECTED).await, json!(["Product 1"]));
    page.press("k x").await;
    page.see("2 selected").await;
    assert_eq!(page.eval(SELECTED).await, json!(["Product 0", "Product 1"]));
    page.press("x").await;
    page.see("1 selected").await;
    page.press("?").await;
    page.see_the("dialog", "Keys").await;
    for does in ["Next product", "Previous product", "Select the product", "Search", "Show the keys"] {
        page.see(does).await;
    }
    page.press("j").await;
    assert_eq!(page.focused().await.1, "Close", "keys of the page do nothing while a dialog is open");
    page.press("Escape").await;
    page.see_no("Show the keys").await;
    page.end().await;
    daemon.end().await;
}

const SELECTED: &str = "return [...document.querySelectorAll('main tr[data-id]')].filter((row) => row.querySelector('input[type=checkbox]').checked)\
     .map((row) => row.querySelector('a.name').textContent)";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_to_the_product_and_back_leads_to_the_board_as_it_was() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 3).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=-title").await;
    page.follow("Product 1").await;
    page.see_the("heading", "Product 1").await;
    page.go_back().await;
    page.see_rows(&["Product 2", "Product 1", "Product 0"]).await;
    assert_eq!(page.path().await, "/?sort=-title");
    page.end().await;
    daemon.end().await;
}

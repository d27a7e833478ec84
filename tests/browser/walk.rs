//! A walk through the dashboard without a mouse.

use amazon_tracker::domain::TenantId;

use crate::fixture::{PASSWORD, add_admin, add_products, still};
use crate::page::Page;

impl Page {
    /// The focus is where the user can see it.
    async fn shows_its_focus(&self) {
        let script = "const style = getComputedStyle(document.activeElement); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2";
        self.until("the focus is seen", script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_from_the_sign_in_to_the_chart_of_a_product_is_done_with_the_keyboard() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 3).await;
    let page = Page::open(&daemon, "/?sort=title").await;
    page.until("the first field has the focus", "return document.activeElement.name === 'email'").await;
    page.write("jo@example.com").await;
    page.tab_to("textbox", "Password").await;
    page.shows_its_focus().await;
    page.write(PASSWORD).await;
    page.tab_to("button", "Sign in").await;
    page.shows_its_focus().await;
    page.press("Enter").await;
    page.see_rows(&["Product 0", "Product 1", "Product 2"]).await;
    page.settled().await;
    // By Tab, then by the keys of the page.
    page.tab_to("link", "Product 1").await;
    page.shows_its_focus().await;
    page.press("j").await;
    assert_eq!(page.focused().await, ("link".to_owned(), "Product 2".to_owned()));
    page.press("Enter").await;
    page.see_the("heading", "Product 2").await;
    page.see_line("price").await;
    page.tab_to("image", &chart_name(&page).await).await;
    page.shows_its_focus().await;
    page.press("ArrowRight").await;
    page.until("it speaks", "return document.getElementById('said').textContent.includes('Price')").await;
    page.press("b").await;
    page.see_the("heading", "Products").await;
    page.press("a").await;
    page.see_the("dialog", "Track products").await;
    assert!(page.eval("return document.querySelector('dialog[open]').contains(document.activeElement)").await == true);
    page.press("Escape").await;
    page.until("the dialog is gone", "return !document.querySelector('dialog')").await;
    page.tab_to("button", "Sign out").await;
    page.press("Enter").await;
    page.see_the("button", "Sign in").await;
    page.end().await;
    daemon.end().await;
}

async fn chart_name(page: &Page) -> String {
    page.eval("return document.querySelector('.plot').ariaLabel ?? document.querySelector('.plot').getAttribute('aria-label')").await.as_str().unwrap().to_owned()
}

/// The link at the beginning leads past the navigation.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_leads_to_the_content() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.reload().await;
    page.tab_to("link", "Skip to content").await;
    page.press("Enter").await;
    page.until("the content has the focus", "return document.activeElement.localName === 'main'").await;
    page.end().await;
    daemon.end().await;
}

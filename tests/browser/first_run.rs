//! The first minutes, from an empty store on: a link that sets the installation up, a first product, and an alert about it.

use std::time::Duration;

use amazon_tracker::auth::{OpaqueToken, TokenKind};
use amazon_tracker::domain::{LinkPurpose, TenantId};
use amazon_tracker::store::{LinkFacts, NewLink};

use crate::daemon::Daemon;
use crate::fixture::{PASSWORD, add_admin, crawling, usd};
use crate::page::Page;

/// The path of a link as the daemon prints it when it has no users.
async fn set_up_link(daemon: &Daemon) -> String {
    // The user of the tests' own key does not count.
    daemon.execute("UPDATE tenant_user SET role = 'user'").await;
    let token = OpaqueToken::new(TokenKind::Link);
    let link = NewLink {
        hash: token.hash(),
        purpose: LinkPurpose::SetUp,
        tenant_id: TenantId::BUILT_IN,
        user_id: None,
        facts: LinkFacts::default(),
        lasts: Duration::from_secs(3600),
        mail: None,
    };
    let store = daemon.store().await;
    store.add_link(link, u32::MAX).await.unwrap();
    store.close().await;
    format!("/auth/set-up#token={}", token.reveal())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_link_of_an_empty_store_to_a_row_that_fills_and_an_alert_about_it() {
    let daemon = crawling().await;
    let listing = daemon.listing(0);
    daemon.simulated.set_price(listing, usd(34_999));
    let page = Page::open(&daemon, &set_up_link(&daemon).await).await;
    page.fill("Name", "Jo").await;
    page.fill("E-mail", "jo@example.com").await;
    page.until("its field is there", "return document.querySelector('[name=password]').focus() ?? true").await;
    page.write(PASSWORD).await;
    page.push("Create user").await;
    page.see("Track your first product").await;
    page.fill("Link or ASIN", &format!("https://www.amazon.com/dp/{}?ref=mail", listing.asin)).await;
    page.push("Track").await;
    page.see_the("button", "1 tracked").await;
    page.see("$349.99").await;
    page.fill("E-mail address or webhook", &daemon.receiver.url()).await;
    page.push("Send a test").await;
    page.see("A test message was sent.").await;
    page.push("Save the alert").await;
    page.see("You will be told when the price is reached.").await;
    page.see_rows(&[&title(&page).await]).await;
    page.reload().await;
    page.see_the("button", "1 tracked").await;
    page.visit("/alerts").await;
    page.see("$349.99").await;
    page.end().await;
    daemon.end().await;
}

async fn title(page: &Page) -> String {
    page.rows().await.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_are_added_at_once_and_each_says_what_became_of_it() {
    let daemon = crawling().await;
    add_admin(&daemon, "jo").await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.press("a").await;
    page.see_the("dialog", "Track products").await;
    let lines = format!("https://www.amazon.com/dp/{}\n{}\nnonsense", daemon.listing(0).asin, daemon.listing(1).asin);
    page.fill("Links or ASINs, one on each line", &lines).await;
    page.push("Track").await;
    page.see("2 tracked, 0 already there, 1 failed, of 3").await;
    page.see("nonsense – ").await;
    page.press("Escape").await;
    page.see_the("button", "2 tracked").await;
    page.end().await;
    daemon.end().await;
}

//! The first minutes: an empty board explains itself.

use crate::fixture::{add_admin, crawling, usd};
use crate::page::Page;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_board_explains_itself_and_a_link_that_is_pasted_becomes_a_row_that_fills() {
    let daemon = crawling().await;
    add_admin(&daemon, "jo").await;
    let listing = daemon.listing(0);
    daemon.simulated.set_price(listing, usd(34_999));
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.see("Nothing is tracked yet.").await;
    page.press("a").await;
    page.see_the("dialog", "Track products").await;
    page.fill(
        "Links or ASINs",
        &format!("https://www.amazon.com/dp/{}?ref=mail\nhttps://example.com/nothing", listing.asin),
    )
    .await;
    // Of two lines one is refused, and stays to be corrected.
    page.expect("422");
    page.push("Track").await;
    page.see("https://example.com/nothing – ").await;
    assert!(page.eval("return document.querySelector('dialog textarea').value").await == "https://example.com/nothing");
    page.press("Escape").await;
    page.see_the("button", "1 tracked").await;
    page.see("$349.99").await;
    page.see("Aurora").await;
    page.end().await;
    daemon.end().await;
}

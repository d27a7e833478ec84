//! What changes while a page is open: values, the daemon, the session.

use amazon_tracker::domain::Listing;
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, expect};
use crate::fixture::{PASSWORD, add_admin, crawling, usd};
use crate::page::Page;

/// Two products with a price each, and who looks at them.
async fn two_products() -> (Daemon, [Value; 2]) {
    let daemon = crawling().await;
    add_admin(&daemon, "jo").await;
    let [first, second] = [listing(&daemon, 0), listing(&daemon, 1)];
    daemon.simulated.set_price(first, usd(34_999));
    daemon.simulated.set_price(second, usd(19_999));
    let products = [daemon.watch(first).await, daemon.watch(second).await];
    (daemon, products)
}

fn listing(daemon: &Daemon, n: usize) -> Listing {
    daemon.listing(n)
}

impl Page {
    /// Waits until the page is connected to the events.
    async fn is_live(&self) {
        self.until("it is live", "return document.querySelector('.live')?.dataset.state === 'live'").await;
    }

    /// Each product has one row.
    async fn shows_each_product_once(&self, count: usize) {
        let rows = self.rows().await;
        let mut names = rows.clone();
        names.sort_unstable();
        names.dedup();
        assert_eq!((rows.len(), names.len()), (count, count), "{rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_appears_on_the_board_and_the_page_of_the_product_without_a_reload() {
    let (daemon, [product, _]) = two_products().await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.see("$349.99").await;
    page.is_live().await;
    page.eval("window.isTheSamePage = true").await;
    daemon.simulated.set_price(listing(&daemon, 0), usd(33_333));
    daemon.check_now(&product["id"]).await;
    page.see("$333.33").await;
    page.see_no("$349.99").await;
    page.shows_each_product_once(2).await;
    page.visit(&format!("/products/{}", product["id"].as_str().unwrap())).await;
    page.see("$333.33").await;
    page.eval("window.isTheSamePage = true").await;
    daemon.simulated.set_price(listing(&daemon, 0), usd(32_222));
    daemon.check_now(&product["id"]).await;
    page.see("$322.22").await;
    assert_eq!(page.eval("return window.isTheSamePage").await, true);
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_by_itself_when_the_daemon_was_restarted_and_shows_nothing_twice() {
    let (mut daemon, [product, other]) = two_products().await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.is_live().await;
    page.eval("window.isTheSamePage = true").await;
    // While it is away, requests fail.
    page.expect("net::ERR_");
    page.expect("503");
    daemon.stop().await;
    page.until("it has noticed", "return document.querySelector('.live').dataset.state !== 'live'").await;
    daemon.start_again().await;
    page.is_live().await;
    for (n, product) in [product, other].iter().enumerate() {
        daemon.simulated.set_price(listing(&daemon, n), usd(11_111 * (1 + n as i64)));
        daemon.check_now(&product["id"]).await;
    }
    page.see("$111.11").await;
    page.see("$222.22").await;
    page.shows_each_product_once(2).await;
    assert_eq!(page.eval("return window.isTheSamePage").await, true);
    page.end().await;
    daemon.end().await;
}

/// A browser has six connections to a host, and a stream keeps one of them.
#[tokio::test(flavor = "multi_thread")]
async fn seven_tabs_load_and_each_is_live_when_it_is_seen() {
    const TABS: usize = 7;
    let (daemon, [product, _]) = two_products().await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    for _ in 1..TABS {
        page.open_tab("/").await;
        page.is_live().await;
        page.shows_each_product_once(2).await;
    }
    daemon.simulated.set_price(listing(&daemon, 0), usd(31_111));
    daemon.check_now(&product["id"]).await;
    for tab in 0..TABS {
        page.to_tab(tab).await;
        page.see("$311.11").await;
        page.is_live().await;
        page.shows_each_product_once(2).await;
    }
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_elsewhere_ends_here() {
    let (daemon, _) = two_products().await;
    let page = Page::open_as(&daemon, "jo", "/?sort=title").await;
    page.is_live().await;
    // The tab beside it signs out.
    page.open_tab("/").await;
    page.expect("401");
    page.push("Sign out").await;
    page.see_the("button", "Sign in").await;
    page.to_tab(0).await;
    page.see_the("button", "Sign in").await;
    // Another device ends all sessions, while the page is seen.
    page.sign_in("jo").await;
    assert_eq!(page.path().await, "/?sort=title", "it comes back to where it was");
    page.is_live().await;
    page.expect("401");
    let login = json!({ "email": "jo@example.com", "password": PASSWORD });
    let tokens = expect(200, daemon.request(Method::POST, "/api/v1/auth/login").json(&login)).await;
    let all = daemon.request(Method::POST, "/api/v1/auth/logout-everywhere");
    expect(204, all.bearer_auth(tokens["access_token"].as_str().unwrap())).await;
    page.see_the("button", "Sign in").await;
    page.see_no("$349.99").await;
    page.end().await;
    daemon.end().await;
}

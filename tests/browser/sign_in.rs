//! Signing in, and the end of it.

use crate::fixture::{add_admin, add_products, still};
use crate::page::Page;
use amazon_tracker::domain::TenantId;

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_with_the_right_password_only() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let page = Page::open(&daemon, "/").await;
    assert_eq!(page.path().await, "/sign-in");
    page.expect("/api/v1/auth/session - Failed to load resource: the server responded with a status of 401");
    page.fill("E-mail", "jo@example.com").await;
    page.fill("Password", "a wrong password").await;
    page.push("Sign in").await;
    page.see("invalid credentials").await;
    assert_eq!(page.path().await, "/sign-in");
    page.sign_in("jo").await;
    page.reload().await;
    assert_eq!(page.path().await, "/", "a reload does not end the session");
    page.see("jo@example.com").await;
    page.push("Sign out").await;
    page.see_the("button", "Sign in").await;
    page.expect("/api/v1/users/me");
    page.visit("/").await;
    assert_eq!(page.path().await, "/sign-in", "the session has ended");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_sign_in_comes_to_the_page_that_they_wanted() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let page = Page::open(&daemon, &format!("/products/{product}?range=30d")).await;
    assert_eq!(page.path().await, "/sign-in");
    page.sign_in("jo").await;
    page.see_the("heading", "Product 0").await;
    assert_eq!(page.path().await, format!("/products/{product}?range=30d"));
    page.end().await;
    daemon.end().await;
}

/// Such a page has no clipboard, no locks and no `crypto.subtle`, and its browser drops cookies with `Secure`.
#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_works_on_plain_http_in_a_local_network() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let base = format!("http://{}", daemon.address().replace("127.0.0.1", "tracker.lan"));
    let page = Page::open_at(base, "/sign-in").await;
    assert_eq!(page.eval("return isSecureContext").await, false);
    page.sign_in("jo").await;
    page.see_rows(&["Product 0"]).await;
    page.visit(&format!("/products/{product}")).await;
    page.see_line("price").await;
    page.push("Share").await;
    page.push("Create link").await;
    page.push("Copy").await;
    page.see_the("button", "Copied").await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_signed_in_can_try_the_api_in_its_documentation() {
    const OPERATION: &str = "document.querySelector('[id^=operations-][id$=-get_users_me]')";
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    page.eval("location.assign('/docs/')").await;
    page.until("its operations", &format!("return {OPERATION} !== null")).await;
    for (what, button) in
        [("it opens", ".opblock-summary-control"), ("it can be tried", ".try-out__btn"), ("it is sent", ".execute")]
    {
        let press =
            format!("const button = {OPERATION}.querySelector('{button}'); button?.click(); return button !== null");
        page.until(what, &press).await;
    }
    let status = format!(
        "return {OPERATION}.querySelector('.live-responses-table tbody .response-col_status')?.textContent.includes('200')"
    );
    page.until("the answer", &status).await;
    page.see("jo@example.com").await;
    page.end().await;
    daemon.end().await;
}

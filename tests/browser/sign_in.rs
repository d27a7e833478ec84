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

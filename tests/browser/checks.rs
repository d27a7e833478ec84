//! The checks of these tests find what they look for.

use amazon_tracker::domain::TenantId;

use crate::fixture::{add_admin, add_products, still};
use crate::page::Page;

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_is_planted_is_found() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    add_products(&daemon, TenantId::BUILT_IN, 1).await;
    let page = Page::open_as(&daemon, "jo", "/").await;
    assert_eq!(page.faults().await, [] as [String; 0]);
    assert_eq!(page.unnamed().await, [] as [String; 0]);
    for (plant, found) in [
        ("it.textContent = 'board.not_there'", "has the text board.not_there"),
        ("it.textContent = '{count} products'", "has the text {count}"),
        ("it.title = String(undefined)", "has the text undefined"),
        ("it.append(document.createElement('h1'))", "2 headings h1"),
        ("it.append(Object.assign(document.createElement('h5'), { textContent: 'Deep' }))", "skips a level"),
        ("it.id = 'main'", "the id main"),
        ("it.textContent = 'w'.repeat(900)", "scrolls sideways"),
    ] {
        page.eval(&format!("const it = document.createElement('p'); it.className = 'planted'; {plant}; document.querySelector('main').append(it)")).await;
        let faults = page.faults().await;
        assert!(faults.iter().any(|fault| fault.contains(found)), "{plant}: {faults:?}");
        page.eval("document.querySelector('.planted').remove()").await;
    }
    page.eval("document.querySelector('main').append(document.createElement('button'))").await;
    let unnamed = page.unnamed().await;
    assert!(unnamed.iter().any(|text| text.starts_with("a button without a name: <button>")), "{unnamed:?}");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_on_the_console_and_what_the_policy_forbids_are_seen() {
    let daemon = still().await;
    let page = Page::open(&daemon, "/sign-in").await;
    assert_eq!(page.errors().await, [] as [String; 0], "but that nobody has signed in");
    for (act, told) in [
        ("setTimeout(() => { throw new Error('on purpose') })", "on purpose"),
        ("Promise.reject(new Error('promised'))", "promised"),
        ("fetch('/api/v1/nothing')", "404"),
        ("fetch('http://elsewhere.example/').catch(() => {})", "the policy forbids connect-src"),
        ("document.body.setAttribute('style', 'color: red')", "the policy forbids style-src-attr"),
        (
            "try { document.createElement('p').innerHTML = 'made of text' } catch {}",
            "the policy forbids require-trusted-types-for",
        ),
    ] {
        page.eval(act).await;
        page.errors_contain(told).await;
    }
    page.end().await;
    daemon.end().await;
}

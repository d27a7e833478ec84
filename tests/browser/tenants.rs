//! Two tenants on one daemon.

use crate::fixture::{add_product, add_tenant, history, still};
use crate::page::Page;

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_in_two_profiles_never_see_each_other_s_products() {
    let daemon = still().await;
    let (ann, bob) = (add_tenant(&daemon, "ann").await, add_tenant(&daemon, "bob").await);
    let lamp = add_product(&daemon, ann, 1, "A lamp", &history(1, 30)).await.id;
    let kettle = add_product(&daemon, bob, 2, "A kettle", &history(2, 30)).await.id;
    let anns = Page::open_as(&daemon, "ann", "/").await;
    let bobs = Page::open_as(&daemon, "bob", "/").await;
    for (page, own, other, id) in [(&anns, "A lamp", "A kettle", kettle), (&bobs, "A kettle", "A lamp", lamp)] {
        page.see_rows(&[own]).await;
        page.see_the("button", "1 tracked").await;
        page.visit(&format!("/?text={}", other.replace(' ', "+"))).await;
        page.see("No product fits these filters.").await;
        // A link that somebody of the other tenant has sent.
        page.expect("404");
        page.visit(&format!("/products/{id}")).await;
        page.see("no such product").await;
        page.see_no(other).await;
    }
    anns.end().await;
    bobs.end().await;
    daemon.end().await;
}

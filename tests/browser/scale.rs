//! Many products, and a long history. How long it takes is measured by `make bench only=dashboard`.

use amazon_tracker::domain::{Series, TenantId};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use crate::daemon::{Daemon, expect};
use crate::fixture::{add_admin, add_product, listing, point, still};
use crate::page::Page;

/// Adds products by a file, which takes less time than one by one: `Product 0000`, `Product 0001`, …
async fn import(daemon: &Daemon, products: usize) {
    let line = |n: usize| format!("{},Product {n:04}\n", listing(n).asin);
    let file: String = std::iter::once("asin,label\n".to_owned()).chain((0..products).map(line)).collect();
    let upload = daemon.request(Method::POST, "/api/v1/products/import?marketplace=com").bearer_auth(&daemon.key);
    let job = expect(202, upload.header("content-type", "text/csv").body(file)).await;
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    let job = daemon.eventually(&path, |job| !job["finished_at"].is_null()).await;
    assert_eq!(job["progress"]["done"], products, "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_of_5000_products_has_few_rows_in_the_page() {
    const PRODUCTS: usize = 5_000;
    const MOST_ROWS: u64 = 300;
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    import(&daemon, PRODUCTS).await;
    let page = Page::open_as(&daemon, "jo", "/?sort=-title").await;
    page.see_the("button", "5,000 tracked").await;
    page.see("Product 4999").await;
    for _ in 0..3 {
        page.eval("scrollTo(0, document.body.scrollHeight)").await;
        page.settled().await;
        let rows = page.eval("return document.querySelectorAll('main tr[data-id]').length").await;
        assert!(rows.as_u64() < Some(MOST_ROWS), "{rows}");
    }
    // What is not in the page is found.
    page.press("/").await;
    page.write("Product 17").await;
    page.see("Product 1799").await;
    page.see_no("Product 4999").await;
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_years_of_points_are_drawn_thinned_and_keep_the_low_of_an_hour() {
    const HOURS: i64 = 5 * 365 * 24;
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let now = Timestamp::now();
    let mut points = Vec::new();
    for hour in (1..HOURS).rev() {
        let at = now - SignedDuration::from_hours(hour);
        points.push(point(Series::SalesRank, at, Some(1_000 + hour * 91 % 3_000)));
        if hour % 4 == 0 {
            points.push(point(Series::Price, at, Some(20_000 + hour * 37 % 1_700)));
        }
        if hour == 9_001 {
            points.push(point(Series::Price, at, Some(9_999)));
        }
    }
    let product = add_product(&daemon, TenantId::BUILT_IN, 1, "A lamp", &points).await.id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{product}?range=all")).await;
    page.see_line("price").await;
    page.see_line("sales_rank").await;
    let steps = page.eval("return [...document.querySelectorAll('.plot path.line')].map((line) => line.getAttribute('d').split('H').length)").await;
    for steps in steps.as_array().unwrap() {
        assert!((1_000..10_000).contains(&steps.as_u64().unwrap()), "{steps} steps on a screen of 1,200 pixels");
    }
    // The price of one hour in five years.
    page.see("$99.99").await;
    page.end().await;
    daemon.end().await;
}

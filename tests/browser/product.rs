//! The page of a product: what its price means, and the chart.

use amazon_tracker::domain::TenantId;

use serde_json::{Value, json};

use crate::fixture::{add_admin, add_products, still};
use crate::page::Page;

impl Page {
    /// Waits until a line of the chart is drawn.
    pub async fn see_line(&self, series: &str) {
        let script =
            format!("return document.querySelector('.plot path.line.{series}')?.getAttribute('d').length > 20");
        self.until(&format!("the line {series}"), &script).await;
    }

    /// Shows the chart; returns the place of a share of its width.
    async fn plot(&self) -> impl Fn(f64) -> (f64, f64) + use<> {
        self.eval("document.querySelector('.plot').scrollIntoView({ block: 'center' })").await;
        let shape = self.eval("const box = document.querySelector('.plot').getBoundingClientRect(); return [box.left, box.top, box.width, box.height]").await;
        let [left, top, width, height] = [0, 1, 2, 3].map(|at| shape[at].as_f64().unwrap());
        move |share| (left + width * share, top + height * 0.5)
    }

    /// The fingers on the screen are at these places from now on.
    async fn touch(&self, kind: &str, fingers: &[(f64, f64)]) {
        let touch = |(id, (x, y)): (usize, &(f64, f64))| json!({ "x": x, "y": y, "id": id });
        let points: Vec<Value> = fingers.iter().enumerate().map(touch).collect();
        self.devtools("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points })).await;
    }

    /// What was said last to screen readers.
    pub async fn said(&self) -> String {
        self.eval("return document.getElementById('said').textContent").await.as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_product_says_what_its_price_means_and_draws_its_history() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{product}")).await;
    page.see_the("heading", "Product 0").await;
    page.see("The lowest price so far.").await;
    page.see("$50.00").await;
    page.see("In stock").await;
    page.see_line("price").await;
    page.see_line("sales_rank").await;
    assert!(
        page.eval("return document.querySelectorAll('.plot [fill=\"url(#hatch)\"]').length").await.as_u64() > Some(0),
        "the gap is hatched"
    );
    page.push("7 days").await;
    page.settled().await;
    assert_eq!(page.path().await, format!("/products/{product}?range=7d"));
    page.reload().await;
    page.see_line("price").await;
    assert_eq!(page.eval("return document.querySelector('.ranges [aria-pressed=true]').textContent").await, "7 days");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_is_read_with_the_arrow_keys_and_as_a_table() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{product}")).await;
    page.see_line("price").await;
    page.eval("document.querySelector('.plot').focus()").await;
    page.press("End").await;
    page.until(
        "the newest price is spoken",
        "return document.getElementById('said').textContent.includes('Price: $50.00')",
    )
    .await;
    let last = page.said().await;
    page.press("ArrowLeft").await;
    page.until("it moves", "return document.querySelectorAll('.crosshair line').length === 1").await;
    assert_ne!(page.said().await, last);
    page.press("ArrowRight Escape").await;
    page.until("it is gone", "return document.querySelectorAll('.crosshair line').length === 0").await;
    page.press("t").await;
    page.see_the("columnheader", "Time").await;
    let rows = page.eval("return document.querySelectorAll('figure.chart details tbody tr').length").await;
    assert!(rows.as_u64() > Some(100), "{rows}");
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_chart_is_looked_at_closely_with_the_mouse() {
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{product}")).await;
    page.see_line("price").await;
    let whole = page.eval(LINE).await;
    let at = page.plot().await;
    page.drag(at(0.4), at(0.6)).await;
    page.until("it shows a part", &format!("{LINE} !== {whole}")).await;
    page.settled().await;
    assert!(page.path().await.contains("from="), "the part is in the address");
    page.push("Reset").await;
    page.until(
        "it shows all",
        "return document.querySelector('.ranges [aria-pressed=true]')?.textContent === '90 days'",
    )
    .await;
    page.settled().await;
    assert_eq!(page.path().await, format!("/products/{product}"));
    page.end().await;
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finger_reads_the_chart_and_two_choose_a_part() {
    const IS_READ: &str = "return document.querySelectorAll('.crosshair line').length === 1";
    let daemon = still().await;
    add_admin(&daemon, "jo").await;
    let product = add_products(&daemon, TenantId::BUILT_IN, 1).await[0].id;
    let page = Page::open_as(&daemon, "jo", &format!("/products/{product}")).await;
    page.see_line("price").await;
    let at = page.plot().await;
    page.touch("touchStart", &[at(0.3)]).await;
    page.until("it is read", IS_READ).await;
    let place = "return document.querySelector('.crosshair line').getAttribute('x1')";
    let first = page.eval(place).await;
    page.touch("touchMove", &[at(0.5)]).await;
    page.until("it follows", &format!("{place} !== {first}")).await;
    page.touch("touchEnd", &[]).await;
    page.until("it stays", IS_READ).await;
    assert_eq!(page.path().await, format!("/products/{product}"), "one finger chooses nothing");
    page.touch("touchStart", &[at(0.4)]).await;
    page.touch("touchStart", &[at(0.4), at(0.6)]).await;
    page.touch("touchEnd", &[]).await;
    page.until("it shows a part", "return location.search.includes('from=')").await;
    page.end().await;
    daemon.end().await;
}

const LINE: &str = "return document.querySelector('.plot path.line.price').getAttribute('d')";

//! The dashboard in Chromium: what its first load costs, how fast it draws, and what the answers cost that it is made of.
//!
//! The sizes of others are published: changedetection.io serves 476 KB of scripts (its source of mid-2026), and Uptime Kuma needs 1.3 MB
//! before a new user sees a status page (louislam/uptime-kuma#1711).

use std::time::{Duration, Instant};

use amazon_tracker::chart::{ChartLanguage, PriceChart, Size, Theme};
use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::{
    Currency, Frequency, Listing, ListingState, Marketplace, Point, ProductId, ProductSettings, ProductStatus, Series,
    TenantId,
};
use amazon_tracker::store::{NewProduct, StoreClock, open};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};

use crate::api::{EMAIL, PASSWORD, Process, fill, point};
use crate::table::{Table, Target, median, per_second};
use crate::webdriver::{Browser, Driver, PATIENCE};

const CHANGEDETECTION_SCRIPT_KB: f64 = 476.0;
const UPTIME_KUMA_LOAD_KB: f64 = 1_300.0;
const PRODUCTS: u32 = 5_000;
const FIRST_PRODUCTS: u32 = 200;
const ROUNDS: usize = 5;
const DAYS: i64 = 5 * 365;
/// The width of the chart on a screen of 1,200 pixels.
const COLUMNS: usize = 1_000;

/// Tells when the first row is there. Runs before the scripts of the page.
const WATCH: &str = "new MutationObserver((_, observer) => {
    if (!document.querySelector('main tr[data-id]')) return;
    observer.disconnect();
    window.firstRowMillis = performance.now();
}).observe(document, { childList: true, subtree: true });";

/// What a load consisted of: bytes that were sent and what they are without compression, of all and of scripts; requests.
const LOAD: &str = "const parts = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const sum = (parts, of) => parts.reduce((sum, part) => sum + part[of], 0);
    const scripts = parts.filter(({ name }) => name.endsWith('.js'));
    return [sum(parts, 'transferSize') / 1000, sum(parts, 'decodedBodySize') / 1000, sum(scripts, 'decodedBodySize') / 1000, parts.length];";

/// Frames in a second while a page scrolls up and down.
const FRAMES: &str = "return new Promise((resolve) => {
    const began = performance.now();
    let frames = 0;
    const next = (now) => {
      frames += 1;
      scrollTo(0, Math.abs(((now - began) % 2000) - 1000));
      now - began < 3000 ? requestAnimationFrame(next) : resolve(frames / ((now - began) / 1000));
    };
    requestAnimationFrame(next);
  });";

/// Milliseconds until the chart of some data is laid out. Arguments: its module, the path of the data.
const DRAW: &str = "return (async (module, path) => {
    const { Chart } = await import(module);
    const data = await (await fetch(path)).json();
    const chart = new Chart({});
    document.querySelector('main').append(chart.element);
    const began = performance.now();
    chart.update(data);
    chart.plot.getBBox();
    const millis = performance.now() - began;
    chart.end();
    chart.element.remove();
    return millis;
  })(...arguments);";

/// Measures everything.
pub fn run(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(table));
}

async fn measure(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let (key, product) = fill(&url, five_years()).await;
    add_first_products(&url).await;
    let daemon = Process::daemon_with(&url, &[("TRACKER__SERVER__ROLES", r#"["api", "scheduler"]"#)]).await;
    let api = Api { client: Client::new(), base: format!("http://{}", daemon.address), key };
    import_others(&api).await;
    answers(table, &api, product).await;
    pictures(table);
    let browser = Driver::shared().await.browser().await;
    sign_in(&browser, &api.base).await;
    first_load(table, &browser, &api.base).await;
    drawing(table, &browser, &api.base, product).await;
}

/// A session of the API.
struct Api {
    client: Client,
    base: String,
    key: String,
}

impl Api {
    /// The size of an answer, and the milliseconds until it is there: the median of some. Answers are kept for a second, so each request
    /// has a path of its own.
    async fn get(&self, path: impl Fn(usize) -> String) -> (f64, f64) {
        let (mut bytes, mut millis) = (0, Vec::new());
        for round in 0..ROUNDS {
            let request = self.client.get(format!("{}/api/v1{}", self.base, path(round))).bearer_auth(&self.key);
            let began_at = Instant::now();
            let answer = request.send().await.unwrap().error_for_status().unwrap();
            bytes = answer.bytes().await.unwrap().len();
            millis.push(began_at.elapsed().as_secs_f64() * 1e3);
        }
        (bytes as f64 / 1000.0, median(millis))
    }
}

/// A board is one request instead of one for each row, and a chart is thinned.
async fn answers(table: &mut Table, api: &Api, product: ProductId) {
    const ORDERS: [&str; ROUNDS] = ["title", "-title", "price", "-price", "rank"];
    let (_, board_ms) = api.get(|round| format!("/board?limit=50&sort={}", ORDERS[round])).await;
    let (_, row_ms) = api.get(|round| format!("/products/{product}/chart?range=30d&columns={}", 60 + round)).await;
    table.add("board of 50 rows", "ms", board_ms, ("50 charts of a row", 50.0 * row_ms), Target::AtMost(0.5));
    let all = |columns| format!("/products/{product}/chart?range=all&columns={columns}");
    let (thinned_kb, thinned_ms) = api.get(|round| all(COLUMNS + round)).await;
    let (whole_kb, whole_ms) = whole_history(api, product).await;
    table.add("chart of five years", "kB", thinned_kb, ("all points", whole_kb), Target::AtMost(0.1));
    table.add("chart of five years", "ms", thinned_ms, ("all points", whole_ms), Target::AtMost(1.0));
}

/// The size of all points of a history, page by page, and the milliseconds until they are there.
async fn whole_history(api: &Api, product: ProductId) -> (f64, f64) {
    let began_at = Instant::now();
    let (mut bytes, mut from) = (0, String::new());
    loop {
        let url = format!("{}/api/v1/products/{product}/history?series=price,sales_rank&limit=2500{from}", api.base);
        let answer = api.client.get(url).bearer_auth(&api.key).send().await.unwrap().error_for_status().unwrap();
        let body = answer.bytes().await.unwrap();
        bytes += body.len();
        let page: Value = serde_json::from_slice(&body).unwrap();
        match page["next_from"].as_str() {
            Some(next) => from = format!("&from={next}"),
            None => return (bytes as f64 / 1000.0, began_at.elapsed().as_secs_f64() * 1e3),
        }
    }
}

/// Charts as PNG.
fn pictures(table: &mut Table) {
    const PICTURES: usize = 50;
    const LIMIT_PER_SECOND: f64 = 50.0;
    let points: Vec<Point> = five_years().into_iter().filter(|point| point.key.series == Series::Price).collect();
    let to = Timestamp::now();
    let chart = PriceChart {
        points: &points,
        gaps: &[],
        beside: &[],
        ranks: &[],
        target: None,
        currency: Currency::Usd,
        from: to - SignedDuration::from_hours(24 * 90),
        to,
        zone: TimeZone::UTC,
        title: "Headphones",
        theme: Theme::Light,
        size: Size::new(800, 400).unwrap(),
        from_zero: false,
        language: ChartLanguage::default(),
    };
    chart.png(1.0).unwrap();
    let began_at = Instant::now();
    (0..PICTURES).for_each(|_| assert!(!chart.png(1.0).unwrap().is_empty()));
    let rate = per_second(PICTURES, began_at.elapsed());
    table.add("PNG of 800×400 pixels", "/s", rate, ("limit", LIMIT_PER_SECOND), Target::AtLeast(1.0));
}

/// The board as a new visitor loads it, without anything in the cache.
async fn first_load(table: &mut Table, browser: &Browser, base: &str) {
    const LIMIT_MS: f64 = 1_000.0;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await.unwrap();
    let (mut first_rows, mut load) = (Vec::new(), Value::Null);
    for _ in 0..ROUNDS {
        browser.devtools("Network.clearBrowserCache", json!({})).await.unwrap();
        browser.go(&format!("{base}/")).await.unwrap();
        first_rows.push(until(browser, "return window.firstRowMillis").await);
        load = browser.script(LOAD, &[]).await.unwrap();
    }
    let [sent_kb, whole_kb, script_kb, requests] = [0, 1, 2, 3].map(|at| load[at].as_f64().unwrap());
    table.add(
        "first load: scripts",
        "kB",
        script_kb,
        ("changedetection.io", CHANGEDETECTION_SCRIPT_KB),
        Target::AtMost(0.5),
    );
    table.add("first load: everything", "kB", whole_kb, ("Uptime Kuma", UPTIME_KUMA_LOAD_KB), Target::AtMost(0.5));
    table.add("first load: compressed", "kB", sent_kb, ("the same without compression", whole_kb), Target::AtMost(0.5));
    table.add("first load", "requests", requests, ("limit", 100.0), Target::AtMost(1.0));
    table.add("first load: first row", "ms", median(first_rows), ("limit", LIMIT_MS), Target::AtMost(1.0));
}

/// Frames of a board with many products, and the time that a chart takes.
async fn drawing(table: &mut Table, browser: &Browser, base: &str, product: ProductId) {
    const LIMIT_MS: f64 = 100.0;
    browser.go("about:blank").await.unwrap();
    browser
        .script(
            "document.body.append(Object.assign(document.createElement('p'), { textContent: '\\n'.repeat(300) }))",
            &[],
        )
        .await
        .unwrap();
    let bare = browser.script(FRAMES, &[]).await.unwrap().as_f64().unwrap();
    browser.go(&format!("{base}/?sort=title")).await.unwrap();
    until(browser, "return document.querySelectorAll('main tr[data-id]').length > 10").await;
    let frames = browser.script(FRAMES, &[]).await.unwrap().as_f64().unwrap();
    let what = format!("scrolling a board of {PRODUCTS} products");
    table.add(&what, "frames/s", frames, ("an empty page", bare), Target::AtLeast(0.5));
    let module = browser
        .script("return document.querySelector('script').src.replace('app/main.js', 'chart/chart.js')", &[])
        .await
        .unwrap();
    let path = json!(format!("/api/v1/products/{product}/chart?range=all&columns={COLUMNS}"));
    let mut millis = Vec::new();
    for _ in 0..ROUNDS {
        let drawn = browser.script(DRAW, &[module.clone(), path.clone()]).await.unwrap();
        millis.push(drawn.as_f64().unwrap());
    }
    table.add("drawing five years of points", "ms", median(millis), ("limit", LIMIT_MS), Target::AtMost(1.0));
}

/// Signs in as a page does.
async fn sign_in(browser: &Browser, base: &str) {
    const SIGN_IN: &str = "const [email, password] = arguments;
        const body = JSON.stringify({ email, password });
        return fetch('/api/v1/auth/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(({ status }) => status);";
    browser.go(&format!("{base}/sign-in")).await.unwrap();
    let status = browser.script(SIGN_IN, &[json!(EMAIL), json!(PASSWORD)]).await.unwrap();
    assert_eq!(status, 200);
}

/// Waits until a script returns a number, or true.
async fn until(browser: &Browser, script: &str) -> f64 {
    let until = Instant::now() + PATIENCE;
    loop {
        match browser.script(script, &[]).await.unwrap_or_default() {
            Value::Bool(true) => return 1.0,
            Value::Number(number) => return number.as_f64().unwrap(),
            _ => assert!(Instant::now() < until, "never: {script}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A price every four hours and a rank every hour.
fn five_years() -> Vec<Point> {
    let mut points = Vec::new();
    for hours in (1..DAYS * 24).rev() {
        points.push(point(hours, Series::SalesRank, "Electronics", 1_000 + hours * 91 % 3_000));
        if hours % 4 == 0 {
            points.push(point(hours, Series::Price, "", 20_000 + hours * 37 % 1_700));
        }
    }
    points
}

/// Products with a month of prices: those that a board shows first.
async fn add_first_products(url: &str) {
    let settings = DatabaseSettings { url: Secret::from(url), ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    for n in 0..FIRST_PRODUCTS {
        let settings = ProductSettings {
            label: Some(name_of(n)),
            tags: vec!["headphones".to_owned()],
            frequency: Frequency::DAILY,
            is_competitor: false,
            status: ProductStatus::Paused,
            offers_interval: None,
        };
        let new = NewProduct { tenant_id: TenantId::BUILT_IN, listing: listing(n), settings, quota: u32::MAX };
        let product = store.add_product(new).await.unwrap();
        let price = |day: i64| point(day * 24 + 1, Series::Price, "", 5_000 + (i64::from(n) * 7 + day * 331) % 2_000);
        let points: Vec<Point> = (0..30).rev().map(price).collect();
        let mut state = ListingState::default();
        points.iter().for_each(|point| state.replay(point));
        assert!(store.import(product.listing_id, &points, &state).await.unwrap());
    }
    store.close().await;
}

fn listing(n: u32) -> Listing {
    Listing::new(Marketplace::Us, format!("B{n:09}").parse().unwrap())
}

fn name_of(n: u32) -> String {
    format!("Wireless over-ear headphones with noise cancelling, number {n:04}")
}

/// The other products, by a file.
async fn import_others(api: &Api) {
    let line = |n: u32| format!("{},\"{}\"\n", listing(n).asin, name_of(n));
    let file: String = std::iter::once("asin,label\n".to_owned()).chain((FIRST_PRODUCTS..PRODUCTS).map(line)).collect();
    let upload = api.client.post(format!("{}/api/v1/products/import?marketplace=com", api.base)).bearer_auth(&api.key);
    let upload = upload.header("content-type", "text/csv").body(file).send().await.unwrap();
    let job: Value = upload.error_for_status().unwrap().json().await.unwrap();
    let url = format!("{}/api/v1/jobs/{}", api.base, job["id"].as_str().unwrap());
    loop {
        let job: Value = api.client.get(&url).bearer_auth(&api.key).send().await.unwrap().json().await.unwrap();
        if job["status"] == "done" {
            return;
        }
        assert!(job["finished_at"].is_null(), "{job}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

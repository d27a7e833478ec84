//! The processor time of the most expensive valid request of each kind, worst first. A request that costs much lets one
//! client occupy the service.

use std::time::{Duration, Instant};

use amazon_tracker::auth::Passwords;
use amazon_tracker::config::{DatabaseSettings, PasswordSettings, Secret};
use amazon_tracker::domain::{
    Frequency, Listing, Marketplace, Point, ProductSettings, ProductStatus, Series, TenantId,
};
use amazon_tracker::store::{NewProduct, StoreClock, open};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::api::{Process, fill, point, sign_in};
use crate::table::{Table, Target};

/// No request may cost more.
const LIMIT_MS: f64 = 20.0;
/// Linux reports processor time in this unit (USER_HZ), on every architecture in use.
const TICKS_PER_SECOND: f64 = 100.0;
/// So many requests, or so long: a tick is little against it.
const MEASURED: Duration = Duration::from_secs(3);
const MAX_REQUESTS: u32 = 400;
const PRODUCTS: u32 = 3_000;

/// Measures everything.
pub fn run(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(table));
}

async fn measure(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tracker.sqlite").display());
    let (key, product) = fill(&url, a_year()).await;
    add_products(&url).await;
    // Without crawler: the cost of a request, not of what it causes.
    let daemon =
        Process::daemon_with(&url, &[("TRACKER__SERVER__ROLES", r#"["api"]"#), ("TRACKER__JOBS__MAX_OPEN", "10000")])
            .await;
    let api = Api {
        client: Client::new(),
        base: format!("http://{}/api/v1", daemon.address),
        key,
        token: sign_in(daemon.address).await,
    };
    let ids = api.products(250).await;
    let tags: Vec<String> = (0..50).map(|n| format!("{n:02}{}", "t".repeat(48))).collect();
    let hook = format!("https://example.com/{}", "x".repeat(2_000));
    let target = json!({ "amount_minor": 100, "currency": "USD" });
    let rule = json!({ "product_id": product, "kind": "price_at_or_below", "target": target, "webhook_url": hook });
    let login = json!({ "email": crate::api::EMAIL, "password": crate::api::PASSWORD });
    let wrong = json!({ "asin": "B000000000", "tags": vec![1; 9_000] });
    let listings: Vec<String> = (0..10_000).map(|n| format!("B{n:09}")).collect();
    // Responses are cached for a second, so each request differs from the last.
    let list = |sort: &str, n: u32| format!("/products?limit={}&text=e&sort={sort}", 250 - n % 200);
    let history = |n: u32| format!("/products/{product}/history?limit={}", 2500 - n);
    let gzip = |request: RequestBuilder| request.header("accept-encoding", "gzip");
    let mut costs = vec![
        ("list of 250 products, searched and sorted", api.cost(&daemon, |n| api.get(&list("title", n))).await),
        ("the list, compressed", api.cost(&daemon, |n| gzip(api.get(&list("-price", n)))).await),
        ("2,500 points of history", api.cost(&daemon, |n| api.get(&history(n))).await),
        ("the history, compressed", api.cost(&daemon, |n| gzip(api.get(&history(n)))).await),
        (
            "statistics of a year of hourly prices",
            api.cost(&daemon, |n| api.get(&format!("/products/{product}/stats?{n}"))).await,
        ),
        (
            "board of 50 products, sorted by change",
            api.cost(&daemon, |n| api.get(&format!("/board?sort=change&limit={}", 50 - n % 10))).await,
        ),
        (
            "chart of a year of hourly prices",
            api.cost(&daemon, |n| api.get(&format!("/products/{product}/chart?range=1y&columns={}", 860 - n))).await,
        ),
        (
            "tags of 1,000 products",
            api.cost(&daemon, |n| {
                let change =
                    json!({ "add_tags": [format!("t{}", n % 2)], "remove_tags": [format!("t{}", (n + 1) % 2)] });
                api.post("/products/bulk", &json!({ "filter": { "text": "e" }, "change": change }))
            })
            .await,
        ),
        ("OpenAPI document", api.cost(&daemon, |_| api.get("/openapi.json")).await),
        ("the OpenAPI document, compressed", api.cost(&daemon, |_| gzip(api.get("/openapi.json"))).await),
        ("crawl of 250 products", api.cost(&daemon, |_| api.post("/crawl", &json!({ "product_ids": ids }))).await),
        (
            "batch of 10,000 listings",
            api.cost(&daemon, |_| api.post("/crawl/batch", &json!({ "listings": listings }))).await,
        ),
        ("change of a product with 50 tags", {
            let path = format!("/products/{product}");
            api.cost(&daemon, |_| api.send(Method::PATCH, &path, &json!({ "tags": tags }))).await
        }),
        ("new rule with a long URL", api.cost(&daemon, |_| api.post("/alerts", &rule)).await),
        ("list of 250 rules", api.cost(&daemon, |n| api.get(&format!("/alerts?limit={}", 250 - n % 200))).await),
        (
            "list of 250 audit entries",
            api.cost(&daemon, |n| api.signed_in(Method::GET, &format!("/tenants/me/audit?limit={}", 250 - n % 200)))
                .await,
        ),
        ("body with 9,000 wrong values", api.cost(&daemon, |_| api.post("/products", &wrong)).await),
        ("actors", api.cost(&daemon, |_| api.signed_in(Method::GET, "/system/actors")).await),
    ];
    costs.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    for (what, cost_ms) in costs {
        table.add(what, "ms", cost_ms, ("limit", LIMIT_MS), Target::AtMost(1.0));
    }
    // Expensive on purpose, on threads of their own: nothing but the hash may cost much.
    let hash_ms = hash_ms().await;
    let refused = json!({ "old_password": "wrong", "new_password": "correct horse battery staple ".repeat(8).trim() });
    let passwords = [
        ("sign-in", api.cost(&daemon, |_| api.post("/auth/login", &login)).await),
        ("refused change of a password", {
            api.cost(&daemon, |_| api.signed_in(Method::POST, "/auth/change-password").json(&refused)).await
        }),
    ];
    for (what, cost_ms) in passwords {
        table.add(what, "ms", cost_ms, ("hash of a password", hash_ms), Target::AtMost(1.3));
    }
}

struct Api {
    client: Client,
    base: String,
    key: String,
    token: String,
}

impl Api {
    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.send(Method::POST, path, body)
    }

    fn send(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key).json(body)
    }

    fn signed_in(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// The ids of this many products.
    async fn products(&self, count: usize) -> Vec<Value> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        while ids.len() < count {
            let path = format!("/products?limit=250{cursor}");
            let page: Value = self.get(&path).send().await.unwrap().json().await.unwrap();
            ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
            cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
        }
        ids.truncate(count);
        ids
    }

    /// The daemon's processor time for one request, in milliseconds.
    async fn cost(&self, daemon: &Process, request: impl Fn(u32) -> RequestBuilder) -> f64 {
        let (began_at, before_ms, mut sent) = (Instant::now(), processor_ms(daemon.id()), 0u32);
        while sent < MAX_REQUESTS && began_at.elapsed() < MEASURED {
            let answer = request(sent).send().await.unwrap();
            assert!(!answer.status().is_server_error(), "{answer:?}");
            assert_ne!(answer.status(), 429, "{answer:?}");
            answer.bytes().await.unwrap();
            sent += 1;
        }
        (processor_ms(daemon.id()) - before_ms) / f64::from(sent)
    }
}

/// This process's processor time for the hash of a password, in milliseconds.
async fn hash_ms() -> f64 {
    const HASHES: u32 = 50;
    let (passwords, id) = (Passwords::new(&PasswordSettings::default()).unwrap(), std::process::id());
    let before_ms = processor_ms(id);
    for _ in 0..HASHES {
        passwords.hash(crate::api::PASSWORD.to_owned()).await.unwrap();
    }
    (processor_ms(id) - before_ms) / f64::from(HASHES)
}

/// Processor time of a process, in user and system mode.
fn processor_ms(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in parentheses may contain spaces.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 * 1000.0 / TICKS_PER_SECOND
}

/// A price and a rank that change every hour.
fn a_year() -> Vec<Point> {
    let price = |hours| point(hours, Series::Price, "", 30_000 + hours * 13 % 5000);
    let rank = |hours| point(hours, Series::SalesRank, "Electronics", 1000 + hours * 7 % 500);
    (1..365 * 24).rev().flat_map(|hours| [price(hours), rank(hours)]).collect()
}

async fn add_products(url: &str) {
    let settings = DatabaseSettings { url: Secret::from(url), ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    for n in 0..PRODUCTS {
        let settings = ProductSettings {
            label: Some(format!("Wireless over-ear headphones with noise cancelling, number {n}")),
            tags: vec!["audio".to_owned(), "headphones".to_owned()],
            frequency: Frequency::DAILY,
            is_competitor: false,
            status: ProductStatus::Paused,
            offers_interval: None,
        };
        let listing = Listing::new(Marketplace::Us, format!("B{n:09}").parse().unwrap());
        store
            .add_product(NewProduct { tenant_id: TenantId::BUILT_IN, listing, settings, quota: u32::MAX })
            .await
            .unwrap();
    }
    store.close().await;
}

//! Tables of products and of their history.

use amazon_tracker::domain::{Currency, Money};
use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Engine, expect, on_both_engines};

async fn read(daemon: &Daemon, path: &str) -> (String, String) {
    let response = daemon.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let file = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    (file, response.text().await.unwrap())
}

/// Products with these prices, the second one without a tag.
async fn daemon_with_products(engine: Engine) -> (Daemon, Vec<Value>) {
    let daemon = Daemon::start(engine).await;
    let mut products = Vec::new();
    for (n, price) in [(0, 34_999), (1, 500)] {
        daemon.simulated.set_price(daemon.listing(n), Money::new(price, Currency::Usd));
        let product = daemon.watch(daemon.listing(n)).await;
        let path = format!("/api/v1/products/{}", product["id"].as_str().unwrap());
        let change = json!({ "label": format!("=SUM({n})"), "tags": if n == 0 { vec!["a", "b"] } else { vec![] } });
        products.push(expect(200, daemon.patch(&path, &change)).await);
    }
    (daemon, products)
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_exported_in_each_format_and_can_be_imported_again() {
    on_both_engines(async |engine| {
        let (daemon, products) = daemon_with_products(engine).await;
        let (file, csv) = read(&daemon, "/api/v1/products/export").await;
        assert_eq!(file, "attachment; filename=\"products.csv\"");
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].starts_with("product_id,marketplace,asin,"), "{csv}");
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().any(|line| line.contains(",'=SUM(0),") && line.contains(",349.99,")), "{csv}");
        let (_, ndjson) = read(&daemon, "/api/v1/products/export?format=ndjson&tag=a&marketplace=com").await;
        let row: Value = serde_json::from_str(&ndjson).unwrap();
        assert_eq!((&row["asin"], &row["label"]), (&products[0]["asin"], &json!("=SUM(0)")));
        assert_eq!((&row["price"], &row["currency"], &row["tags"]), (&json!(349.99), &json!("USD"), &json!("a;b")));
        let (_, whole) = read(&daemon, "/api/v1/products/export?format=json").await;
        let rows: Vec<Value> = serde_json::from_str(&whole).unwrap();
        assert_eq!((rows.len(), rows.contains(&row)), (2, true));
        let sheet = daemon.get("/api/v1/products/export?format=xlsx").send().await.unwrap();
        assert!(sheet.headers()["content-type"].to_str().unwrap().contains("spreadsheetml"));
        assert!(sheet.bytes().await.unwrap().starts_with(b"PK"));
        for product in &products {
            expect(204, daemon.delete(&format!("/api/v1/products/{}", product["id"].as_str().unwrap()))).await;
        }
        let upload = daemon.request(Method::POST, "/api/v1/products/import").bearer_auth(&daemon.key).body(csv.clone());
        let job = expect(202, upload).await;
        daemon
            .eventually(&format!("/api/v1/jobs/{}", job["id"].as_str().unwrap()), |job| job["status"] == "done")
            .await;
        let listed = expect(200, daemon.get("/api/v1/products?tag=a")).await["items"][0].clone();
        for field in ["asin", "label", "tags", "frequency", "is_competitor", "status", "price"] {
            assert_eq!(listed[field], products[0][field], "{field}");
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_exported_with_a_row_for_each_point() {
    on_both_engines(async |engine| {
        let (daemon, products) = daemon_with_products(engine).await;
        daemon.simulated.set_price(daemon.listing(0), Money::new(30_000, Currency::Usd));
        daemon.check_now(&products[0]["id"]).await;
        let (file, csv) = read(&daemon, "/api/v1/products/history/export?series=price&tag=a").await;
        assert_eq!(file, "attachment; filename=\"history.csv\"");
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], "product_id,marketplace,asin,series,category,at,value,currency");
        let ends: Vec<bool> =
            lines[1..].iter().zip(["Z,349.99,USD", "Z,300.00,USD"]).map(|(line, end)| line.ends_with(end)).collect();
        assert_eq!((lines.len(), ends), (3, vec![true, true]), "{csv}");
        let (_, ndjson) = read(&daemon, "/api/v1/products/history/export?format=ndjson").await;
        let rows: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let series = |name: &str| rows.iter().find(|row| row["series"] == name).unwrap();
        assert!(series("availability")["value"].is_string() && series("rating")["value"].is_number());
        assert!(series("sales_rank")["category"].is_string());
        for (query, field) in [
            ("format=pdf", "format"),
            ("series=mood", "series"),
            ("from=now", "from"),
            ("marketplace=mars", "marketplace"),
        ] {
            let problem = expect(422, daemon.get(&format!("/api/v1/products/history/export?{query}"))).await;
            assert_eq!(problem["errors"][0]["field"], field);
        }
        daemon.end().await;
    })
    .await;
}

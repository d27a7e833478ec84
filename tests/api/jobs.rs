//! Batches of crawls, imports, and the progress of jobs.

use std::time::Duration;

use amazon_tracker::config::{ApifyListSettings, Secret};
use amazon_tracker::domain::{Listing, Scope};
use amazon_tracker::sources::simulated::{ApifyFault, ApifyRequest};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::daemon::{Daemon, Engine, expect, on_both_engines};
use crate::events::Stream;

fn upload(daemon: &Daemon, query: &str, file: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = daemon.request(Method::POST, &format!("/api/v1/products/import?{query}"));
    request.bearer_auth(&daemon.key).header("content-type", "text/csv").body(file)
}

async fn ended(daemon: &Daemon, job: &Value) -> Value {
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    daemon.eventually(&path, |job| !job["finished_at"].is_null()).await
}

async fn items(daemon: &Daemon, job: &Value, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/jobs/{}/items?{query}", job["id"].as_str().unwrap());
    expect(200, daemon.get(&path)).await["items"].as_array().unwrap().clone()
}

fn asins(daemon: &Daemon, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| daemon.listing(n).asin.to_string()).collect()
}

/// Nothing is crawled after the first product.
async fn daemon_that_crawls_once(engine: Engine) -> (Daemon, Listing) {
    let daemon = Daemon::start_with(engine, |settings| {
        settings.crawl.requests_per_minute = 1;
        settings.crawl.burst = 1;
        settings.jobs.max_open = 2;
    })
    .await;
    let listing = daemon.listing(0);
    daemon.watch(listing).await;
    (daemon, listing)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_and_each_line_says_what_became_of_it() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let watched = daemon.watch(daemon.listing(0)).await;
        let mut stream = Stream::open(daemon.get("/api/v1/events")).await;
        let asins = asins(&daemon, 0..3);
        let file = format!(
            "\u{feff}ASIN;Label;Tags;Frequency;Anything\r\n{};known;;;\r\n{};\"Two; \"\"2\"\"\";a,b;6h;1,5\r\n\r\n{};;;;\r\nnonsense;;;;\r\n",
            asins[0], asins[1], asins[2]
        );
        let response = upload(&daemon, "marketplace=com&tags=imported&is_competitor=true", file).send().await.unwrap();
        assert_eq!(response.status(), 202);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let created: Value = response.json().await.unwrap();
        assert_eq!(location, format!("/api/v1/jobs/{}", created["id"].as_str().unwrap()));
        assert_eq!((&created["kind"], &created["progress"]["total"]), (&json!("import"), &json!(4)));
        let job = ended(&daemon, &created).await;
        assert_eq!(job["status"], "failed");
        let expected = json!({
            "total": 4, "done": 2, "skipped": 1, "failed": 1, "cancelled": 0, "remaining": 0,
            "items_per_second": null, "estimated_end_at": null
        });
        assert_eq!(job["progress"], expected);
        let lines = items(&daemon, &job, "").await;
        let told: Vec<_> = lines.iter().map(|line| (line["place"].clone(), line["status"].clone())).collect();
        assert_eq!(
            told,
            [(2, "skipped"), (3, "done"), (5, "done"), (6, "failed")].map(|(at, was)| (json!(at), json!(was)))
        );
        assert_eq!(lines[0]["product_id"], watched["id"]);
        assert!(lines[3]["error"].as_str().unwrap().starts_with("listing: "), "{}", lines[3]);
        assert_eq!(lines[3]["input"]["listing"], "nonsense");
        assert_eq!(items(&daemon, &job, "status=failed").await, lines[3..]);
        let path = format!("/api/v1/products/{}", lines[1]["product_id"].as_str().unwrap());
        let product = daemon.eventually(&path, |product| !product["checked_at"].is_null()).await;
        assert_eq!((&product["label"], &product["tags"]), (&json!("Two; \"2\""), &json!(["a", "b", "imported"])));
        assert_eq!((&product["frequency"], &product["is_competitor"]), (&json!("6h"), &json!(true)));
        loop {
            let told = stream.next_of("job").await;
            assert_eq!(told.data["id"], job["id"]);
            if told.data["status"] == "failed" {
                assert_eq!(told.data["progress"], job["progress"]);
                break;
            }
        }
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_added() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let file = format!("# mine\n{}\nnonsense\n", daemon.listing(1).url());
        let job = ended(&daemon, &expect(202, upload(&daemon, "dry_run=true", file)).await).await;
        assert_eq!((&job["progress"]["done"], &job["progress"]["failed"]), (&json!(1), &json!(1)));
        assert_eq!(job["parameters"]["dry_run"], true);
        assert_eq!(expect(200, daemon.get("/api/v1/products")).await["items"], json!([]));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_leaves_nothing() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| {
            settings.jobs.max_import_lines = 3;
            settings.jobs.max_import_bytes = 2048;
        })
        .await;
        for (status, file, said) in [
            (422, b"\xff\xfea\0".to_vec(), "UTF-16"),
            (422, b"PK\x03\x04\0\0\0".to_vec(), "CSV"),
            (422, b"".to_vec(), "no products"),
            (422, b"asin,label\n".to_vec(), "no products"),
            (422, b"1\n2\n3\n4\n".to_vec(), "at most 3 lines"),
            (413, b"x\n".repeat(1025), "2048 bytes"),
        ] {
            let problem = expect(status, upload(&daemon, "", file)).await.to_string();
            assert!(problem.contains(said), "{problem}");
        }
        let wrong = expect(422, upload(&daemon, "marketplace=mars&frequency=often&dry_run=maybe", "x")).await;
        let fields: Vec<&Value> = wrong["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["dry_run", "marketplace", "frequency"]);
        let none = |page: &Value| page["items"] == json!([]);
        daemon.eventually("/api/v1/jobs", none).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let mut socket = TcpStream::connect(daemon.address()).await.unwrap();
        let head = format!(
            "POST /api/v1/products/import HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 5000\r\n\r\n",
            daemon.key
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(b"B000000001\nB000000002\n").await.unwrap();
        let receiving = |page: &Value| page["items"][0]["status"] == "receiving";
        daemon.eventually("/api/v1/jobs", receiving).await;
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        daemon.eventually("/api/v1/jobs", |page| page["items"] == json!([])).await;
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_crawled_and_adds_what_is_not_tracked() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let watched = daemon.watch(daemon.listing(0)).await;
        let mut listings = asins(&daemon, 0..2);
        listings.push(daemon.listing(2).url());
        let body = json!({ "listings": listings, "marketplace": "com" });
        let job = ended(&daemon, &expect(202, daemon.post("/api/v1/crawl/batch", &body)).await).await;
        assert_eq!((&job["progress"]["done"], &job["progress"]["failed"]), (&json!(1), &json!(2)));
        let found = items(&daemon, &job, "").await;
        assert_eq!((&found[0]["product_id"], &found[0]["outcome"]), (&watched["id"], &json!("observed")));
        assert_eq!(found[1]["error"], "the listing is not tracked");
        let adding = json!({
            "listings": listings, "marketplace": "com", "add": { "frequency": "adaptive:6h", "tags": ["batch"], "watch_offers": true }
        });
        let job = ended(&daemon, &expect(202, daemon.post("/api/v1/crawl/batch", &adding)).await).await;
        assert_eq!((&job["status"], &job["progress"]["done"]), (&json!("done"), &json!(3)));
        assert_eq!(
            job["parameters"]["add"],
            json!({
                "frequency": "adaptive:6h", "tags": ["batch"], "is_competitor": false, "watch_offers": true,
                "offers_frequency": "daily", "marketplace": "com"
            })
        );
        let added = expect(200, daemon.get("/api/v1/products?tag=batch")).await;
        assert_eq!((&added["items"][0]["watch_offers"], &added["items"][0]["offers_frequency"]), (&json!(true), &json!("daily")));
        for (body, count) in [(json!({ "tag": "batch" }), 2), (json!({ "all": true }), 3)] {
            let job = expect(202, daemon.post("/api/v1/crawl/batch", &body)).await;
            assert_eq!(ended(&daemon, &job).await["progress"]["done"], count, "{body}");
        }
        let jobs = expect(200, daemon.get("/api/v1/jobs?kind=crawl_batch&status=done&limit=2")).await;
        assert_eq!((jobs["items"].as_array().unwrap().len(), jobs["next_cursor"].is_string()), (2, true));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_batch_is_refused_as_a_whole() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        for (body, field) in [
            (json!({ "listings": ["B000000001", "nonsense"] }), "listings[1]"),
            (json!({ "listings": ["https://a.co/d/abc"] }), "listings[0]"),
            (json!({ "listings": [] }), "listings"),
            (json!({}), "listings"),
            (json!({ "tag": "x", "all": true }), "listings"),
            (json!({ "all": false }), "listings"),
            (json!({ "all": true, "add": { "frequency": "often" } }), "add.frequency"),
            (json!({ "all": true, "add": [] }), "add"),
            (json!({ "all": true, "adds": {} }), "adds"),
            (json!({ "listings": vec!["B000000001"; 10_001] }), "listings"),
        ] {
            let problem = expect(422, daemon.post("/api/v1/crawl/batch", &body)).await;
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
        assert_eq!(expect(200, daemon.get("/api/v1/jobs")).await["items"], json!([]));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_ten_thousand_is_one_request_and_is_created_once() {
    on_both_engines(async |engine| {
        let (daemon, _) = daemon_that_crawls_once(engine).await;
        let listings: Vec<String> = (0..10_000).map(|n| format!("B{n:09}")).collect();
        let request = || {
            let request = daemon.post("/api/v1/crawl/batch", &json!({ "listings": listings }));
            request.header("idempotency-key", "once")
        };
        let first = expect(202, request()).await;
        assert_eq!(first["progress"]["total"], 10_000);
        assert_eq!(expect(202, request()).await, first);
        let job = ended(&daemon, &first).await;
        assert_eq!(job["progress"]["failed"], 10_000);
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_by_whom_its_kind_allows() {
    on_both_engines(async |engine| {
        let (daemon, listing) = daemon_that_crawls_once(engine).await;
        let body = json!({ "listings": [listing.url(), "B000000001"] });
        let job = expect(202, daemon.post("/api/v1/crawl/batch", &body)).await;
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        let cancel = || daemon.post(&format!("{path}/cancel"), &json!({}));
        let retry = || daemon.post(&format!("{path}/retry"), &json!({}));
        daemon.eventually(&path, |job| job["progress"]["failed"] == 1).await;
        assert_eq!(expect(409, retry()).await["code"], "nothing_to_retry");
        let writer = daemon.key_with(&[Scope::ProductWrite]).await;
        let foreign = daemon.request(Method::POST, &format!("{path}/cancel")).bearer_auth(&writer);
        assert_eq!(expect(403, foreign).await["code"], "forbidden");
        let cancelled = expect(200, cancel()).await;
        assert_eq!((&cancelled["status"], &cancelled["progress"]["cancelled"]), (&json!("cancelled"), &json!(1)));
        assert_eq!(expect(409, cancel()).await["code"], "job_ended");
        let again = expect(200, retry()).await;
        assert_eq!((&again["status"], &again["progress"]["remaining"]), (&json!("pending"), &json!(2)));
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_jobs_of_a_tenant_are_in_progress() {
    on_both_engines(async |engine| {
        let (daemon, listing) = daemon_that_crawls_once(engine).await;
        let body = json!({ "listings": [listing.url()] });
        let batch = || daemon.post("/api/v1/crawl/batch", &body);
        for _ in 0..2 {
            expect(202, batch()).await;
        }
        assert_eq!(expect(409, batch()).await["code"], "too_many_jobs");
        assert_eq!(expect(409, upload(&daemon, "", "B000000001")).await["code"], "too_many_jobs");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bestseller_list_is_read_by_an_actor_and_page_by_page_when_that_refuses() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start_with(engine, |settings| {
            settings.apify.token = Some(Secret::from("apify_api_test"));
            settings.apify.base_url = settings.crawl.base_url.clone().unwrap();
            settings.apify.lists = Some(ApifyListSettings::default());
        })
        .await;
        let apify = daemon.simulated.apify();
        apify.set_run_time(Duration::from_millis(100));
        let body = json!({ "url": "https://www.amazon.com/gp/bestsellers/electronics", "pages": 2 });
        for runs in [1, 1] {
            let job = ended(&daemon, &expect(202, daemon.post("/api/v1/crawl/category", &body)).await).await;
            assert_eq!((&job["status"], &job["progress"]["done"]), (&json!("done"), &json!(100)), "{job}");
            assert_eq!(apify.inputs().len(), runs);
            // Of the second job: two pages are requested instead.
            apify.fail_next(ApifyRequest::Start, ApifyFault::Error(402, "not-enough-usage-to-run-paid-actor"));
        }
        let search = json!({ "url": "https://www.amazon.com/s?k=headphones" });
        let job = ended(&daemon, &expect(202, daemon.post("/api/v1/crawl/category", &search)).await).await;
        assert_eq!((&job["progress"]["done"], apify.inputs().len()), (&json!(16), 1), "search results are requested");
        daemon.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_page_by_page_and_adds_what_it_shows() {
    on_both_engines(async |engine| {
        let daemon = Daemon::start(engine).await;
        let watched = daemon.watch(daemon.listing(1)).await;
        let url = "https://www.amazon.com/gp/bestsellers/electronics/ref=zg_bs?pg=2";
        let listed = expect(202, daemon.post("/api/v1/crawl/category", &json!({ "url": url, "pages": 5 }))).await;
        assert_eq!(listed["parameters"]["url"], "https://www.amazon.com/gp/bestsellers/electronics");
        let listed = ended(&daemon, &listed).await;
        assert_eq!((&listed["status"], &listed["progress"]["done"]), (&json!("done"), &json!(100)), "{listed}");
        let found = items(&daemon, &listed, "limit=3").await;
        let inputs: Vec<&str> = found.iter().map(|item| item["input"].as_str().unwrap()).collect();
        assert_eq!(inputs, asins(&daemon, 0..3).iter().map(|asin| format!("com/{asin}")).collect::<Vec<_>>());
        assert_eq!((&found[1]["product_id"], &found[0]["product_id"]), (&watched["id"], &Value::Null));
        let body = json!({ "url": "amazon.com/s?k=headphones", "add": { "tags": ["found"] } });
        let added = ended(&daemon, &expect(202, daemon.post("/api/v1/crawl/category", &body)).await).await;
        assert_eq!((&added["progress"]["done"], &added["progress"]["skipped"]), (&json!(15), &json!(1)), "{added}");
        let products = expect(200, daemon.get("/api/v1/products?tag=found")).await;
        assert_eq!(products["items"].as_array().unwrap().len(), 15);
        for (body, field) in [
            (json!({ "url": "https://www.amazon.com/dp/B000000001" }), "url"),
            (json!({ "url": "https://127.0.0.1/s?k=x" }), "url"),
            (json!({ "url": url, "pages": 21 }), "pages"),
            (json!({ "url": url, "pages": 0 }), "pages"),
            (json!({ "url": url, "add": { "tags": [""] } }), "add.tags"),
            (json!({ "url": url, "add": { "offers_frequency": "0s" } }), "add.offers_frequency"),
            (json!({}), "url"),
        ] {
            let problem = expect(422, daemon.post("/api/v1/crawl/category", &body)).await;
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        }
        daemon.end().await;
    })
    .await;
}

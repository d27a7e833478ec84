//! Complete crawl cycles, from claim to commit, compared to programs that only fetch, or fetch and parse.
//!
//! Server, daemon and reference programs are separate processes on this machine. The reference runs before and after
//! the daemon.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use amazon_tracker::config::{DatabaseSettings, Secret};
use amazon_tracker::domain::{
    Asin, Frequency, Listing, Marketplace, Product, ProductSettings, ProductStatus, TenantId,
};
use amazon_tracker::extract::{PageContext, PageKind, extract};
use amazon_tracker::store::{NewProduct, StoreClock, open};
use serde::Deserialize;
use tempfile::TempDir;

use crate::extraction::corpus;
use crate::leases::new_database;
use crate::postgres::Server;
use crate::rivals;
use crate::table::{Table, Target, median};

pub const TRACKER: &str = env!("CARGO_BIN_EXE_amazon-tracker");
/// Concurrent requests of every program.
const CONCURRENCY: usize = 32;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
/// More than any program can crawl during the measurement.
const LISTINGS: u32 = 60_000;
/// Real pages from the corpus, each served under several ASINs. With an interval of one second, this is more than any
/// program can crawl.
const SAVED_PAGES: usize = 1200;
const ONE_MEGABYTE: std::ops::Range<usize> = 800_000..1_300_000;

/// Measures everything.
pub fn run(table: &mut Table) {
    against_a_bare_loop(table);
    against_scrapy(table);
}

fn against_a_bare_loop(table: &mut Table) {
    let asins: Vec<Asin> = (0..LISTINGS).map(numbered).collect();
    let listings: Vec<Listing> = asins.iter().map(|asin| Listing::new(Marketplace::Us, *asin)).collect();
    let server = Server::start();
    // Like Amazon, the marketplace compresses for clients that accept it. Both clients do.
    for (pages, arguments, target) in [
        ("60 kB pages", [].as_slice(), Target::AtLeast(0.6)),
        ("60 kB pages, uncompressed", &["--no-compression"], Target::None),
    ] {
        let market = Market::start(arguments);
        let before = bare_loop(&market, &asins);
        let folder = tempfile::tempdir().unwrap();
        let sqlite = daemon_rate(&market, &sqlite_url(&folder), &listings, Frequency::DAILY).0;
        let middle = bare_loop(&market, &asins);
        let database = if arguments.is_empty() { "compressed" } else { "plain" };
        let database_url = new_database(&server, database);
        let postgres = daemon_rate(&market, &database_url, &listings, Frequency::DAILY).0;
        let bare = median(vec![before, middle, bare_loop(&market, &asins)]);
        let rival = "bare reqwest loop";
        table.add(&format!("crawls, {pages}, SQLite"), "/s", sqlite, (rival, bare), target);
        table.add(&format!("crawls, {pages}, PostgreSQL"), "/s", postgres, (rival, bare), Target::None);
    }
}

fn against_scrapy(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let listings = save_pages(folder.path());
    let market = Market::start(&["--no-compression", "--pages", folder.path().to_str().unwrap()]);
    let scrapy = scrapy(&market, &listings);
    let data = tempfile::tempdir().unwrap();
    let every_second = Frequency::from_secs(1).unwrap();
    let (rate, peak_kb) = daemon_rate(&market, &sqlite_url(&data), &listings, every_second);
    let rival = "Scrapy, 8 selectors";
    let scrapy_rate = scrapy.pages as f64 / scrapy.seconds;
    table.add("crawls, 1 MB real pages, SQLite", "/s", rate, (rival, scrapy_rate), Target::AtLeast(15.0));
    table.add("peak memory, 1 MB real pages", "MB", peak_kb / 1e3, (rival, scrapy.peak_kb / 1e3), Target::AtMost(0.1));
}

/// The ASIN of this number.
pub fn numbered(number: u32) -> Asin {
    format!("B{number:09}").parse().expect("ten letters and digits")
}

fn sqlite_url(folder: &TempDir) -> String {
    format!("sqlite://{}", folder.path().join("store.sqlite").display())
}

/// A process that is killed on drop.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulated marketplace.
pub struct Market {
    base_url: String,
    _process: Running,
}

impl Market {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(TRACKER);
        command.args(["simulate", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the tracker starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).expect("it says where it listens");
        let base_url = line.split_whitespace().last().expect("an address").to_owned();
        Self { base_url, _process: Running(process) }
    }
}

/// Pages per second of a program that only fetches.
fn bare_loop(market: &Market, asins: &[Asin]) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let asins = asins.len().to_string();
    rivals::output(command.args([BARE_LOOP, &market.base_url, &asins])).trim().parse().expect("a rate")
}

/// Argument: run as the bare loop.
pub const BARE_LOOP: &str = "--bare-loop";

/// Fetches pages and prints the rate per second.
pub fn bare_loop_main(base_url: &str, asins: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (next, fetched) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let rate = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..CONCURRENCY {
            let (client, next, fetched) = (client.clone(), Arc::clone(&next), Arc::clone(&fetched));
            let base_url = base_url.to_owned();
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) as u32 % asins;
                    let response = client.get(format!("{base_url}/dp/{}", numbered(number))).send().await;
                    let mut response = response.unwrap().error_for_status().unwrap();
                    while response.chunk().await.unwrap().is_some() {}
                    fetched.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(WARM_UP).await;
        let (before, started_at) = (fetched.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(MEASURED).await;
        (fetched.load(Ordering::Relaxed) - before) as f64 / started_at.elapsed().as_secs_f64()
    });
    println!("{rate}");
}

/// Complete crawls per second of a daemon, and its peak memory in kB.
fn daemon_rate(market: &Market, database_url: &str, listings: &[Listing], frequency: Frequency) -> (f64, f64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(watch_all(database_url, listings, frequency));
    let mut daemons = [Daemon::start(market, database_url)];
    let rate = runtime.block_on(rate_of(&mut daemons));
    (rate, rivals::peak_rss_kb(daemons[0].id()) as f64)
}

/// A daemon that crawls as fast as it can.
pub struct Daemon {
    address: String,
    process: Running,
}

impl Daemon {
    pub fn start(market: &Market, database_url: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let process = Running(command(market, database_url, &address).spawn().expect("the tracker starts"));
        Self { address, process }
    }

    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    fn is_running(&mut self) -> bool {
        self.process.0.try_wait().unwrap().is_none()
    }
}

/// Complete crawls per second of all daemons together, after each has completed one.
pub async fn rate_of(daemons: &mut [Daemon]) -> f64 {
    for daemon in daemons.iter_mut() {
        while crawls(&daemon.address).await < 1.0 {
            assert!(daemon.is_running(), "the tracker has ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    tokio::time::sleep(WARM_UP).await;
    let (before, started_at) = (crawls_of(daemons).await, Instant::now());
    tokio::time::sleep(MEASURED).await;
    (crawls_of(daemons).await - before) / started_at.elapsed().as_secs_f64()
}

async fn crawls_of(daemons: &[Daemon]) -> f64 {
    let mut all = 0.0;
    for daemon in daemons {
        all += crawls(&daemon.address).await;
    }
    all
}

fn command(market: &Market, database_url: &str, address: &str) -> Command {
    let mut command = Command::new(TRACKER);
    command.args(["serve", "--listen", address]);
    command.args(["--database-url", database_url, "--base-url", &market.base_url]);
    let concurrency = CONCURRENCY.to_string();
    let settings = [
        ("CONCURRENCY", concurrency.as_str()),
        ("CONCURRENCY_PER_MARKETPLACE", concurrency.as_str()),
        ("REQUESTS_PER_MINUTE", "1000000"),
        ("BURST", "10000"),
    ];
    command.envs(settings.map(|(name, value)| (format!("TRACKER__CRAWL__{name}"), value)));
    // Receivers of alerts are on this machine.
    command.env("TRACKER__NOTIFY__ALLOW_PRIVATE_TARGETS", "true");
    command.env("TRACKER__LOG__FILTER", "warn");
    command
}

/// Adds a product for each listing.
pub async fn watch_all(database_url: &str, listings: &[Listing], frequency: Frequency) -> Vec<Product> {
    let settings = DatabaseSettings { url: Secret::from(database_url), ..DatabaseSettings::default() };
    let store = open(&settings, StoreClock::real()).await.unwrap();
    store.migrate().await.unwrap();
    let mut products = Vec::with_capacity(listings.len());
    for listing in listings {
        let settings = ProductSettings {
            label: None,
            tags: Vec::new(),
            frequency,
            is_competitor: false,
            status: ProductStatus::Active,
            offers_interval: None,
        };
        let product = NewProduct { tenant_id: TenantId::BUILT_IN, listing: *listing, settings, quota: u32::MAX };
        products.push(store.add_product(product).await.unwrap());
    }
    store.close().await;
    products
}

/// Number of crawls with an observation, from the daemon's metrics; 0 while it is starting.
async fn crawls(address: &str) -> f64 {
    let Ok(response) = reqwest::get(format!("http://{address}/metrics")).await else { return 0.0 };
    let text = response.text().await.unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("tracker_recorded_crawls_total{outcome=\"observed\"}"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Real pages of about a megabyte, each under several ASINs, which replace the page's own.
fn save_pages(folder: &Path) -> Vec<Listing> {
    let labels = fs::read_to_string(corpus().join("labels.jsonl")).unwrap();
    let mut pages = Vec::new();
    for line in labels.lines() {
        let label: serde_json::Value = serde_json::from_str(line).unwrap();
        let page = fs::read(corpus().join("pages").join(format!("{}.html", label["id"].as_str().unwrap()))).unwrap();
        let marketplace: Option<Marketplace> = label["marketplace"].as_str().and_then(|code| code.parse().ok());
        let read = extract(&page, PageContext { marketplace, content_type: None, to_the_end: false }).unwrap();
        if let (PageKind::Product, Some(asin), Some(marketplace)) = (read.kind, read.asin, marketplace)
            && ONE_MEGABYTE.contains(&page.len())
            && asin.to_string().starts_with("B0")
        {
            pages.push((marketplace, asin, page));
        }
    }
    assert!(!pages.is_empty(), "the corpus has pages of about a megabyte");
    let save = |number: usize| {
        let (marketplace, own, page) = &pages[number % pages.len()];
        let asin = numbered(u32::try_from(number).unwrap());
        let text = replace(page, own.to_string().as_bytes(), asin.to_string().as_bytes());
        fs::write(folder.join(format!("{asin}.html")), text).unwrap();
        Listing::new(*marketplace, asin)
    };
    (0..SAVED_PAGES).map(save).collect()
}

fn replace(page: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(page.len());
    let mut done = 0;
    for at in memchr::memmem::find_iter(page, old) {
        out.extend_from_slice(&page[done..at]);
        out.extend_from_slice(new);
        done = at + old.len();
    }
    out.extend_from_slice(&page[done..]);
    out
}

#[derive(Deserialize)]
struct Scrapy {
    pages: u64,
    seconds: f64,
    peak_kb: f64,
}

fn scrapy(market: &Market, listings: &[Listing]) -> Scrapy {
    let mut python = rivals::python("scrapy_pages.py");
    python.arg((3 * MEASURED.as_secs()).to_string());
    python.args(listings.iter().map(|listing| format!("{}/dp/{}", market.base_url, listing.asin)));
    serde_json::from_str(&rivals::output(&mut python)).expect("pages, seconds and memory")
}

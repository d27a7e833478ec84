//! The simulated marketplace as a process. Its log of the pages it served is the reference for verification.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::processes::{Folder, Process, free_port};
use crate::{BINARY, SOON, eventually};

/// Prices alternate between a band above the target and one below it, and no price occurs twice. So each recorded price
/// identifies one moment, and each move below the target is one crossing.
pub const TARGET_MINOR: i64 = 9_200;
const ABOVE_MINOR: i64 = 10_000;
const BELOW_MINOR: i64 = 8_500;

/// A price shown by the marketplace.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub at: Timestamp,
    pub price_minor: i64,
}

#[derive(Deserialize)]
struct Line {
    what: String,
    at: Timestamp,
    asin: String,
    answer: Option<String>,
    price: Option<Price>,
}

#[derive(Deserialize)]
struct Price {
    amount_minor: i64,
}

/// The marketplace.
pub struct Marketplace {
    pub url: String,
    pub asins: Vec<String>,
    process: Process,
    client: Client,
}

impl Marketplace {
    /// Starts a marketplace with so many listings, and further faults. A fifth of its pages are delayed by one second, so that
    /// there is always a crawl in progress.
    pub async fn start(folder: &Folder, listings: usize, faults: &[&str]) -> Self {
        let (process, port) = (Process::new(folder.home("market")), free_port());
        let mut simulate = Command::new(BINARY);
        simulate.env_clear().args(["simulate", "--page-kb", "4", "--slow-rate", "0.2", "--slow-for", "1s"]);
        simulate.args(faults);
        // The reference of a long test.
        simulate.args(["--truth-lines", "10000000"]);
        process.run(simulate.args(["--listen", &format!("127.0.0.1:{port}")]));
        let client = Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let catalogue = format!("{url}/_catalogue?count={listings}");
        eventually("the marketplace answers", SOON, async || client.get(&catalogue).send().await.is_ok()).await;
        let rows: Vec<Value> = client.get(&catalogue).send().await.unwrap().json().await.unwrap();
        let asins = rows.iter().map(|row| row["asin"].as_str().unwrap().to_owned()).collect();
        let market = Self { url, asins, process, client };
        for asin in &market.asins {
            market.set_price(asin, price_after(0)).await;
            let held =
                json!({ "set_availability": { "marketplace": "com", "asin": asin, "availability": "in_stock" } });
            market.control(&held).await;
        }
        market
    }

    /// Sets a price.
    pub async fn set_price(&self, asin: &str, price_minor: i64) {
        let price = json!({ "amount_minor": price_minor, "currency": "USD" });
        self.control(&json!({ "set_price": { "marketplace": "com", "asin": asin, "price": price } })).await;
    }

    async fn control(&self, command: &Value) {
        let answer = self.client.post(format!("{}/_control", self.url)).json(command).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{command}\n{}", self.process.log());
    }

    /// The prices on complete pages served for a listing, in order.
    pub async fn shown(&self, asin: &str) -> Vec<Shown> {
        let text = self.client.get(format!("{}/_truth", self.url)).send().await.unwrap().text().await.unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap());
        let of_listing = lines.filter(|line| line.what == "served" && line.asin == asin);
        let whole = of_listing.filter(|line| matches!(line.answer.as_deref(), Some("page" | "slow")));
        whole.map(|line| Shown { at: line.at, price_minor: line.price.unwrap().amount_minor }).collect()
    }
}

/// The price of a listing after so many changes.
fn price_after(turn: i64) -> i64 {
    if turn % 2 == 0 { ABOVE_MINOR + turn } else { BELOW_MINOR + turn }
}

/// Changes prices continuously until stopped.
pub struct PriceChanger {
    stop: watch::Sender<bool>,
    changing: JoinHandle<Vec<i64>>,
}

impl PriceChanger {
    /// Changes each price once per `every`.
    pub fn start(market: &Arc<Marketplace>, every: Duration) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let market = Arc::clone(market);
        let pause = every / u32::try_from(market.asins.len()).unwrap();
        let changing = tokio::spawn(async move {
            let mut turns = vec![0; market.asins.len()];
            for n in (0..market.asins.len()).cycle() {
                if tokio::time::timeout(pause, stopped.wait_for(|stopped| *stopped)).await.is_ok() {
                    break;
                }
                turns[n] += 1;
                market.set_price(&market.asins[n], price_after(turns[n])).await;
            }
            turns.into_iter().map(price_after).collect()
        });
        Self { stop, changing }
    }

    /// Stops and returns the final prices.
    pub async fn stop(self) -> Vec<i64> {
        self.stop.send_replace(true);
        self.changing.await.unwrap()
    }
}

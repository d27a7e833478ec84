//! The simulated marketplace as a process: its log of what was shown judges everybody.

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

/// Prices alternate between a band above the target and one below it, and none comes twice: so each recorded price tells of
/// one moment, and each way down is a crossing.
pub const TARGET_MINOR: i64 = 9_200;
const ABOVE_MINOR: i64 = 10_000;
const BELOW_MINOR: i64 = 8_500;

/// A price that the marketplace has shown.
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

/// See the module.
pub struct Market {
    pub url: String,
    pub asins: Vec<String>,
    process: Process,
    client: Client,
}

impl Market {
    /// With so many listings; a fifth of its pages come a second late, so that there is always a crawl under way.
    pub async fn start(folder: &Folder, listings: usize) -> Self {
        let (process, port) = (Process::new(folder.home("market")), free_port());
        let mut simulate = Command::new(BINARY);
        simulate.env_clear().args(["simulate", "--page-kb", "4", "--slow-rate", "0.2", "--slow-for", "1s"]);
        process.run(simulate.args(["--listen", &format!("127.0.0.1:{port}")]));
        let client = Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let catalogue = format!("{url}/_catalogue?count={listings}");
        eventually("the marketplace answers", SOON, async || client.get(&catalogue).send().await.is_ok()).await;
        let rows: Vec<Value> = client.get(&catalogue).send().await.unwrap().json().await.unwrap();
        let asins = rows.iter().map(|row| row["asin"].as_str().unwrap().to_owned()).collect();
        let market = Self { url, asins, process, client };
        for asin in &market.asins {
            market.set_price(asin, price_of_turn(0)).await;
            let held =
                json!({ "set_availability": { "marketplace": "com", "asin": asin, "availability": "in_stock" } });
            market.control(&held).await;
        }
        market
    }

    /// Fixes a price.
    pub async fn set_price(&self, asin: &str, price_minor: i64) {
        let price = json!({ "amount_minor": price_minor, "currency": "USD" });
        self.control(&json!({ "set_price": { "marketplace": "com", "asin": asin, "price": price } })).await;
    }

    async fn control(&self, command: &Value) {
        let answer = self.client.post(format!("{}/_control", self.url)).json(command).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{command}\n{}", self.process.log());
    }

    /// The prices of whole pages that were sent for a listing, in order.
    pub async fn shown(&self, asin: &str) -> Vec<Shown> {
        let text = self.client.get(format!("{}/_truth", self.url)).send().await.unwrap().text().await.unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap());
        let of_listing = lines.filter(|line| line.what == "served" && line.asin == asin);
        let whole = of_listing.filter(|line| matches!(line.answer.as_deref(), Some("page" | "slow")));
        whole.map(|line| Shown { at: line.at, price_minor: line.price.unwrap().amount_minor }).collect()
    }
}

/// The price of a listing after so many moves.
fn price_of_turn(turn: i64) -> i64 {
    if turn % 2 == 0 { ABOVE_MINOR + turn } else { BELOW_MINOR + turn }
}

/// Moves every price, again and again, until it is told to stop.
pub struct Mover {
    stop: watch::Sender<bool>,
    moving: JoinHandle<Vec<i64>>,
}

impl Mover {
    /// Each price moves once in this time.
    pub fn start(market: &Arc<Market>, every: Duration) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let market = Arc::clone(market);
        let pause = every / u32::try_from(market.asins.len()).unwrap();
        let moving = tokio::spawn(async move {
            let mut turns = vec![0; market.asins.len()];
            for n in (0..market.asins.len()).cycle() {
                if tokio::time::timeout(pause, stopped.wait_for(|stopped| *stopped)).await.is_ok() {
                    break;
                }
                turns[n] += 1;
                market.set_price(&market.asins[n], price_of_turn(turns[n])).await;
            }
            turns.into_iter().map(price_of_turn).collect()
        });
        Self { stop, moving }
    }

    /// The prices from now on.
    pub async fn stop(self) -> Vec<i64> {
        self.stop.send_replace(true);
        self.moving.await.unwrap()
    }
}

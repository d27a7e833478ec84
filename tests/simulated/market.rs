//! Helpers: a running marketplace and a strict reader of its pages.

use std::net::TcpListener;

use amazon_tracker::domain::numbers::{parse_count, parse_price};
use amazon_tracker::domain::{Availability, Listing, Marketplace, Money};
use amazon_tracker::sources::simulated::{Catalogue, SimulateError, Simulated, SimulatedSettings};
use reqwest::{Client, Response, StatusCode};
use scraper::{Html, Selector};
use serde_json::Value;

pub struct Market {
    pub running: Simulated,
    pub client: Client,
}

pub async fn try_start(settings: SimulatedSettings) -> Result<Simulated, SimulateError> {
    Simulated::start(settings, TcpListener::bind("127.0.0.1:0").unwrap()).await
}

pub async fn start(settings: SimulatedSettings) -> Market {
    Market { running: try_start(settings).await.unwrap(), client: Client::new() }
}

/// A listing of the catalogue of seed 7, the default.
pub fn listing(site: Marketplace, number: usize) -> Listing {
    let catalogue = Catalogue::new(7, 1_000);
    Listing::new(site, catalogue.products(1_000).nth(number).unwrap().asin)
}

impl Market {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addr())
    }

    pub async fn get(&self, listing: Listing) -> Response {
        self.get_at(&listing.marketplace.host(), &format!("/dp/{}", listing.asin)).await
    }

    pub async fn get_at(&self, host: &str, path: &str) -> Response {
        self.client.get(self.url(path)).header("host", host).send().await.unwrap()
    }

    /// Fetches and reads the product page of a listing.
    pub async fn page(&self, listing: Listing) -> Page {
        let response = self.get(listing).await;
        assert_eq!(response.status(), StatusCode::OK);
        Page::read(&response.text().await.unwrap(), listing.marketplace)
    }

    /// The lines of the truth log with sequence numbers above `after`.
    pub async fn truth(&self, after: u64) -> Vec<Value> {
        let text =
            self.client.get(self.url(&format!("/_truth?after={after}"))).send().await.unwrap().text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub async fn control(&self, body: Value) -> Response {
        self.client.post(self.url("/_control")).body(body.to_string()).send().await.unwrap()
    }
}

/// The facts of a product page, read by CSS selectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub html: String,
    pub asin: Option<String>,
    pub title: Option<String>,
    pub price: Option<Money>,
    pub list_price: Option<Money>,
    pub availability_text: Option<String>,
    pub seller: Option<String>,
    pub review_count: Option<u32>,
    pub rating_text: Option<String>,
}

impl Page {
    pub fn read(html: &str, site: Marketplace) -> Self {
        let document = Html::parse_document(html);
        let text = |selector: &str| {
            let selector = Selector::parse(selector).unwrap();
            let found = document.select(&selector).next()?.text().collect::<String>();
            Some(found.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let attribute = |selector: &str, name: &str| {
            document.select(&Selector::parse(selector).unwrap()).next()?.attr(name).map(str::to_owned)
        };
        let money = |selector| text(selector).map(|text| parse_price(&text, site).unwrap());
        Self {
            asin: attribute("input#ASIN", "value"),
            title: text("#productTitle"),
            price: money("#corePriceDisplay_desktop_feature_div .priceToPay [aria-hidden]"),
            list_price: money("#corePriceDisplay_desktop_feature_div .basisPrice .a-offscreen"),
            availability_text: text("#availability span"),
            seller: text("#merchantInfoFeature_feature_div .offer-display-feature-text-message").or_else(|| {
                text(".tabular-buybox-container > .tabular-buybox-text:last-child .tabular-buybox-text-message")
            }),
            review_count: text("#acrCustomerReviewText").map(|text| parse_count(&text, site).unwrap()),
            rating_text: attribute("#acrPopover", "title"),
            html: html.to_owned(),
        }
    }

    /// The meaning of the availability line on an English page.
    pub fn availability(&self) -> Availability {
        match self.availability_text.as_deref() {
            Some("In Stock") => Availability::InStock,
            Some("Temporarily out of stock.") => Availability::OutOfStock,
            Some("Currently unavailable.") => Availability::Unavailable,
            Some(text) if text.starts_with("Only ") => Availability::LowStock,
            _ => Availability::Unknown,
        }
    }
}

//! The direct source against a server that imitates Amazon, proxies and network faults.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod images;
mod requests;
mod samples;
mod server;
mod short_links;

use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::{Listing, Marketplace, Outcome};
use amazon_tracker::sources::Wanted;
use amazon_tracker::sources::direct::DirectSource;
use amazon_tracker::telemetry::Metrics;

use server::Server;

/// An upper limit for every test.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The listing of [`page`].
fn listing() -> Listing {
    Listing::new(Marketplace::De, "B0DIRECT01".parse().unwrap())
}

/// A small product page, up to its footer.
fn page() -> String {
    let filler = "<p>Etwas über Kessel.</p>".repeat(200);
    format!(
        "<html><body><div id=\"dp\"><span id=\"productTitle\">Kessel</span>\
         <input type=\"hidden\" id=\"ASIN\" name=\"ASIN\" value=\"{}\">\
         <div id=\"corePrice_feature_div\"><span class=\"a-price\"><span class=\"a-offscreen\">1.234,56\u{a0}€</span></span></div>\
         <div id=\"availability\"><span>Auf Lager</span></div></div>{filler}<div id=\"navFooter\"></div></body></html>",
        listing().asin
    )
}

/// A source that uses the server instead of Amazon.
fn source(server: &Server) -> DirectSource {
    source_with(server, |_| {})
}

fn source_with(server: &Server, adjust: impl FnOnce(&mut CrawlSettings)) -> DirectSource {
    let mut settings = CrawlSettings { base_url: Some(server.url().parse().unwrap()), ..CrawlSettings::default() };
    adjust(&mut settings);
    DirectSource::new(settings, Arc::new(Metrics::new())).unwrap()
}

async fn fetch(source: &DirectSource) -> Outcome {
    tokio::time::timeout(TEST_TIMEOUT, source.fetch(Wanted::facts_of(listing())))
        .await
        .expect("the source ends within its own limits")
}

/// The observed price in minor units, if there is one.
fn price_minor(outcome: &Outcome) -> Option<i64> {
    match outcome {
        Outcome::Observed(observation) => observation.price.value().map(|price| price.amount_minor),
        _ => None,
    }
}

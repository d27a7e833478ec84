//! The direct source against a server that does what Amazon, proxies and bad networks do.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod requests;
mod server;

use std::sync::Arc;
use std::time::Duration;

use amazon_tracker::config::CrawlSettings;
use amazon_tracker::domain::{Listing, Marketplace, Outcome};
use amazon_tracker::sources::Source;
use amazon_tracker::sources::direct::DirectSource;
use amazon_tracker::telemetry::Metrics;

use server::Server;

/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The listing that [`page`] shows.
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

/// The source with the server in Amazon's place.
fn source(server: &Server) -> DirectSource {
    source_with(server, |_| {})
}

fn source_with(server: &Server, adjust: impl FnOnce(&mut CrawlSettings)) -> DirectSource {
    let mut settings = CrawlSettings { base_url: Some(server.url().parse().unwrap()), ..CrawlSettings::default() };
    adjust(&mut settings);
    DirectSource::new(settings, Arc::new(Metrics::new())).unwrap()
}

async fn fetch(source: &DirectSource) -> Outcome {
    tokio::time::timeout(PATIENCE, source.fetch(listing())).await.expect("an end within the source's own limits")
}

/// The price of an outcome that saw one, in minor units.
fn price_minor(outcome: &Outcome) -> Option<i64> {
    match outcome {
        Outcome::Observed(seen) => seen.price.value().map(|price| price.amount_minor),
        _ => None,
    }
}

//! `track`: one crawl of one listing with the direct source.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::table::two_columns;
use super::{Flags, SourceArgs, prepare, print_result};
use crate::config::CrawlSettings;
use crate::domain::{Asin, Listing, ListingUrlError, Marketplace, Observation, Offer, Outcome};
use crate::sources::direct::DirectSource;
use crate::sources::short_links::ShortLinks;
use crate::sources::{ResolveLinks, Wanted};
use crate::telemetry::Metrics;

#[derive(Debug, Args)]
pub(super) struct TrackArgs {
    /// An ASIN, or the URL of a product page.
    product: String,
    /// The marketplace of the ASIN.
    #[arg(long)]
    marketplace: Option<Marketplace>,
    #[command(flatten)]
    source: SourceArgs,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Also read the offers of all sellers.
    #[arg(long)]
    offers: bool,
}

pub(super) fn run(folder: &Path, args: TrackArgs) -> anyhow::Result<ExitCode> {
    let settings = prepare(folder, Flags::default().with("crawl.base_url", args.source.base_url))?;
    let listing = match args.product.parse::<Asin>() {
        Ok(asin) => Listing::new(args.marketplace.unwrap_or(settings.products.default_marketplace), asin),
        Err(_) if args.product.contains('/') => listing_at(&args.product, args.marketplace, &settings.crawl)?,
        Err(error) => return Err(error.into()),
    };
    let source = DirectSource::new(settings.crawl, Arc::new(Metrics::new()))?;
    let outcome = tokio::runtime::Runtime::new()?.block_on(source.fetch(Wanted {
        listing,
        offers: args.offers,
        ..Wanted::facts_of(listing)
    }));
    let object = describe(listing, &outcome);
    print_result(&if args.json { format!("{object}\n") } else { two_columns(&rows(&object)) })?;
    Ok(if matches!(outcome, Outcome::Observed(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn listing_at(url: &str, marketplace: Option<Marketplace>, settings: &CrawlSettings) -> anyhow::Result<Listing> {
    let listing = match (Listing::from_url(url), ShortLinks::new(settings)?) {
        (Err(ListingUrlError::ShortLink(link)), Some(links)) => tokio::runtime::Runtime::new()?
            .block_on(links.resolve(&link))
            .context("the short link cannot be resolved")?,
        (listing, _) => listing?,
    };
    match marketplace {
        Some(other) if other != listing.marketplace => {
            anyhow::bail!("--marketplace {other}: the URL belongs to marketplace {}", listing.marketplace)
        }
        _ => Ok(listing),
    }
}

fn describe(listing: Listing, outcome: &Outcome) -> Value {
    let mut object = json!({ "asin": listing.asin, "marketplace": listing.marketplace, "outcome": outcome.as_str() });
    if let (Outcome::Observed(seen), Some(fields)) = (outcome, object.as_object_mut()) {
        fields.extend(observed(seen));
    }
    object
}

fn observed(seen: &Observation) -> serde_json::Map<String, Value> {
    let fields = json!({
        "title": seen.title,
        "brand": seen.brand,
        "price": seen.price.value(),
        "list_price": seen.list_price.value(),
        "list_price_kind": seen.list_price_kind,
        "coupon": seen.coupon.value(),
        "availability": seen.availability,
        "seller": seen.seller.value(),
        "seller_id": seen.seller_id.value(),
        "offers": seen.offers.as_ref().map(|list| &list.offers),
        "rating": seen.rating.value().map(|rating| rating.stars()),
        "review_count": seen.review_count.value(),
        "ranks": seen.ranks.value(),
        "image_url": seen.image_url,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}

fn rows(object: &Value) -> Vec<(&str, String)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.as_str(), cell(value))).collect()
}

/// A rank or an offer.
fn item(item: &Value) -> String {
    match serde_json::from_value::<Offer>(item.clone()) {
        Ok(offer) => {
            let seller = offer.seller.unwrap_or_default();
            format!("{} {} ({seller})", offer.condition.as_str(), offer.price)
        }
        Err(_) => format!("#{} in {}", item["rank"], item["category"].as_str().unwrap_or_default()),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        Value::Object(_) => serde_json::from_value::<crate::domain::Money>(value.clone())
            .map_or_else(|_| value.to_string(), |money| money.to_string()),
        other => other.to_string(),
    }
}

//! Dataset items of simulated runs: the facts of the world in the forms of two actors.

use serde_json::{Value, json};

use super::catalogue::Product;
use super::facts::{FactValue, Facts, Field};
use super::phrases::{self, Phrases};
use super::truth::Answer;
use super::world::{PageSource, World};
use crate::domain::{Availability, ListUrl, Listing, Marketplace, Money, Rank};

/// A list has two pages of fifty.
const LIST_ITEMS: u32 = 100;

/// An item for each URL of an input, in the form of the actor that takes such an input.
pub(super) fn items_of(world: &World, input: &Value) -> Vec<Value> {
    let urls = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let of_url = |url: &Value, form: fn(Listing, &Product, &Facts) -> Value| {
        let url = url.as_str()?;
        let listing = Listing::from_url(url).ok()?;
        let decision = world.answer(listing, PageSource::Generated);
        Some(match decision.answer {
            Answer::Captcha | Answer::Unavailable | Answer::Truncated => {
                json!({ "url": url, "input": url, "error": "the page could not be loaded" })
            }
            Answer::NotFound => json!({ "url": url, "input": url, "statusCode": 404, "statusMessage": "NOT_FOUND" }),
            Answer::Page | Answer::Slow => form(listing, &world.catalogue().product(listing.asin), &decision.facts),
        })
    };
    if let Some(lists) = input.get("categoryUrls") {
        return urls(lists).iter().filter_map(Value::as_str).flat_map(|url| ranked(world, url)).collect();
    }
    match input.get("urls") {
        Some(list) => urls(list).iter().filter_map(|url| of_url(url, axesso)).collect(),
        None => {
            let starts = input.get("categoryOrProductUrls").map(urls).unwrap_or_default();
            starts.iter().filter_map(|start| of_url(start.get("url")?, junglee)).collect()
        }
    }
}

/// A bestseller list, in the form of junglee's actor.
fn ranked(world: &World, url: &str) -> Vec<Value> {
    let Ok(list) = ListUrl::parse(url) else {
        return vec![json!({ "url": url, "input": url, "error": "the page could not be loaded" })];
    };
    let item = |(position, product): (u32, Product)| {
        let listing = Listing::new(list.marketplace(), product.asin);
        json!({
            "name": product.title, "url": listing.url(), "asin": product.asin, "position": position, "price": null,
            "numberOfOffers": null, "categoryUrl": url, "input": url,
        })
    };
    (1..).zip(world.catalogue().products(LIST_ITEMS)).map(item).collect()
}

/// An amount as JSON writes it: 238.6.
fn decimal(money: Option<Money>) -> Value {
    money.map_or(Value::Null, |money| {
        let amount = money.amount_minor as f64 / 10f64.powi(money.currency.exponent().cast_signed());
        json!(amount)
    })
}

/// Ranks with their categories, as on the marketplace's pages.
fn ranks_of(facts: &Facts, marketplace: Marketplace) -> Vec<Rank> {
    let rank = |field| match facts.value(field, marketplace) {
        FactValue::Rank(rank) => Some(rank),
        _ => None,
    };
    [Field::Rank, Field::SubcategoryRank].into_iter().filter_map(rank).collect()
}

fn line_of(facts: &Facts, marketplace: Marketplace) -> String {
    let phrases = Phrases::of(marketplace);
    match facts.availability {
        Availability::InStock => phrases.in_stock.to_owned(),
        Availability::LowStock => phrases::fill(phrases.low_stock, facts.units_left),
        Availability::OutOfStock => phrases.out_of_stock.to_owned(),
        _ => phrases.unavailable.to_owned(),
    }
}

fn image_of(product: &Product) -> String {
    format!("https://m.media-amazon.com/images/I/{}._AC_SX679_.jpg", product.image_id)
}

fn axesso(listing: Listing, product: &Product, facts: &Facts) -> Value {
    let ranks = ranks_of(facts, listing.marketplace);
    let ranks: Vec<String> = ranks.iter().map(|one| format!("#{} in {}", one.rank, one.category)).collect();
    let or_zero = |money: Option<Money>| if money.is_some() { decimal(money) } else { json!(0) };
    json!({
        "statusCode": 200, "statusMessage": "FOUND", "url": listing.url(), "asin": listing.asin, "title": product.title,
        "manufacturer": format!("Visit the {} Store", product.brand), "imageUrlList": [image_of(product)],
        "price": or_zero(facts.price), "retailPrice": or_zero(facts.list_price),
        "soldBy": facts.seller.map(|seller| seller.name(listing.marketplace)),
        "fulfilledBy": facts.seller.map(|_| "Amazon"), "warehouseAvailability": line_of(facts, listing.marketplace),
        "productRating": format!("{:.1} out of 5 stars", facts.rating.stars()), "countReview": facts.review_count,
        "used": false,
        "productDetails": [{ "name": "Best Sellers Rank", "value": ranks.join(" ") }],
    })
}

fn junglee(listing: Listing, product: &Product, facts: &Facts) -> Value {
    let symbol = listing.marketplace.currency().symbols().first().copied().unwrap_or_default();
    let money = |money: Option<Money>| money.map(|_| json!({ "value": decimal(money), "currency": symbol }));
    // As often, every entry twice.
    let ranks = ranks_of(facts, listing.marketplace).into_iter().flat_map(|rank| [rank.clone(), rank]);
    let ranks: Vec<Value> = ranks.map(|one| json!({ "rank": one.rank, "category": one.category, "url": "" })).collect();
    json!({
        "asin": listing.asin, "originalAsin": listing.asin, "title": product.title, "brand": product.brand, "thumbnailImage": image_of(product), "url": listing.url(), "input": listing.url(),
        "price": money(facts.price), "listPrice": money(facts.list_price), "inStock": facts.price.is_some(),
        "inStockText": line_of(facts, listing.marketplace), "condition": "",
        "seller": facts.seller.map(|seller| json!({ "name": seller.name(listing.marketplace), "id": "A1SIMULATED" })),
        "stars": facts.rating.stars(), "reviewsCount": facts.review_count,
        "bestsellerRanks": ranks,
        "loadedCountryCode": listing.marketplace.country(),
    })
}

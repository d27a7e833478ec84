//! Items of junglee's "Amazon bestsellers scraper".

use serde::Deserialize;
use serde_json::{Value, json};

use super::items::{asin_of_url, is_elsewhere, or_none};
use crate::domain::{Asin, ListUrl, Listing, Marketplace};

/// The input of a run of junglee's "Amazon bestsellers scraper". Subcategories are not followed.
pub(super) fn input(list: &ListUrl, max_items: u32) -> Value {
    json!({
        "categoryUrls": [list.to_string()],
        "depthOfCrawl": 1,
        "maxItemsPerStartUrl": max_items,
        "proxyCountry": list.marketplace().country(),
        "useCaptchaSolver": false,
    })
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default, deserialize_with = "or_none")]
    asin: Option<Asin>,
    #[serde(default, deserialize_with = "or_none")]
    url: Option<String>,
    /// The rank within the list.
    #[serde(default, deserialize_with = "or_none")]
    position: Option<u32>,
}

/// The place of an item's listing in the list; `None`: the item names no listing of the marketplace.
fn ranked_item(item: &Value, marketplace: Marketplace) -> Option<(u32, Asin)> {
    let item = Item::deserialize(item).ok()?;
    if item.url.as_deref().is_some_and(|url| is_elsewhere(url, marketplace)) {
        return None;
    }
    let asin = item.asin.or_else(|| item.url.as_deref().and_then(asin_of_url))?;
    Some((item.position.unwrap_or(u32::MAX), asin))
}

/// The listings by their places, each once; those without a place come last.
pub(super) fn listings(items: &[Value], marketplace: Marketplace, max_items: u32) -> Vec<Listing> {
    let mut ranked: Vec<(u32, Asin)> = items.iter().filter_map(|item| ranked_item(item, marketplace)).collect();
    ranked.sort_by_key(|(position, _)| *position);
    let mut listings: Vec<Listing> = Vec::new();
    for listing in ranked.into_iter().map(|(_, asin)| Listing::new(marketplace, asin)) {
        if !listings.contains(&listing) {
            listings.push(listing);
        }
    }
    listings.truncate(max_items as usize);
    listings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_come_in_the_order_of_their_ranks_each_once() {
        let item = |asin: &str, position: Value| json!({ "asin": asin, "position": position });
        let items = [
            item("B000000003", json!(3)),
            item("B000000009", Value::Null),
            item("B000000001", json!(1)),
            item("B000000001", json!(2)),
            json!({ "url": "https://www.amazon.fr/dp/B000000004", "position": 4 }),
            json!({ "url": "https://www.amazon.de/dp/B000000005", "position": 5 }),
            json!({ "error": "not found", "input": "https://www.amazon.de/gp/bestsellers/x" }),
        ];
        let listed = |max| listings(&items, Marketplace::De, max).iter().map(ToString::to_string).collect();
        let all: Vec<String> = listed(9);
        assert_eq!(all, ["de/B000000001", "de/B000000003", "de/B000000005", "de/B000000009"]);
        let some: Vec<String> = listed(2);
        assert_eq!(some, all[..2]);
    }
}

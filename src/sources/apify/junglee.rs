//! Items of junglee's "Amazon crawler" and "Amazon ASINs scraper".

use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::items::{
    Answer, Offer, asin_of_url, image_ids, is_elsewhere, observed, or_none, price, read, seller_id, text, texts_of,
};
use crate::domain::{
    Asin, Availability, Content, Failure, Fulfillment, Listing, Marketplace, Money, Observation, Offer as ListedOffer,
    OfferList, Outcome, Rank, Rating, Reading, is_amazon,
};
use crate::extract::texts;

/// The input of a run, with a proxy of the marketplace's country.
pub(super) fn input(listings: &[Listing], marketplace: Marketplace, max_offers: u32) -> Value {
    let urls: Vec<_> = listings.iter().map(|listing| json!({ "url": listing.url() })).collect();
    json!({
        "categoryOrProductUrls": urls,
        "maxItemsPerStartUrl": 1,
        "maxOffers": max_offers,
        "scrapeSellers": false,
        "proxyCountry": marketplace.country(),
        "useCaptchaSolver": false,
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    /// Of the page that was loaded.
    #[serde(default, deserialize_with = "or_none")]
    asin: Option<Asin>,
    /// That was requested.
    #[serde(default, deserialize_with = "or_none")]
    original_asin: Option<Asin>,
    #[serde(default, deserialize_with = "or_none")]
    url: Option<String>,
    /// The URL that was requested.
    #[serde(default, deserialize_with = "or_none")]
    input: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    loaded_country_code: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    title: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    brand: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    thumbnail_image: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    price: Option<Price>,
    #[serde(default, deserialize_with = "or_none")]
    list_price: Option<Price>,
    /// Of a parent whose variations have different prices.
    #[serde(default, deserialize_with = "or_none")]
    price_range: Option<Value>,
    #[serde(default, deserialize_with = "or_none")]
    in_stock: Option<bool>,
    #[serde(default, deserialize_with = "or_none")]
    in_stock_text: Option<String>,
    /// Empty: new.
    #[serde(default, deserialize_with = "or_none")]
    condition: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    seller: Option<Seller>,
    #[serde(default, deserialize_with = "or_none")]
    stars: Option<f64>,
    #[serde(default, deserialize_with = "or_none")]
    reviews_count: Option<u32>,
    /// "Clothing, Shoes & Jewelry > Men > Clothing", or empty.
    #[serde(default, deserialize_with = "or_none")]
    bread_crumbs: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    high_resolution_images: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_none")]
    features: Option<Vec<String>>,
    #[serde(default, deserialize_with = "or_none")]
    description: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    videos_count: Option<u32>,
    #[serde(default, deserialize_with = "or_none")]
    variant_asins: Option<Vec<Asin>>,
    /// Often with every entry twice.
    #[serde(default, deserialize_with = "or_none")]
    bestseller_ranks: Option<Vec<BestsellerRank>>,
    /// Empty, unless the input asks for some.
    #[serde(default, deserialize_with = "or_none")]
    offers: Option<Vec<Value>>,
}

/// An offer as the actor's documentation and other programs that read it name its fields: no item of the corpus has one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemOffer {
    #[serde(default, deserialize_with = "or_none")]
    price: Option<Price>,
    #[serde(default, deserialize_with = "or_none")]
    shipping_price: Option<Price>,
    /// "New", "Used - Like New".
    #[serde(default, deserialize_with = "or_none")]
    condition: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    seller: Option<Seller>,
    #[serde(default, deserialize_with = "or_none")]
    is_pinned_offer: Option<bool>,
}

/// A number with a symbol, which is not a currency.
#[derive(Debug, Deserialize)]
struct Price {
    #[serde(default, deserialize_with = "or_none")]
    value: Option<Number>,
    #[serde(default, deserialize_with = "or_none")]
    currency: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Seller {
    #[serde(default, deserialize_with = "or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BestsellerRank {
    #[serde(default, deserialize_with = "or_none")]
    rank: Option<u32>,
    #[serde(default, deserialize_with = "or_none")]
    category: Option<String>,
}

/// What an item tells about a listing of this marketplace.
pub(super) fn answer(item: &Value, marketplace: Marketplace) -> Answer {
    let item: Item = match read(item) {
        Ok(item) => item,
        Err(answer) => return answer,
    };
    let by_link = || item.input.as_deref().or(item.url.as_deref()).and_then(asin_of_url);
    let requested = item.original_asin.or_else(by_link).or(item.asin);
    let outcome = if item.is_of_another_region(marketplace) {
        Outcome::Failed(Failure::WrongRegion)
    } else if item.asin.is_some_and(|asin| requested.is_some_and(|requested| requested != asin)) {
        Outcome::Failed(Failure::WrongListing)
    } else {
        observed(item.observation(marketplace))
    };
    Answer { requested, outcome }
}

impl Item {
    fn is_of_another_region(&self, marketplace: Marketplace) -> bool {
        let country = self.loaded_country_code.as_deref();
        let is_foreign = country.is_some_and(|country| !is_country_of(country, marketplace));
        let is_elsewhere = self.url.as_deref().is_some_and(|url| is_elsewhere(url, marketplace));
        let symbols = [&self.price, &self.list_price].into_iter().flatten();
        let mut symbols = symbols.filter_map(|price| price.currency.as_deref()).map(str::trim);
        is_foreign || is_elsewhere || symbols.any(|symbol| !is_symbol_of(symbol, marketplace))
    }

    /// A missing `aPlusContent` may mean that it was not asked for.
    fn content(&self) -> Content {
        let path = self.bread_crumbs.iter().flat_map(|path| path.split(['>', '›'])).map(str::to_owned);
        let variations = self.variant_asins.as_ref().and_then(|asins| u32::try_from(asins.len()).ok());
        Content {
            title: text(self.title.clone()),
            brand: text(self.brand.clone()),
            bullets: self.features.clone().and_then(texts_of),
            image_ids: image_ids(self.high_resolution_images.clone()),
            description: text(self.description.clone()),
            category_path: texts_of(path),
            has_video: self.videos_count.map(|count| count > 0),
            variation_count: variations.filter(|count| *count > 0),
            is_whole: true,
            ..Content::default()
        }
    }

    fn observation(self, marketplace: Marketplace) -> Observation {
        let mut seen = Observation::empty(self.asin);
        seen.content = self.content();
        seen.offers = self.offers.as_deref().and_then(|offers| offer_list(offers, marketplace));
        seen.title = text(self.title);
        seen.brand = text(self.brand);
        seen.image_url = text(self.thumbnail_image);
        seen.rating = Reading::or_unknown(self.stars.and_then(rating));
        seen.review_count = Reading::or_unknown(self.reviews_count);
        seen.ranks = ranks(self.bestseller_ranks.unwrap_or_default());
        let amount = |given: Option<Price>| -> Option<Money> { price(given?.value.as_ref(), marketplace) };
        let is_range = self.price_range.is_some_and(|range| !range.is_null());
        let line = text(self.in_stock_text).and_then(|line| texts::availability(&line, marketplace));
        let (seller, id) = self.seller.map(|seller| (text(seller.name), seller.id)).unwrap_or_default();
        let offer = Offer {
            price: amount(self.price).filter(|_| !is_range),
            list_price: amount(self.list_price),
            seller_id: seller_id(id.as_deref(), seller.as_deref(), marketplace),
            seller,
            availability: match (line, self.in_stock) {
                (Some(availability), _) => availability,
                (None, Some(true)) => Availability::InStock,
                // Without a text the flag is false on pages that it was not read from.
                (None, Some(false) | None) => Availability::Unknown,
            },
            is_none: self.condition.as_deref().is_some_and(texts::is_used),
        };
        offer.observe(&mut seen);
        seen
    }
}

/// The offers whose price can be read. Whether the list is complete, and who ships an offer, the actor does not say.
fn offer_list(offers: &[Value], marketplace: Marketplace) -> Option<OfferList> {
    let amount = |given: Option<&Price>| {
        let given =
            given.filter(|price| price.currency.as_deref().is_none_or(|it| is_symbol_of(it.trim(), marketplace)));
        price(given?.value.as_ref(), marketplace)
    };
    let offer = |given: &Value| {
        let given = ItemOffer::deserialize(given).ok()?;
        let name = given.seller.as_ref().and_then(|seller| text(seller.name.clone()));
        let id = given.seller.as_ref().and_then(|seller| seller.id.as_deref());
        let condition = text(given.condition.clone());
        let is_amazon = name.as_deref().is_some_and(is_amazon);
        Some(ListedOffer {
            price: amount(given.price.as_ref())?,
            // Zero stands for free, and for unknown.
            shipping: Reading::or_unknown(amount(given.shipping_price.as_ref())),
            seller_id: seller_id(id, name.as_deref(), marketplace),
            seller: name,
            condition: condition.as_deref().map(texts::condition).unwrap_or_default(),
            condition_text: condition,
            fulfilled_by: if is_amazon { Fulfillment::Amazon } else { Fulfillment::Unknown },
            is_prime: false,
            is_featured: given.is_pinned_offer == Some(true),
        })
    };
    let offers: Vec<ListedOffer> = offers.iter().filter_map(offer).take(OfferList::MAX_OFFERS).collect();
    (!offers.is_empty()).then_some(OfferList { offers, is_complete: false })
}

fn is_country_of(country: &str, marketplace: Marketplace) -> bool {
    // Amazon's own code of the United Kingdom.
    let is_uk = marketplace == Marketplace::Uk && country.eq_ignore_ascii_case("UK");
    is_uk || country.eq_ignore_ascii_case(marketplace.country())
}

/// Several currencies share a symbol, so it can only rule a marketplace out. No symbol says nothing.
fn is_symbol_of(symbol: &str, marketplace: Marketplace) -> bool {
    symbol.is_empty() || marketplace.currency().symbols().iter().any(|known| known.eq_ignore_ascii_case(symbol))
}

fn rating(stars: f64) -> Option<Rating> {
    // Between 1 and 5: the cast is lossless.
    (1.0..=5.0).contains(&stars).then(|| Rating((stars * 100.0).round() as u16))
}

fn ranks(given: Vec<BestsellerRank>) -> Reading<Vec<Rank>> {
    let mut ranks: Vec<Rank> = Vec::new();
    for one in given {
        if let (Some(rank @ 1..), Some(category)) = (one.rank, text(one.category))
            && ranks.iter().all(|known| known.category != category)
        {
            ranks.push(Rank { rank, category });
        }
    }
    Reading::or_unknown(Some(ranks).filter(|ranks| !ranks.is_empty()))
}

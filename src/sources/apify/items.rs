//! Dataset items of Apify actors as outcomes of crawls.
//!
//! What an item leaves out, sets to null, or contradicts itself about is unknown, never zero. Unknown fields are ignored: new
//! versions of an actor add some.

use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use url::Url;

use crate::domain::{
    Asin, Availability, Failure, Listing, Marketplace, Money, Observation, Outcome, Reading, SellerId, is_amazon,
};
use crate::extract::texts::image_id;

/// A dataset item, and which of the requested listings it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The ASIN that was requested; `None`: the item does not say.
    pub requested: Option<Asin>,
    /// What the item tells about it.
    pub outcome: Outcome,
}

/// An item that is no product: the input of the actor that failed, and how.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailedInput {
    #[serde(default, deserialize_with = "or_none")]
    error: Option<Value>,
    #[serde(default, deserialize_with = "or_none")]
    error_description: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    status_code: Option<u16>,
    #[serde(default, deserialize_with = "or_none")]
    status_message: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    url: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    input: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    asin: Option<String>,
}

/// Reads an item that is a product. `Err`: what it tells instead.
pub(super) fn read<'de, T: Deserialize<'de>>(item: &'de Value) -> Result<T, Answer> {
    match failed_input(item) {
        Some(failed) => Err(failed),
        None => {
            T::deserialize(item).map_err(|_| Answer { requested: None, outcome: Outcome::Failed(Failure::Unreadable) })
        }
    }
}

/// The failure that an item reports, if it is one.
fn failed_input(item: &Value) -> Option<Answer> {
    let failed = FailedInput::deserialize(item).ok()?;
    let says_error = failed.error.as_ref().is_some_and(|error| !matches!(error, Value::Bool(false)));
    let status = failed.status_code.filter(|status| *status != 200);
    if !says_error && status.is_none() {
        return None;
    }
    let texts = [failed.error.as_ref().and_then(Value::as_str), failed.error_description.as_deref()];
    let texts = texts.into_iter().chain([failed.status_message.as_deref()]).flatten();
    let says_not_found = texts.map(|text| text.to_lowercase().replace('_', " ")).any(|text| text.contains("not found"));
    let outcome = match status {
        Some(404 | 410) => Outcome::NotFound,
        _ if says_not_found => Outcome::NotFound,
        Some(status) => Outcome::Failed(Failure::Status(status)),
        None => Outcome::Failed(Failure::NotDelivered),
    };
    let links = [failed.input.as_deref(), failed.url.as_deref()].into_iter().flatten();
    let asins = links.filter_map(asin_of_url).chain(failed.asin.and_then(|asin| asin.parse().ok()));
    Some(Answer { requested: { asins }.next(), outcome })
}

/// The ASIN in the URL of a product, on whatever marketplace.
pub(super) fn asin_of_url(url: &str) -> Option<Asin> {
    Listing::from_url(url).ok().map(|listing| listing.asin).or_else(|| url.parse().ok())
}

/// Whether the page of this URL is one of another marketplace.
pub(super) fn is_elsewhere(url: &str, marketplace: Marketplace) -> bool {
    let site = url.parse::<Url>().ok().and_then(|url| Marketplace::from_host(url.host_str()?));
    site.is_some_and(|site| site != marketplace)
}

/// The text, trimmed; `None` when it is blank.
pub(super) fn text(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A price in the currency of the marketplace. Zero is what actors write for unknown.
pub(super) fn price(number: Option<&Number>, marketplace: Marketplace) -> Option<Money> {
    Money::from_decimal(&number?.to_string(), marketplace.currency())
}

/// The offer facts of an item: what follows for them from one another.
pub(super) struct Offer {
    /// The price of the featured new offer.
    pub price: Option<Money>,
    /// The struck-through price.
    pub list_price: Option<Money>,
    /// The seller of the featured offer.
    pub seller: Option<String>,
    /// Amazon's id of that seller.
    pub seller_id: Option<SellerId>,
    /// The availability line.
    pub availability: Availability,
    /// The item says that there is no featured new offer.
    pub is_none: bool,
}

impl Offer {
    /// Writes the offer into an observation, as a page with the same facts would be.
    pub fn observe(self, seen: &mut Observation) {
        let is_sold = !matches!(
            self.availability,
            Availability::Unavailable | Availability::OutOfStock | Availability::NoFeaturedOffer
        );
        let price = self.price.filter(|_| !self.is_none);
        seen.price = match price {
            Some(price) => Reading::Is(price),
            None if self.is_none || !is_sold => Reading::Absent,
            None => Reading::Unknown,
        };
        let list_price =
            self.list_price.filter(|list| price.is_some_and(|price| list.amount_minor > price.amount_minor));
        seen.list_price = match list_price {
            Some(list_price) => Reading::Is(list_price),
            None if price.is_some() => Reading::Absent,
            None => Reading::Unknown,
        };
        let has_offer = !self.is_none && self.availability != Availability::NoFeaturedOffer;
        seen.seller = match self.seller.filter(|_| has_offer) {
            Some(seller) => Reading::Is(seller),
            None if !has_offer => Reading::Absent,
            None => Reading::Unknown,
        };
        seen.seller_id = match self.seller_id.filter(|_| has_offer) {
            Some(id) => Reading::Is(id),
            None if !has_offer => Reading::Absent,
            None => Reading::Unknown,
        };
        seen.availability = self.availability;
    }
}

/// The id of a seller. Items leave it out when Amazon itself sells.
pub(super) fn seller_id(id: Option<&str>, seller: Option<&str>, marketplace: Marketplace) -> Option<SellerId> {
    let given = id.and_then(|id| id.parse().ok());
    given.or_else(|| SellerId::of_amazon(marketplace).filter(|_| seller.is_some_and(is_amazon)))
}

/// The ids of images, in the order of their URLs.
pub(super) fn image_ids(urls: Option<Vec<String>>) -> Option<Vec<String>> {
    texts_of(urls?.iter().filter_map(|url| image_id(url)).map(str::to_owned))
}

/// The texts that are not blank, each once; `None` without any.
pub(super) fn texts_of(texts: impl IntoIterator<Item = String>) -> Option<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    for one in texts.into_iter().filter_map(|one| text(Some(one))) {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    Some(kept).filter(|kept| !kept.is_empty())
}

/// A product page has a title, and says something about an offer.
pub(super) fn observed(seen: Observation) -> Outcome {
    let tells_of_offer = seen.price != Reading::Unknown || seen.availability != Availability::Unknown;
    if seen.title.is_none() || !tells_of_offer {
        return Outcome::Failed(Failure::Unreadable);
    }
    Outcome::Observed(Box::new(seen))
}

/// A field of another type than expected is a field that says nothing, not an item that cannot be read.
pub(super) fn or_none<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

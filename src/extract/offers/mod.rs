//! The offers of a listing: seller, condition, price, shipping.

mod scan;

use super::encoding::{self, Transcoder};
use super::phrases;
use super::price::{plain_price, price_of_parts};
use super::text;
use super::{ExtractError, PageContext};
use crate::domain::{Asin, Fulfillment, Marketplace, Money, Offer, OfferCondition, Reading, SellerId, is_amazon};
use scan::{Collected, RawOffer};

/// Offers on one page of the list, without the featured one.
const PAGE_OFFERS: usize = 10;

/// One page of an offer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferPage {
    /// The offers that could be read.
    pub offers: Vec<Offer>,
    /// There are offers whose price could not be read.
    pub has_unreadable: bool,
    /// The page is full, so another may follow.
    pub is_full: bool,
    /// The ASIN in the links to sellers.
    pub asin: Option<Asin>,
}

/// Reads one page of an offer list. `None`: the page is something else.
///
/// # Errors
/// See [`ExtractError`].
pub fn offers(
    bytes: &[u8],
    context: &PageContext,
    marketplace: Marketplace,
) -> Result<Option<OfferPage>, ExtractError> {
    let mut transcoder = Transcoder::new(context.content_type.as_deref(), encoding::legacy(marketplace));
    let mut utf8 = transcoder.push(bytes).to_vec();
    utf8.extend_from_slice(transcoder.finish());
    let collected = scan::collect(&utf8).map_err(|error| ExtractError::Parser(error.to_string()))?;
    Ok(collected.is_list.then(|| page(&collected, marketplace)))
}

fn page(collected: &Collected, marketplace: Marketplace) -> OfferPage {
    let mut offers: Vec<Offer> = Vec::new();
    let mut has_unreadable = false;
    // An overlay without a featured offer has an empty box for it.
    let is_empty = |raw: &RawOffer| raw.is_featured && text::line(&raw.price).is_empty() && raw.price_whole.is_empty();
    for raw in collected.offers.iter().filter(|raw| !is_empty(raw)) {
        match offer(raw, marketplace) {
            // The list may repeat the featured offer.
            Some(offer) if offers.iter().any(|known| is_same(known, &offer)) => {}
            Some(offer) => offers.push(offer),
            None => has_unreadable = true,
        }
    }
    let listed = collected.offers.iter().filter(|raw| !raw.is_featured).count();
    let asin = collected.offers.iter().find_map(|raw| asin_of_link(raw.seller_link.as_deref()?));
    OfferPage { offers, has_unreadable, is_full: listed >= PAGE_OFFERS, asin }
}

fn is_same(featured: &Offer, other: &Offer) -> bool {
    featured.is_featured && featured.seller_id.is_some() && *featured == Offer { is_featured: true, ..other.clone() }
}

fn offer(raw: &RawOffer, marketplace: Marketplace) -> Option<Offer> {
    let price = price_of_parts(&raw.price, &raw.price_whole, &raw.price_fraction, marketplace)?;
    let seller = Some(seller_name(&raw.seller)).filter(|name| !name.is_empty());
    let is_amazon = seller.as_deref().is_some_and(is_amazon);
    let by_link = raw.seller_link.as_deref().and_then(SellerId::in_link);
    let seller_id = by_link.or_else(|| is_amazon.then(|| SellerId::of_amazon(marketplace))?);
    let condition_text = text::line(&raw.condition);
    Some(Offer {
        condition: condition(&condition_text),
        condition_text: Some(condition_text).filter(|text| !text.is_empty()),
        price,
        shipping: shipping(raw, marketplace),
        fulfilled_by: fulfilled_by(raw, is_amazon),
        seller,
        seller_id,
        is_prime: raw.is_prime,
        is_featured: raw.is_featured,
    })
}

/// The name behind the label: "Sold by Oasis1270". Both stand in the same box.
fn seller_name(raw: &str) -> String {
    let line = text::line(raw);
    let lower = text::lower_in_place(&line);
    let label = phrases::languages(None)
        .flat_map(|language| language.seller_labels)
        .filter(|label| lower.starts_with(**label))
        .map(|label| label.len())
        .max()
        .unwrap_or(0);
    line[label..].trim_start_matches([' ', ':', '：']).trim().to_owned()
}

pub(in crate::extract) fn condition(text: &str) -> OfferCondition {
    let lower = text.to_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if names(phrases::COLLECTIBLE) {
        OfferCondition::Collectible
    } else if names(phrases::REFURBISHED) {
        OfferCondition::Refurbished
    } else if phrases::any_language_contains(text, |language| language.used) {
        OfferCondition::Used
    } else if phrases::NEW.iter().any(|word| lower.trim() == *word) {
        OfferCondition::New
    } else {
        OfferCondition::Unknown
    }
}

/// Shipping by the delivery's own price, or by the words beside the price. Old pages with a Prime badge say nothing else: free.
fn shipping(raw: &RawOffer, marketplace: Marketplace) -> Reading<Money> {
    let stated = raw.delivery_price.as_deref().map(text::line).filter(|line| !line.is_empty());
    let words = text::line(&raw.shipping);
    let line = stated.unwrap_or(words);
    let has_digit = line.chars().any(|c| text::western_digit(c).is_ascii_digit());
    match amount_in(&line, marketplace) {
        Some(amount) if amount.amount_minor == 0 => Reading::Absent,
        Some(amount) => Reading::Is(amount),
        None if has_digit => Reading::Unknown,
        None if phrases::FREE.iter().any(|word| line.to_lowercase().contains(word)) => Reading::Absent,
        None if line.is_empty() && raw.delivery_price.is_none() && raw.is_prime => Reading::Absent,
        None => Reading::Unknown,
    }
}

/// The amount in "+ $3.99 shipping": the words around it are dropped, as far as they have no digits.
fn amount_in(line: &str, marketplace: Marketplace) -> Option<Money> {
    if let Some(amount) = plain_price(line, marketplace) {
        return Some(amount);
    }
    let words: Vec<&str> = line.split_whitespace().filter(|word| word.chars().any(char::is_numeric)).collect();
    match words.as_slice() {
        [number] => plain_price(number.trim_start_matches(['+', '&']), marketplace),
        _ => None,
    }
}

fn fulfilled_by(raw: &RawOffer, sold_by_amazon: bool) -> Fulfillment {
    let ships_from = text::line(&raw.ships_from).to_lowercase();
    let by_link = raw.seller_link.as_deref().is_some_and(|link| link.contains("isAmazonFulfilled=1"));
    let is_seller = raw.seller_link.is_some();
    if sold_by_amazon || by_link || raw.has_fba_badge || ships_from.contains("amazon") {
        Fulfillment::Amazon
    } else if !ships_from.is_empty() || is_seller {
        Fulfillment::Merchant
    } else {
        Fulfillment::Unknown
    }
}

/// `/gp/aag/main?…&asin=B07L6P7J2M&…`
fn asin_of_link(link: &str) -> Option<Asin> {
    let after = link.split_once("asin=")?.1;
    after.get(..10)?.parse().ok()
}

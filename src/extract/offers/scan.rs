//! Collects the raw texts of each offer of an offer list, while the parser walks over it.
//!
//! Two layouts: the overlay "all offers display" (ids that begin with `aod-`), which Amazon serves as a fragment, and the offer
//! listing pages of earlier years (classes that begin with `olp`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lol_html::errors::RewritingError;
use lol_html::html_content::TextType;
use lol_html::send::{Element, HtmlRewriter, Settings};
use lol_html::{HandlerResult, MemorySettings, doc_text, element};

use crate::extract::element::has_class;
use crate::extract::text;

/// Maximum memory of the parser, in bytes.
const MAX_PARSER_BYTES: usize = 4 * 1024 * 1024;
/// Maximum length of one text, in bytes.
const MAX_TEXT_BYTES: usize = 2 * 1024;
/// Maximum number of offers of one page.
const MAX_OFFERS: usize = 200;

/// What an open element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Offer,
    Condition,
    /// A price for screen readers, or in plain text.
    Price,
    PriceWhole,
    PriceFraction,
    /// A struck-through or unit price, or a second copy of the page: nothing inside counts.
    Ignored,
    Shipping,
    ShipsFrom,
    Seller,
}

/// The raw texts of one offer.
#[derive(Debug, Default, Clone)]
pub(super) struct RawOffer {
    pub(super) is_featured: bool,
    pub(super) condition: String,
    pub(super) price: String,
    pub(super) price_whole: String,
    pub(super) price_fraction: String,
    /// The value of an attribute with the price of the delivery: "FREE", "$5.99".
    pub(super) delivery_price: Option<String>,
    /// A text about shipping.
    pub(super) shipping: String,
    pub(super) ships_from: String,
    pub(super) seller: String,
    /// The link to the seller's page.
    pub(super) seller_link: Option<String>,
    /// The badge "Fulfillment by Amazon" of the old layout.
    pub(super) has_fba_badge: bool,
    pub(super) is_prime: bool,
}

/// What was collected from a page.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) offers: Vec<RawOffer>,
    /// The page is a list of offers, though perhaps an empty one.
    pub(super) is_list: bool,
    open: Vec<Part>,
}

impl Collected {
    fn enter(&mut self, el: &Element<'_, '_>) -> Option<Part> {
        let id = el.get_attribute("id").unwrap_or_default();
        let class = el.get_attribute("class").unwrap_or_default();
        self.is_list |= ["aod-offer-list", "aod-container", "aod-pinned-offer", "olpOfferList", "olpOfferListColumn"]
            .contains(&id.as_str());
        if self.is_in(Part::Ignored) {
            return None;
        }
        let field = || self.is_in(Part::Offer).then(|| field(&id, &class, el))?.map(|part| self.only_first(part));
        let part = self.container(&id, &class).or_else(field);
        if part == Some(Part::Offer) {
            if self.offers.len() >= MAX_OFFERS {
                return Some(Part::Ignored);
            }
            let is_featured = id == "aod-pinned-offer";
            self.offers.push(RawOffer { is_featured, ..RawOffer::default() });
        } else if self.is_in(Part::Offer) {
            self.record_attributes(&class, el);
        }
        part
    }

    /// Of several prices the first one counts: buttons repeat it among other words.
    fn only_first(&self, part: Part) -> Part {
        let Some(offer) = self.offers.last() else { return part };
        let known = match part {
            Part::Price => &offer.price,
            Part::PriceWhole => &offer.price_whole,
            Part::PriceFraction => &offer.price_fraction,
            _ => return part,
        };
        if known.trim().is_empty() { part } else { Part::Ignored }
    }

    fn container(&self, id: &str, class: &str) -> Option<Part> {
        match id {
            // A copy of the featured offer that follows the page as it is scrolled, and templates for scripts.
            "aod-sticky-pinned-offer" | "aod-recommendations" | "aod-filter" => Some(Part::Ignored),
            "aod-pinned-offer" | "aod-offer" if !self.is_in(Part::Offer) => Some(Part::Offer),
            _ if has_class(class, "olpOffer") && !self.is_in(Part::Offer) => Some(Part::Offer),
            _ => None,
        }
    }

    /// What only attributes tell of the open offer.
    fn record_attributes(&mut self, class: &str, el: &Element<'_, '_>) {
        let is_in_seller = self.is_in(Part::Seller);
        let Some(offer) = self.offers.last_mut() else { return };
        let names_prime = |value: String| value.to_ascii_lowercase().contains("prime");
        let is_prime = class.contains("a-icon-prime") || el.get_attribute("aria-label").is_some_and(names_prime);
        offer.is_prime |= el.tag_name() == "i" && is_prime;
        offer.has_fba_badge |= has_class(class, "olpFbaPopoverTrigger");
        if offer.delivery_price.is_none() {
            // The first one is that of the usual delivery; the second of a faster one.
            offer.delivery_price = el.get_attribute("data-csa-c-delivery-price");
        }
        if is_in_seller && el.tag_name() == "a" && offer.seller_link.is_none() {
            offer.seller_link = el.get_attribute("href").filter(|href| href.contains("seller="));
        }
        if is_in_seller && el.tag_name() == "img" && offer.seller.trim().is_empty() {
            // The old layout shows Amazon's own logo.
            offer.seller = el.get_attribute("alt").unwrap_or_default();
        }
    }

    fn is_in(&self, part: Part) -> bool {
        self.open.contains(&part)
    }

    fn push_text(&mut self, fragment: &str) {
        if self.is_in(Part::Ignored) {
            return;
        }
        let (Some(part), Some(offer)) = (self.open.last(), self.offers.last_mut()) else { return };
        let target = match part {
            Part::Condition => &mut offer.condition,
            Part::Price => &mut offer.price,
            Part::PriceWhole => &mut offer.price_whole,
            Part::PriceFraction => &mut offer.price_fraction,
            Part::Shipping => &mut offer.shipping,
            Part::ShipsFrom => &mut offer.ships_from,
            Part::Seller => &mut offer.seller,
            Part::Offer | Part::Ignored => return,
        };
        text::push_capped(target, fragment, MAX_TEXT_BYTES);
    }
}

/// The part of an offer that an element is.
fn field(id: &str, class: &str, el: &Element<'_, '_>) -> Option<Part> {
    let is_one_of = |classes: &[&str]| classes.iter().any(|name| has_class(class, name));
    match id {
        "aod-offer-heading" => return Some(Part::Condition),
        "aod-offer-shipsFrom" => return Some(Part::ShipsFrom),
        "aod-offer-soldBy" => return Some(Part::Seller),
        _ => {}
    }
    let is_struck = el.get_attribute("data-a-strike").is_some_and(|value| value == "true");
    if is_struck
        || is_one_of(&[
            "a-text-price",
            "apex-basisprice-value",
            "apex-basis-price-value",
            "basisPrice",
            "pricePerUnit",
            "apex-priceperunit-value",
            "olpEstimatedTaxText",
            "a-text-strike",
        ])
    {
        return Some(Part::Ignored);
    }
    if is_one_of(&["olpCondition"]) {
        Some(Part::Condition)
    } else if is_one_of(&["a-offscreen", "aok-offscreen", "olpOfferPrice"]) {
        Some(Part::Price)
    } else if is_one_of(&["a-price-whole"]) {
        Some(Part::PriceWhole)
    } else if is_one_of(&["a-price-fraction"]) {
        Some(Part::PriceFraction)
    } else if is_one_of(&["olpShippingInfo"]) {
        Some(Part::Shipping)
    } else if is_one_of(&["olpSellerName"]) {
        Some(Part::Seller)
    } else {
        None
    }
}

/// Collects the offers of a page in UTF-8.
pub(super) fn collect(utf8: &[u8]) -> Result<Collected, RewritingError> {
    let shared = Arc::new(Mutex::new(Collected::default()));
    let (elements, texts) = (Arc::clone(&shared), Arc::clone(&shared));
    let settings = Settings::new_send()
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(MAX_PARSER_BYTES))
        .append_element_content_handler(element!("*", move |el| on_element(&elements, el)))
        .append_document_content_handler(doc_text!(move |chunk| {
            if chunk.text_type() == TextType::Data {
                locked(&texts).push_text(chunk.as_str());
            }
            Ok(())
        }));
    let discard: fn(&[u8]) = |_| {};
    let mut parser = HtmlRewriter::new(settings, discard);
    parser.write(utf8)?;
    parser.end()?;
    Ok(std::mem::take(&mut *locked(&shared)))
}

fn on_element(shared: &Arc<Mutex<Collected>>, el: &mut Element<'_, '_>) -> HandlerResult {
    let (part, depth) = {
        let mut collected = locked(shared);
        let Some(part) = collected.enter(el) else { return Ok(()) };
        if !el.can_have_content() {
            return Ok(());
        }
        collected.open.push(part);
        (part, collected.open.len() - 1)
    };
    let shared = Arc::clone(shared);
    el.on_end_tag(Box::new(move |_| {
        let mut collected = locked(&shared);
        // What was left open inside ends with it.
        if collected.open.get(depth) == Some(&part) {
            collected.open.truncate(depth);
        }
        Ok(())
    }))
}

/// A panic in a handler leaves nothing half done, so poisoning is ignored.
fn locked(shared: &Mutex<Collected>) -> MutexGuard<'_, Collected> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

//! From captures to facts: the last step, once the stream has ended.

use crate::domain::{Availability, Marketplace};

use super::capture::Capture;
use super::layout::{Part, Within};
use super::page::{NoPrice, Page, PageKind};
use super::price::Prices;
use super::scan::Scan;
use super::{availability, facts, kind, lists, phrases, price, rank, seller, text};

/// Shorter bodies are no page of Amazon's, whatever they contain.
const TINY_BYTES: u64 = 400;

/// Reads the page out of what the scan left behind.
pub(super) fn page(scan: &Scan, given: Option<Marketplace>, settled: bool, bytes: u64) -> Page {
    let attributes = &scan.attributes;
    let captures = scan.captures.as_slice();
    let head_script = scan.head_script.as_deref().unwrap_or_default();
    let marketplace = given.or_else(|| facts::marketplace(attributes, head_script));
    let complete = settled || attributes.signs.closed || attributes.signs.footer;
    let found = kind::read(captures, attributes);
    let truncated = bytes < TINY_BYTES || (!complete && matches!(found.kind, PageKind::Product | PageKind::OtherError));
    let mut page = Page { marketplace, truncated, ..Page::default() };
    if truncated {
        page.diagnostics.insert("kind", "truncated: the body ended before the page did".to_owned());
        return page;
    }
    page.kind = found.kind;
    page.block = found.block;
    page.diagnostics.insert("kind", found.why.to_owned());
    match page.kind {
        PageKind::Product => product(&mut page, scan, captures),
        PageKind::Bestsellers | PageKind::Search => {
            page.currency = marketplace.map(Marketplace::currency);
            page.items = marketplace.map(|marketplace| lists::read(captures, marketplace));
        }
        PageKind::Captcha | PageKind::NotFound | PageKind::OtherError => {}
    }
    page
}

fn product(page: &mut Page, scan: &Scan, captures: &[Capture]) {
    let Page { marketplace, .. } = *page;
    let attributes = &scan.attributes;
    page.asin = note(page, "asin", facts::asin(captures, attributes));
    page.title = note(page, "title", facts::title(captures));
    page.brand = note(page, "brand", facts::brand(captures));
    page.rating = note(page, "rating", facts::rating(captures));
    page.review_count = note(page, "review_count", facts::review_count(captures));
    page.main_image_url =
        note(page, "main_image_url", attributes.image.clone().map(|url| (url, attributes.image_rule)));
    page.bullets = facts::bullets(captures);
    (page.parent_asin, page.variation_asins) = facts::variations(captures, attributes);
    page.coupon = note(page, "coupon", coupon(captures));
    page.bsr = ranks(captures, marketplace);
    offer(page, captures, marketplace);
}

/// Everything about the featured offer: price, list price, availability, seller.
fn offer(page: &mut Page, captures: &[Capture], marketplace: Option<Marketplace>) {
    let prices = marketplace.map(|marketplace| price::read(captures, marketplace)).unwrap_or_default();
    let line = availability::read(captures, marketplace);
    let availability = line.as_ref().map_or(Availability::Unknown, |line| line.availability);
    // Whatever price such a page still shows is somebody's, not that of the offer a shopper would take.
    let is_featured = line.as_ref().is_none_or(|line| !line.no_featured_offer);
    if let Some(line) = line {
        page.diagnostics.insert("availability", line.rule.to_owned());
        page.availability_text = Some(line.text);
    }
    page.availability = Some(availability);
    page.currency = marketplace.map(Marketplace::currency);
    page.price_range_minor = prices.range.map(|(low, high)| (low.amount_minor, high.amount_minor));
    page.used_price_minor = prices.used.map(|used| used.amount_minor);
    if !availability.is_out() && is_featured {
        page.price_minor = prices.price.map(|price| price.amount_minor);
        page.list_price_minor = note(page, "list_price_minor", prices.list).map(|list| list.amount_minor);
        page.seller = note(page, "seller", seller::read(captures));
    }
    page.no_price = match page.price_minor {
        Some(_) => None,
        None if !is_featured => Some(NoPrice::NoFeaturedOffer),
        None => no_price(captures, availability, &prices),
    };
    let why = page.no_price.map(|reason| reason.as_str().to_owned()).or(prices.price_rule);
    page.diagnostics.extend(why.map(|why| ("price_minor", why)));
    if page.price_minor.is_none() {
        page.list_price_minor = None;
        page.diagnostics.remove("list_price_minor");
    }
}

/// Why there is no price, when the page itself says so.
fn no_price(captures: &[Capture], availability: Availability, prices: &Prices) -> Option<NoPrice> {
    const OTHERS: Within = Within::ELSEWHERE.and(Within::ITEM);
    let all_options = captures.iter().any(|capture| capture.part == Part::BuyingOptions && !capture.within.any(OTHERS));
    let says_so = |text: &str| phrases::any_says(text, |language| language.no_featured_offer);
    let in_words = captures
        .iter()
        .filter(|capture| matches!(capture.part, Part::Availability | Part::OutOfStock) && !capture.within.any(OTHERS))
        .any(|capture| says_so(&text::line(&capture.text)));
    if availability.is_out() {
        Some(NoPrice::NotSold)
    } else if prices.range.is_some() {
        Some(NoPrice::Range)
    } else if prices.price_rule.is_some() {
        // Two places disagree: there is a price, only nobody knows which.
        None
    } else if prices.used.is_some() {
        Some(NoPrice::UsedOnly)
    } else {
        (all_options || in_words).then_some(NoPrice::NoFeaturedOffer)
    }
}

fn coupon(captures: &[Capture]) -> facts::Found<String> {
    let coupons =
        captures.iter().filter(|capture| capture.part == Part::Coupon && !capture.within.any(Within::ELSEWHERE));
    coupons
        .map(|capture| (text::line(&capture.text), capture.rule))
        .find(|(coupon, _)| coupon.contains(|c: char| c.is_numeric()))
}

fn ranks(captures: &[Capture], marketplace: Option<Marketplace>) -> Option<Vec<crate::domain::Rank>> {
    let rows: Vec<&Capture> = captures.iter().filter(|capture| capture.is_rank_row()).collect();
    // A row inside of which the row of ranks stands links to bestsellers too; the heading tells them apart.
    let headed = |row: &&&Capture| {
        let heading = text::lines(&row.text).next().unwrap_or_default();
        phrases::any_says(&heading, |language| language.rank_headings)
    };
    let most = |rows: &mut dyn Iterator<Item = &&Capture>| {
        rows.map(|row| rank::ranks(&row.text, marketplace)).max_by_key(Vec::len).filter(|ranks| !ranks.is_empty())
    };
    most(&mut rows.iter().filter(headed)).or_else(|| most(&mut rows.iter()))
}

/// Writes down which rule gave the field.
fn note<T>(page: &mut Page, field: &'static str, found: facts::Found<T>) -> Option<T> {
    let (value, rule) = found?;
    page.diagnostics.insert(field, rule.to_owned());
    Some(value)
}

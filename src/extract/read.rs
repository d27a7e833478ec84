//! Turns captures into facts. This is the last step, at the end of the stream.

use crate::domain::{Availability, Currency, Marketplace};

use super::capture::Capture;
use super::layout::{Part, RANK_CLASSES, Within};
use super::page::{NoPrice, Page, PageKind};
use super::price::Prices;
use super::scan::Scan;
use super::{availability, facts, kind, lists, phrases, price, rank, seller, text};

/// A shorter body is not an Amazon page, whatever it contains, unless it reached its footer.
const MIN_PAGE_BYTES: u64 = 400;

/// Reads the page from the captures of the scan.
pub(super) fn page(scan: &Scan, marketplace_hint: Option<Marketplace>, settled: bool, bytes: u64) -> Page {
    let attributes = &scan.attributes;
    let captures = scan.captures.as_slice();
    let head_script = scan.head_script.as_deref().unwrap_or_default();
    let marketplace = marketplace_hint.or_else(|| facts::marketplace(attributes, head_script));
    let complete = settled || attributes.markers.closed || attributes.markers.footer;
    let found = kind::read(captures, attributes);
    let truncated = (bytes < MIN_PAGE_BYTES && !settled)
        || (!complete && matches!(found.kind, PageKind::Product | PageKind::OtherError));
    let mut page = Page { marketplace, truncated, ..Page::default() };
    if truncated {
        page.diagnostics.insert("kind", "truncated: the body ended before the end of the page".to_owned());
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
    page.asin = record(page, "asin", facts::asin(captures, attributes));
    page.title = record(page, "title", facts::title(captures));
    page.brand = record(page, "brand", facts::brand(captures));
    page.rating = record(page, "rating", facts::rating(captures));
    page.review_count = record(page, "review_count", facts::review_count(captures));
    page.main_image_url =
        record(page, "main_image_url", attributes.image.clone().map(|url| (url, attributes.image_rule)));
    page.bullets = facts::bullets(captures);
    page.image_ids.clone_from(&attributes.gallery);
    page.description = facts::description(captures);
    page.category_path = facts::category_path(captures);
    let is_whole = attributes.markers.footer || attributes.markers.closed;
    page.is_whole = is_whole;
    page.has_a_plus = (attributes.markers.a_plus || is_whole).then_some(attributes.markers.a_plus);
    // The thumbnails of videos stand among those of the images, or are made by a script from a list that only a whole reading looks at.
    page.has_video = if attributes.has_video { Some(true) } else { scan.listed_videos.has_any };
    (page.parent_asin, page.variation_asins) = facts::variations(&scan.variations, attributes);
    page.compared_with = facts::compared_with(attributes, page.asin);
    page.coupon = record(page, "coupon", coupon(captures));
    page.bsr = ranks(captures, marketplace);
    offer(page, captures, marketplace);
}

/// Everything about the featured offer: price, list price, availability, seller.
fn offer(page: &mut Page, captures: &[Capture], marketplace: Option<Marketplace>) {
    let prices = marketplace.map(|marketplace| price::read(captures, marketplace)).unwrap_or_default();
    let line = availability::read(captures, marketplace);
    let availability = line.as_ref().map_or(Availability::Unknown, |line| line.availability);
    // Without a featured offer, any price on the page belongs to another offer.
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
        page.list_price_kind = prices.list_kind;
        page.list_price_minor = record(page, "list_price_minor", prices.list).map(|list| list.amount_minor);
        page.seller = record(page, "seller", seller::read(captures));
        page.seller_id = seller::id(captures, page.seller.as_deref(), marketplace);
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
        page.list_price_kind = None;
        page.diagnostics.remove("list_price_minor");
    }
}

/// The reason that the page gives for having no price.
fn no_price(captures: &[Capture], availability: Availability, prices: &Prices) -> Option<NoPrice> {
    const OTHERS: Within = Within::ELSEWHERE.union(Within::ITEM);
    let all_options =
        captures.iter().any(|capture| capture.part == Part::BuyingOptions && !capture.within.intersects(OTHERS));
    let says_so = |text: &str| phrases::any_language_contains(text, |language| language.no_featured_offer);
    let in_words = captures
        .iter()
        .filter(|capture| {
            matches!(capture.part, Part::Availability | Part::OutOfStock) && !capture.within.intersects(OTHERS)
        })
        .any(|capture| says_so(&text::line(&capture.text)));
    if availability.is_out() {
        Some(NoPrice::NotSold)
    } else if prices.range.is_some() {
        Some(NoPrice::Range)
    } else if prices.price_rule.is_some() {
        // Two places disagree: there is a price, but it is not known which one is right.
        None
    } else if prices.used.is_some() {
        Some(NoPrice::UsedOnly)
    } else {
        (all_options || in_words).then_some(NoPrice::NoFeaturedOffer)
    }
}

fn coupon(captures: &[Capture]) -> facts::Found<String> {
    let coupons =
        captures.iter().filter(|capture| capture.part == Part::Coupon && !capture.within.intersects(Within::ELSEWHERE));
    coupons.map(|capture| (text::line(&capture.text), capture.rule)).find(|(coupon, _)| is_coupon(coupon))
}

/// A reduction of this price, in percent or money. What else stands in the same places has neither ("90 days of Music free"), asks for
/// a code, or for several items.
fn is_coupon(text: &str) -> bool {
    let lower = text.to_lowercase();
    let has_amount = lower.contains(char::is_numeric)
        && (lower.contains('%')
            || Currency::ALL.iter().flat_map(|currency| currency.symbols()).any(|symbol| text.contains(symbol)));
    has_amount && !phrases::NOT_COUPONS.iter().any(|other| lower.contains(other))
}

fn ranks(captures: &[Capture], marketplace: Option<Marketplace>) -> Option<Vec<crate::domain::Rank>> {
    let rows: Vec<&Capture> = captures.iter().filter(|capture| capture.is_rank_row()).collect();
    // A row around the rank row links to bestsellers too; only the rank row starts with the heading.
    let has_heading = |row: &&&Capture| {
        let heading = text::lines(&row.text).next().unwrap_or_default();
        phrases::any_language_contains(&heading, |language| language.rank_headings)
    };
    let longest = |rows: &mut dyn Iterator<Item = &&Capture>| {
        rows.map(|row| rank::ranks(&row.text, marketplace)).max_by_key(Vec::len).filter(|ranks| !ranks.is_empty())
    };
    // On mobile pages, the ranks stand in several elements.
    let apart = rows.iter().filter(|row| RANK_CLASSES.contains(&row.rule)).map(|row| row.text.as_str());
    let apart = apart.collect::<Vec<_>>().join(text::LINE_BREAK);
    if !apart.is_empty() {
        return Some(rank::ranks(&apart, marketplace)).filter(|ranks| !ranks.is_empty());
    }
    longest(&mut rows.iter().filter(has_heading)).or_else(|| longest(&mut rows.iter()))
}

/// Records the rule that gave the field in the diagnostics.
fn record<T>(page: &mut Page, field: &'static str, found: facts::Found<T>) -> Option<T> {
    let (value, rule) = found?;
    page.diagnostics.insert(field, rule.to_owned());
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coupon_is_a_reduction_of_this_price() {
        for text in
            ["Apply 10% coupon", "Save $5.00 with coupon", "5 % Rabattgutschein", "クーポン 5%", "Coupon: 3,00 €"]
        {
            assert!(is_coupon(text), "{text}");
        }
        for text in
            ["90 days of Music free", "Save 5% with code ABC123", "Buy 2, get 5% off", "10% off 3 items", "Terms 2026"]
        {
            assert!(!is_coupon(text), "{text}");
        }
    }
}

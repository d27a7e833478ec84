//! Items of search results and bestseller lists.

use crate::domain::numbers::parse_price;
use crate::domain::{Asin, Marketplace};

use super::capture::Capture;
use super::facts;
use super::layout::Part;
use super::page::Item;
use super::price::price_in_pieces;
use super::text;

/// The items of a list in page order. A product that is listed twice, once as an advertisement, gives two items.
pub(super) fn read(captures: &[Capture], marketplace: Marketplace) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut printed_position = None;
    let mut start = 0;
    for (at, capture) in captures.iter().enumerate() {
        match capture.part {
            Part::ItemPosition => printed_position = facts::count(&text::line(&capture.text)).or(printed_position),
            Part::Item => {
                let own: Vec<&Capture> = captures[start..at].iter().filter(|one| one.item == capture.item).collect();
                start = at + 1;
                let position = printed_position.take().unwrap_or(items.len() as u32 + 1);
                let item = capture.label.parse().ok().map(|asin| item(asin, position, &own, marketplace));
                items.extend(item);
            }
            _ => {}
        }
    }
    items
}

fn item(asin: Asin, position: u32, captures: &[&Capture], marketplace: Marketplace) -> Item {
    let of = |part: Part| captures.iter().filter(move |capture| capture.part == part);
    let title = of(Part::ItemTitle).map(|capture| text::line(&capture.text)).find(|title| !title.is_empty());
    let price = captures.iter().find_map(|capture| match capture.part {
        Part::Price if !capture.pieces.struck && !capture.pieces.per_unit => price_in_pieces(capture, marketplace).ok(),
        Part::PlainPrice => parse_price(&text::line(&capture.text), marketplace).ok(),
        _ => None,
    });
    let review_count = of(Part::ReviewCount).find_map(|capture| {
        facts::count(&text::line(&capture.label)).or_else(|| facts::count(&text::line(&capture.text)))
    });
    Item {
        asin,
        position,
        title,
        price_minor: price.map(|price| price.amount_minor),
        rating: of(Part::Rating).find_map(|capture| facts::stars(&text::line(&capture.text))),
        review_count,
    }
}

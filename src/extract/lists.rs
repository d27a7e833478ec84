//! Items of search results and bestseller lists.

use crate::domain::{Asin, Marketplace};

use super::capture::Capture;
use super::facts;
use super::layout::Part;
use super::page::Item;
use super::phrases;
use super::price::{plain_price, price_in_pieces};
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
    let mut titles = of(Part::ItemTitle).map(|capture| without_advertisement(&text::line(&capture.text)).to_owned());
    let title = titles.find(|title| !title.is_empty());
    let price = captures.iter().find_map(|capture| match capture.part {
        Part::Price if !capture.pieces.struck && !capture.pieces.per_unit => price_in_pieces(capture, marketplace).ok(),
        Part::PlainPrice => plain_price(&text::line(&capture.text), marketplace),
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

/// "Sponsored Ad – Headphones": the note for screen readers is not part of the title.
fn without_advertisement(title: &str) -> &str {
    let lower = text::lower_in_place(title);
    let note = phrases::ADVERTISEMENT_NOTES.iter().find(|note| lower.starts_with(**note));
    note.map_or(title, |note| title[note.len()..].trim_start_matches([' ', '-', '–', '—', ':', '\u{a0}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_of_an_advertisement_is_not_part_of_a_title() {
        assert_eq!(without_advertisement("Sponsored Ad – Sony WH-1000XM4"), "Sony WH-1000XM4");
        assert_eq!(without_advertisement("Gesponserte Anzeige – Anker"), "Anker");
        assert_eq!(without_advertisement("Sponsorship for beginners"), "Sponsorship for beginners");
    }
}

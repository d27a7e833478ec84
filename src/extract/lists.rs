//! Items of search results and bestseller lists.

use crate::domain::{Asin, Marketplace, Money};

use super::capture::Capture;
use super::facts;
use super::layout::Part;
use super::page::Item;
use super::phrases;
use super::price::{is_membership, plain_price, price_in_pieces};
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
                let text = text::line(&capture.text);
                let item = capture.label.parse().ok().map(|asin| item(asin, position, &text, &own, marketplace));
                items.extend(item);
            }
            _ => {}
        }
    }
    items
}

fn item(asin: Asin, position: u32, text: &str, captures: &[&Capture], marketplace: Marketplace) -> Item {
    let of = |part: Part| captures.iter().filter(move |capture| capture.part == part);
    let mut titles = of(Part::ItemTitle).map(|capture| without_advertisement(&text::line(&capture.text)).to_owned());
    let title = titles.find(|title| !title.is_empty());
    let (price, from_price) = prices(text, captures, marketplace);
    let review_count = of(Part::ReviewCount).find_map(|capture| {
        facts::count(&text::line(&capture.label)).or_else(|| facts::count(&text::line(&capture.text)))
    });
    Item {
        asin,
        position,
        title,
        price_minor: price.map(|price| price.amount_minor),
        from_price_minor: from_price.map(|price| price.amount_minor),
        rating: of(Part::Rating).find_map(|capture| facts::stars(&text::line(&capture.text))),
        review_count,
    }
}

/// The first price of an item: that of the featured offer, or the lowest of several offers ("3 offers from $12.00").
fn prices(item: &str, captures: &[&Capture], marketplace: Marketplace) -> (Option<Money>, Option<Money>) {
    let first = captures.iter().find_map(|capture| {
        let amount = match capture.part {
            Part::Price if !capture.pieces.struck && !capture.pieces.per_unit => {
                price_in_pieces(capture, marketplace).ok()
            }
            Part::PlainPrice => plain_price(&text::line(&capture.text), marketplace),
            _ => None,
        };
        Some((capture, amount?))
    });
    match first {
        Some((capture, amount)) if is_lowest_of_several(&text::line(&capture.label)) => (None, Some(amount)),
        // The prices of the other formats are those of other products.
        Some((_, amount)) if amount.amount_minor == 0 && is_membership(item) => (None, None),
        Some((_, amount)) => (Some(amount), None),
        None => (None, None),
    }
}

fn is_lowest_of_several(label: &str) -> bool {
    let label = label.to_lowercase();
    phrases::OFFERS_FROM.iter().any(|phrase| label.ends_with(phrase))
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
    fn the_lowest_of_several_offers_is_told_by_the_words_before_it() {
        for label in ["6 offers from", "1 offer from", "12 Angebote ab", "3 offres à partir de", "2 ofertas desde"] {
            assert!(is_lowest_of_several(label), "{label}");
        }
        assert!(!is_lowest_of_several("Kindle Edition"));
    }

    #[test]
    fn the_note_of_an_advertisement_is_not_part_of_a_title() {
        assert_eq!(without_advertisement("Sponsored Ad – Sony WH-1000XM4"), "Sony WH-1000XM4");
        assert_eq!(without_advertisement("Gesponserte Anzeige – Anker"), "Anker");
        assert_eq!(without_advertisement("Sponsorship for beginners"), "Sponsorship for beginners");
    }
}

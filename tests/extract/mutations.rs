//! Damaged real pages: a page that was cut off, whose pieces are missing, doubled or elsewhere, or in which an id or a class has
//! another name, never yields a price that the whole page does not have. `MUTATIONS=50` damages each page so many times.

use amazon_tracker::extract::extract;
use serde_json::Value;

use crate::corpus::{available, bytes_of};

/// Damages of each page, unless `MUTATIONS` names another number.
const DAMAGES: u64 = 3;
/// Tags that are dropped, doubled or moved together, at most.
const MAX_TAGS: usize = 60;

/// A reproducible sequence of numbers (Knuth's MMIX generator).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Where tags begin: damage between tags touches no digit.
fn tags(page: &[u8]) -> Vec<usize> {
    page.iter().enumerate().filter(|(_, byte)| **byte == b'<').map(|(at, _)| at).collect()
}

fn damaged(page: &[u8], tags: &[usize], chance: &mut Chance) -> (Vec<u8>, &'static str) {
    let first = chance.below(tags.len());
    let last = (first + 1 + chance.below(MAX_TAGS)).min(tags.len() - 1);
    let (start, end) = (tags[first], tags[last]);
    let elsewhere = tags[chance.below(tags.len())];
    match chance.below(5) {
        4 => (renamed(page, tags, chance), "another id or class"),
        0 => (page[..start].to_vec(), "cut off"),
        1 => ([&page[..start], &page[end..]].concat(), "a piece dropped"),
        2 => ([&page[..end], &page[start..end], &page[end..]].concat(), "a piece doubled"),
        _ => ([&page[..elsewhere], &page[start..end], &page[elsewhere..]].concat(), "a piece of elsewhere"),
    }
}

/// The page with another name for one of its ids or classes, wherever it is.
fn renamed(page: &[u8], tags: &[usize], chance: &mut Chance) -> Vec<u8> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // Most tags have an id or a class; the first one after a random place does.
    let from = tags[chance.below(tags.len())];
    let names = [b" id=\"".as_slice(), b" class=\""];
    let at = |name: &[u8]| {
        page[from..].windows(name.len()).position(|window| window == name).map(|at| from + at + name.len())
    };
    let Some(value) = names.into_iter().filter_map(at).min() else { return page.to_vec() };
    let words: Vec<&[u8]> =
        page[value..].split(|byte| *byte == b'"').next().unwrap_or_default().split(|byte| *byte == b' ').collect();
    let word = words[chance.below(words.len())];
    if word.len() < 3 || !word.iter().all(is_word) {
        return page.to_vec();
    }
    let mut out = Vec::with_capacity(page.len());
    let mut at = 0;
    while at < page.len() {
        let ends = || page.get(at + word.len()).is_none_or(|byte| !is_word(byte));
        if page[at..].starts_with(word) && (at == 0 || !is_word(&page[at - 1])) && ends() {
            out.extend_from_slice(word);
            out.push(b'X');
            at += word.len();
        } else {
            out.push(page[at]);
            at += 1;
        }
    }
    out
}

/// The prices that the page may yield.
fn prices(label: &Value) -> Vec<i64> {
    let alternatives = label["price_alternatives_minor"].as_array().into_iter().flatten();
    alternatives.chain([&label["price_minor"]]).filter_map(Value::as_i64).collect()
}

#[test]
fn damaged_pages_never_yield_another_price() {
    let Some((corpus, labels)) = available() else { return };
    let damages = std::env::var("MUTATIONS").ok().and_then(|number| number.parse().ok()).unwrap_or(DAMAGES);
    let is_sure = |label: &&Value| !label["unsure"].to_string().contains("price_minor");
    let (mut runs, mut nulled, mut wrong) = (0, 0, Vec::new());
    for (number, label) in labels.iter().filter(|label| label["kind"] == "product").filter(is_sure).enumerate() {
        let (page, context) = bytes_of(&corpus, label);
        let (tags, expected) = (tags(&page), prices(label));
        for damage in 0..damages {
            let mut chance = Chance(number as u64 * 1_000_003 + damage);
            let (bytes, what) = damaged(&page, &tags, &mut chance);
            let Ok(read) = extract(&bytes, context.clone()) else { continue };
            runs += 1;
            nulled += usize::from(read.price_minor.is_none() && !expected.is_empty());
            if let Some(price) = read.price_minor.filter(|price| !expected.contains(price)) {
                wrong.push(format!("{} ({what}, damage {damage}): {price} instead of {expected:?}", label["id"]));
            }
        }
    }
    println!("{runs} damaged pages, {nulled} without their price, {} with another price", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

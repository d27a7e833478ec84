//! Selects the price among the amounts of a page.
//!
//! Every amount becomes a candidate with a kind and a place; explicit rules then select one.
//! *Better no price than a wrong price*: if two trusted places disagree, there is no price.

use crate::domain::numbers::{NumberError, parse_price};
use crate::domain::{ListPriceKind, Marketplace, Money};

use super::capture::{Capture, Pieces};
use super::layout::{Part, Within};
use super::phrases;
use super::text;

/// The prices of a page.
#[derive(Debug, Default)]
pub(super) struct Prices {
    /// The featured new offer, one-time purchase.
    pub(super) price: Option<Money>,
    /// The rule that gave the price, or the disagreement between two candidates.
    pub(super) price_rule: Option<String>,
    pub(super) list: Option<(Money, &'static str)>,
    pub(super) list_kind: Option<ListPriceKind>,
    pub(super) range: Option<(Money, Money)>,
    pub(super) used: Option<Money>,
}

/// What an amount is the price of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Offer,
    Subscription,
    Used,
    Struck,
}

/// How far a place is trusted. Each is used only if none before it has an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Trusted,
    Total,
    /// The selected Kindle format: e-books of some layouts have no price elsewhere.
    Format,
}

#[derive(Debug)]
struct Candidate<'a> {
    kind: Kind,
    place: Place,
    amount: Money,
    within: Within,
    capture: &'a Capture,
}

/// Reads all amounts and selects the prices.
pub(super) fn read(captures: &[Capture], marketplace: Marketplace) -> Prices {
    let candidates: Vec<Candidate<'_>> =
        captures.iter().filter_map(|capture| candidate(capture, marketplace)).collect();
    let range = range(captures, marketplace);
    let (price, price_rule) = if range.is_some() { (None, None) } else { select(&candidates) };
    let list = price.and_then(|price| list_price(&candidates, price));
    let list_kind = list.and_then(|list| list_price_kind(&list.capture.label));
    let list = list.map(|list| (list.amount, list.capture.rule));
    let used = candidates.iter().find(|candidate| candidate.kind == Kind::Used).map(|candidate| candidate.amount);
    Prices { price, price_rule, list, list_kind, range, used }
}

/// "0,00 with Kindle Unlimited", "Free with your trial": a price of a membership, not of a purchase.
pub(super) fn is_membership(text: &str) -> bool {
    let text = text.to_lowercase();
    phrases::MEMBERSHIPS.iter().any(|word| text.contains(word))
}

/// The text of an amount, with the label before it.
fn labelled(capture: &Capture) -> String {
    format!("{} {}", text::line(&capture.label), text::line(&capture.text))
}

/// The amount of the trusted places, or of the totals if no trusted place has one. Zero is a price where no place states another one.
fn select(candidates: &[Candidate<'_>]) -> (Option<Money>, Option<String>) {
    let is_offer = |one: &&Candidate<'_>| one.kind == Kind::Offer && !is_saving(one, candidates);
    let is_free = !candidates.iter().any(|one| is_offer(&one) && one.amount.amount_minor > 0);
    let offers = |place| {
        let of_place = move |one: &&Candidate<'_>| one.place == place && (is_free || one.amount.amount_minor > 0);
        candidates.iter().filter(is_offer).filter(of_place)
    };
    for place in [Place::Trusted, Place::Total, Place::Format] {
        let Some(first) = offers(place).next() else { continue };
        let Some(other) = offers(place).find(|one| one.amount != first.amount) else {
            return (Some(first.amount), Some(first.capture.rule.to_owned()));
        };
        let why = format!(
            "disagreement: {} in {}, {} in {}",
            first.amount, first.capture.rule, other.amount, other.capture.rule
        );
        return (None, Some(why));
    }
    (None, None)
}

/// "You save: 48.00": labelled as a saving, or exactly the difference between another offer and a struck-through price.
fn is_saving(one: &Candidate<'_>, candidates: &[Candidate<'_>]) -> bool {
    let is_labelled = || phrases::any_language_starts_with(&label_line(one.capture), |language| language.savings);
    let with_amount =
        |amount: i64, kind| candidates.iter().any(|other| other.kind == kind && other.amount.amount_minor == amount);
    let minor = one.amount.amount_minor;
    let is_difference = || {
        let struck =
            candidates.iter().filter(|other| other.kind == Kind::Struck).map(|other| other.amount.amount_minor);
        struck.filter(|struck| *struck > 2 * minor).any(|struck| with_amount(struck - minor, Kind::Offer))
    };
    is_labelled() || is_difference()
}

/// The last line of the label of an amount.
fn label_line(capture: &Capture) -> String {
    text::lines(&capture.label).last().unwrap_or_default()
}

/// A list price is struck through, higher than the price, and not labelled as something else ("One-Time Price").
fn list_price<'a>(candidates: &'a [Candidate<'a>], price: Money) -> Option<&'a Candidate<'a>> {
    let is_list = |one: &&Candidate<'_>| {
        let label = text::line(&one.capture.label);
        one.kind == Kind::Struck
            && one.amount.amount_minor > price.amount_minor
            && !phrases::any_language_contains(&label, |language| language.not_list_price)
    };
    let in_own_row = candidates.iter().filter(is_list).find(|one| !one.within.intersects(Within::SUBSCRIBE));
    in_own_row.or_else(|| candidates.iter().find(is_list))
}

/// What the last line before a list price calls it.
fn list_price_kind(label: &str) -> Option<ListPriceKind> {
    let line = text::lines(label).last()?.to_lowercase();
    phrases::LIST_PRICES.iter().find(|(phrase, _)| line.contains(phrase)).map(|(_, kind)| *kind)
}

fn candidate(capture: &Capture, marketplace: Marketplace) -> Option<Candidate<'_>> {
    const NEVER: Within = Within::ELSEWHERE.union(Within::ITEM).union(Within::PER_UNIT).union(Within::RANGE);
    let is_amount = matches!(capture.part, Part::Price | Part::PlainPrice | Part::StruckPrice);
    if capture.within.intersects(Within::FORMATS) {
        return selected_format(capture, marketplace);
    }
    if !is_amount || capture.within.intersects(NEVER) || capture.pieces.per_unit {
        return None;
    }
    let struck =
        capture.part == Part::StruckPrice || capture.pieces.struck || capture.within.intersects(Within::STRUCK);
    let kind = match capture.within {
        within if within.intersects(Within::USED) => Kind::Used,
        _ if phrases::any_language_starts_with(&label_line(capture), |language| language.used) => Kind::Used,
        _ if struck => Kind::Struck,
        within if within.intersects(Within::SUBSCRIBE) => Kind::Subscription,
        _ => Kind::Offer,
    };
    let place = if capture.within.intersects(Within::TOTAL) { Place::Total } else { Place::Trusted };
    let amount = amount(capture, marketplace).ok()?;
    if amount.amount_minor == 0 && (kind != Kind::Offer || is_membership(&labelled(capture))) {
        return None;
    }
    Some(Candidate { kind, place, amount, within: capture.within, capture })
}

/// The price of the selected format, if it is an e-book's. That of a printed book may be a used copy's.
fn selected_format(capture: &Capture, marketplace: Marketplace) -> Option<Candidate<'_>> {
    let is_selected = capture.part == Part::PlainPrice && capture.within.intersects(Within::SELECTED);
    let label = text::line(&capture.label).to_lowercase();
    if !is_selected || !label.contains("kindle") || is_membership(&labelled(capture)) {
        return None;
    }
    let amount = parse_bare(&text::line(&capture.text), marketplace).ok()?;
    Some(Candidate { kind: Kind::Offer, place: Place::Format, amount, within: capture.within, capture })
}

fn amount(capture: &Capture, marketplace: Marketplace) -> Result<Money, NumberError> {
    if capture.part == Part::Price {
        return price_in_pieces(capture, marketplace);
    }
    let text = text::line(&capture.text);
    // In plain text, coloured text without a currency ("Only 1 left") is not a price.
    if capture.within.intersects(Within::PLAIN) && !has_symbol(&text, marketplace) {
        return Err(NumberError::NoNumber);
    }
    // "EUR 23,05 / kg".
    if text.contains('/') || has_foreign_code(&text, marketplace) {
        return Err(NumberError::SeveralNumbers);
    }
    parse_price(&text, marketplace).or_else(|error| with_superscript_cents(&text, marketplace).ok_or(error))
}

/// The price from the text for screen readers, or from the displayed parts if that text is blank.
pub(super) fn price_in_pieces(capture: &Capture, marketplace: Marketplace) -> Result<Money, NumberError> {
    let Pieces { offscreen, whole, fraction, .. } = &capture.pieces;
    let [offscreen, whole, fraction] = [offscreen, whole, fraction].map(|piece| text::line(piece));
    let shown = text::line(&capture.text);
    // If the text for screen readers has other words ("$26.00 with 33 percent savings"), use the displayed parts.
    if offscreen.contains(|c: char| c.is_numeric()) && (whole.is_empty() || !has_words(&offscreen, marketplace)) {
        return parse_bare(&offscreen, marketplace);
    }
    // "33." without its cents, or cents without their whole: the other piece has another name on this page.
    let has_separator = whole.ends_with(['.', ',']);
    if (whole.is_empty() && !fraction.is_empty()) || (has_separator && fraction.is_empty()) {
        return Err(NumberError::Ambiguous);
    }
    if whole.is_empty() {
        return parse_bare(&shown, marketplace);
    }
    let whole = match has_separator || fraction.is_empty() {
        true => whole,
        false => format!("{whole}{}", marketplace.number_format().decimal),
    };
    let number = format!("{whole}{fraction}");
    parse_bare(&format!("{shown} {}", number.trim_end_matches(['.', ','])), marketplace)
}

/// The price of an offer of an offer list, from its text for screen readers or the displayed parts.
pub(super) fn price_of_parts(text: &str, whole: &str, fraction: &str, marketplace: Marketplace) -> Option<Money> {
    let (text, whole, fraction) = (text::line(text), text::line(whole), text::line(fraction));
    if text.contains(|c: char| c.is_numeric()) || whole.is_empty() {
        return plain_price(&text, marketplace);
    }
    let whole = whole.trim_end_matches(['.', ',']);
    if fraction.is_empty() {
        return plain_price(whole, marketplace);
    }
    plain_price(&format!("{whole}{}{fraction}", marketplace.number_format().decimal), marketplace)
}

/// The price in plain text of a list item. A code of another currency refuses it ("XOF 6,765" on amazon.com).
pub(super) fn plain_price(text: &str, marketplace: Marketplace) -> Option<Money> {
    if has_foreign_code(text, marketplace) { None } else { parse_price(text, marketplace).ok() }
}

/// An amount with no other words than the marketplace's own currency. Visitors from other countries are shown converted
/// amounts ("PHP 1,234.00" on amazon.com), which are not prices of the marketplace.
fn parse_bare(text: &str, marketplace: Marketplace) -> Result<Money, NumberError> {
    if has_words(text, marketplace) { Err(NumberError::ForeignCurrency) } else { parse_price(text, marketplace) }
}

/// True when the text has letters besides the currency's own symbols.
fn has_words(text: &str, marketplace: Marketplace) -> bool {
    let mut symbols: Vec<&str> = marketplace.currency().symbols().to_vec();
    symbols.sort_by_key(|symbol| std::cmp::Reverse(symbol.len()));
    let rest = symbols.iter().fold(text.to_owned(), |rest, symbol| rest.replace(symbol, " "));
    rest.contains(char::is_alphabetic)
}

/// True when the text has a word that looks like the code of another currency ("PHP", "CHF").
fn has_foreign_code(text: &str, marketplace: Marketplace) -> bool {
    let is_code = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let own = marketplace.currency().symbols();
    text.split(|c: char| !c.is_ascii_alphabetic())
        .filter(is_code)
        .any(|word| !own.iter().any(|symbol| symbol.contains(word)))
}

/// "$29 99": cents in superscript, as on pages of 2016 to 2018.
fn with_superscript_cents(text: &str, marketplace: Marketplace) -> Option<Money> {
    let (whole, cents) = text.rsplit_once(' ')?;
    let two_digits = cents.len() == 2 && cents.bytes().all(|byte| byte.is_ascii_digit());
    let one_symbol = has_symbol(whole, marketplace) && !whole.contains('-');
    if !two_digits || !one_symbol || marketplace.currency().exponent() != 2 {
        return None;
    }
    parse_price(&format!("{whole}{}{cents}", marketplace.number_format().decimal), marketplace).ok()
}

fn has_symbol(text: &str, marketplace: Marketplace) -> bool {
    marketplace.currency().symbols().iter().any(|symbol| text.contains(symbol))
}

/// The price range of a parent without a selected variation: two amounts in one price block.
fn range(captures: &[Capture], marketplace: Marketplace) -> Option<(Money, Money)> {
    const OTHER_OFFERS: Within = Within::ELSEWHERE.union(Within::USED).union(Within::ITEM).union(Within::SUBSCRIBE);
    let own = || captures.iter().filter(|capture| !capture.within.intersects(OTHER_OFFERS));
    let ends: Vec<Money> = own()
        .filter(|capture| capture.part == Part::Price && capture.within.intersects(Within::RANGE))
        .filter_map(|capture| price_in_pieces(capture, marketplace).ok())
        .collect();
    let written = own().filter(|capture| capture.part == Part::PlainPrice);
    in_order(ends.first().copied(), ends.get(1).copied())
        .or_else(|| written.filter_map(|capture| written_range(&text::line(&capture.text), marketplace)).next())
}

fn written_range(text: &str, marketplace: Marketplace) -> Option<(Money, Money)> {
    let (low, high) = text.split_once(['-', '–', '～'])?;
    in_order(parse_price(low, marketplace).ok(), parse_price(high, marketplace).ok())
}

fn in_order(low: Option<Money>, high: Option<Money>) -> Option<(Money, Money)> {
    low.zip(high).filter(|(low, high)| low.amount_minor < high.amount_minor)
}

//! Rules about texts.

use super::content::{APlusState, ListingContent, Origin};
use super::outcome::{ItemVerdict, Observed, Reason, Verdict};
use super::patterns;
use super::rule::{Check, ListingField};
use super::words;

/// The usual number of bullets. More are a vendor's, for whom other sums hold.
const SELLER_BULLETS: usize = 5;

/// The texts of a field; `None`: not known.
pub(super) fn texts_of(content: &ListingContent, field: ListingField) -> Option<Vec<&str>> {
    let one = match field {
        ListingField::Title => &content.title,
        ListingField::ItemHighlights => &content.item_highlights,
        ListingField::Description => &content.description,
        ListingField::Bullets | ListingField::APlus | ListingField::Images => &None,
    };
    let several = match (field, &content.a_plus) {
        (ListingField::Bullets, _) => &content.bullets,
        (ListingField::APlus, APlusState::Known(a_plus)) => &a_plus.texts,
        _ => &None,
    };
    let all = one.iter().chain(several.iter().flatten()).map(String::as_str).collect();
    (one.is_some() || several.is_some()).then_some(all)
}

/// The verdict about the texts of a field; `None`: the check is not about texts.
pub(super) fn verdict(check: Check, field: ListingField, texts: &[&str], content: &ListingContent) -> Option<Verdict> {
    let is_list = matches!(field, ListingField::Bullets | ListingField::APlus);
    let each = |look: &dyn Fn(&str) -> ItemVerdict| {
        let items = texts.iter().enumerate().map(|(at, text)| (is_list.then_some(at), look(text)));
        Some(Verdict::of_items(items))
    };
    match check {
        Check::Length { min, max } => each(&|text| length(text, min, max, field, content.origin)),
        Check::TotalLengthBelow(end) => Some(total_length(texts, end, content)),
        Check::Count { min, max, vendor_max } => Some(count(texts.len(), min, max, vendor_max, content)),
        Check::NoCharacters { characters, except_in_brand } => each(&|text| {
            no_characters(
                text,
                characters,
                if except_in_brand { Brand::Exempt(content.brand.as_deref()) } else { Brand::Counts },
            )
        }),
        Check::NoEmoji => each(&|text| ItemVerdict::none_of(patterns::emoji(text))),
        Check::WordRepeatedAtMost(most) => Some(repeated_words(texts, most, content.brand.as_deref())),
        Check::NoPhrase(list) => each(&|text| ItemVerdict::none_of(patterns::quoted(list.found_in(text)))),
        Check::NotAllCapitals => each(&|text| not_all_capitals(text, content.brand.as_deref())),
        Check::CapitalFirst => each(&|text| capital_first(text, content.brand.as_deref())),
        Check::NoSentence => {
            each(&|text| ItemVerdict::none_of(patterns::sentence_end(text).map(String::from).into_iter().collect()))
        }
        Check::NoContact => each(&|text| ItemVerdict::none_of(patterns::contacts(text))),
        Check::NoAsin => each(&|text| ItemVerdict::none_of(patterns::asins(text))),
        Check::NoPlaceholder => each(&|text| ItemVerdict::none_of(patterns::quoted(patterns::placeholder(text)))),
        Check::NoHtml => each(&|text| no_html(text, content.origin)),
        Check::NoPrice => each(&|text| ItemVerdict::none_of(patterns::prices(text))),
        Check::NoLink => each(&|text| ItemVerdict::none_of(patterns::links(text))),
        Check::NoCompetitor => Some(match &content.competitors {
            None => Verdict::Unknown(Reason::CompetitorsUnknown),
            Some(names) => return each(&|text| no_competitor(text, names)),
        }),
        Check::LongestSide { .. }
        | Check::WhiteBackground
        | Check::FillAtLeast(_)
        | Check::HasVideo
        | Check::ModulesAtMost(..)
        | Check::FullWidthAtLeast(..)
        | Check::FileBelow(_) => None,
    }
}

/// Amazon adds ingredients and the names of variations to descriptions, and attributes such as "Imported" to bullets. So an observed
/// description may be longer than what was written, and a short bullet may be nobody's.
fn length(text: &str, min: usize, max: usize, field: ListingField, origin: Origin) -> ItemVerdict {
    let length = text.chars().count();
    let may_be_added = match field {
        ListingField::Description => length > max,
        ListingField::Bullets => length < min,
        _ => false,
    };
    match origin {
        _ if (min..=max).contains(&length) => ItemVerdict::Kept,
        Origin::Observed if may_be_added => ItemVerdict::Unknown(Reason::NotAsWritten),
        Origin::Observed | Origin::Draft => ItemVerdict::Broken(Observed::amount(length)),
    }
}

fn total_length(texts: &[&str], end: usize, content: &ListingContent) -> Verdict {
    let total: usize = texts.iter().map(|text| text.chars().count()).sum();
    if total >= end && texts.len() > SELLER_BULLETS && content.is_vendor != Some(false) {
        return Verdict::Unknown(Reason::AccountUnknown);
    }
    Verdict::broken_if(total >= end, Observed::amount(total))
}

/// The number of items of a list, of texts or of images.
pub(super) fn count(
    count: usize,
    min: usize,
    max: Option<usize>,
    vendor_max: Option<usize>,
    content: &ListingContent,
) -> Verdict {
    let is_above = |max: Option<usize>| max.is_some_and(|max| count > max);
    let is_too_many = match content.is_vendor {
        Some(true) => is_above(vendor_max.or(max)),
        Some(false) => is_above(max),
        None if is_above(max) && !is_above(vendor_max.or(max)) => return Verdict::Unknown(Reason::AccountUnknown),
        None => is_above(max),
    };
    Verdict::broken_if(count < min || is_too_many, Observed::amount(count))
}

/// Whether the brand may have what a text may not.
enum Brand<'c> {
    Exempt(Option<&'c str>),
    Counts,
}

fn no_characters(text: &str, characters: &[char], brand: Brand<'_>) -> ItemVerdict {
    let found = |text: &str| patterns::quoted(text.chars().filter(|c| characters.contains(c)).map(String::from));
    match brand {
        _ if found(text).is_empty() => ItemVerdict::Kept,
        Brand::Counts => ItemVerdict::none_of(found(text)),
        Brand::Exempt(Some(brand)) => ItemVerdict::none_of(found(&words::outside_brand(text, brand))),
        Brand::Exempt(None) => ItemVerdict::Unknown(Reason::BrandUnknown),
    }
}

/// A finding for each word. Whether Amazon counts the words of a brand is not known, so they are not counted.
fn repeated_words(texts: &[&str], most: usize, brand: Option<&str>) -> Verdict {
    let counted = |text: &&str| brand.map_or_else(|| (*text).to_owned(), |brand| words::outside_brand(text, brand));
    let repeated = texts.iter().map(counted).flat_map(|text| words::repeated(&text, most));
    let broken: Vec<_> = repeated
        .map(|(word, times)| (None, Observed { texts: patterns::quoted([word]), ..Observed::amount(times) }))
        .collect();
    match texts.iter().any(|text| words::is_unspaced(text)) {
        _ if !broken.is_empty() => Verdict::Broken(broken),
        true => Verdict::Unknown(Reason::NoWordBoundaries),
        false => Verdict::Kept,
    }
}

fn not_all_capitals(text: &str, brand: Option<&str>) -> ItemVerdict {
    match brand {
        _ if !words::is_all_capitals(text) => ItemVerdict::Kept,
        None => ItemVerdict::Unknown(Reason::BrandUnknown),
        Some(brand) if words::is_all_capitals(&words::outside_brand(text, brand)) => {
            ItemVerdict::none_of(patterns::quoted([text.to_owned()]))
        }
        Some(_) => ItemVerdict::Kept,
    }
}

fn capital_first(text: &str, brand: Option<&str>) -> ItemVerdict {
    match (words::small_beginning(text), brand) {
        (None, _) => ItemVerdict::Kept,
        (Some(_), None) => ItemVerdict::Unknown(Reason::BrandUnknown),
        (Some(word), Some(brand)) if brand.to_lowercase().starts_with(&word.to_lowercase()) => ItemVerdict::Kept,
        (Some(word), Some(_)) => ItemVerdict::none_of(patterns::quoted([word.to_owned()])),
    }
}

fn no_html(text: &str, origin: Origin) -> ItemVerdict {
    match (patterns::html(text), origin) {
        (found, Origin::Observed) if found.is_empty() => ItemVerdict::Unknown(Reason::NotAsWritten),
        (found, _) => ItemVerdict::none_of(found),
    }
}

fn no_competitor(text: &str, names: &[String]) -> ItemVerdict {
    let lower = text.to_lowercase();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let is_in = |name: &&String| {
        let name = name.trim().to_lowercase();
        let stands_alone = |(at, found): (usize, &str)| {
            !is_letter(lower[..at].chars().next_back()) && !is_letter(lower[at + found.len()..].chars().next())
        };
        !name.is_empty() && lower.match_indices(name.as_str()).any(stands_alone)
    };
    ItemVerdict::none_of(patterns::quoted(names.iter().filter(is_in).cloned()))
}

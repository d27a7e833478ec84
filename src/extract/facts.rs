//! Title, brand, rating, bullets, identity and marketplace of a product page.

use crate::domain::{Asin, Marketplace, Rating};

use super::attributes::Attributes;
use super::capture::Capture;
use super::layout::{Part, Within};
use super::phrases;
use super::text;
use super::variations::Variations;

/// A value and the rule that gave it.
pub(super) type Found<T> = Option<(T, &'static str)>;

fn of_product(captures: &[Capture], part: Part) -> impl Iterator<Item = &Capture> {
    const OTHERS: Within = Within::ELSEWHERE.union(Within::ITEM);
    captures.iter().filter(move |capture| capture.part == part && !capture.within.intersects(OTHERS))
}

/// The product's title.
pub(super) fn title(captures: &[Capture]) -> Found<String> {
    of_product(captures, Part::Title)
        .map(|capture| (text::line(&capture.text), capture.rule))
        .find(|(title, _)| !title.is_empty())
}

/// The brand from the byline, or from the details if there is no byline. Bylines of books, music and films name people.
pub(super) fn brand(captures: &[Capture]) -> Found<String> {
    let bylines: Vec<(String, &'static str)> = of_product(captures, Part::Byline)
        .map(|capture| (text::line(&capture.text), capture.rule))
        .filter(|(line, _)| !line.is_empty())
        .collect();
    match bylines.first() {
        Some(_) => bylines.iter().find_map(|(line, rule)| Some((brand_of_byline(line)?, *rule))),
        None => detail(captures, is_brand_label).map(|brand| (brand, "details")),
    }
}

pub(super) fn brand_of_byline(line: &str) -> Option<String> {
    if let Some(brand) = labelled_brand(line).or_else(|| store_brand(line)) {
        return Some(brand);
    }
    const MAX_NAME: usize = 60;
    let names_people = line.contains(['(', '›', ':', '（']) || starts_with_by(line);
    (!names_people && line.chars().count() <= MAX_NAME).then(|| line.to_owned())
}

/// "Brand: X", "ブランド: X".
fn labelled_brand(line: &str) -> Option<String> {
    let (label, brand) = line.split_once([':', '：'])?;
    let brand = brand.trim();
    (is_brand_label(label.trim()) && !brand.is_empty()).then(|| brand.to_owned())
}

fn is_brand_label(label: &str) -> bool {
    let label = label.trim_end_matches([':', '：', ' ']).to_lowercase();
    phrases::languages(None).any(|language| language.brand_labels.contains(&label.as_str()))
}

/// "Visit the X Store" in every language. A note about the language may follow in brackets.
fn store_brand(line: &str) -> Option<String> {
    let line = line.split(" (").next().unwrap_or(line);
    let lower = text::lower_in_place(line);
    phrases::languages(None).flat_map(|language| language.store).find_map(|(before, after)| {
        let matches = lower.starts_with(before) && lower.ends_with(after) && lower.len() > before.len() + after.len();
        let brand = matches.then(|| line[before.len()..line.len() - after.len()].trim())?;
        (!brand.is_empty()).then(|| brand.to_owned())
    })
}

fn starts_with_by(line: &str) -> bool {
    const BY: &[&str] = &["by ", "von ", "de ", "por ", "di ", "door ", "av ", "autor "];
    let lower = line.to_lowercase();
    BY.iter().any(|by| lower.starts_with(by))
}

/// The value of the product detail row with a matching label.
fn detail(captures: &[Capture], matches: fn(&str) -> bool) -> Option<String> {
    of_product(captures, Part::DetailRow).find_map(|capture| {
        let lines: Vec<String> = text::lines(&capture.text).collect();
        match lines.as_slice() {
            [label, value, ..] if matches(label) => Some(value.trim_start_matches([':', ' ']).to_owned()),
            [line] => {
                let (label, value) = line.split_once([':', '：'])?;
                matches(label.trim()).then(|| value.trim().to_owned())
            }
            _ => None,
        }
    })
}

/// The description: its lines, without the heading above it.
pub(super) fn description(captures: &[Capture]) -> Option<String> {
    let texts = of_product(captures, Part::Description).map(|capture| {
        let lines: Vec<String> = text::lines(&capture.text).collect();
        lines.join("\n")
    });
    texts.max_by_key(String::len).filter(|text| !text.is_empty())
}

/// The path of categories above the product, from the root.
pub(super) fn category_path(captures: &[Capture]) -> Vec<String> {
    let links = captures.iter().filter(|capture| capture.part == Part::PathCategory);
    let categories = links.map(|capture| text::line(&capture.text));
    categories.filter(|category| !category.is_empty()).collect()
}

/// The product's rating.
pub(super) fn rating(captures: &[Capture]) -> Found<Rating> {
    of_product(captures, Part::Rating)
        .filter(|capture| capture.within.intersects(Within::STARS))
        .find_map(|capture| Some((stars(&text::line(&capture.text))?, capture.rule)))
}

/// "4.5 out of 5 stars", "4,5 von 5 Sternen", "5つ星のうち4.5": the number that is not the maximum.
pub(super) fn stars(line: &str) -> Option<Rating> {
    let numbers = numbers(line);
    let maximum_first = phrases::any_language_contains(line, |language| language.maximum_first);
    let with_decimals = numbers.iter().find(|(_, decimals)| *decimals).map(|(value, _)| *value);
    let by_place = if maximum_first { numbers.get(1).or(numbers.first()) } else { numbers.first() };
    let hundredths = with_decimals.or(by_place.map(|(value, _)| *value))?;
    (100..=500).contains(&hundredths).then_some(Rating(hundredths))
}

/// The numbers of the line in hundredths, and whether each has decimals.
fn numbers(line: &str) -> Vec<(u16, bool)> {
    let plain: String = line.chars().map(text::western_digit).collect();
    plain
        .split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .filter_map(|word| {
            let word = word.trim_matches(['.', ',']).replace(',', ".");
            let value: f32 = word.parse().ok().filter(|value| (0.0..=99.0).contains(value))?;
            // Between 0 and 9900: the cast is lossless.
            Some(((value * 100.0).round() as u16, word.contains('.')))
        })
        .collect()
}

/// Number of ratings of the product.
pub(super) fn review_count(captures: &[Capture]) -> Found<u32> {
    of_product(captures, Part::ReviewCount).find_map(|capture| {
        let [shown, spoken] = [&capture.text, &capture.label].map(|text| text::line(text));
        let count = only_count(&shown).or_else(|| only_count(&spoken))?;
        Some((count, capture.rule))
    })
}

/// The integer of a text with one number. "4 out of 5 stars, 201 ratings" has several.
fn only_count(line: &str) -> Option<u32> {
    let numbers =
        line.split(|c: char| !(c.is_numeric() || matches!(c, ',' | '.' | '\'' | '’' | '٬') || c.is_whitespace()));
    (numbers.filter(|piece| piece.contains(char::is_numeric)).count() == 1).then(|| count(line)).flatten()
}

/// The integer in a text such as "14,652 ratings", "(1.201)", "1 234 Bewertungen". Abbreviated numbers ("2.2K") give
/// `None`.
pub(super) fn count(line: &str) -> Option<u32> {
    let plain: String = line.chars().map(text::western_digit).collect();
    let start = plain.find(|c: char| c.is_ascii_digit())?;
    let is_inside =
        |c: &char| c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}' | '٬');
    let number: String = plain[start..].chars().take_while(is_inside).collect();
    let groups: Vec<&str> =
        number.trim_end_matches(|c: char| !c.is_ascii_digit()).split(|c: char| !c.is_ascii_digit()).collect();
    let is_abbreviated = is_multiplier(&plain[start + number.len()..]);
    let whole = groups.iter().skip(1).all(|group| matches!(group.len(), 2 | 3))
        && groups.last().is_some_and(|last| groups.len() == 1 || last.len() == 3);
    if !whole || is_abbreviated { None } else { groups.concat().parse().ok() }
}

/// True when the text begins with a word that multiplies the number before it: "12 mil", "2,2 Tsd.", "1.2万", "3 lakh", "5K+".
fn is_multiplier(after: &str) -> bool {
    const SIGNS: &[char] = &['万', '萬', '億', '亿', '千', '+'];
    let after = after.trim_start();
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    after.starts_with(SIGNS) || phrases::MULTIPLIERS.contains(&word.as_str())
}

/// The visible feature bullets, without duplicates.
pub(super) fn bullets(captures: &[Capture]) -> Vec<String> {
    let mut bullets: Vec<String> = Vec::new();
    for capture in of_product(captures, Part::Bullet) {
        let bullet = text::line(&capture.text);
        if !bullet.is_empty() && !bullets.contains(&bullet) {
            bullets.push(bullet);
        }
    }
    bullets
}

/// The ASIN of the selected variation. The cart form is the best source; the canonical link may name the parent.
pub(super) fn asin(captures: &[Capture], attributes: &Attributes) -> Found<Asin> {
    let parse = |text: &str| text.parse::<Asin>().ok();
    let from = |value: &Option<String>, rule| value.as_deref().and_then(parse).map(|asin| (asin, rule));
    let canonical = attributes.canonical.as_deref().and_then(text::asin_of_link).and_then(parse);
    from(&attributes.asin_input, "input#ASIN")
        .or_else(|| from(&attributes.asin_attribute, "data-asin"))
        .or_else(|| detail(captures, is_asin_label).and_then(|value| parse(&value)).map(|asin| (asin, "details")))
        .or_else(|| canonical.map(|asin| (asin, "link[rel=canonical]")))
        .or_else(|| from(&attributes.linked_asin, "links"))
}

fn is_asin_label(label: &str) -> bool {
    matches!(label.trim_end_matches([':', '：', ' ']), "ASIN" | "ISBN-10")
}

/// The parent and the ASINs of the variations, from the swatches and from the script that switches between them.
pub(super) fn variations(script: &Variations, attributes: &Attributes) -> (Option<Asin>, Vec<Asin>) {
    let mut asins: Vec<Asin> = attributes.variation_asins.iter().filter_map(|asin| asin.parse().ok()).collect();
    asins.extend(&script.asins);
    let mut seen = std::collections::HashSet::new();
    asins.retain(|asin| seen.insert(*asin));
    (script.parent, asins)
}

/// The products that Amazon compares the page's product with.
pub(super) fn compared_with(attributes: &Attributes, own: Option<Asin>) -> Vec<Asin> {
    let compared = attributes.compared_asins.iter().filter_map(|asin| asin.parse().ok());
    compared.filter(|asin| Some(*asin) != own).collect()
}

/// The marketplace of the page, from its canonical link, a link to itself, or the host in its first scripts.
pub(super) fn marketplace(attributes: &Attributes, head_script: &str) -> Option<Marketplace> {
    let links = [&attributes.canonical, &attributes.own_link];
    let by_link = links.into_iter().flatten().find_map(|link| host_in(link, "amazon."));
    // Scripts also name hosts that all sites share: `fls-na.amazon.com`.
    by_link.or_else(|| host_in(head_script, "www.amazon.")).or_else(|| host_in(head_script, "amazon."))
}

/// The marketplace of the first host that begins so.
fn host_in(text: &str, beginning: &str) -> Option<Marketplace> {
    text.match_indices(beginning).find_map(|(at, _)| {
        let host: String = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
        Marketplace::from_host(&host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_read_in_every_language() {
        for (line, expected) in [
            ("4.5 out of 5 stars", 450),
            ("4.8 4.8 out of 5 stars", 480),
            ("4,5 von 5 Sternen", 450),
            ("4,5 su 5 stelle", 450),
            ("3.0 étoiles sur 5", 300),
            ("4,1 de 5 estrellas", 410),
            ("4,4 av 5 stjärnor", 440),
            ("4,6 z 5 gwiazdek", 460),
            ("4,6 van 5 sterren", 460),
            ("5 yıldız üzerinden 4,3", 430),
            ("5つ星のうち4.5", 450),
            ("5つ星のうち4", 400),
            ("5 out of 5 stars", 500),
            ("٤٫٣ من ٥ نجوم", 430),
        ] {
            assert_eq!(stars(line), Some(Rating(expected)), "{line}");
        }
        assert_eq!(stars("no ratings yet"), None);
    }

    #[test]
    fn counts_are_read_with_any_separator() {
        for (line, expected) in [
            ("(1,201)", Some(1201)),
            ("1.820 avaliações", Some(1820)),
            ("1 234 évaluations", Some(1234)),
            ("1,23,456 ratings", Some(123_456)),
            ("1 Kundenrezension", Some(1)),
            ("2.2K", None),
            ("12 k", None),
            ("12 mil avaliações", None),
            ("2,2 Tsd. Bewertungen", None),
            ("12 tys. ocen", None),
            ("12 mila voti", None),
            ("12 ألف تقييم", None),
            ("1.2万件の評価", None),
            ("3 lakh ratings", None),
            ("12 B değerlendirme", None),
            ("12 Bewertungen", Some(12)),
            ("12 milestones", Some(12)),
            ("no reviews", None),
        ] {
            assert_eq!(count(line), expected, "{line}");
        }
    }

    #[test]
    fn a_byline_names_a_brand_or_people() {
        for (line, expected) in [
            ("Visit the Instant Pot Store", Some("Instant Pot")),
            ("Brand: Intel", Some("Intel")),
            ("uxcell", Some("uxcell")),
            ("Besuche den Sony-Store", Some("Sony")),
            ("Visite a Loja da Hi-Spec (em Espanhol)", Some("Hi-Spec")),
            ("ブランド: アンカー", Some("アンカー")),
            ("ソニーのストアを表示", Some("ソニー")),
            ("İpek Store'u ziyaret edin", Some("İpek")),
            ("by Howard M. Resh (Author)", None),
            ("von Katty Kay (Autor)", None),
        ] {
            assert_eq!(brand_of_byline(line).as_deref(), expected, "{line}");
        }
    }
}

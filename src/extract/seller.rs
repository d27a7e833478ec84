//! The seller of the featured offer.

use super::capture::Capture;
use super::layout::{Part, Within};
use super::phrases::{self, Language};
use super::text;
use crate::domain::{Marketplace, SellerId, is_amazon};

/// The seller's name and the rule that found it.
pub(super) fn read(captures: &[Capture]) -> Option<(String, &'static str)> {
    const OTHER_OFFERS: Within = Within::USED.union(Within::ELSEWHERE);
    // One-time purchases take precedence over Subscribe & Save.
    let in_order = |subscribed: bool| {
        captures
            .iter()
            .filter(|capture| !capture.within.intersects(OTHER_OFFERS))
            .filter(move |capture| capture.within.intersects(Within::SUBSCRIBE) == subscribed)
            .collect::<Vec<_>>()
    };
    let (plain, subscribed) = (in_order(false), in_order(true));
    [plain, subscribed]
        .iter()
        .find_map(|captures| by_name(captures).or_else(|| by_cells(captures)).or_else(|| by_sentence(captures)))
}

/// The id of the seller with this name: that of the link in its row, or of the first cart form. Amazon's own stands nowhere on some
/// pages.
pub(super) fn id(captures: &[Capture], seller: Option<&str>, marketplace: Option<Marketplace>) -> Option<SellerId> {
    const OTHER_OFFERS: Within = Within::USED.union(Within::ELSEWHERE);
    let seller = seller?;
    let given = |capture: &Capture| {
        let text = text::line(&capture.text);
        text.parse().ok().or_else(|| SellerId::in_link(&text))
    };
    let by_page = captures
        .iter()
        .filter(|capture| capture.part == Part::SellerId && !capture.within.intersects(OTHER_OFFERS))
        .find_map(given);
    by_page.or_else(|| SellerId::of_amazon(marketplace?).filter(|_| is_amazon(seller)))
}

fn by_name(captures: &[&Capture]) -> Option<(String, &'static str)> {
    let named = captures.iter().filter(|capture| capture.part == Part::Seller);
    named.map(|capture| (text::line(&capture.text), capture.rule)).find(|(name, _)| is_name(name))
}

/// Rows of the tabular Buy Box: the label is an attribute of the value, or a cell before it.
fn by_cells(captures: &[&Capture]) -> Option<(String, &'static str)> {
    let mut label = String::new();
    for capture in captures {
        match capture.part {
            Part::CellLabel => label = text::line(&capture.text),
            Part::CellText => {
                let own = text::line(&capture.label);
                let label = if own.is_empty() { &label } else { &own };
                let value = text::lines(&capture.text).next().unwrap_or_default();
                if is_seller_label(label) && is_name(&value) {
                    return Some((value, capture.rule));
                }
            }
            // A row of the accordion with its labels in an ordinary table.
            Part::DetailRow if capture.within.intersects(Within::ROW) => {
                let lines: Vec<String> = text::lines(&capture.text).collect();
                if let [label, value, ..] = lines.as_slice()
                    && is_seller_label(label)
                    && is_name(value)
                {
                    return Some((value.clone(), capture.rule));
                }
            }
            _ => {}
        }
    }
    None
}

fn is_seller_label(label: &str) -> bool {
    let label = label.trim_end_matches([':', '：', ' ']).to_lowercase();
    phrases::languages(None).any(|language| language.seller_labels.contains(&label.as_str()))
}

/// "Sold by … and fulfilled by Amazon."
fn by_sentence(captures: &[&Capture]) -> Option<(String, &'static str)> {
    let sentences = captures.iter().filter(|capture| capture.part == Part::Merchant);
    sentences
        .filter_map(|capture| {
            let lines: Vec<String> = text::lines(&capture.text).collect();
            Some((in_sentence(&lines.join("\n"))?, capture.rule))
        })
        .next()
}

fn in_sentence(sentence: &str) -> Option<String> {
    let lower = text::lower_in_place(sentence);
    phrases::languages(None).find_map(|language| {
        let name = before_verb(sentence, &lower, language).or_else(|| after_verb(sentence, &lower, language))?;
        is_name(&name).then_some(name)
    })
}

/// "Amazon.com.tr tarafından satılır ve gönderilir."
fn before_verb(sentence: &str, lower: &str, language: &Language) -> Option<String> {
    let end = language.after_seller.iter().find_map(|phrase| lower.find(phrase))?;
    // The name follows any introductory words.
    let name = sentence[..end].rsplit(['\n', '、', ':', '：']).next().unwrap_or_default();
    Some(name.trim().to_owned())
}

/// "Sold by … and fulfilled by Amazon."
fn after_verb(sentence: &str, lower: &str, language: &Language) -> Option<String> {
    let start = language.sold_by.iter().find_map(|phrase| lower.find(phrase).map(|at| at + phrase.len()))?;
    let (name, lower_name) = (&sentence[start..], &lower[start..]);
    let end = language.sold_by_end.iter().filter_map(|phrase| lower_name.find(phrase)).min();
    Some(cut_at_sentence_end(&name[..end.unwrap_or(name.len())]))
}

/// The name ends at the end of the sentence, or at a bracket with the seller's rating.
fn cut_at_sentence_end(name: &str) -> String {
    let name = name.trim_start_matches([':', '：', ' ', '\n']);
    let name = name.lines().next().unwrap_or_default();
    let name = name.find(" (").filter(|at| is_rating(&name[*at..])).map_or(name, |at| &name[..at]);
    let name = name.find(". ").map_or(name, |at| &name[..at]);
    name.trim().trim_end_matches(['.', '。', ',', ' ']).to_owned()
}

/// " (4.7 out of 5 | 7,626 ratings)"; other brackets are part of the name: "ACME (Official Store)".
fn is_rating(bracket: &str) -> bool {
    let inside = bracket.split(')').next().unwrap_or_default();
    inside.contains(char::is_numeric)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seller_is_read_from_the_sentence() {
        for (sentence, expected) in [
            ("Ships from and sold by Amazon.com. Gift-wrap available.", "Amazon.com"),
            (
                "Sold by KIDA Retail (4.7 out of 5 | 7,626 ratings) and Fulfilled by Amazon. Gift-wrap available.",
                "KIDA Retail",
            ),
            ("Ships from and sold by Amazon.ca exclusively for Prime members. Details", "Amazon.ca"),
            (
                "Verkauf durch NITZ OVERSEAS und Versand durch Amazon. Für weitere Informationen klicken Sie.",
                "NITZ OVERSEAS",
            ),
            ("Verkauf und Versand durch Amazon. Geschenkverpackung verfügbar.", "Amazon"),
            ("Expédié et vendu par livres_allemands.", "livres_allemands"),
            ("Ships from: Amazon Sold by: PrettyLitter, Inc.", "PrettyLitter, Inc"),
            ("Venduto da Rossi Srl e spedito da Amazon.", "Rossi Srl"),
            ("Amazon.com.tr tarafından satılır ve gönderilir.", "Amazon.com.tr"),
            ("İPEK Ev Ürünleri tarafından satılır ve Amazon tarafından gönderilir.", "İPEK Ev Ürünleri"),
            ("この商品は、Amazon.co.jpが販売および発送します。", "Amazon.co.jp"),
            ("Envíos desde y vendidos por Amazon.", "Amazon"),
            ("Sold by ACME (Official Store) and Fulfilled by Amazon.", "ACME (Official Store)"),
        ] {
            assert_eq!(in_sentence(sentence).as_deref(), Some(expected), "{sentence}");
        }
    }
}

//! The phrases of Amazon's pages in every language.
//!
//! There is one table for each language, all with the same fields. A page's language can differ from its marketplace's
//! (English on amazon.de, Chinese on amazon.com), so every lookup searches all languages, the marketplace's own first.
//!
//! Phrases are in lower case; `#` is a placeholder for a number.

mod any_language;
mod arabic;
mod chinese;
mod dutch;
mod english;
mod french;
mod german;
mod italian;
mod japanese;
mod polish;
mod portuguese;
mod spanish;
mod swedish;
mod turkish;

pub(super) use any_language::*;

use crate::domain::{Availability, Marketplace};

/// The phrases of one language.
pub(super) struct Language {
    /// ISO 639-1 code.
    pub(super) code: &'static str,
    /// "Currently unavailable".
    pub(super) unavailable: &'static [&'static str],
    /// "Temporarily out of stock".
    pub(super) out_of_stock: &'static [&'static str],
    /// "This item will be released on …".
    pub(super) preorder: &'static [&'static str],
    /// "Only # left in stock".
    pub(super) low_stock: &'static [&'static str],
    /// "In stock", "usually ships within …".
    pub(super) in_stock: &'static [&'static str],
    /// The product may be sold, but no offer is featured.
    pub(super) no_featured_offer: &'static [&'static str],
    /// The offer exists, and cannot be delivered to the place for which the page was made.
    pub(super) undeliverable: &'static [&'static str],
    /// Words for an offer that is not new.
    pub(super) used: &'static [&'static str],
    /// Heading of the bestseller ranks.
    pub(super) rank_headings: &'static [&'static str],
    /// Between a rank and its category.
    pub(super) rank_in: &'static [&'static str],
    /// Before the seller's name in a sentence.
    pub(super) sold_by: &'static [&'static str],
    /// After the seller's name in a sentence.
    pub(super) sold_by_end: &'static [&'static str],
    /// After the seller's name in a sentence that begins with it: "… tarafından satılır".
    pub(super) after_seller: &'static [&'static str],
    /// Labels of the row that names the seller.
    pub(super) seller_labels: &'static [&'static str],
    /// Around the brand in the byline: "Visit the … Store".
    pub(super) store: &'static [(&'static str, &'static str)],
    /// Label of the brand in the byline and in the product details.
    pub(super) brand_labels: &'static [&'static str],
    /// Before a struck-through price that is not a list price: "One-Time Price".
    pub(super) not_list_price: &'static [&'static str],
    /// Before the difference between list price and price: "You save".
    pub(super) savings: &'static [&'static str],
    /// Before the stars where the maximum comes first: "5つ星のうち4.5".
    pub(super) maximum_first: &'static [&'static str],
    /// Title or headline of a robot check.
    pub(super) captcha: &'static [&'static str],
    /// Title of the page for an unknown product.
    pub(super) not_found: &'static [&'static str],
    /// Title of the sign-in page.
    pub(super) sign_in: &'static [&'static str],
    /// Title of the error page ("dog" page).
    pub(super) error: &'static [&'static str],
    /// Title of a bestseller list.
    pub(super) bestsellers: &'static [&'static str],
}

const LANGUAGES: &[&Language] = &[
    &english::ENGLISH,
    &german::GERMAN,
    &french::FRENCH,
    &spanish::SPANISH,
    &italian::ITALIAN,
    &portuguese::PORTUGUESE,
    &dutch::DUTCH,
    &swedish::SWEDISH,
    &polish::POLISH,
    &turkish::TURKISH,
    &arabic::ARABIC,
    &japanese::JAPANESE,
    &chinese::CHINESE,
];

/// All languages, the marketplace's own first.
pub(super) fn languages(marketplace: Option<Marketplace>) -> impl Iterator<Item = &'static Language> {
    let own =
        move |language: &&Language| marketplace.is_some_and(|marketplace| marketplace.language() == language.code);
    let all = || LANGUAGES.iter().copied();
    all().filter(own).chain(all().filter(move |language| !own(language)))
}

/// The meaning of an availability line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineMeaning {
    /// Whether the product can be bought.
    Availability(Availability),
    /// The product may be sold, but no offer is featured.
    NoFeaturedOffer,
}

/// The meaning of an availability line. The order of the checks matters: "out of stock" contains "stock", and
/// "available from these sellers" contains "available". Each check covers every language before the next one runs,
/// because the phrases of later checks are short and similar across languages.
pub(super) fn availability(line: &str, marketplace: Option<Marketplace>) -> Option<LineMeaning> {
    type Phrases = fn(&Language) -> &'static [&'static str];
    const CHECKS: &[(LineMeaning, Phrases)] = &[
        (LineMeaning::NoFeaturedOffer, |language| language.no_featured_offer),
        (LineMeaning::Availability(Availability::Undeliverable), |language| language.undeliverable),
        (LineMeaning::Availability(Availability::Unavailable), |language| language.unavailable),
        (LineMeaning::Availability(Availability::OutOfStock), |language| language.out_of_stock),
        (LineMeaning::Availability(Availability::Preorder), |language| language.preorder),
        (LineMeaning::Availability(Availability::LowStock), |language| language.low_stock),
        (LineMeaning::Availability(Availability::InStock), |language| language.in_stock),
    ];
    let line = line.to_lowercase();
    let matches_line = |(_, phrases): &&(LineMeaning, Phrases)| {
        languages(marketplace).any(|language| any_in(phrases(language), &line))
    };
    CHECKS.iter().find(matches_line).map(|(meaning, _)| *meaning)
}

/// True when the text contains one of the phrases in any language.
pub(super) fn any_language_contains(text: &str, phrases: fn(&Language) -> &'static [&'static str]) -> bool {
    let text = text.to_lowercase();
    LANGUAGES.iter().any(|language| any_in(phrases(language), &text))
}

/// True when the text starts with one of the phrases in any language.
pub(super) fn any_language_starts_with(text: &str, phrases: fn(&Language) -> &'static [&'static str]) -> bool {
    let text = text.to_lowercase();
    LANGUAGES.iter().flat_map(|language| phrases(language)).any(|phrase| text.starts_with(phrase))
}

/// True when a row of product details begins with the heading of the bestseller ranks and holds a rank.
pub(super) fn is_rank_row(raw: &str) -> bool {
    let start: String = raw.trim_start().chars().take(400).collect();
    raw.contains(char::is_numeric)
        && any_language_contains(&super::text::line(&start), |language| language.rank_headings)
}

fn any_in(phrases: &[&str], lower: &str) -> bool {
    phrases.iter().any(|phrase| contains(lower, phrase))
}

/// `#` in a phrase matches a number, with or without spaces around it.
fn contains(lower: &str, phrase: &str) -> bool {
    match phrase.split_once('#') {
        None => lower.contains(phrase),
        Some((before, after)) => lower.match_indices(before.trim_end()).any(|(at, found)| {
            let rest = lower[at + found.len()..].trim_start();
            let after_number = rest.trim_start_matches(|c: char| c.is_numeric());
            after_number.len() < rest.len() && after_number.trim_start().starts_with(after.trim_start())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn availability_is_read_in_every_language() {
        for (line, code, expected) in [
            ("Only 3 left in stock - order soon.", "com", Availability::LowStock),
            ("Only 1 left in stock (more on the way).", "co.uk", Availability::LowStock),
            ("Usually ships within 1 to 2 months", "com", Availability::InStock),
            ("Temporarily out of stock.", "ae", Availability::OutOfStock),
            ("Derzeit nicht verfügbar.", "de", Availability::Unavailable),
            ("Currently unavailable.", "de", Availability::Unavailable),
            ("Nur noch 2 auf Lager (mehr ist unterwegs).", "de", Availability::LowStock),
            ("Dieser Artikel erscheint am 28. März 2019.", "de", Availability::Preorder),
            ("Il ne reste plus que 4 exemplaire(s) en stock.", "fr", Availability::LowStock),
            ("Actuellement indisponible.", "fr", Availability::Unavailable),
            ("Disponibilità: solo 3", "it", Availability::LowStock),
            ("Solo 2 disponibili", "it", Availability::LowStock),
            ("Non disponibile.", "it", Availability::Unavailable),
            ("No disponible.", "es", Availability::Unavailable),
            ("Sólo queda(n) 5 en stock", "es", Availability::LowStock),
            ("Em estoque.", "com.br", Availability::InStock),
            ("Não disponível.", "com.br", Availability::Unavailable),
            ("Op voorraad", "nl", Availability::InStock),
            ("Nog slechts 2 op voorraad.", "nl", Availability::LowStock),
            ("I lager.", "se", Availability::InStock),
            ("Endast 3 i lager", "se", Availability::LowStock),
            ("Dostępny.", "pl", Availability::InStock),
            ("Obecnie niedostępny.", "pl", Availability::Unavailable),
            ("Stokta sadece 2 adet kaldı.", "com.tr", Availability::LowStock),
            ("Şu anda mevcut değil.", "com.tr", Availability::Unavailable),
            ("غير متوفر حالياً.", "ae", Availability::Unavailable),
            ("متوفر", "sa", Availability::InStock),
            ("在庫あり。", "co.jp", Availability::InStock),
            ("残り3点 ご注文はお早めに", "co.jp", Availability::LowStock),
            ("現在在庫切れです。", "co.jp", Availability::Unavailable),
            ("一時的に在庫切れ; 入荷時期は未定です。", "co.jp", Availability::OutOfStock),
            ("现在有货", "cn", Availability::InStock),
            ("库存中仅剩 2 件", "com", Availability::LowStock),
            ("Not in stock", "com", Availability::OutOfStock),
            ("Only 3 left in stock", "it", Availability::LowStock),
            ("Solo 3 con disponibilità immediata", "it", Availability::LowStock),
            ("Wordt gewoonlijk verzonden binnen 6 tot 7 maanden", "nl", Availability::InStock),
            ("Zostało tylko: 3", "pl", Availability::LowStock),
            ("入荷未定", "co.jp", Availability::OutOfStock),
            ("在庫なし", "co.jp", Availability::OutOfStock),
            ("入荷待ち", "co.jp", Availability::OutOfStock),
            ("Nicht vorrätig", "de", Availability::OutOfStock),
            ("Nie ma w magazynie", "pl", Availability::OutOfStock),
            ("Stokta kalmadı.", "com.tr", Availability::OutOfStock),
            ("Estimativa de envio de 12 a 13 dias", "com.br", Availability::InStock),
            ("This item cannot be shipped to your selected delivery location.", "com", Availability::Undeliverable),
            ("この商品の発売予定日は2026年12月1日です。", "co.jp", Availability::Preorder),
        ] {
            let meaning = Some(LineMeaning::Availability(expected));
            assert_eq!(availability(line, code.parse().ok()), meaning, "{line} on {code}");
        }
        assert_eq!(availability("Customize device to see availability", None), None);
    }

    #[test]
    fn no_phrase_of_absence_reads_as_presence() {
        let absences: [fn(&Language) -> &'static [&'static str]; 4] = [
            |language| language.unavailable,
            |language| language.out_of_stock,
            |language| language.no_featured_offer,
            |language| language.undeliverable,
        ];
        for language in LANGUAGES {
            for phrase in absences.iter().flat_map(|phrases| phrases(language)) {
                for marketplace in Marketplace::ALL {
                    let meaning = availability(phrase, Some(*marketplace)).expect("it is in a table");
                    let is_there = matches!(
                        meaning,
                        LineMeaning::Availability(
                            Availability::InStock | Availability::LowStock | Availability::Preorder
                        )
                    );
                    assert!(!is_there, "{phrase} ({}) on {marketplace}", language.code);
                }
            }
        }
    }

    #[test]
    fn an_availability_line_without_a_featured_offer_is_not_in_stock() {
        for (line, code) in [
            ("Available from these sellers.", "com.au"),
            ("Aucune offre mise en avant disponible", "fr"),
            ("Voir les offres de ces vendeurs.", "fr"),
            ("Geen aanbevolen aanbod beschikbaar", "nl"),
            ("Beschikbaar bij deze verkopers.", "nl"),
            ("Tillgänglig från de här säljarna.", "se"),
            ("Disponibile presso questi venditori.", "it"),
            ("Disponible a través de estos vendedores.", "com.mx"),
            ("Ofertas destacadas no disponibles", "es"),
            ("「おすすめ出品」の要件を満たす出品はありません", "co.jp"),
        ] {
            assert_eq!(availability(line, code.parse().ok()), Some(LineMeaning::NoFeaturedOffer), "{line} on {code}");
        }
    }
}

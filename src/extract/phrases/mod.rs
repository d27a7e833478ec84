//! What Amazon's pages say, in every language they say it in.
//!
//! One table for each language, all of the same shape. A page's language may differ from its marketplace's (English on
//! amazon.de, Chinese on amazon.com), so every question is asked of all languages, the marketplace's own first.
//!
//! Phrases are lower case; `#` stands for a number.

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

use crate::domain::{Availability, Marketplace};

/// The phrases of one language.
pub(super) struct Language {
    /// ISO 639-1.
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
    /// Nobody's offer is featured, though somebody may sell it.
    pub(super) no_featured_offer: &'static [&'static str],
    /// Words of an offer that is not new.
    pub(super) used: &'static [&'static str],
    /// Heading of the bestseller ranks.
    pub(super) rank_headings: &'static [&'static str],
    /// Between a rank and its category.
    pub(super) rank_in: &'static [&'static str],
    /// Before the seller's name in a sentence.
    pub(super) sold_by: &'static [&'static str],
    /// Behind the seller's name in a sentence.
    pub(super) sold_by_end: &'static [&'static str],
    /// Behind the seller's name in a sentence that begins with it: "… tarafından satılır".
    pub(super) behind_seller: &'static [&'static str],
    /// Labels of the row that names the seller.
    pub(super) seller_labels: &'static [&'static str],
    /// Around the brand in the byline: "Visit the … Store".
    pub(super) store: &'static [(&'static str, &'static str)],
    /// Label of the brand in the byline and in the details.
    pub(super) brand_labels: &'static [&'static str],
    /// Before a struck-through price that is not a list price: "One-Time Price".
    pub(super) not_list_price: &'static [&'static str],
    /// Before the difference of list price and price: "You save".
    pub(super) savings: &'static [&'static str],
    /// Before the stars where the maximum comes first: "5つ星のうち4.5".
    pub(super) maximum_first: &'static [&'static str],
    /// Title or headline of a robot check.
    pub(super) captcha: &'static [&'static str],
    /// Title of the page for a product that does not exist.
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

/// Every language, the marketplace's own first.
pub(super) fn languages(marketplace: Option<Marketplace>) -> impl Iterator<Item = &'static Language> {
    let own =
        move |language: &&Language| marketplace.is_some_and(|marketplace| marketplace.language() == language.code);
    let all = || LANGUAGES.iter().copied();
    all().filter(own).chain(all().filter(move |language| !own(language)))
}

/// What an availability line says, or that it tells of no offer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Whether the product can be bought.
    Availability(Availability),
    /// Somebody may sell it, but nobody's offer is featured.
    NoFeaturedOffer,
}

/// What an availability line says. The order of the questions matters: "out of stock" contains "stock", and "available
/// from these sellers" says "available". Each is asked in every language before the next, because the words of a weaker
/// one are short and alike across languages.
pub(super) fn availability(line: &str, marketplace: Option<Marketplace>) -> Option<Said> {
    type Phrases = fn(&Language) -> &'static [&'static str];
    const QUESTIONS: &[(Said, Phrases)] = &[
        (Said::NoFeaturedOffer, |language| language.no_featured_offer),
        (Said::Availability(Availability::Unavailable), |language| language.unavailable),
        (Said::Availability(Availability::OutOfStock), |language| language.out_of_stock),
        (Said::Availability(Availability::Preorder), |language| language.preorder),
        (Said::Availability(Availability::LowStock), |language| language.low_stock),
        (Said::Availability(Availability::InStock), |language| language.in_stock),
    ];
    let line = line.to_lowercase();
    let says =
        |(_, phrases): &&(Said, Phrases)| languages(marketplace).any(|language| any_in(phrases(language), &line));
    QUESTIONS.iter().find(says).map(|(said, _)| *said)
}

/// True when any language says it anywhere in the text.
pub(super) fn any_says(text: &str, phrases: fn(&Language) -> &'static [&'static str]) -> bool {
    let text = text.to_lowercase();
    LANGUAGES.iter().any(|language| any_in(phrases(language), &text))
}

/// True when any language says it at the start of the text.
pub(super) fn begins(text: &str, phrases: fn(&Language) -> &'static [&'static str]) -> bool {
    let text = text.to_lowercase();
    LANGUAGES.iter().flat_map(|language| phrases(language)).any(|phrase| text.starts_with(phrase))
}

/// True when a row of product details begins with the heading of the bestseller ranks and holds a rank.
pub(super) fn is_rank_row(raw: &str) -> bool {
    let start: String = raw.trim_start().chars().take(400).collect();
    raw.contains(char::is_numeric) && any_says(&super::text::line(&start), |language| language.rank_headings)
}

fn any_in(phrases: &[&str], lower: &str) -> bool {
    phrases.iter().any(|phrase| contains(lower, phrase))
}

/// `#` in a phrase stands for a number, with or without blanks around it.
fn contains(lower: &str, phrase: &str) -> bool {
    match phrase.split_once('#') {
        None => lower.contains(phrase),
        Some((before, after)) => lower.match_indices(before.trim_end()).any(|(at, found)| {
            let rest = lower[at + found.len()..].trim_start();
            let behind = rest.trim_start_matches(|c: char| c.is_numeric());
            behind.len() < rest.len() && behind.trim_start().starts_with(after.trim_start())
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
            ("この商品の発売予定日は2026年12月1日です。", "co.jp", Availability::Preorder),
        ] {
            let said = Some(Said::Availability(expected));
            assert_eq!(availability(line, code.parse().ok()), said, "{line} on {code}");
        }
        assert_eq!(availability("Customize device to see availability", None), None);
    }

    #[test]
    fn a_product_without_a_featured_offer_is_not_in_stock_whatever_its_line_contains() {
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
            assert_eq!(availability(line, code.parse().ok()), Some(Said::NoFeaturedOffer), "{line} on {code}");
        }
    }
}

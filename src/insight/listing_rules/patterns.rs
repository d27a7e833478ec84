//! What is found in texts by its shape.

use std::sync::LazyLock;

use regex::Regex;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern is valid")
}

/// Characters that are shown as emoji. Signs such as ✔ and ★ are text unless a variation selector makes them emoji.
static EMOJI: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{Emoji_Presentation}|\p{Emoji}\x{FE0F}"));

/// An e-mail address, a web address with its scheme or `www`, a telephone number that is called one. A name such as `example.com` alone
/// is not sure to be an address: it is also what a missing space after a full stop looks like.
static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix) [\w.+-]+@[\w-]+\.[\w.-]*\w | https?://[^\s<>]+ | \bwww\.[\w-]+\.[^\s<>]+
        | \b(?:tel|phone|telefon|téléphone|teléfono|telefono|telefone|whatsapp)\b[\s.:]{0,4}\+?\d[\d\s()./-]{5,}\d",
    )
});

/// A web address, or the element of a link.
static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)https?://[^\s<>]+|\bwww\.[\w-]+\.[^\s<>]+|<a\s[^<>]*>"));

/// An ASIN that is not a book's: those are like other numbers.
static ASIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bB0[0-9A-Z]{8}\b"));

/// Elements of HTML except line breaks, which Amazon's rules for detail pages allowed in descriptions.
static HTML: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix) </?(?:a|b|i|u|p|s|ul|ol|li|dl|dt|dd|div|span|strong|em|small|big|sub|sup|h[1-6]|img|table|tbody|thead|tr|td|th|font
        |center|hr|style|script|iframe|section|article|blockquote|pre|code)(?:\s[^<>]*)?/?>",
    )
});

/// A number with the sign or the code of a currency.
static PRICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x) [$€£¥₹￥]\s?\d[\d.,]* | \d[\d.,]*\s?(?:€|£|¥|₹|円|元|zł|kr\b|TL\b)
        | \b(?:USD|EUR|GBP|CAD|MXN|BRL|SEK|PLN|TRY|AED|SAR|EGP|INR|JPY|AUD|SGD|ZAR|CNY)\s?\d[\d.,]*
        | \d[\d.,]*\s?(?:USD|EUR|GBP|CAD|MXN|BRL|SEK|PLN|TRY|AED|SAR|EGP|INR|JPY|AUD|SGD|ZAR|CNY)\b",
    )
});

/// Most parts of a text that a finding quotes, and most characters of each.
const MAX_QUOTES: usize = 5;
const MAX_QUOTE_CHARS: usize = 80;

fn found(pattern: &Regex, text: &str) -> Vec<String> {
    quoted(pattern.find_iter(text).map(|found| found.as_str().to_owned()))
}

/// Each text once, and not more than a finding can quote.
pub(super) fn quoted(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut quotes: Vec<String> = Vec::new();
    for text in texts {
        let quote: String = text.chars().take(MAX_QUOTE_CHARS).collect();
        if quotes.len() < MAX_QUOTES && !quotes.contains(&quote) {
            quotes.push(quote);
        }
    }
    quotes
}

pub(super) fn emoji(text: &str) -> Vec<String> {
    found(&EMOJI, text)
}

pub(super) fn contacts(text: &str) -> Vec<String> {
    found(&CONTACT, text)
}

pub(super) fn links(text: &str) -> Vec<String> {
    found(&LINK, text)
}

pub(super) fn asins(text: &str) -> Vec<String> {
    found(&ASIN, text)
}

pub(super) fn html(text: &str) -> Vec<String> {
    found(&HTML, text)
}

pub(super) fn prices(text: &str) -> Vec<String> {
    found(&PRICE, text)
}

/// The texts that Amazon names as standing for one that is still to be written. Short ones only when there is nothing else: "NA" is
/// also sodium.
pub(super) fn placeholder(text: &str) -> Option<String> {
    const ANYWHERE: &[&str] = &["copy pending", "yet to decide", "to be decided"];
    const ALONE: &[&str] = &["na", "n/a", "not applicable", "not eligible", "tbd", "tba", "-"];
    let lower = text.trim().trim_end_matches('.').to_lowercase();
    let has_tbd = text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "TBD");
    let is_placeholder =
        has_tbd || ALONE.contains(&lower.as_str()) || ANYWHERE.iter().any(|phrase| lower.contains(phrase));
    is_placeholder.then(|| text.trim().to_owned())
}

/// The end of a sentence at the end of a text.
pub(super) fn sentence_end(text: &str) -> Option<char> {
    text.trim_end().chars().next_back().filter(|last| ['.', '!', '?', '。', '！', '？', '؟'].contains(last))
}

//! Texts, money and dates of public pages, in the language of their reader: a page without a script cannot write them itself.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use jiff::Timestamp;
use serde_json::Value;

use super::dashboard;
use crate::domain::Money;

/// The languages of the dashboard. The first is that of everybody who asks for none of them.
const LANGUAGES: &[&str] = &["en", "de", "ja", "pt"];
const NO_BREAK_SPACE: char = '\u{a0}';

/// The texts of one language.
pub(super) struct Texts {
    pub language: &'static str,
    catalogue: Value,
}

impl Texts {
    /// In the language that a request prefers.
    pub fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let language = preferred(asked);
        Self { language, catalogue: dashboard::catalogue(language) }
    }

    /// The text of a key; the key itself if there is none.
    pub fn get(&self, key: &str) -> String {
        self.catalogue.get(key).and_then(Value::as_str).unwrap_or(key).to_owned()
    }

    /// The text of a key with a value in it.
    pub fn with(&self, key: &str, name: &str, value: &str) -> String {
        self.get(key).replace(&format!("{{{name}}}"), value)
    }

    pub fn money(&self, money: Money) -> String {
        let decimal = money.decimal();
        let (sign, decimal) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |decimal| ("-", decimal));
        let (major, minor) = decimal.split_once('.').unwrap_or((decimal, ""));
        let (thousands, point) = if matches!(self.language, "de" | "pt") { ('.', ",") } else { (',', ".") };
        let point = if minor.is_empty() { "" } else { point };
        let number = format!("{}{point}{minor}", grouped(major, thousands));
        // The yen sign of Japanese fonts is wider than figures.
        let symbol = match money.currency.symbols().first() {
            Some(&"￥") | None => "¥",
            Some(symbol) => *symbol,
        };
        match self.language {
            "de" => format!("{sign}{number}{NO_BREAK_SPACE}{symbol}"),
            "pt" => format!("{sign}{symbol}{NO_BREAK_SPACE}{number}"),
            _ if symbol.len() == 3 && symbol.is_ascii() => format!("{sign}{symbol}{NO_BREAK_SPACE}{number}"),
            _ => format!("{sign}{symbol}{number}"),
        }
    }

    pub fn date(&self, at: Timestamp) -> String {
        at.strftime(match self.language {
            "de" => "%-d.%-m.%Y",
            "pt" => "%d/%m/%Y",
            "ja" => "%Y/%m/%d",
            _ => "%b %-d, %Y",
        })
        .to_string()
    }

    /// In UTC, since nobody knows the zone of the reader.
    pub fn date_time(&self, at: Timestamp) -> String {
        format!("{}, {} UTC", self.date(at), at.strftime("%H:%M"))
    }
}

fn grouped(digits: &str, separator: char) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// The first of our languages by the weights of `Accept-Language` (RFC 9110, section 12.5.4).
fn preferred(asked: &str) -> &'static str {
    let weighted = |part: &str| -> Option<(&'static str, f32)> {
        let mut parameters = part.split(';').map(str::trim);
        let tag = parameters.next()?.split('-').next()?.to_ascii_lowercase();
        let language = LANGUAGES.iter().find(|known| **known == tag)?;
        let weight = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        Some((*language, weight))
    };
    let mut best = (LANGUAGES[0], 0.0);
    for (language, weight) in asked.split(',').filter_map(weighted) {
        if weight > best.1 {
            best = (language, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    fn texts(language: &'static str) -> Texts {
        Texts { language, catalogue: dashboard::catalogue(language) }
    }

    #[test]
    fn the_language_is_the_one_that_the_reader_prefers() {
        for (asked, expected) in [
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("fr,pt-BR;q=0.7,ja;q=0.9", "ja"),
            ("fr", "en"),
            ("", "en"),
            ("de;q=0, pt;q=0.1", "pt"),
            ("DE", "de"),
            ("*", "en"),
        ] {
            assert_eq!(preferred(asked), expected, "{asked}");
        }
    }

    #[test]
    fn money_and_dates_are_written_as_in_the_language() {
        let money = Money::new(1_234_567, Currency::Eur);
        let written: Vec<String> =
            LANGUAGES.iter().map(|language| texts(language).money(money).replace(NO_BREAK_SPACE, " ")).collect();
        assert_eq!(written, ["€12,345.67", "12.345,67 €", "€12,345.67", "€ 12.345,67"]);
        assert_eq!(texts("ja").money(Money::new(1_980, Currency::Jpy)), "¥1,980");
        assert_eq!(texts("en").money(Money::new(-5, Currency::Usd)), "-$0.05");
        let at: Timestamp = "2026-05-03T07:09:00Z".parse().unwrap();
        let dates: Vec<String> = LANGUAGES.iter().map(|language| texts(language).date(at)).collect();
        assert_eq!(dates, ["May 3, 2026", "3.5.2026", "2026/05/03", "03/05/2026"]);
        assert_eq!(texts("de").date_time(at), "3.5.2026, 07:09 UTC");
    }

    #[test]
    fn every_language_has_the_texts_of_the_page() {
        for language in LANGUAGES {
            assert_ne!(texts(language).get("share.gone"), "share.gone", "{language}");
            assert!(texts(language).with("share.as_of", "at", "now").contains("now"), "{language}");
        }
    }
}

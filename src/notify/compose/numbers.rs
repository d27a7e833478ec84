//! Amounts, counts and percentages as the language of the reader writes them. Source of the formats: CLDR 46.

use crate::domain::rule::Decimal;
use crate::domain::{Currency, Language, Money};

/// Keeps a number and its unit on one line.
const NO_BREAK: &str = "\u{a0}";
/// The same, narrower, as in French.
const NARROW_NO_BREAK: &str = "\u{202f}";

/// How a language writes numbers.
struct Format {
    decimal: char,
    group: &'static str,
    /// Numbers with fewer digits have no groups: `1349,99` in Spanish.
    min_grouped_digits: usize,
    symbol_first: bool,
    /// Between an amount and its symbol.
    space: &'static str,
    /// Between a number and its percent sign.
    percent_space: &'static str,
}

const POINT: Format =
    Format { decimal: '.', group: ",", min_grouped_digits: 4, symbol_first: true, space: "", percent_space: "" };
const COMMA: Format = Format {
    decimal: ',',
    group: ".",
    min_grouped_digits: 4,
    symbol_first: false,
    space: NO_BREAK,
    percent_space: NO_BREAK,
};
const FRENCH: Format = Format { group: NARROW_NO_BREAK, percent_space: NARROW_NO_BREAK, ..COMMA };
const SPANISH: Format = Format { min_grouped_digits: 5, ..COMMA };
const ITALIAN: Format = Format { percent_space: "", ..COMMA };
const PORTUGUESE: Format = Format { symbol_first: true, percent_space: "", ..COMMA };

fn format_of(language: Language) -> &'static Format {
    match language {
        Language::En | Language::Ja | Language::Zh => &POINT,
        Language::De => &COMMA,
        Language::Fr => &FRENCH,
        Language::Es => &SPANISH,
        Language::It => &ITALIAN,
        Language::Pt => &PORTUGUESE,
    }
}

/// `$1,349.99`, `1.349,99 €`, `￥1,350`.
pub(super) fn money(money: Money, language: Language) -> String {
    let format = format_of(language);
    let (exponent, per_major) = (money.currency.exponent() as usize, money.currency.minor_per_major().unsigned_abs());
    let absolute = money.amount_minor.unsigned_abs();
    let mut number = grouped(absolute / per_major, format);
    if exponent > 0 {
        number.push(format.decimal);
        number.push_str(&format!("{:0exponent$}", absolute % per_major));
    }
    let symbol = symbol(money.currency, language);
    let sign = if money.amount_minor < 0 { "-" } else { "" };
    if !format.symbol_first {
        return format!("{sign}{number}{}{symbol}", format.space);
    }
    // A code would run into the number: `SEK 99.00`.
    let is_code = symbol.len() == 3 && symbol.bytes().all(|byte| byte.is_ascii_uppercase());
    let space = if is_code { NO_BREAK } else { format.space };
    format!("{sign}{symbol}{space}{number}")
}

/// `1,234`.
pub(super) fn count(number: i64, language: Language) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs(), format_of(language)))
}

/// `4.5`.
pub(super) fn decimal(number: Decimal, language: Language) -> String {
    let format = format_of(language);
    let (sign, absolute) = (if number.hundredths < 0 { "-" } else { "" }, number.hundredths.unsigned_abs());
    let whole = grouped(absolute / 100, format);
    let point = format.decimal;
    match absolute % 100 {
        0 => format!("{sign}{whole}"),
        places if places % 10 == 0 => format!("{sign}{whole}{point}{}", places / 10),
        places => format!("{sign}{whole}{point}{places:02}"),
    }
}

/// `4.5%`.
pub(super) fn percent(number: Decimal, language: Language) -> String {
    format!("{}{}%", decimal(number, language), format_of(language).percent_space)
}

/// `+4.5%`, `-4.5%`: a change.
pub(super) fn change_percent(change: Decimal, language: Language) -> String {
    let sign = if change.hundredths > 0 { "+" } else { "" };
    format!("{sign}{}", percent(change, language))
}

/// The difference to a base in percent, rounded as people read it: to whole percents from 10, below to tenths.
/// `None`: there is no such percentage, or it would read as zero.
pub(super) fn difference_percent(value: i64, base: i64) -> Option<Decimal> {
    if base <= 0 {
        return None;
    }
    let (difference, base) = (i128::from(value) - i128::from(base), i128::from(base));
    let rounded = |unit: i128| {
        let parts = 10_000 / unit;
        (2 * difference.abs() * parts + base) / (2 * base) * unit * difference.signum()
    };
    let tenths = rounded(10);
    let hundredths = if tenths.abs() < 1_000 { tenths } else { rounded(100) };
    i64::try_from(hundredths).ok().filter(|hundredths| *hundredths != 0).map(|hundredths| Decimal { hundredths })
}

fn grouped(number: u64, format: &Format) -> String {
    let digits = number.to_string();
    if digits.len() < format.min_grouped_digits {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push_str(format.group);
        }
        text.push(digit);
    }
    text
}

/// The sign of a currency where it means this one to readers of the language, else a longer one, else its code.
fn symbol(currency: Currency, language: Language) -> String {
    use Currency::{Aud, Brl, Cad, Cny, Eur, Gbp, Inr, Jpy, Mxn, Sgd, Usd};
    use Language::{En, Es, Fr, It, Ja, Pt, Zh};
    let symbol = match (currency, language) {
        (Eur, _) => "€",
        (Gbp, Fr) => "£GB",
        (Gbp, _) => "£",
        (Usd, Fr) => "$US",
        (Usd, Es | Pt | Zh) => "US$",
        (Usd, It) => "USD",
        (Usd, _) => "$",
        (Cad, Fr) => "$CA",
        (Cad, En | Ja | Pt | Zh) => "CA$",
        (Aud, Fr) => "$AU",
        (Aud, En | Ja) => "A$",
        (Aud, Pt | Zh) => "AU$",
        (Mxn, Fr) => "$MX",
        (Mxn, En | Ja | Pt | Zh) => "MX$",
        (Sgd, En) => "S$",
        (Brl, _) => "R$",
        (Inr, _) => "₹",
        (Jpy, Ja) => "￥",
        (Jpy, Zh) => "JP¥",
        (Jpy, En) => "¥",
        (Cny, Zh) => "¥",
        (Cny, En) => "CN¥",
        (Cny, Ja) => "元",
        _ => return currency.code(),
    };
    symbol.to_owned()
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn amounts_are_written_as_in_the_language_of_the_reader() {
        let all = |minor, currency| Language::iter().map(move |language| money(Money::new(minor, currency), language));
        let euros: Vec<_> = all(134_999, Currency::Eur).collect();
        assert_eq!(
            euros,
            [
                "€1,349.99",
                "1.349,99\u{a0}€",
                "1\u{202f}349,99\u{a0}€",
                "1349,99\u{a0}€",
                "1.349,99\u{a0}€",
                "€\u{a0}1.349,99",
                "€1,349.99",
                "€1,349.99"
            ]
        );
        let dollars: Vec<_> = all(134_999, Currency::Usd).collect();
        assert_eq!(
            dollars,
            [
                "$1,349.99",
                "1.349,99\u{a0}$",
                "1\u{202f}349,99\u{a0}$US",
                "1349,99\u{a0}US$",
                "1.349,99\u{a0}USD",
                "US$\u{a0}1.349,99",
                "$1,349.99",
                "US$1,349.99"
            ]
        );
        let yen: Vec<_> = all(1_234_567, Currency::Jpy).collect();
        assert_eq!(
            yen,
            [
                "¥1,234,567",
                "1.234.567\u{a0}JPY",
                "1\u{202f}234\u{202f}567\u{a0}JPY",
                "1.234.567\u{a0}JPY",
                "1.234.567\u{a0}JPY",
                "JPY\u{a0}1.234.567",
                "￥1,234,567",
                "JP¥1,234,567"
            ]
        );
    }

    #[test]
    fn currencies_that_share_a_sign_can_be_told_apart_in_every_language() {
        for language in Language::iter() {
            let mut signs: Vec<_> = Currency::ALL.iter().map(|currency| symbol(*currency, language)).collect();
            signs.sort_unstable();
            signs.dedup();
            assert_eq!(signs.len(), Currency::ALL.len(), "{language:?}");
        }
    }

    #[test]
    fn small_negative_and_extreme_amounts_are_exact() {
        let written = |minor, currency, language| money(Money::new(minor, currency), language);
        assert_eq!(written(0, Currency::Usd, Language::En), "$0.00");
        assert_eq!(written(5, Currency::Eur, Language::De), "0,05\u{a0}€");
        assert_eq!(written(-105, Currency::Gbp, Language::En), "-£1.05");
        assert_eq!(written(9_900, Currency::Sek, Language::En), "SEK\u{a0}99.00");
        assert_eq!(written(i64::MIN, Currency::Jpy, Language::En), "-¥9,223,372,036,854,775,808");
    }

    #[test]
    fn counts_decimals_and_percentages_follow_the_language() {
        let stars = Decimal { hundredths: 450 };
        assert_eq!((count(12_345, Language::De), count(1_234, Language::Es)), ("12.345".into(), "1234".into()));
        assert_eq!((decimal(stars, Language::De), decimal(stars, Language::Ja)), ("4,5".into(), "4.5".into()));
        assert_eq!(decimal(Decimal { hundredths: -1_205 }, Language::En), "-12.05");
        let percents = |language| percent(Decimal::whole(-25), language);
        assert_eq!(
            [percents(Language::En), percents(Language::De), percents(Language::Fr), percents(Language::Pt)],
            ["-25%", "-25\u{a0}%", "-25\u{202f}%", "-25%"]
        );
    }

    #[test]
    fn differences_are_rounded_to_what_people_read() {
        let difference = |value, base| difference_percent(value, base).map(|percent| percent.to_string());
        assert_eq!(difference(8_999, 11_999).as_deref(), Some("-25"));
        assert_eq!(difference(9_450, 10_000).as_deref(), Some("-5.5"));
        assert_eq!(difference(10_996, 10_000).as_deref(), Some("10"));
        assert_eq!(difference(300, 100).as_deref(), Some("200"));
        assert_eq!((difference(9_999, 10_000), difference(1, 0), difference(1, 1)), (None, None, None));
        assert_eq!(difference(i64::MAX, 1), None, "too large to be written");
    }
}

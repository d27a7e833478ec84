//! Parsing and formatting of prices and counts in every marketplace's format.
//!
//! No price is better than a wrong price: text that can be read in two ways is refused.

use super::marketplace::{Marketplace, NumberFormat};
use super::money::{Currency, Money};

/// Why a text is not a single price (or count) of this marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Contains no digit.
    #[error("no number")]
    NoNumber,
    /// More than one number: a range, a list price surroundings a price, a unit price.
    #[error("more than one number")]
    SeveralNumbers,
    /// A currency other than the marketplace's.
    #[error("currency does not match the marketplace")]
    ForeignCurrency,
    /// The separators fit no number format, or more than one.
    #[error("ambiguous separators")]
    Ambiguous,
    /// Larger than any valid price.
    #[error("too large")]
    TooLarge,
    /// A minus sign before the number: a discount or a refund, not a price.
    #[error("negative")]
    Negative,
}

/// Parses one price: `$1,099.00`, `1.099,00 €`, `1 099,00 zł`, `₹1,29,900`, `￥1,980`.
///
/// # Errors
/// See [`NumberError`]. A symbol of another currency is an error; a missing symbol is not.
pub fn parse_price(text: &str, marketplace: Marketplace) -> Result<Money, NumberError> {
    let currency = marketplace.currency();
    let text = normalise(text);
    let number = single_number(&text)?;
    let at = text.find(number).unwrap_or_default();
    let (before, after) = (&text[..at], &text[at + number.len()..]);
    check_sign(before)?;
    check_currency(&format!("{before} {after}"), currency)?;
    let amount_minor = match before.ends_with(['.', ',']) {
        true => fraction_alone(number, currency.exponent())?,
        false => parse_amount(number, marketplace.number_format(), currency.exponent())?,
    };
    Ok(Money::new(amount_minor, currency))
}

/// Parses one whole number, such as a rank or a number of ratings: `14,652`, `#1.234`, `1 234 Bewertungen`, `第12位`.
///
/// # Errors
/// See [`NumberError`].
pub fn parse_count(text: &str, marketplace: Marketplace) -> Result<u32, NumberError> {
    let text = normalise(text);
    let amount = parse_amount(single_number(&text)?, marketplace.number_format(), 0)?;
    u32::try_from(amount).map_err(|_| NumberError::TooLarge)
}

/// Formats a price as the marketplace's pages do: the inverse of [`parse_price`].
pub fn format_price(money: Money, marketplace: Marketplace) -> String {
    let format = marketplace.number_format();
    let per_major = money.currency.minor_per_major();
    let mut number = group_digits(money.amount_minor / per_major, format);
    if money.currency.exponent() > 0 {
        let minor = money.amount_minor % per_major;
        number.push(format.decimal);
        number.push_str(&format!("{minor:0width$}", width = money.currency.exponent() as usize));
    }
    let symbol = money.currency.symbols()[0];
    match (format.symbol_first, symbol.chars().all(char::is_alphabetic)) {
        (true, false) => format!("{symbol}{number}"),
        (true, true) => format!("{symbol}\u{a0}{number}"),
        (false, _) => format!("{number}\u{a0}{symbol}"),
    }
}

/// Formats a whole number with the marketplace's group separators.
pub fn format_count(count: u32, marketplace: Marketplace) -> String {
    group_digits(i64::from(count), marketplace.number_format())
}

fn group_digits(number: i64, format: NumberFormat) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 2);
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        let boundary =
            if format.indian_groups && left > 3 { (left - 3).is_multiple_of(2) } else { left.is_multiple_of(3) };
        if place > 0 && boundary {
            grouped.push(format.group);
        }
        grouped.push(digit);
    }
    grouped
}

/// Removes direction marks, and maps every kind of space and digit to ASCII.
fn normalise(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
            '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\t' | '\n' | '\r' => Some(' '),
            '\u{ff10}'..='\u{ff19}' => char::from_digit(c as u32 - 0xff10, 10),
            '\u{660}'..='\u{669}' => char::from_digit(c as u32 - 0x660, 10),
            '٫' => Some('.'),
            '٬' => Some(','),
            '，' => Some(','),
            '．' => Some('.'),
            '’' => Some('\''),
            other => Some(other),
        })
        .collect()
}

/// The only number of a text, including its separators.
fn single_number(text: &str) -> Result<&str, NumberError> {
    let start = text.find(|c: char| c.is_ascii_digit()).ok_or(NumberError::NoNumber)?;
    let length = number_length(&text[start..]);
    let (number, rest) = text[start..].split_at(length);
    if rest.contains(|c: char| c.is_ascii_digit()) {
        return Err(NumberError::SeveralNumbers);
    }
    Ok(number)
}

/// Length of the number at the start of a text: digits, and separators that are followed by a digit. A space counts
/// only before a group of three digits.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits_from = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits_from(0);
    while let Some(separator) = bytes.get(end) {
        let digits = digits_from(end + 1);
        let joins = match separator {
            b'.' | b',' | b'\'' => digits > 0,
            b' ' => digits == 3,
            _ => false,
        };
        if !joins {
            break;
        }
        end += 1 + digits;
    }
    end
}

/// "-$5.00", "$-5.00", "−5,00 €".
fn check_sign(before: &str) -> Result<(), NumberError> {
    let before = before.trim_end_matches(|c: char| c == ' ' || is_currency_sign(c) || c == '.');
    if before.ends_with(['-', '\u{2212}', '\u{fe63}', '\u{ff0d}']) { Err(NumberError::Negative) } else { Ok(()) }
}

/// "$.99", ",99 €": the whole is not written.
fn fraction_alone(digits: &str, exponent: u32) -> Result<i64, NumberError> {
    if exponent == 0 || digits.len() != exponent as usize {
        return Err(NumberError::Ambiguous);
    }
    digits.parse().map_err(|_| NumberError::Ambiguous)
}

/// The characters of category Sc (currency symbol) of Unicode 16.
fn is_currency_sign(c: char) -> bool {
    matches!(c, '$' | '\u{a2}'..='\u{a5}' | '\u{58f}' | '\u{60b}' | '\u{7fe}' | '\u{7ff}' | '\u{9f2}' | '\u{9f3}' | '\u{9fb}'
        | '\u{af1}' | '\u{bf9}' | '\u{e3f}' | '\u{17db}' | '\u{20a0}'..='\u{20c0}' | '\u{a838}' | '\u{fdfc}' | '\u{fe69}'
        | '\u{ff04}' | '\u{ffe0}' | '\u{ffe1}' | '\u{ffe5}' | '\u{ffe6}' | '\u{11fdd}'..='\u{11fe0}' | '\u{1e2ff}' | '\u{1ecb0}')
}

/// The text around the number may contain the currency's own symbol or words, but no other currency.
fn check_currency(surroundings: &str, currency: Currency) -> Result<(), NumberError> {
    let mut rest = surroundings.to_owned();
    let mut own: Vec<&str> = currency.symbols().to_vec();
    own.sort_by_key(|symbol| std::cmp::Reverse(symbol.len()));
    for symbol in own {
        rest = remove_symbol(&rest, symbol);
    }
    let foreign = Currency::ALL.iter().flat_map(|other| other.symbols()).any(|symbol| has_symbol(&rest, symbol));
    if foreign || rest.contains(|c: char| is_currency_sign(c) || c == '%') {
        return Err(NumberError::ForeignCurrency);
    }
    Ok(())
}

/// A symbol made of letters matches only as a whole word: the `R` of rand does not match in "Rest". A `$` with a letter
/// before it is another currency: `US$` on a Canadian page.
fn find_symbol(text: &str, symbol: &str) -> Option<usize> {
    let letters = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    text.match_indices(symbol).map(|(at, _)| at).find(|&at| {
        let (before, after) = (text[..at].chars().next_back(), text[at + symbol.len()..].chars().next());
        let bound_before = symbol.starts_with('$') || letters(symbol.chars().next());
        let bound_after = letters(symbol.chars().next_back());
        !(bound_before && letters(before) || bound_after && letters(after))
    })
}

fn has_symbol(text: &str, symbol: &str) -> bool {
    find_symbol(text, symbol).is_some()
}

fn remove_symbol(text: &str, symbol: &str) -> String {
    match find_symbol(text, symbol) {
        Some(at) => format!("{} {}", &text[..at], &text[at + symbol.len()..]),
        None => text.to_owned(),
    }
}

/// Converts digits and separators to minor units. The last separator is the decimal separator if no other reading is
/// possible.
fn parse_amount(number: &str, format: NumberFormat, exponent: u32) -> Result<i64, NumberError> {
    let (whole, decimals) = split_decimals(number, format, exponent)?;
    check_groups(whole, format)?;
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let major: i64 = digits.parse().map_err(|_| NumberError::TooLarge)?;
    let mut minor: i64 = if decimals.is_empty() { 0 } else { decimals.parse().map_err(|_| NumberError::TooLarge)? };
    minor *= 10i64.pow(exponent - decimals.len() as u32);
    let scaled = major.checked_mul(10i64.pow(exponent)).and_then(|amount| amount.checked_add(minor));
    scaled.filter(|amount| *amount < 1_000_000_000_000_000).ok_or(NumberError::TooLarge)
}

fn split_decimals(number: &str, format: NumberFormat, exponent: u32) -> Result<(&str, &str), NumberError> {
    let Some(at) = number.rfind(|c: char| !c.is_ascii_digit()) else { return Ok((number, "")) };
    let (whole, tail) = (&number[..at], &number[at + 1..]);
    let separator = number[at..].chars().next().unwrap_or_default();
    let used_before = whole.contains(separator);
    let can_be_decimal =
        matches!(separator, '.' | ',') && exponent > 0 && !used_before && tail.len() <= exponent as usize;
    if can_be_decimal {
        return Ok((whole, tail));
    }
    // Three digits follow: a group, unless the separator is the locale's decimal separator and nothing else resolves
    // the ambiguity ("1.099" on an English page, "1,099" on a German one).
    let other_separator = whole.contains(|c: char| !c.is_ascii_digit() && c != separator);
    // Counts and yen amounts have no decimals, so there the decimal separator is not ambiguous.
    let means_decimals = separator == format.decimal && !used_before && exponent > 0;
    let may_be_group = tail.len() == 3 && !other_separator && !means_decimals;
    if may_be_group { Ok((number, "")) } else { Err(NumberError::Ambiguous) }
}

/// Requires one kind of separator, one to three digits in the first group and three in the others (two above the first
/// three in India).
fn check_groups(whole: &str, format: NumberFormat) -> Result<(), NumberError> {
    let mut separators = whole.chars().filter(|c| !c.is_ascii_digit());
    let first = separators.next();
    if first.is_some_and(|first| separators.any(|c| c != first)) {
        return Err(NumberError::Ambiguous);
    }
    let groups: Vec<&str> = whole.split(|c: char| !c.is_ascii_digit()).collect();
    let [head, middle @ .., last] = groups.as_slice() else { return Ok(()) };
    let middle_fits = |group: &&str| group.len() == 3 || (format.indian_groups && group.len() == 2);
    let fits = (1..=3).contains(&head.len()) && last.len() == 3 && middle.iter().all(middle_fits);
    if fits { Ok(()) } else { Err(NumberError::Ambiguous) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minor(text: &str, code: &str) -> Result<i64, NumberError> {
        parse_price(text, code.parse().unwrap()).map(|money| money.amount_minor)
    }

    #[test]
    fn the_number_format_of_every_locale_is_parsed() {
        for (text, code, expected) in [
            ("$1,099.00", "com", 109_900),
            ("US$13,12", "com", 1312),
            ("1.099,00 €", "de", 109_900),
            ("EUR 23,05", "de", 2305),
            ("1\u{202f}099,00\u{a0}€", "fr", 109_900),
            ("1 099,00 zł", "pl", 109_900),
            ("1.234.567,89 TL", "com.tr", 123_456_789),
            ("R$\u{a0}1.990,00", "com.br", 199_000),
            ("₹1,29,900.00", "in", 12_990_000),
            ("\u{200e}₹2,37,097", "in", 23_709_700),
            ("￥1,980", "co.jp", 1980),
            ("１，９８０円", "co.jp", 1980),
            ("CDN$ 24.99", "ca", 2499),
            ("AED\u{a0}26.00", "ae", 2600),
            ("٢٦٫٠٠ درهم", "ae", 2600),
            ("1'099.00", "com", 109_900),
            ("R 1 299,00", "co.za", 129_900),
            ("from 5.5", "com", 550),
            ("$.99", "com", 99),
            (",99 €", "de", 99),
            ("$ .05", "com", 5),
        ] {
            assert_eq!(minor(text, code), Ok(expected), "{text} on {code}");
        }
    }

    #[test]
    fn ambiguous_numbers_are_refused() {
        for (text, code, error) in [
            ("1.099", "com", NumberError::Ambiguous),
            ("1,099", "de", NumberError::Ambiguous),
            ("1,09,9", "com", NumberError::Ambiguous),
            ("12,34,567.00", "com", NumberError::Ambiguous),
            ("$12.00 - $19.00", "com", NumberError::SeveralNumbers),
            ("€ 12,00", "com", NumberError::ForeignCurrency),
            ("US$ 12.00", "ca", NumberError::ForeignCurrency),
            ("12 %", "com", NumberError::ForeignCurrency),
            ("₪12.00", "com", NumberError::ForeignCurrency),
            ("₦ 12.00", "com", NumberError::ForeignCurrency),
            ("₱12.00", "com", NumberError::ForeignCurrency),
            ("12,00 ₴", "de", NumberError::ForeignCurrency),
            ("₿12.00", "com", NumberError::ForeignCurrency),
            ("-$5.00", "com", NumberError::Negative),
            ("$-5.00", "com", NumberError::Negative),
            ("−5,00 €", "de", NumberError::Negative),
            ("$.9", "com", NumberError::Ambiguous),
            ("$.999", "com", NumberError::Ambiguous),
            ("￥.99", "co.jp", NumberError::Ambiguous),
            ("free", "com", NumberError::NoNumber),
            ("99999999999999999999", "com", NumberError::TooLarge),
        ] {
            assert_eq!(minor(text, code), Err(error), "{text} on {code}");
        }
    }

    #[test]
    fn counts_are_parsed_with_words_around_them() {
        let count = |text, code: &str| parse_count(text, code.parse().unwrap());
        assert_eq!(count("14,652 ratings", "com"), Ok(14_652));
        assert_eq!(count("1.234 Sternebewertungen", "de"), Ok(1234));
        assert_eq!(count("#1,234", "co.uk"), Ok(1234));
        assert_eq!(count("3,255 ratings", "de"), Ok(3255), "an English page on a German site");
        assert_eq!(count("第12位", "co.jp"), Ok(12));
        assert_eq!(count("4.5", "com"), Err(NumberError::Ambiguous));
    }

    proptest! {
        #[test]
        fn a_formatted_price_parses_back_on_every_marketplace(amount_minor in 0i64..100_000_000_000, which in 0..Marketplace::ALL.len()) {
            let marketplace = Marketplace::ALL[which];
            let money = Money::new(amount_minor, marketplace.currency());
            prop_assert_eq!(parse_price(&format_price(money, marketplace), marketplace), Ok(money));
        }

        #[test]
        fn a_formatted_count_parses_back_on_every_marketplace(count in 0u32..100_000_000, which in 0..Marketplace::ALL.len()) {
            let marketplace = Marketplace::ALL[which];
            // "1,099" is unambiguous as a count, which has no decimals.
            prop_assert_eq!(parse_count(&format_count(count, marketplace), marketplace), Ok(count));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}", which in 0..Marketplace::ALL.len()) {
            let _ = parse_price(&text, Marketplace::ALL[which]);
            let _ = parse_count(&text, Marketplace::ALL[which]);
        }
    }
}

//! Amounts of money as a chart writes them: with the symbol of the currency, the same in every locale.

use crate::domain::Currency;

/// Stands before a letter or a digit without a line break.
const NO_BREAK_SPACE: char = '\u{a0}';

/// An amount in minor units with all of its decimals: `$1,349.99`, `¥1,980`, `349.99 zł`.
pub(super) fn money(amount_minor: i128, currency: Currency) -> String {
    let minor_per_major = u128::from(currency.minor_per_major().unsigned_abs());
    let amount = amount_minor.unsigned_abs();
    let mut number = grouped(amount / minor_per_major);
    if currency.exponent() > 0 {
        let digits = currency.exponent() as usize;
        number.push_str(&format!(".{:0digits$}", amount % minor_per_major));
    }
    with_symbol(amount_minor < 0, &number, currency)
}

/// A round amount of `major` whole main units, counted in thousands or more: `$12.5M`. At most three decimals; the rest
/// is cut off.
pub(super) fn short_money(major: i128, unit: Unit, currency: Currency) -> String {
    let thousandths = major.unsigned_abs() * 1_000 / unit.size();
    let decimals = format!("{:03}", thousandths % 1_000);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    let number = format!("{}{point}{decimals}{}", grouped(thousandths / 1_000), unit.letter());
    with_symbol(major < 0, &number, currency)
}

/// What a large amount is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Million,
    Billion,
    Trillion,
}

impl Unit {
    /// From the largest to the smallest.
    pub const ALL: [Self; 3] = [Self::Trillion, Self::Billion, Self::Million];

    /// In main units of the currency.
    pub fn size(self) -> u128 {
        match self {
            Self::Million => 1_000_000,
            Self::Billion => 1_000_000_000,
            Self::Trillion => 1_000_000_000_000,
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Million => 'M',
            Self::Billion => 'B',
            Self::Trillion => 'T',
        }
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn with_symbol(is_negative: bool, number: &str, currency: Currency) -> String {
    let sign = if is_negative { "-" } else { "" };
    let symbol = symbol(currency);
    match currency {
        Currency::Pln | Currency::Sek | Currency::Try => format!("{sign}{number}{NO_BREAK_SPACE}{symbol}"),
        // A code: three letters.
        _ if symbol.len() == 3 && symbol.is_ascii() => format!("{sign}{symbol}{NO_BREAK_SPACE}{number}"),
        _ => format!("{sign}{symbol}{number}"),
    }
}

/// The usual symbol. The full-width yen sign becomes the common one, which fonts without Japanese have.
fn symbol(currency: Currency) -> &'static str {
    match currency.symbols().first() {
        Some(&"￥") | None => "¥",
        Some(symbol) => symbol,
    }
}

#[cfg(test)]
mod tests {
    use super::super::label::is_drawable;
    use super::*;

    #[test]
    fn amounts_have_the_symbol_and_the_decimals_of_their_currency() {
        let written = |amount, currency| money(amount, currency).replace(NO_BREAK_SPACE, " ");
        assert_eq!(written(134_999, Currency::Usd), "$1,349.99");
        assert_eq!(written(5, Currency::Eur), "€0.05");
        assert_eq!(written(1_980, Currency::Jpy), "¥1,980");
        assert_eq!(written(34_999, Currency::Pln), "349.99 zł");
        assert_eq!(written(100_000_000, Currency::Aed), "AED 1,000,000.00");
        assert_eq!(written(-105, Currency::Brl), "-R$1.05");
        assert_eq!(written(0, Currency::Zar), "R0.00");
    }

    #[test]
    fn large_amounts_are_counted_in_millions_and_more() {
        assert_eq!(short_money(12_500_000, Unit::Million, Currency::Inr), "₹12.5M");
        assert_eq!(short_money(-92_233_000_000_000_000, Unit::Trillion, Currency::Usd), "-$92,233T");
    }

    #[test]
    fn every_currency_can_be_drawn_even_at_its_limits() {
        for currency in Currency::ALL {
            for amount in [i64::MIN, -1, 0, 1, i64::MAX] {
                let text = money(amount.into(), *currency);
                assert!(is_drawable(&text), "{text}");
            }
        }
    }
}

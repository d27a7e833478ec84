//! Money as Amazon displays it: a whole number of minor units and an ISO 4217 currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! currencies {
    ($($(#[$doc:meta])* $name:ident $exponent:literal $symbols:expr;)*) => {
        /// The currencies of Amazon's marketplaces (ISO 4217).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum Currency { $($(#[$doc])* $name,)* }

        impl Currency {
            /// Every supported currency.
            pub const ALL: &[Currency] = &[$(Currency::$name,)*];

            /// Digits after the decimal point (ISO 4217 exponent): 0 for the yen, 2 for the others.
            pub fn exponent(self) -> u32 {
                match self { $(Currency::$name => $exponent,)* }
            }

            /// Symbols printed next to amounts in this currency, the usual one first. Several currencies share a symbol
            /// (`$`), so a symbol can rule a currency out but never identifies one.
            pub fn symbols(self) -> &'static [&'static str] {
                match self { $(Currency::$name => $symbols,)* }
            }
        }
    };
}

currencies! {
    /// UAE dirham.
    Aed 2 &["AED", "د.إ", "درهم"];
    /// Australian dollar.
    Aud 2 &["$", "A$", "AU$", "AUD"];
    /// Brazilian real.
    Brl 2 &["R$", "BRL"];
    /// Canadian dollar.
    Cad 2 &["$", "CDN$", "C$", "CA$", "CAD"];
    /// Chinese yuan.
    Cny 2 &["￥", "¥", "CN¥", "CNY", "元"];
    /// Egyptian pound.
    Egp 2 &["EGP", "E£", "جنيه", "ج.م"];
    /// Euro.
    Eur 2 &["€", "EUR"];
    /// Pound sterling.
    Gbp 2 &["£", "GBP"];
    /// Indian rupee.
    Inr 2 &["₹", "Rs.", "Rs", "INR"];
    /// Japanese yen.
    Jpy 0 &["￥", "¥", "JP¥", "円", "JPY"];
    /// Mexican peso.
    Mxn 2 &["$", "MX$", "MXN"];
    /// Polish złoty.
    Pln 2 &["zł", "PLN"];
    /// Saudi riyal.
    Sar 2 &["SAR", "ريال", "ر.س"];
    /// Swedish krona.
    Sek 2 &["kr", "SEK"];
    /// Singapore dollar.
    Sgd 2 &["S$", "$", "SG$", "SGD"];
    /// Turkish lira.
    Try 2 &["TL", "₺", "TRY"];
    /// US dollar.
    Usd 2 &["$", "US$", "USD"];
    /// South African rand.
    Zar 2 &["R", "ZAR"];
}

impl Currency {
    /// The ISO 4217 code.
    pub fn code(self) -> String {
        format!("{self:?}").to_ascii_uppercase()
    }

    /// Minor units in one major unit: 100 for most, 1 for the yen.
    pub fn minor_per_major(self) -> i64 {
        10i64.pow(self.exponent())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code())
    }
}

/// The text is not the code of a supported currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency `{0}`; use the ISO 4217 code of a marketplace's currency")]
pub struct CurrencyError(String);

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let wanted = text.to_ascii_uppercase();
        let found = Self::ALL.iter().find(|currency| currency.code() == wanted);
        found.copied().ok_or_else(|| CurrencyError(text.to_owned()))
    }
}

/// An amount of money. Zero is a valid amount; a missing price is never represented as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units (cents; yen for JPY).
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

impl Money {
    /// A decimal number of the currency's main unit, as a program writes it: `238.6`. `None`: it has more digits than the currency,
    /// or is not a positive number.
    pub fn from_decimal(decimal: &str, currency: Currency) -> Option<Self> {
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let digits = currency.exponent() as usize;
        let fraction = fraction.trim_end_matches('0');
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > digits {
            return None;
        }
        let amount_minor: i64 = format!("{whole}{fraction:0<digits$}").parse().ok()?;
        (amount_minor > 0).then(|| Self::new(amount_minor, currency))
    }

    /// The amount in the main unit, as a program writes it: `349.99`.
    pub fn decimal(&self) -> String {
        let exponent = self.currency.exponent() as usize;
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.amount_minor.unsigned_abs(), width = exponent + 1);
        let (major, minor) = digits.split_at(digits.len() - exponent);
        let point = if minor.is_empty() { "" } else { "." };
        format!("{sign}{major}{point}{minor}")
    }

    /// An amount in minor units.
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }
}

impl fmt::Display for Money {
    /// `349.99 USD`: the same in every locale.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_become_minor_units_exactly() {
        let read = |text: &str, currency| Money::from_decimal(text, currency).map(|money| money.amount_minor);
        for (text, expected) in [("238.6", 23_860), ("499", 49_900), ("0.29", 29), ("1.10", 110), ("25.990", 2599)] {
            assert_eq!(read(text, Currency::Usd), Some(expected), "{text}");
        }
        assert_eq!((read("1980", Currency::Jpy), read("1980.5", Currency::Jpy)), (Some(1980), None));
        for text in ["0", "0.00", "", ".5", "-1", "1e3", "1,000", "1.999", "NaN", "99999999999999999999"] {
            assert_eq!(read(text, Currency::Usd), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_printed_with_the_decimals_of_their_currency() {
        assert_eq!(Money::new(34999, Currency::Usd).to_string(), "349.99 USD");
        assert_eq!(Money::new(5, Currency::Eur).to_string(), "0.05 EUR");
        assert_eq!(Money::new(-105, Currency::Gbp).to_string(), "-1.05 GBP");
        assert_eq!(Money::new(1980, Currency::Jpy).to_string(), "1980 JPY");
    }

    #[test]
    fn json_has_amount_and_currency() {
        let json = serde_json::to_string(&Money::new(34999, Currency::Usd)).unwrap();
        assert_eq!(json, r#"{"amount_minor":34999,"currency":"USD"}"#);
    }
}

//! Amazon's marketplaces, one table row each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::money::Currency;

/// How numbers are written on a marketplace's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberFormat {
    /// Decimal separator.
    pub decimal: char,
    /// Group separator that the site prints; other separators are accepted when they are unambiguous.
    pub group: char,
    /// Groups of two digits above the first three, as in `1,29,900`.
    pub indian_groups: bool,
    /// The currency symbol precedes the number.
    pub symbol_first: bool,
}

const POINT: NumberFormat = NumberFormat { decimal: '.', group: ',', indian_groups: false, symbol_first: true };
const INDIAN: NumberFormat = NumberFormat { indian_groups: true, ..POINT };
const COMMA: NumberFormat = NumberFormat { decimal: ',', group: '.', indian_groups: false, symbol_first: false };
const COMMA_SYMBOL_FIRST: NumberFormat = NumberFormat { symbol_first: true, ..COMMA };
/// No-break space between groups (French, Polish, Swedish).
const COMMA_SPACE: NumberFormat = NumberFormat { group: '\u{a0}', ..COMMA };
const RAND: NumberFormat = NumberFormat { decimal: ',', group: '\u{a0}', indian_groups: false, symbol_first: true };

macro_rules! marketplaces {
    ($($name:ident $code:literal $currency:ident $locale:literal $format:expr;)*) => {
        /// One Amazon site, identified by the end of its host name: `com`, `co.uk`, `de`, …
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[allow(missing_docs, reason = "the variants are the country codes themselves")]
        pub enum Marketplace { $($name,)* }

        impl Marketplace {
            /// Every supported marketplace.
            pub const ALL: &[Marketplace] = &[$(Marketplace::$name,)*];

            /// The code used in the API, in settings and in metrics: `com`, `co.uk`, …
            pub const fn code(self) -> &'static str {
                match self { $(Marketplace::$name => $code,)* }
            }

            /// The currency of its prices.
            pub const fn currency(self) -> Currency {
                match self { $(Marketplace::$name => Currency::$currency,)* }
            }

            /// The locale of its pages (BCP 47).
            pub const fn locale(self) -> &'static str {
                match self { $(Marketplace::$name => $locale,)* }
            }

            /// The number format of its pages.
            pub const fn number_format(self) -> NumberFormat {
                match self { $(Marketplace::$name => $format,)* }
            }
        }
    };
}

// Sources: Amazon's list of international sites and each site's own pages; CLDR 46 for the number formats.
marketplaces! {
    Us "com" Usd "en-US" POINT;
    Ca "ca" Cad "en-CA" POINT;
    Mx "com.mx" Mxn "es-MX" POINT;
    Br "com.br" Brl "pt-BR" COMMA_SYMBOL_FIRST;
    Uk "co.uk" Gbp "en-GB" POINT;
    De "de" Eur "de-DE" COMMA;
    Fr "fr" Eur "fr-FR" COMMA_SPACE;
    It "it" Eur "it-IT" COMMA;
    Es "es" Eur "es-ES" COMMA;
    Nl "nl" Eur "nl-NL" COMMA_SYMBOL_FIRST;
    Be "com.be" Eur "fr-BE" COMMA_SPACE;
    Ie "ie" Eur "en-IE" POINT;
    Se "se" Sek "sv-SE" COMMA_SPACE;
    Pl "pl" Pln "pl-PL" COMMA_SPACE;
    Tr "com.tr" Try "tr-TR" COMMA;
    Ae "ae" Aed "en-AE" POINT;
    Sa "sa" Sar "en-SA" POINT;
    Eg "eg" Egp "en-EG" POINT;
    In "in" Inr "en-IN" INDIAN;
    Jp "co.jp" Jpy "ja-JP" POINT;
    Au "com.au" Aud "en-AU" POINT;
    Sg "sg" Sgd "en-SG" POINT;
    Za "co.za" Zar "en-ZA" RAND;
    Cn "cn" Cny "zh-CN" POINT;
}

impl Marketplace {
    /// The host name of its pages, such as `www.amazon.de`.
    pub fn host(self) -> String {
        format!("www.amazon.{}", self.code())
    }

    /// The language of its pages, without the region: `de`.
    pub fn language(self) -> &'static str {
        &self.locale()[..2]
    }

    /// The country of its customers (ISO 3166-1 alpha-2): `DE`.
    pub fn country(self) -> &'static str {
        &self.locale()[3..]
    }

    /// The marketplace of a host name, with or without the prefix `www.`, `m.` or `smile.`.
    pub fn from_host(host: &str) -> Option<Self> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let site = ["www.", "m.", "smile."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(&host);
        let code = site.strip_prefix("amazon.")?;
        Self::ALL.iter().copied().find(|marketplace| marketplace.code() == code)
    }
}

impl fmt::Display for Marketplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is not a marketplace; the message lists the valid codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown marketplace `{given}`; valid marketplaces: {}", known_codes())]
pub struct MarketplaceError {
    given: String,
}

fn known_codes() -> String {
    Marketplace::ALL.iter().map(|marketplace| marketplace.code()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Marketplace {
    type Err = MarketplaceError;

    /// Accepts the code in any case, a host (`amazon.de`), and country codes that differ from the code, such as `us`
    /// and `uk`.
    fn from_str(text: &str) -> Result<Self, MarketplaceError> {
        let lower = text.trim().to_ascii_lowercase();
        let code = match lower.as_str() {
            "us" => "com",
            "uk" | "gb" => "co.uk",
            "jp" => "co.jp",
            "br" => "com.br",
            "mx" => "com.mx",
            "au" => "com.au",
            "tr" => "com.tr",
            "be" => "com.be",
            "za" => "co.za",
            other => other,
        };
        let by_code = Self::ALL.iter().copied().find(|marketplace| marketplace.code() == code);
        by_code.or_else(|| Self::from_host(code)).ok_or_else(|| MarketplaceError { given: text.to_owned() })
    }
}

impl TryFrom<String> for Marketplace {
    type Error = MarketplaceError;

    fn try_from(text: String) -> Result<Self, MarketplaceError> {
        text.parse()
    }
}

impl From<Marketplace> for String {
    fn from(marketplace: Marketplace) -> Self {
        marketplace.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marketplace_has_a_country() {
        for &marketplace in Marketplace::ALL {
            let country = marketplace.country();
            assert!(country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()), "{country}");
        }
        assert_eq!((Marketplace::Uk.country(), Marketplace::Br.country()), ("GB", "BR"));
    }

    #[test]
    fn every_marketplace_is_found_by_its_code_and_by_its_host() {
        for &marketplace in Marketplace::ALL {
            assert_eq!(marketplace.code().parse(), Ok(marketplace));
            assert_eq!(Marketplace::from_host(&marketplace.host()), Some(marketplace));
        }
    }

    #[test]
    fn lookalike_hosts_are_not_marketplaces() {
        for host in ["amazon.de.evil.example", "notamazon.de", "amazon.example", "www.www.amazon.de"] {
            assert_eq!(Marketplace::from_host(host), None, "{host}");
        }
    }
}

//! The words of a chart, and how it writes dates. Amounts are written the same in all languages.

use jiff::civil::DateTime;

/// The language of the words in a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChartLanguage {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// Japanese. The font of the PNG has no letters for it.
    Japanese,
    /// Portuguese.
    Portuguese,
}

/// The words of one language.
pub(super) struct Words {
    pub price: &'static str,
    pub rank: &'static str,
    pub last: &'static str,
    pub low: &'static str,
    pub high: &'static str,
    /// What stands before and behind the date of an amount.
    pub on: (&'static str, &'static str),
    pub target: &'static str,
    pub no_data: &'static str,
    pub no_offer: &'static str,
    pub no_price: &'static str,
}

const ENGLISH: Words = Words {
    price: "Price",
    rank: "Sales rank",
    last: "Last",
    low: "Low",
    high: "High",
    on: (" on ", ""),
    target: "Target",
    no_data: "No data",
    no_offer: "No offer",
    no_price: "No price in this time",
};

const GERMAN: Words = Words {
    price: "Preis",
    rank: "Verkaufsrang",
    last: "Zuletzt",
    low: "Tiefster",
    high: "Höchster",
    on: (" am ", ""),
    target: "Wunschpreis",
    no_data: "Keine Daten",
    no_offer: "Kein Angebot",
    no_price: "Kein Preis in dieser Zeit",
};

const JAPANESE: Words = Words {
    price: "価格",
    rank: "売れ筋ランキング",
    last: "最新",
    low: "最安",
    high: "最高",
    on: ("(", ")"),
    target: "目標価格",
    no_data: "データなし",
    no_offer: "販売なし",
    no_price: "この期間の価格はありません",
};

const PORTUGUESE: Words = Words {
    price: "Preço",
    rank: "Posição de vendas",
    last: "Último",
    low: "Mínimo",
    high: "Máximo",
    on: (" em ", ""),
    target: "Preço-alvo",
    no_data: "Sem dados",
    no_offer: "Sem oferta",
    no_price: "Sem preço neste período",
};

const ENGLISH_MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const GERMAN_MONTHS: [&str; 12] =
    ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."];
const PORTUGUESE_MONTHS: [&str; 12] =
    ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"];

impl ChartLanguage {
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
            Self::Japanese => &JAPANESE,
            Self::Portuguese => &PORTUGUESE,
        }
    }

    /// A month without its year.
    pub(super) fn month(self, time: DateTime) -> String {
        let name = |names: [&str; 12]| {
            let place = usize::try_from(time.month() - 1).unwrap_or_default();
            names.get(place).copied().unwrap_or_default().to_owned()
        };
        match self {
            Self::English => name(ENGLISH_MONTHS),
            Self::German => name(GERMAN_MONTHS),
            Self::Japanese => format!("{}月", time.month()),
            Self::Portuguese => name(PORTUGUESE_MONTHS),
        }
    }

    /// A day without its year.
    pub(super) fn day(self, time: DateTime) -> String {
        let month = self.month(time);
        match self {
            Self::English | Self::Portuguese => format!("{} {month}", time.day()),
            Self::German => format!("{}. {month}", time.day()),
            Self::Japanese => format!("{month}{}日", time.day()),
        }
    }

    /// A day or month with its year.
    pub(super) fn with_year(self, part: &str, time: DateTime) -> String {
        // As years before 0 are written.
        let year = time.strftime("%Y");
        match self {
            Self::Japanese => format!("{year}年{part}"),
            _ => format!("{part} {year}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::super::label::is_drawable;
    use super::*;

    #[test]
    fn dates_are_written_as_in_the_language() {
        let time = datetime(2026, 3, 9, 0, 0, 0, 0);
        for (language, day, month) in [
            (ChartLanguage::English, "9 Mar 2026", "Mar 2026"),
            (ChartLanguage::German, "9. März 2026", "März 2026"),
            (ChartLanguage::Japanese, "2026年3月9日", "2026年3月"),
            (ChartLanguage::Portuguese, "9 mar 2026", "mar 2026"),
        ] {
            assert_eq!(language.with_year(&language.day(time), time), day);
            assert_eq!(language.with_year(&language.month(time), time), month);
        }
    }

    #[test]
    fn the_font_has_the_letters_of_all_but_japanese() {
        for words in [&ENGLISH, &GERMAN, &PORTUGUESE] {
            let Words { price, rank, last, low, high, on, target, no_data, no_offer, no_price } = words;
            for word in [price, rank, last, low, high, &on.0, target, no_data, no_offer, no_price] {
                assert!(is_drawable(word), "{word}");
            }
        }
        assert!(GERMAN_MONTHS.iter().chain(&PORTUGUESE_MONTHS).all(|month| is_drawable(month)));
    }
}

//! Words that all reports share: names, amounts and the methods.

use jiff::Timestamp;

use super::document::{Cell, Fact, Report, ReportExclusion};
use crate::domain::ReportWindow;

pub(super) const PRICES: &str = "Prices are those of the featured offer (Buy Box), without shipping unless it is said. A value holds until the next one that was read.";
pub(super) const UNKNOWN_TIMES: &str = "Times without a successful crawl are unknown: they count neither as in stock nor as out of stock, and no value holds in them.";
pub(super) const AVERAGES: &str = "Averages are weighted by time.";
pub(super) const CHANGES: &str = "A change is that from the first value in the window to the one at its end. It counts if the price is known for at least \
     half of the window and was read within the last day of it, or within two intervals of the product.";
pub(super) const RANKS: &str =
    "The sales rank is that in the main category of the listing; lower is better. It is not a number of units.";
pub(super) const CURRENCIES: &str =
    "Amounts in different currencies are neither added up nor compared: there are no exchange rates.";

/// A change in percent, with its sign: `+3.1 %`.
pub(super) fn percent(share: f64) -> String {
    // Rounded first: what is rounded to zero has no sign.
    let tenths = (share * 1_000.0).round() + 0.0;
    if tenths == 0.0 { "0.0 %".to_owned() } else { format!("{:+.1} %", tenths / 10.0) }
}

/// A share in percent: `12 %`.
pub(super) fn whole_percent(share: f64) -> String {
    match (share * 100.0).round() + 0.0 {
        percent if percent == 0.0 && share > 0.0 => "less than 1 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// `1 product`, `2 products`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The change from one value to another, relative to the first.
pub(super) fn relative(open: i64, close: i64) -> Option<f64> {
    (open > 0).then(|| close as f64 / open as f64 - 1.0)
}

/// A day of the window's time zone: `5 November 2026`.
pub(super) fn day(at: Timestamp, window: &ReportWindow) -> String {
    at.to_zoned(window.zone()).strftime("%-d %B %Y").to_string()
}

/// Says until when a window is covered that has not ended.
pub(super) fn covered_until(window: &ReportWindow, made_at: Timestamp) -> Option<Fact> {
    (made_at < window.to).then(|| Fact::new("Covered until", Cell::Time(made_at.max(window.from))))
}

/// A report of which nothing is known.
pub(super) fn without_data(
    title: String,
    window: &ReportWindow,
    made_at: Timestamp,
    coverage: Vec<Fact>,
    why: &str,
    exclusions: Vec<ReportExclusion>,
) -> Report {
    Report {
        title,
        made_at,
        window: window.clone(),
        coverage,
        summary: vec![format!("No data: {why}.")],
        sections: Vec::new(),
        main_section: String::new(),
        exclusions,
        method: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_a_sign_unless_they_are_zero() {
        let written = [0.0314, -0.125, -0.0001, 0.0, 1.5].map(percent);
        assert_eq!(written, ["+3.1 %", "-12.5 %", "0.0 %", "0.0 %", "+150.0 %"]);
        assert_eq!([0.0, 0.001, 0.126].map(whole_percent), ["0 %", "less than 1 %", "13 %"]);
    }
}

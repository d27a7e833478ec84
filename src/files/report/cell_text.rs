//! Values as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::insight::report::{Cell, Report};

/// A value as a text: amounts with their currency, shares in percent, times in the time zone of the report.
pub(super) fn cell_text(cell: &Cell, zone: &TimeZone) -> String {
    match cell {
        Cell::Unknown => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => decimal(*number),
        Cell::Share(share) => format!("{:.1} %", share * 100.0 + 0.0),
        Cell::Money(money) => money.to_string(),
        Cell::Time(at) => time(*at, zone),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => "no".to_owned(),
    }
}

/// One digit after the decimal point, or two if there are two.
fn decimal(number: f64) -> String {
    let two = format!("{number:.2}");
    two.strip_suffix('0').unwrap_or(&two).to_owned()
}

/// A time of the time zone.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The window in words: its name, its ends, and the time zone of all times.
pub(super) fn window(report: &Report) -> String {
    let (window, zone) = (&report.window, report.window.zone());
    format!("{}: {} to {} ({})", window.name, time(window.from, &zone), time(window.to, &zone), window.time_zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money};

    #[test]
    fn values_have_their_units() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let text = |cell: Cell| cell_text(&cell, &zone);
        assert_eq!(text(Cell::Money(Money::new(-420, Currency::Eur))), "-4.20 EUR");
        assert_eq!(text(Cell::Money(Money::new(1980, Currency::Jpy))), "1980 JPY");
        assert_eq!(text(Cell::Share(-0.125)), "-12.5 %");
        assert_eq!([4.5, 4.53, 4.0].map(|number| text(Cell::Number(number))), ["4.5", "4.53", "4.0"]);
        assert_eq!(text(Cell::Time("2026-11-29T21:00:00Z".parse().unwrap())), "2026-11-30 05:00");
        assert_eq!((text(Cell::Flag(true)), text(Cell::Unknown)), ("yes".to_owned(), String::new()));
    }
}

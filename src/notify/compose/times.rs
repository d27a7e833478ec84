//! Times in the zone of the reader, in the format of the language, with the abbreviation of the zone: on the day a
//! clock is put back, `02:30 CEST` and `02:30 CET` differ by an hour.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::Language;

/// The date alone.
fn date_format(language: Language) -> &'static str {
    match language {
        // The month in letters, since readers of English disagree on the order of numbers.
        Language::En => "%-d %b %Y",
        Language::De => "%d.%m.%Y",
        Language::Fr | Language::Es | Language::It | Language::Pt => "%d/%m/%Y",
        Language::Ja | Language::Zh => "%Y年%-m月%-d日",
    }
}

/// Between the date and the time of day.
fn separator(language: Language) -> &'static str {
    match language {
        Language::Ja | Language::Zh => " ",
        _ => ", ",
    }
}

/// `5 Mar 2026`.
pub(super) fn date(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    at.to_zoned(zone.clone()).strftime(date_format(language)).to_string()
}

/// `5 Mar 2026, 14:10 CET`.
pub(super) fn date_time(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    format!("{}{}{}", date(at, zone, language), separator(language), clock(at, zone))
}

/// Beginning and end of a time: `5 Mar 2026, 02:10` and `03:40 CET`. The end repeats the date, and the beginning its
/// zone, only where they differ.
pub(super) fn range(from: Timestamp, to: Timestamp, zone: &TimeZone, language: Language) -> (String, String) {
    let is_one_day = date(from, zone, language) == date(to, zone, language);
    let is_one_zone = abbreviation(from, zone) == abbreviation(to, zone);
    if !is_one_day || !is_one_zone {
        return (date_time(from, zone, language), date_time(to, zone, language));
    }
    let time = from.to_zoned(zone.clone()).strftime("%H:%M").to_string();
    (format!("{}{}{time}", date(from, zone, language), separator(language)), clock(to, zone))
}

/// `14:10 CET`.
fn clock(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", at.to_zoned(zone.clone()).strftime("%H:%M"), abbreviation(at, zone))
}

/// Zones without letters have a number as their name: `UTC-03`.
fn abbreviation(at: Timestamp, zone: &TimeZone) -> String {
    if zone.is_unknown() {
        return "UTC".to_owned();
    }
    let info = zone.to_offset_info(at);
    match info.abbreviation() {
        number if number.starts_with(['+', '-']) => format!("UTC{number}"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_in_the_zone_of_the_reader_and_the_format_of_the_language() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let written: Vec<_> =
            Language::iter().map(|language| date_time(at("2026-03-05T13:10:00Z"), &zone, language)).collect();
        assert_eq!(
            written,
            [
                "5 Mar 2026, 14:10 CET",
                "05.03.2026, 14:10 CET",
                "05/03/2026, 14:10 CET",
                "05/03/2026, 14:10 CET",
                "05/03/2026, 14:10 CET",
                "05/03/2026, 14:10 CET",
                "2026年3月5日 14:10 CET",
                "2026年3月5日 14:10 CET"
            ]
        );
        let sao_paulo = TimeZone::get("America/Sao_Paulo").unwrap();
        assert_eq!(date_time(at("2026-03-05T13:10:00Z"), &sao_paulo, Language::Pt), "05/03/2026, 10:10 UTC-03");
        assert_eq!(date_time(at("2026-03-05T13:10:00Z"), &TimeZone::UTC, Language::En), "5 Mar 2026, 13:10 UTC");
        assert_eq!(date_time(at("2026-03-05T13:10:00Z"), &TimeZone::unknown(), Language::En), "5 Mar 2026, 13:10 UTC");
    }

    #[test]
    fn a_range_on_one_day_has_one_date_and_one_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let range = |from, to| range(at(from), at(to), &zone, Language::En);
        let (from, to) = range("2026-03-05T01:10:00Z", "2026-03-05T02:40:00Z");
        assert_eq!((from.as_str(), to.as_str()), ("5 Mar 2026, 02:10", "03:40 CET"));
        let (from, to) = range("2026-03-05T01:10:00Z", "2026-03-06T02:40:00Z");
        assert_eq!((from.as_str(), to.as_str()), ("5 Mar 2026, 02:10 CET", "6 Mar 2026, 03:40 CET"));
    }

    #[test]
    fn the_hour_that_a_clock_repeats_is_told_apart() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        // At 03:00 of 25 October 2026 the clock is put back to 02:00.
        let (from, to) = range(at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"), &zone, Language::De);
        assert_eq!((from.as_str(), to.as_str()), ("25.10.2026, 02:30 CEST", "25.10.2026, 02:30 CET"));
        // At 02:00 of 29 March 2026 it is put forward to 03:00.
        let (from, to) = range(at("2026-03-29T00:59:00Z"), at("2026-03-29T01:00:00Z"), &zone, Language::De);
        assert_eq!((from.as_str(), to.as_str()), ("29.03.2026, 01:59 CET", "29.03.2026, 03:00 CEST"));
    }
}

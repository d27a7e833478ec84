//! Parameters of Keepa's endpoints. Ones that we do not know are ignored, as Keepa does; a wrong value of one that we know is an error.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::{Asin, Marketplace};
use crate::http::field_parsing::parsed;
use crate::http::problem::Problem;
use crate::keepa::{StatsInterval, keepa_minute, marketplace_of};
use crate::service::{FieldError, MAX_KEEPA_LISTINGS};

/// Longest time that is asked for, in days.
const MAX_DAYS: u32 = 36_500;

/// Reads the values of parameters, and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    errors: Vec<FieldError>,
}

impl Parameters {
    /// The marketplace of a domain. It is required.
    pub fn domain(&mut self, text: Option<&str>) -> Option<Marketplace> {
        let domain =
            self.required("domain", text).and_then(|text| parsed::<i64>("domain", Some(text), &mut self.errors))?;
        let marketplace = marketplace_of(domain);
        if marketplace.is_none() {
            self.wrong("domain", "must be the number of a marketplace: 1 to 6, or 8 to 12");
        }
        marketplace
    }

    /// A list of ASINs, each of them once. Those that are none are left out: no product has them.
    pub fn asins(&mut self, text: Option<&str>) -> Vec<String> {
        let Some(text) = self.required("asin", text) else { return Vec::new() };
        let mut asins: Vec<String> = Vec::new();
        for asin in text.split(',').map(|asin| asin.trim().to_ascii_uppercase()).filter(|asin| !asin.is_empty()) {
            if !asins.contains(&asin) {
                asins.push(asin);
            }
        }
        if asins.is_empty() || asins.len() > MAX_KEEPA_LISTINGS {
            self.wrong("asin", format!("must name 1 to {MAX_KEEPA_LISTINGS} ASINs"));
        }
        asins
    }

    /// One ASIN.
    pub fn asin(&mut self, text: Option<&str>) -> Option<Asin> {
        let text = self.required("asin", text)?;
        parsed("asin", Some(text), &mut self.errors)
    }

    /// 0 or 1.
    pub fn flag(&mut self, name: &str, text: Option<&str>, default: bool) -> bool {
        match text {
            None => default,
            Some("0") => false,
            Some("1") => true,
            Some(_) => {
                self.wrong(name, "must be 0 or 1");
                default
            }
        }
    }

    /// A number within a range.
    pub fn number(&mut self, name: &str, text: Option<&str>, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = parsed::<u32>(name, text, &mut self.errors)?;
        if !range.contains(&number) {
            self.wrong(name, format!("must be between {} and {}", range.start(), range.end()));
        }
        Some(number)
    }

    /// A number of days.
    pub fn days(&mut self, name: &str, text: Option<&str>) -> Option<u32> {
        self.number(name, text, 1..=MAX_DAYS)
    }

    /// The interval of statistics: the last days, or two times. `0` or nothing: no statistics.
    pub fn stats(&mut self, text: Option<&str>, now: Timestamp) -> Option<StatsInterval> {
        let text = text.filter(|text| *text != "0")?;
        if let Some((from, to)) = text.split_once(',') {
            let interval = time(from).zip(time(to)).filter(|(from, to)| from < to);
            if interval.is_none() {
                self.wrong("stats", "must be two times in their order: milliseconds since 1970, or ISO 8601");
            }
            return interval.map(|(from, to)| StatsInterval { from: keepa_minute(from), to: keepa_minute(to) });
        }
        let days = self.days("stats", Some(text))?;
        let from = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
        Some(StatsInterval { from: keepa_minute(from), to: keepa_minute(now) })
    }

    /// Adds an error.
    pub fn wrong(&mut self, name: &str, message: impl ToString) {
        self.errors.push(FieldError::new(name, message));
    }

    /// Fails if a value was wrong.
    ///
    /// # Errors
    /// Every wrong value.
    pub fn check(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }

    fn required<'t>(&mut self, name: &str, text: Option<&'t str>) -> Option<&'t str> {
        if text.is_none() {
            self.wrong(name, "is required");
        }
        text
    }
}

/// A time: milliseconds since 1970, a time of ISO 8601, or the beginning of a day, in UTC.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let civil = || text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))).ok();
    let millis = text.parse::<i64>().ok().map(Timestamp::from_millisecond);
    match millis {
        Some(at) => at.ok(),
        None => text.parse().ok().or_else(|| civil()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-30T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_interval_is_a_number_of_days_or_two_times_in_any_form() {
        let read = |text: &str| {
            let mut parameters = Parameters::default();
            let interval = parameters.stats(Some(text), now());
            (interval.map(|it| it.to - it.from), parameters.check().is_ok())
        };
        assert_eq!(read("90"), (Some(90 * 24 * 60), true));
        assert_eq!(read("0"), (None, true));
        let day = (Some(24 * 60), true);
        assert_eq!(read("2026-01-01,2026-01-02"), day);
        assert_eq!(read("2026-01-01T06:00:00,2026-01-02T06:00:00Z"), day);
        assert_eq!(read("1713840000000,1713926400000"), day);
        for wrong in ["-1", "x", "1,", "2026-01-02,2026-01-01", "99999999"] {
            assert!(!read(wrong).1, "{wrong}");
        }
    }

    #[test]
    fn a_domain_is_one_of_keepas_and_each_asin_counts_once() {
        let mut parameters = Parameters::default();
        assert_eq!(parameters.domain(Some("5")), Some(Marketplace::Jp));
        assert_eq!(parameters.asins(Some("B0,b1 ,B0,")), ["B0", "B1"]);
        assert!(parameters.check().is_ok());
        for domain in [None, Some("7"), Some("de")] {
            let mut parameters = Parameters::default();
            assert_eq!(parameters.domain(domain), None);
            assert!(parameters.check().is_err());
        }
    }
}

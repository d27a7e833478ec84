//! Times of the day at which a marketplace is busy.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::marketplace::Marketplace;

/// A span of local time, such as `07:00-23:00`; `22:00-02:00` spans midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeakHours {
    from: Time,
    /// Not part of it.
    to: Time,
}

/// The text is not a span of hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be two different local times, such as 07:00-23:00")]
pub struct PeakHoursError(String);

impl FromStr for PeakHours {
    type Err = PeakHoursError;

    fn from_str(text: &str) -> Result<Self, PeakHoursError> {
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let span = text.split_once('-').and_then(|(from, to)| Some(Self { from: time(from)?, to: time(to)? }));
        span.filter(|span| span.from != span.to).ok_or_else(|| PeakHoursError(text.to_owned()))
    }
}

impl TryFrom<String> for PeakHours {
    type Error = PeakHoursError;

    fn try_from(text: String) -> Result<Self, PeakHoursError> {
        text.parse()
    }
}

impl From<PeakHours> for String {
    fn from(hours: PeakHours) -> Self {
        hours.to_string()
    }
}

impl fmt::Display for PeakHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

impl PeakHours {
    fn contains(self, time: Time) -> bool {
        if self.from < self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }

    /// Whether it is within these hours at this moment, by the clocks of the marketplace's customers.
    pub fn is_now(self, marketplace: Marketplace, now: Timestamp) -> bool {
        // The time zones are part of the program. Without one: UTC.
        let zone = TimeZone::get(marketplace.time_zone()).unwrap_or(TimeZone::UTC);
        self.contains(now.to_zoned(zone).time())
    }
}

impl Marketplace {
    /// The IANA time zone that most of its customers live in.
    pub fn time_zone(self) -> &'static str {
        match self {
            Self::Us => "America/New_York",
            Self::Ca => "America/Toronto",
            Self::Mx => "America/Mexico_City",
            Self::Br => "America/Sao_Paulo",
            Self::Uk => "Europe/London",
            Self::De => "Europe/Berlin",
            Self::Fr => "Europe/Paris",
            Self::It => "Europe/Rome",
            Self::Es => "Europe/Madrid",
            Self::Nl => "Europe/Amsterdam",
            Self::Be => "Europe/Brussels",
            Self::Ie => "Europe/Dublin",
            Self::Se => "Europe/Stockholm",
            Self::Pl => "Europe/Warsaw",
            Self::Tr => "Europe/Istanbul",
            Self::Ae => "Asia/Dubai",
            Self::Sa => "Asia/Riyadh",
            Self::Eg => "Africa/Cairo",
            Self::In => "Asia/Kolkata",
            Self::Jp => "Asia/Tokyo",
            Self::Au => "Australia/Sydney",
            Self::Sg => "Asia/Singapore",
            Self::Za => "Africa/Johannesburg",
            Self::Cn => "Asia/Shanghai",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_peak(hours: &str, marketplace: Marketplace, now: &str) -> bool {
        hours.parse::<PeakHours>().unwrap().is_now(marketplace, now.parse().unwrap())
    }

    #[test]
    fn hours_are_local_in_summer_and_in_winter_and_may_span_midnight() {
        let de = Marketplace::De;
        assert!(is_peak("08:00-20:00", de, "2026-07-01T06:00:00Z"), "08:00 in summer");
        assert!(!is_peak("08:00-20:00", de, "2026-01-01T06:59:59Z"), "07:59:59 in winter");
        assert!(!is_peak("08:00-20:00", de, "2026-07-01T18:00:00Z"), "the end is no part of it");
        assert!(is_peak("08:00-20:00", Marketplace::Jp, "2026-07-01T00:00:00Z"), "09:00 in Tokyo");
        assert!(is_peak("22:00-02:00", de, "2026-07-01T23:30:00Z"), "01:30");
        assert!(!is_peak("22:00-02:00", de, "2026-07-01T00:30:00Z"), "02:30");
    }

    #[test]
    fn hours_are_written_as_they_are_read_and_nonsense_is_refused() {
        for text in ["07:00-23:00", "22:30-02:15"] {
            assert_eq!(text.parse::<PeakHours>().unwrap().to_string(), text);
        }
        for text in ["", "7-23", "07:00", "24:00-25:00", "07:00-07:00", "a-b"] {
            assert!(text.parse::<PeakHours>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_marketplace_has_a_zone_that_exists() {
        for marketplace in Marketplace::ALL {
            assert!(TimeZone::get(marketplace.time_zone()).is_ok(), "{marketplace}");
        }
    }
}

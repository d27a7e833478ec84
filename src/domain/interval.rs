//! A regular interval.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const HOUR_SECS: u32 = 3600;
const DAY_SECS: u32 = 24 * HOUR_SECS;

/// A regular interval: 1 second to 366 days.
///
/// Written as a word (`hourly`, `daily`, `weekly`, `monthly`) or as a number with a unit (`30s`, `15m`, `6h`, `2d`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval {
    secs: u32,
}

/// The text is not an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an interval; use hourly, daily, weekly, monthly, or a number with a unit such as 30s, 15m, 6h, 2d (at most 366d)"
)]
pub struct IntervalError(String);

const WORDS: &[(&str, u32)] =
    &[("hourly", HOUR_SECS), ("daily", DAY_SECS), ("weekly", 7 * DAY_SECS), ("monthly", 30 * DAY_SECS)];
const UNITS: &[(char, u32)] = &[('d', DAY_SECS), ('h', HOUR_SECS), ('m', 60), ('s', 1)];

impl Interval {
    /// Once a day.
    pub const DAILY: Self = Self { secs: DAY_SECS };
    /// Once a week.
    pub const WEEKLY: Self = Self { secs: 7 * DAY_SECS };
    /// Once an hour.
    pub const HOURLY: Self = Self { secs: HOUR_SECS };

    /// An interval of so many seconds; `None` outside the allowed range.
    pub fn from_secs(secs: u32) -> Option<Self> {
        (1..=366 * DAY_SECS).contains(&secs).then_some(Self { secs })
    }

    /// After so long without a successful crawl, the values are unknown: three intervals, at least a day.
    pub fn max_silence(self) -> Duration {
        Duration::from_secs(u64::from(self.as_secs()).saturating_mul(3)).max(Duration::from_secs(24 * 3600))
    }

    /// In seconds.
    pub fn as_secs(self) -> u32 {
        self.secs
    }

    /// The time to the next crawl: the interval ± 10 %, so that products added together spread out over time. `random`
    /// is uniform in 0..1.
    pub fn jittered(self, random: f64) -> Duration {
        let factor = 0.9 + 0.2 * random.clamp(0.0, 1.0);
        Duration::from_secs_f64(f64::from(self.secs) * factor)
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        let error = || IntervalError(text.to_owned());
        if let Some((_, secs)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(Self { secs: *secs });
        }
        let (unit, unit_secs) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit)).ok_or_else(error)?;
        let digits = text.trim_end_matches(*unit);
        if digits.len() + 1 != text.len() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let count: u32 = digits.parse().map_err(|_| error())?;
        count.checked_mul(*unit_secs).and_then(Self::from_secs).ok_or_else(error)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((word, _)) = WORDS.iter().find(|(_, secs)| *secs == self.secs) {
            return f.write_str(word);
        }
        let whole = UNITS.iter().find(|(_, secs)| self.secs.is_multiple_of(*secs));
        let (unit, unit_secs) = whole.unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.secs / unit_secs)
    }
}

impl TryFrom<String> for Interval {
    type Error = IntervalError;

    fn try_from(text: String) -> Result<Self, IntervalError> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_and_intervals_are_read() {
        for (text, secs) in
            [("hourly", 3600), ("daily", 86_400), ("15m", 900), ("6h", 21_600), ("2d", 172_800), ("30s", 30)]
        {
            assert_eq!(text.parse::<Interval>().unwrap().as_secs(), secs, "{text}");
        }
        for text in ["", "0s", "h", "1.5h", "-1h", "367d", "99999999999d", "often", "1hh"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn survives_its_own_text(secs in 1u32..=366 * DAY_SECS) {
            let interval = Interval::from_secs(secs).unwrap();
            prop_assert_eq!(interval.to_string().parse::<Interval>(), Ok(interval));
        }

        #[test]
        fn jitter_stays_within_ten_percent(secs in 1u32..=366 * DAY_SECS, random in 0.0f64..1.0) {
            let next = Interval::from_secs(secs).unwrap().jittered(random).as_secs_f64();
            prop_assert!(next >= f64::from(secs) * 0.899 && next <= f64::from(secs) * 1.101);
        }
    }
}

//! How often a product is crawled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::interval::Interval;

/// How often a product is crawled: at a fixed interval, or on average.
///
/// Written as an [`Interval`] (`daily`, `6h`), as `adaptive` (once a day on average), or as `adaptive:` and the average interval
/// (`adaptive:6h`). The crawls of all adaptive products of a tenant are spread so that their values are as fresh as possible:
/// see [`CrawlAllocation`](super::CrawlAllocation). The minimum of a plan is checked elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Frequency {
    interval: Interval,
    is_adaptive: bool,
}

/// The text is not a frequency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a frequency; use hourly, daily, weekly, monthly, an interval such as 30s, 15m, 6h, 2d (at most 366d), \
     adaptive, or adaptive with its average interval, such as adaptive:6h"
)]
pub struct FrequencyError(String);

const ADAPTIVE: &str = "adaptive";

impl Frequency {
    /// Once a day: the default.
    pub const DAILY: Self = Self::fixed(Interval::DAILY);
    /// Once an hour.
    pub const HOURLY: Self = Self::fixed(Interval::HOURLY);

    /// At an interval.
    pub const fn fixed(interval: Interval) -> Self {
        Self { interval, is_adaptive: false }
    }

    /// At an interval on average.
    pub const fn adaptive(average: Interval) -> Self {
        Self { interval: average, is_adaptive: true }
    }

    /// A fixed interval in seconds; `None` outside the allowed range.
    pub fn from_secs(interval_secs: u32) -> Option<Self> {
        Interval::from_secs(interval_secs).map(Self::fixed)
    }

    /// The interval; of an adaptive frequency, the average one.
    pub fn interval(self) -> Interval {
        self.interval
    }

    /// True when the interval is an average.
    pub fn is_adaptive(self) -> bool {
        self.is_adaptive
    }
}

impl Default for Frequency {
    fn default() -> Self {
        Self::DAILY
    }
}

impl FromStr for Frequency {
    type Err = FrequencyError;

    fn from_str(text: &str) -> Result<Self, FrequencyError> {
        let interval = |part: &str| part.parse().map_err(|_| FrequencyError(text.to_owned()));
        match text.strip_prefix(ADAPTIVE) {
            Some("") => Ok(Self::adaptive(Interval::DAILY)),
            Some(rest) => {
                let average = rest.strip_prefix(':').ok_or_else(|| FrequencyError(text.to_owned()))?;
                Ok(Self::adaptive(interval(average)?))
            }
            None => Ok(Self::fixed(interval(text)?)),
        }
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_adaptive, self.interval) {
            (false, interval) => interval.fmt(f),
            (true, Interval::DAILY) => f.write_str(ADAPTIVE),
            (true, average) => write!(f, "{ADAPTIVE}:{average}"),
        }
    }
}

impl TryFrom<String> for Frequency {
    type Error = FrequencyError;

    fn try_from(text: String) -> Result<Self, FrequencyError> {
        text.parse()
    }
}

impl From<Frequency> for String {
    fn from(frequency: Frequency) -> Self {
        frequency.to_string()
    }
}

/// A frequency within stored JSON, as two members: versions that know fixed intervals alone read the average as one.
///
/// For `#[serde(flatten, with = "…")]`.
pub(super) mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Frequency, Interval};

    #[derive(Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Members {
        frequency: Option<Interval>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_adaptive: bool,
    }

    pub(in crate::domain) fn serialize<S: Serializer>(
        frequency: &Option<Frequency>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let is_adaptive = frequency.is_some_and(Frequency::is_adaptive);
        Members { frequency: frequency.map(Frequency::interval), is_adaptive }.serialize(serializer)
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Frequency>, D::Error> {
        let Members { frequency, is_adaptive } = Members::deserialize(deserializer)?;
        Ok(frequency.map(if is_adaptive { Frequency::adaptive } else { Frequency::fixed }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frequency_is_an_interval_or_adaptive_with_an_average() {
        for (text, secs, is_adaptive) in [
            ("hourly", 3600, false),
            ("6h", 21_600, false),
            ("adaptive", 86_400, true),
            ("adaptive:6h", 21_600, true),
            ("adaptive:weekly", 604_800, true),
        ] {
            let frequency: Frequency = text.parse().unwrap();
            assert_eq!((frequency.interval().as_secs(), frequency.is_adaptive()), (secs, is_adaptive), "{text}");
            assert_eq!(frequency.to_string(), text);
        }
        for text in ["", "adaptive:", "adaptive6h", "adaptive:often", "adaptive:adaptive", "Adaptive", "often"] {
            let error = text.parse::<Frequency>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a frequency")), "{error}");
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        #[serde(flatten, with = "stored")]
        frequency: Option<Frequency>,
    }

    #[test]
    fn stored_json_names_the_average_interval_for_versions_that_know_fixed_ones_alone() {
        for (text, json) in [
            (Some("6h"), r#"{"frequency":"6h"}"#),
            (Some("adaptive:6h"), r#"{"frequency":"6h","is_adaptive":true}"#),
            (None, r#"{"frequency":null}"#),
        ] {
            let settings = Settings { frequency: text.map(|text| text.parse().unwrap()) };
            assert_eq!(serde_json::to_string(&settings).unwrap(), json);
            assert_eq!(serde_json::from_str::<Settings>(json).unwrap(), settings);
        }
        assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), Settings { frequency: None });
    }

    proptest! {
        #[test]
        fn survives_its_own_text(secs in 1u32..=366 * 86_400, is_adaptive: bool) {
            let interval = Interval::from_secs(secs).unwrap();
            let frequency = Frequency { interval, is_adaptive };
            prop_assert_eq!(frequency.to_string().parse::<Frequency>(), Ok(frequency));
        }
    }
}

//! A value with what it rests on.

use std::fmt;

use strum::IntoStaticStr;

/// A value, or why it is missing, with the amount of data that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure<T> {
    /// How many things were counted: of a price, the prices that held; of moves, the moves. Each measure says which.
    pub n: usize,
    /// Share of the window of which the measured is known, 0–1.
    pub coverage: f64,
    /// The value.
    pub value: Result<T, Missing>,
}

impl<T> Measure<T> {
    /// A value if a condition does not fail.
    pub(super) fn of(n: usize, coverage: f64, value: Result<T, Missing>) -> Self {
        Self { n, coverage, value }
    }

    /// What follows from the value, resting on the same.
    pub(super) fn map<U>(self, follows: impl FnOnce(T) -> U) -> Measure<U> {
        Measure { n: self.n, coverage: self.coverage, value: self.value.map(follows) }
    }
}

/// The condition that a value needs and that failed.
#[derive(Debug, Clone, Copy, PartialEq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Missing {
    /// There is no current value: the listing has none, or it is too old.
    NoCurrentPrice,
    /// The value is known for too short a time.
    TooShort {
        /// Days with a known value.
        days: f64,
        /// Days that are needed.
        needed: u32,
    },
    /// The value is known for too little of the window.
    LowCoverage {
        /// The share that is known, 0–1.
        share: f64,
        /// The share that is needed, 0–1.
        needed: f64,
    },
    /// Too few things were counted.
    TooFew {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The listing was not crawled at the same pace throughout, so counts of changes do not compare.
    UnevenCrawls {
        /// The longer typical time between two changes divided by the shorter one.
        ratio: f64,
    },
}

impl Missing {
    /// The name used in JSON.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCurrentPrice => f.write_str("there is no current price"),
            Self::TooShort { days, needed } => write!(f, "it is known for {days:.1} days; {needed} are needed"),
            Self::LowCoverage { share, needed } => {
                let (share, needed) = (share * 100.0, needed * 100.0);
                write!(f, "it is known for {share:.0} % of the time; {needed:.0} % are needed")
            }
            Self::TooFew { what, count, needed } => write!(f, "there are {count} {what}; {needed} are needed"),
            Self::UnevenCrawls { ratio } => {
                write!(
                    f,
                    "the listing was crawled at different intervals: they differ by a factor of {ratio:.1}; at most 2 is allowed"
                )
            }
        }
    }
}

/// Fails unless a value is known for enough days.
pub(super) fn enough_days(days: f64, needed: u32) -> Result<(), Missing> {
    if days >= f64::from(needed) { Ok(()) } else { Err(Missing::TooShort { days, needed }) }
}

/// Fails unless a value is known for enough of the window.
pub(super) fn enough_coverage(share: f64, needed: f64) -> Result<(), Missing> {
    if share >= needed { Ok(()) } else { Err(Missing::LowCoverage { share, needed }) }
}

/// Fails unless enough things were counted.
pub(super) fn enough(what: &'static str, count: usize, needed: usize) -> Result<(), Missing> {
    if count >= needed { Ok(()) } else { Err(Missing::TooFew { what, count, needed }) }
}

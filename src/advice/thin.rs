//! Thin data: a listing that too little is known of is refused advice, before it costs anything.

use std::fmt;

/// What is known of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataDepth {
    /// Days since the first observation.
    pub days: u32,
    /// Successful crawls.
    pub crawls: u32,
    /// The part of those days of which the price or its absence is known, in percent.
    pub coverage_percent: u8,
    /// The title is known.
    pub has_title: bool,
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Observed for fewer days than this.
    Days {
        /// So many.
        has: u32,
    },
    /// Observed less often than this.
    Crawls {
        /// So often.
        has: u32,
    },
    /// Too much of the time is unknown.
    Coverage {
        /// So many percent are known.
        has: u8,
    },
    /// Its title is not known.
    Title,
}

const MIN_DAYS: u32 = 14;
const MIN_CRAWLS: u32 = 20;
const MIN_COVERAGE_PERCENT: u8 = 50;

impl DataDepth {
    /// What is missing before advice can be given; empty: nothing.
    pub fn lacks(self) -> Vec<Lack> {
        let lacks = [
            (self.days < MIN_DAYS, Lack::Days { has: self.days }),
            (self.crawls < MIN_CRAWLS, Lack::Crawls { has: self.crawls }),
            (self.coverage_percent < MIN_COVERAGE_PERCENT, Lack::Coverage { has: self.coverage_percent }),
            (!self.has_title, Lack::Title),
        ];
        lacks.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, lack)| lack).collect()
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days { has } => write!(f, "observed for {has} days; {MIN_DAYS} are needed"),
            Self::Crawls { has } => write!(f, "crawled {has} times; {MIN_CRAWLS} are needed"),
            Self::Coverage { has } => write!(f, "{has} % of the time is known; {MIN_COVERAGE_PERCENT} % are needed"),
            Self::Title => f.write_str("the title is not known yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_said() {
        let enough = DataDepth { days: 14, crawls: 20, coverage_percent: 50, has_title: true };
        assert_eq!(enough.lacks(), []);
        let thin = DataDepth { days: 13, crawls: 19, coverage_percent: 49, has_title: false };
        assert_eq!(
            thin.lacks(),
            [Lack::Days { has: 13 }, Lack::Crawls { has: 19 }, Lack::Coverage { has: 49 }, Lack::Title]
        );
        assert_eq!(DataDepth { days: 3, ..enough }.lacks()[0].to_string(), "observed for 3 days; 14 are needed");
    }
}

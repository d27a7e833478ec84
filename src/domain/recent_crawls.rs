//! The last crawls of a listing, with how each ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::series::Series;

/// Crawls that are remembered of each listing.
const KEPT: usize = 10;

/// One crawl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentCrawl<'c> {
    /// When it ended.
    pub at: Timestamp,
    /// The name of its [`Outcome`](super::Outcome).
    pub outcome: &'c str,
    /// The source that made it.
    pub source: &'c str,
    /// Milliseconds from its claim to its end.
    pub millis: u64,
    /// The series that its page did not state.
    pub unread: Vec<&'c str>,
}

/// The last crawls of a listing, the newest last. They are one text, with a line for each: a state is copied with every crawl, and
/// they are seldom read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentCrawls(String);

impl RecentCrawls {
    /// True when none is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers a crawl, and forgets the oldest one if there are many.
    pub fn push(&mut self, crawl: &RecentCrawl<'_>) {
        let RecentCrawl { at, outcome, source, millis, unread } = crawl;
        let line = format!("{} {outcome} {source} {millis} {}\n", at.as_millisecond(), unread.join(","));
        let lines: Vec<&str> = self.0.split_inclusive('\n').collect();
        let kept = &lines[lines.len().saturating_sub(KEPT - 1)..];
        self.0 = kept.concat() + &line;
    }

    /// The crawls, the newest first. Lines that a later version wrote otherwise are left out.
    pub fn newest_first(&self) -> impl Iterator<Item = RecentCrawl<'_>> {
        self.0.lines().rev().filter_map(|line| {
            let mut parts = line.split(' ');
            Some(RecentCrawl {
                at: Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?,
                outcome: parts.next()?,
                source: parts.next()?,
                millis: parts.next()?.parse().ok()?,
                unread: parts.next()?.split(',').filter(|series| !series.is_empty()).collect(),
            })
        })
    }
}

/// The names of some series.
pub(super) fn names<'s>(series: impl Iterator<Item = &'s Series>) -> Vec<&'static str> {
    series.map(|series| series.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crawl(second: i64) -> RecentCrawl<'static> {
        let at = Timestamp::from_second(second).unwrap();
        RecentCrawl { at, outcome: "observed", source: "direct", millis: 840, unread: vec!["rating", "coupon"] }
    }

    #[test]
    fn the_newest_crawls_are_remembered() {
        let mut crawls = RecentCrawls::default();
        for second in 0..20 {
            crawls.push(&crawl(second));
        }
        let found: Vec<_> = crawls.newest_first().collect();
        let expected: Vec<_> = (10..20).rev().map(crawl).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_crawl_that_read_everything_has_no_unread_series_and_what_is_no_line_is_left_out() {
        let all_read = RecentCrawl { unread: Vec::new(), ..crawl(7) };
        let mut crawls = RecentCrawls("something else\n".to_owned());
        crawls.push(&all_read);
        assert_eq!(crawls.newest_first().collect::<Vec<_>>(), [all_read]);
    }
}

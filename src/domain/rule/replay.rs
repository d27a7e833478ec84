//! A rule played over stored history: what it would have told.
//!
//! History keeps changes of values, and not the crawls. So a replay finds the crossings that crawls fired, as far as each of them found a
//! page that stated all values, and read the offer list. It does not know:
//! - crawls that found nothing, and values that a page did not state: in a replay, what is known is read by every crawl, and listings
//!   are neither `delisted` nor `tracking_failing`;
//! - when crawls that found no change were made: they are played at the interval of the product, except where history says that none
//!   was made ([`Series::Unobserved`]). What lasts, and what is compared with a time that passes, may be found a crawl earlier or later;
//! - the content of pages, the sellers of offer lists, and competitors: tests of them are unknown.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::RuleSettings;
use super::competitor_readings::Competitors;
use super::condition::{Condition, StateOf, Versus};
use super::evaluation::{Reason, advance};
use super::readings::{Found, Readings};
use super::state::RuleState;
use super::windows::{Window, WindowKey, Windows};
use crate::domain::marketplace::Marketplace;
use crate::domain::offer::SellerId;
use crate::domain::series::{Point, Series, SeriesKey};
use crate::domain::state::ListingState;
use crate::domain::steps::Gap;

/// Crawls that are played beside the recorded changes, at most.
const MAX_TICKS: u32 = 5_000;

/// A rule and the history that it is played over.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'a> {
    /// The settings of the rule.
    pub settings: &'a RuleSettings,
    /// The tenant's own seller ids.
    pub me: &'a [SellerId],
    /// The marketplace of the listing.
    pub marketplace: Marketplace,
    /// The history of the listing in chronological order, from its beginning or from as far back as the rule compares.
    pub points: &'a [Point],
    /// The rule is created then.
    pub from: Timestamp,
    /// The last crawl.
    pub to: Timestamp,
    /// The time between two crawls that found no change.
    pub interval: Duration,
}

/// A crossing that would have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedCrossing {
    /// When.
    pub at: Timestamp,
    /// Its number, from 1.
    pub number: u32,
    /// What made the condition true.
    pub reasons: Vec<Reason>,
    /// When it would have been told: later than `at` within a cooldown.
    pub told_at: Timestamp,
}

impl Condition {
    /// The tests about what history does not keep. In a replay no content changes, no seller joins, no competitor is known, and every crawl finds the page.
    pub fn not_in_history(&self) -> Vec<&'static str> {
        let missing = |leaf: &&Condition| match leaf {
            Self::Offer(_) | Self::Content(_) | Self::Competitor(_) => true,
            Self::State(state) => matches!(state.of, StateOf::Delisted | StateOf::TrackingFailing),
            _ => false,
        };
        self.leaves().into_iter().filter(missing).map(Self::kind).collect()
    }

    /// True when it can become true although nothing changes: with time, averages move and states last.
    fn depends_on_time(&self) -> bool {
        self.leaves().into_iter().any(|leaf| match leaf {
            // The crawl after the baseline can say that nothing has moved since.
            Self::Moved(moved) => {
                matches!(moved.vs, Versus::Created | Versus::AvgDays(_) | Versus::MaxDays(_) | Versus::MinDays(_))
            }
            // The next crawl compares the same value with a window of which it is now part.
            Self::Lowest(lowest) => lowest.days.is_some() || lowest.or_equal || lowest.within_percent.is_some(),
            Self::State(state) => state.lasts.is_some() || state.of == StateOf::Delisted,
            Self::Seller(seller) => seller.crawls > 1,
            _ => false,
        })
    }
}

impl Replay<'_> {
    /// Plays the rule.
    pub fn crossings(&self) -> Vec<ReplayedCrossing> {
        let history = History::of(self.points);
        let competitors = Competitors::default();
        let keys = self.settings.condition.windows();
        let begin = self.points.partition_point(|point| point.at <= self.from);
        let mut known = ListingState::default();
        for point in self.points[..begin].iter().filter(|point| point.key.series != Series::Unobserved) {
            known.replay(point);
        }
        let (mut before, mut state, mut crossings) = (known.clone(), RuleState::default(), Vec::new());
        let mut next = begin;
        for at in self.crawls(begin) {
            while let Some(point) = self.points.get(next).filter(|point| point.at <= at) {
                if point.key.series != Series::Unobserved {
                    known.replay(point);
                }
                next += 1;
            }
            if known.checked_at.is_none() {
                continue;
            }
            let windows = Windows(keys.iter().map(|key| (key.clone(), history.window(key, at))).collect());
            let readings = Readings {
                at,
                marketplace: self.marketplace,
                before: &before,
                after: &known,
                found: Found::Recorded,
                windows: &windows,
                competitors: &competitors,
            };
            let (after, crossing) = advance(self.settings, &state, self.me, &readings);
            state = after;
            crossings.extend(crossing.map(|crossing| ReplayedCrossing {
                at,
                number: crossing.number,
                reasons: crossing.reasons,
                told_at: crossing.told_with_others_at.unwrap_or(at),
            }));
            before.clone_from(&known);
        }
        crossings
    }

    /// When crawls are played: at the creation of the rule, at each change, and in between if that can make a difference.
    fn crawls(&self, begin: usize) -> Vec<Timestamp> {
        let changes = self.points[begin..].iter().map(|point| point.at).filter(|at| *at <= self.to);
        let mut crawls: Vec<Timestamp> = std::iter::once(self.from).chain(changes).collect();
        if self.settings.condition.depends_on_time() {
            let length_ms = self.to.as_millisecond() - self.from.as_millisecond();
            let shortest_ms = length_ms / i64::from(MAX_TICKS);
            let interval_ms = i64::try_from(self.interval.as_millis()).unwrap_or(i64::MAX).max(shortest_ms).max(1);
            let tick = |n: i64| self.from.checked_add(SignedDuration::from_millis(interval_ms.checked_mul(n)?)).ok();
            let marks = self.points.iter().filter(|point| point.key.series == Series::Unobserved);
            let gaps: Vec<Gap> = marks.filter_map(Gap::of).collect();
            let is_made = |at: &Timestamp| !gaps.iter().any(|gap| gap.from < *at && *at < gap.to);
            crawls.extend((1..).map_while(tick).take_while(|at| *at <= self.to).filter(is_made));
        }
        crawls.sort_unstable();
        crawls.dedup();
        crawls
    }
}

/// The points of each series.
struct History<'a>(HashMap<&'a SeriesKey, Vec<&'a Point>>);

impl<'a> History<'a> {
    fn of(points: &'a [Point]) -> Self {
        let mut by_key: HashMap<&SeriesKey, Vec<&Point>> = HashMap::new();
        for point in points {
            by_key.entry(&point.key).or_default().push(point);
        }
        Self(by_key)
    }

    /// The window that ends before a crawl.
    fn window(&self, key: &WindowKey, at: Timestamp) -> Window {
        let series = SeriesKey { series: key.series, category: key.category.clone() };
        let points = self.0.get(&series).map(Vec::as_slice).unwrap_or_default();
        let from = key.from(at);
        let first = points.partition_point(|point| point.at <= from).saturating_sub(1);
        let last = points.partition_point(|point| point.at < at);
        Window::of(points[first.min(last)..last].iter().copied(), key, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::series::PointValue;

    /// Out of stock during days 2 to 4, and not crawled from day 10 to day 20; played over 30 days, with a crawl on each.
    fn crossings(condition: serde_json::Value, from: i64) -> Vec<i64> {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let point = |at, series: Series, number| Point {
            key: series.into(),
            at: day(at),
            value: Some(PointValue::Number(number)),
        };
        let points = [
            point(0, Series::Availability, 1),
            point(2, Series::Availability, 3),
            point(4, Series::Availability, 1),
            point(20, Series::Unobserved, day(10).as_millisecond()),
        ];
        let settings = RuleSettings::of(Condition::from_json(&condition).unwrap());
        let replay = Replay {
            settings: &settings,
            me: &[],
            marketplace: Marketplace::Us,
            points: &points,
            from: day(from),
            to: day(30),
            interval: Duration::from_secs(86_400),
        };
        replay.crossings().into_iter().map(|crossing| crossing.at.as_second() / 86_400).collect()
    }

    fn in_stock_for(days: i64) -> serde_json::Value {
        let lasts = serde_json::json!({"secs": days * 86_400});
        serde_json::json!({"kind": "state", "of": "availability", "is": "in_stock", "for": lasts})
    }

    #[test]
    fn crawls_are_played_between_changes_and_not_where_history_says_that_none_was_made() {
        assert_eq!(crossings(in_stock_for(1), 1), [5]);
        assert_eq!(crossings(in_stock_for(8), 1), [20]);
    }

    #[test]
    fn nothing_is_played_before_the_first_page() {
        assert_eq!(crossings(serde_json::json!({"kind": "state", "of": "delisted", "is": false}), -3), [1]);
    }
}

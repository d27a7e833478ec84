//! A rule played over stored history: what it would have told.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::RuleSettings;
use super::condition::{Condition, StateOf, Versus};
use super::evaluation::{Reason, advance};
use super::readings::{Found, Readings};
use super::state::RuleState;
use super::windows::{Window, WindowKey, Windows};
use crate::domain::marketplace::Marketplace;
use crate::domain::offer::SellerId;
use crate::domain::series::{Point, Series, SeriesKey};
use crate::domain::state::ListingState;

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
    /// The tests that history says nothing about: they are unknown in a replay.
    pub fn not_in_history(&self) -> Vec<&'static str> {
        let missing = |leaf: &&Condition| match leaf {
            Self::Offer(_) | Self::Content(_) => true,
            Self::State(state) => matches!(state.of, StateOf::Delisted | StateOf::TrackingFailing),
            _ => false,
        };
        self.leaves().into_iter().filter(missing).map(Self::kind).collect()
    }

    /// True when it can become true although nothing changes: with time, averages move and states last.
    fn depends_on_time(&self) -> bool {
        self.leaves().into_iter().any(|leaf| match leaf {
            Self::Moved(moved) => matches!(moved.vs, Versus::AvgDays(_) | Versus::MaxDays(_) | Versus::MinDays(_)),
            Self::Lowest(lowest) => lowest.days.is_some(),
            Self::State(state) => state.lasts.is_some(),
            Self::Seller(seller) => seller.crawls > 1,
            _ => false,
        })
    }
}

impl Replay<'_> {
    /// Plays the rule.
    pub fn crossings(&self) -> Vec<ReplayedCrossing> {
        let history = History::of(self.points);
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
            let windows = Windows(keys.iter().map(|key| (key.clone(), history.window(key, at))).collect());
            let readings = Readings {
                at,
                marketplace: self.marketplace,
                before: &before,
                after: &known,
                found: Found::Page { is_offer_unknown: false, content: None, offers: None },
                windows: &windows,
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
            crawls.extend((1..).map_while(tick).take_while(|at| *at <= self.to));
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

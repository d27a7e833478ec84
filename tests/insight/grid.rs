//! Histories on a grid of time: what held in each slot is written down, so that a formula can be computed by looking at every slot.

use amazon_tracker::domain::*;
use amazon_tracker::insight::{Insight, ListingHistory, Peer, insight};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// A slot of the grid.
pub const SLOT: SignedDuration = SignedDuration::from_hours(12);
pub const SLOTS_PER_DAY: usize = 2;

/// What is known of a slot: nothing, that there is no value, or a value.
pub type Known<T> = Option<Option<T>>;

/// A series: the slots in which it changes, and to what.
pub type Changes<T> = Vec<(usize, Option<T>)>;

/// The history of a listing on the grid.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    pub slots: usize,
    pub prices: Changes<i64>,
    pub states: Changes<i64>,
    pub ranks: Changes<i64>,
    pub sellers: Changes<&'static str>,
    /// From the first slot to the one after the last.
    pub gaps: Vec<(usize, usize)>,
}

pub fn time(slot: usize) -> Timestamp {
    let start: Timestamp = "2023-03-01T00:00:00Z".parse().unwrap();
    start + SLOT * i32::try_from(slot).unwrap()
}

impl Grid {
    pub fn now(&self) -> Timestamp {
        time(self.slots)
    }

    pub fn history(&self) -> ListingHistory {
        let rank = SeriesKey { series: Series::SalesRank, category: "Kitchen".to_owned() };
        let mut points = numbers(&Series::Price.into(), &self.prices);
        points.extend(numbers(&Series::Availability.into(), &self.states));
        points.extend(numbers(&rank, &self.ranks));
        points.extend(self.sellers.iter().map(|(slot, seller)| Point {
            key: Series::SellerId.into(),
            at: time(*slot),
            value: seller.map(|seller| PointValue::Text(seller.to_owned())),
        }));
        points.extend(self.gaps.iter().map(|(from, to)| Point {
            key: Series::Unobserved.into(),
            at: time(*to),
            value: Some(PointValue::Number(time(*from).as_millisecond())),
        }));
        ListingHistory::new(points, None, false, self.now())
    }

    pub fn insight(&self, days: u32) -> Insight {
        insight(&self.history(), days, &no_peer(), &[])
    }

    /// What is known of each slot.
    pub fn known<T: Copy>(&self, changes: &Changes<T>) -> Vec<Known<T>> {
        let held = |slot: usize| changes.iter().rev().find(|(from, _)| *from <= slot).map(|(_, value)| *value);
        let is_gap = |slot: usize| self.gaps.iter().any(|(from, to)| (*from..*to).contains(&slot));
        (0..self.slots).map(|slot| held(slot).filter(|_| !is_gap(slot))).collect()
    }

    /// The slots of the last days.
    pub fn window<T: Copy>(&self, changes: &Changes<T>, days: u32) -> Vec<Known<T>> {
        let known = self.known(changes);
        let from = known.len().saturating_sub(days as usize * SLOTS_PER_DAY);
        known[from..].to_vec()
    }

    pub fn current_price(&self) -> Option<i64> {
        let is_current = self.gaps.last().is_none_or(|(_, to)| *to < self.slots);
        self.prices.last().and_then(|(_, price)| *price).filter(|_| is_current)
    }
}

fn numbers(key: &SeriesKey, changes: &Changes<i64>) -> Vec<Point> {
    let point = |(slot, value): &(usize, Option<i64>)| Point {
        key: key.clone(),
        at: time(*slot),
        value: value.map(PointValue::Number),
    };
    changes.iter().map(point).collect()
}

/// An own product that is compared with nobody.
pub fn no_peer() -> Peer {
    Peer {
        product_id: ProductId::new(),
        marketplace: Marketplace::De,
        price_minor: None,
        shipping_minor: None,
        as_of: None,
        interval: Interval::DAILY,
    }
}

/// A series that changes now and then within so many slots.
pub fn changes<T: Clone + std::fmt::Debug + 'static>(
    slots: usize,
    longest: usize,
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Changes<T>> {
    let change = (1..=longest, prop::option::weighted(0.9, value));
    prop::collection::vec(change, 1..2 * slots / longest.max(2) + 2)
        .prop_map(move |steps| {
            let mut slot = 0;
            let mut changes = Vec::new();
            for (length, value) in steps {
                if slot < slots {
                    changes.push((slot, value));
                }
                slot += length;
            }
            changes
        })
        .boxed()
}

/// A history of so many days.
pub fn grids(days: std::ops::Range<usize>) -> BoxedStrategy<Grid> {
    days.prop_flat_map(|days| {
        let slots = days * SLOTS_PER_DAY;
        let gaps = prop::collection::vec((0..slots, 1..20usize), 0..4);
        (
            changes(slots, 40, 900i64..1100),
            changes(slots, 60, prop_oneof![Just(1i64), Just(2), Just(3), Just(5), Just(0)]),
            changes(slots, 4, 1i64..500),
            changes(slots, 30, prop_oneof![Just("A1"), Just("A2"), Just("A3")]),
            gaps,
        )
            .prop_map(move |(prices, states, ranks, sellers, gaps)| {
                let mut grid = Grid { slots, prices, states, ranks, sellers, gaps: Vec::new() };
                grid.gaps = apart(&grid, gaps);
                grid
            })
    })
    .boxed()
}

/// Gaps that do not overlap and begin where nothing changes: a value that is read lasts for a while.
fn apart(grid: &Grid, mut gaps: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    gaps.sort_unstable();
    let changes_at = |slot: usize| {
        let in_numbers =
            [&grid.prices, &grid.states, &grid.ranks].iter().any(|all| all.iter().any(|(at, _)| *at == slot));
        in_numbers || grid.sellers.iter().any(|(at, _)| *at == slot)
    };
    let mut end = 1;
    let mut kept = Vec::new();
    for (from, length) in gaps {
        let to = (from + length).min(grid.slots);
        if from > end && !changes_at(from) && to > from {
            kept.push((from, to));
            end = to;
        }
    }
    kept
}

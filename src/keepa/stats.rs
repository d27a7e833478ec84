//! `stats` of a product: averages, extremes and times without an offer, over the series of its history.
//!
//! Averages are weighted by time, over the time in which there was a value. Numbers that are not known are -1, as the official client
//! reads lists of `int`; an extreme that is not known is null.

use jiff::Timestamp;
use serde::Serialize;
use strum::IntoEnumIterator;

use super::NONE;
use super::history::KeepaHistory;
use super::slot::{SLOTS, Slot};
use super::time::keepa_minute;
use super::timeline::{Timeline, Told};

const DAY: i64 = 24 * 60;

/// The interval of statistics, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatsInterval {
    /// Its first minute.
    pub from: i64,
    /// The minute in which it ends.
    pub to: i64,
}

/// A minute and the value that was reached in it.
type Extreme = Option<(i64, i64)>;

/// `stats` of a product, each list by [`Slot`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepaStats {
    current: Vec<i64>,
    avg: Vec<i64>,
    avg30: Vec<i64>,
    avg90: Vec<i64>,
    avg180: Vec<i64>,
    avg365: Vec<i64>,
    at_interval_start: Vec<i64>,
    min: Vec<Extreme>,
    max: Vec<Extreme>,
    min_in_interval: Vec<Extreme>,
    max_in_interval: Vec<Extreme>,
    is_lowest: Vec<bool>,
    is_lowest90: Vec<bool>,
    out_of_stock_percentage_in_interval: Vec<i64>,
    out_of_stock_percentage30: Vec<i64>,
    out_of_stock_percentage90: Vec<i64>,
    /// Price of the offer in the Buy Box.
    #[serde(skip_serializing_if = "Option::is_none")]
    buy_box_price: Option<i64>,
    /// Its shipping, if that is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    buy_box_shipping: Option<i64>,
}

impl KeepaStats {
    /// Statistics of an interval, and of the usual ones that end now.
    pub fn of(history: &KeepaHistory, interval: StatsInterval, now: Timestamp) -> Self {
        let now = keepa_minute(now);
        let last = |days: i64| (now - days * DAY, now);
        let whole = (interval.from, interval.to.min(now));
        let offers = history.timeline(Slot::BuyBoxShipping);
        let offer = offers.map_or(Told::Unknown, |line| line.at(now));
        let (buy_box_price, buy_box_shipping) = match offer {
            Told::Offer { price, shipping } => (Some(price), shipping),
            Told::None => (Some(NONE), Some(NONE)),
            Told::Number(_) | Told::Unknown => (None, None),
        };
        let numbers = |of: &dyn Fn(&Timeline) -> Option<i64>| by_slot(history, NONE, |line| of(line).unwrap_or(NONE));
        let average_of = |(from, to)| numbers(&|line: &Timeline| average(line, from, to));
        let extremes = |(from, to), is_max: bool| by_slot(history, None, |line| extreme(line, from, to, is_max));
        let lowest_of = |(from, to)| by_slot(history, false, |line| is_lowest(line, from, to, now));
        let without_offer = |(from, to)| {
            let mut list = vec![NONE; SLOTS];
            list[Slot::BuyBoxShipping.index()] =
                offers.and_then(|line| percent_without(line, from, to)).unwrap_or(NONE);
            list
        };
        Self {
            current: numbers(&|line: &Timeline| line.at(now).value()),
            avg: average_of(whole),
            avg30: average_of(last(30)),
            avg90: average_of(last(90)),
            avg180: average_of(last(180)),
            avg365: average_of(last(365)),
            at_interval_start: numbers(&|line: &Timeline| line.at(interval.from).value()),
            min: extremes((0, now), false),
            max: extremes((0, now), true),
            min_in_interval: extremes(whole, false),
            max_in_interval: extremes(whole, true),
            is_lowest: lowest_of((0, now)),
            is_lowest90: lowest_of(last(90)),
            out_of_stock_percentage_in_interval: without_offer(whole),
            out_of_stock_percentage30: without_offer(last(30)),
            out_of_stock_percentage90: without_offer(last(90)),
            buy_box_price,
            buy_box_shipping,
        }
    }
}

fn by_slot<T: Clone>(history: &KeepaHistory, unknown: T, of: impl Fn(&Timeline) -> T) -> Vec<T> {
    let mut list = vec![unknown; SLOTS];
    for slot in Slot::iter() {
        if let Some(line) = history.timeline(slot) {
            list[slot.index()] = of(line);
        }
    }
    list
}

fn valued(line: &Timeline, from: i64, to: i64) -> impl Iterator<Item = (i64, i64, i64)> + '_ {
    line.spans(from, to).filter_map(|(start, end, told)| Some((start, end, told.value()?)))
}

/// The average of a series between two minutes, rounded; `None`: it had no value.
pub(super) fn average(line: &Timeline, from: i64, to: i64) -> Option<i64> {
    let time: i128 = valued(line, from, to).map(|(start, end, _)| i128::from(end - start)).sum();
    let weighted: i128 =
        valued(line, from, to).map(|(start, end, value)| i128::from(end - start) * i128::from(value)).sum();
    match time {
        // A value of this very minute.
        0 => valued(line, from, to).last().map(|(_, _, value)| value),
        time => i64::try_from((weighted + time / 2) / time).ok(),
    }
}

/// The lowest or highest value, and the minute in which it was first reached.
fn extreme(line: &Timeline, from: i64, to: i64, is_max: bool) -> Extreme {
    let better = |value: i64, best: i64| if is_max { value > best } else { value < best };
    let values = valued(line, from, to).map(|(start, _, value)| (start, value));
    values.reduce(|best, next| if better(next.1, best.1) { next } else { best })
}

fn is_lowest(line: &Timeline, from: i64, to: i64, now: i64) -> bool {
    let current = line.at(now).value();
    current.is_some() && current == extreme(line, from, to, false).map(|(_, value)| value)
}

/// The part of the known time without an offer.
fn percent_without(line: &Timeline, from: i64, to: i64) -> Option<i64> {
    let (mut without, mut known) = (0, 0);
    for (start, end, told) in line.spans(from, to) {
        known += if told == Told::Unknown { 0 } else { end - start };
        without += if told == Told::None { end - start } else { 0 };
    }
    (known > 0).then(|| (100 * without + known / 2) / known)
}

impl KeepaHistory {
    /// The average of a series over so many days until now.
    pub fn average(&self, slot: Slot, days: u32, now: Timestamp) -> Option<i64> {
        let now = keepa_minute(now);
        average(self.timeline(slot)?, now - i64::from(days) * DAY, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::steps::Gap;
    use crate::domain::{Marketplace, Point, PointValue, Series};
    use crate::keepa::time_of;

    const NOW: i64 = 1000 * DAY;

    fn at(days_ago: i64) -> Timestamp {
        time_of(NOW - days_ago * DAY).unwrap()
    }

    fn stats(values: &[(i64, Option<i64>)], gaps: &[Gap], days: i64) -> serde_json::Value {
        let point = |(days_ago, value): &(i64, Option<i64>)| Point {
            key: Series::Price.into(),
            at: at(*days_ago),
            value: value.map(PointValue::Number),
        };
        let points: Vec<Point> = values.iter().map(point).collect();
        let history = KeepaHistory::of(&points, gaps, Marketplace::Us, at(0));
        let interval = StatsInterval { from: NOW - days * DAY, to: NOW };
        serde_json::to_value(KeepaStats::of(&history, interval, at(0))).unwrap()
    }

    #[test]
    fn averages_are_weighted_by_time_and_leave_out_times_without_an_offer() {
        let stats = stats(&[(50, Some(100)), (40, None), (30, Some(200)), (10, Some(300))], &[], 40);
        let slot = |name: &str| stats[name][18].clone();
        assert_eq!((slot("avg"), slot("avg30"), slot("current")), (233.into(), 233.into(), 300.into()));
        assert_eq!(
            (slot("min"), slot("maxInInterval")),
            (serde_json::json!([NOW - 50 * DAY, 100]), serde_json::json!([NOW - 10 * DAY, 300]))
        );
        assert_eq!((slot("outOfStockPercentageInInterval"), slot("outOfStockPercentage30")), (25.into(), 0.into()));
        assert_eq!(
            (slot("atIntervalStart"), slot("isLowest"), stats["buyBoxPrice"].clone()),
            ((-1).into(), false.into(), 300.into())
        );
    }

    #[test]
    fn what_is_not_known_is_minus_one_and_an_unknown_extreme_is_null() {
        let stats = stats(&[], &[], 30);
        for name in ["current", "avg", "avg365", "outOfStockPercentage90"] {
            assert_eq!(stats[name], serde_json::Value::from(vec![-1; 36]), "{name}");
        }
        assert_eq!(stats["min"], serde_json::Value::from(vec![serde_json::Value::Null; 36]));
        assert!(stats.get("buyBoxPrice").is_none());
    }

    #[test]
    fn a_gap_is_neither_a_price_nor_a_time_out_of_stock() {
        let gap = Gap { from: at(20), to: at(10) };
        let stats = stats(&[(30, Some(100)), (10, Some(400))], &[gap], 30);
        assert_eq!(
            (stats["avg"][18].clone(), stats["outOfStockPercentageInInterval"][18].clone()),
            (250.into(), 0.into())
        );
    }
}

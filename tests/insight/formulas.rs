//! Each formula, as anybody would compute it: by looking at every slot of time.

use amazon_tracker::insight::{Measure, Method, Missing};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::grid::{Grid, Known, SLOTS_PER_DAY, grids, time};

fn values<T: Copy>(slots: &[Known<T>]) -> Vec<T> {
    slots.iter().filter_map(|slot| slot.flatten()).collect()
}

/// The days and the share of a window that so many slots are.
fn share_of(slots: usize, window: usize) -> f64 {
    slots as f64 / window as f64
}

fn days_of(slots: usize) -> f64 {
    slots as f64 / SLOTS_PER_DAY as f64
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

/// Holds a measure against what is expected of it: a number, or none.
fn check(measure: &Measure<f64>, expected: Option<f64>) -> Result<(), TestCaseError> {
    match (&measure.value, expected) {
        (Ok(value), Some(expected)) => prop_assert!(close(*value, expected), "{value} instead of {expected}"),
        (Err(_), None) => {}
        (found, expected) => prop_assert!(false, "{found:?} instead of {expected:?}"),
    }
    Ok(())
}

/// The value below which half of the slots are, or the lower of two middle ones.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    Some(values[last / 2])
}

fn changes<T: PartialEq + Copy>(slots: &[Known<T>]) -> usize {
    let values = values(slots);
    values.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

fn percentile(grid: &Grid, days: u32) -> Option<f64> {
    let window = grid.window(&grid.prices, days);
    let prices = values(&window);
    let known = window.iter().flatten().count();
    let current = grid.current_price()?;
    let above = prices.iter().filter(|price| **price > current).count() as f64;
    let equal = prices.iter().filter(|price| **price == current).count() as f64;
    let is_enough = days_of(prices.len()) >= 30.0 && share_of(known, days as usize * SLOTS_PER_DAY) >= 0.7;
    is_enough.then(|| (above + equal / 2.0) / prices.len() as f64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn percentile_and_score_look_at_every_hour(grid in grids(20..200), days in 20u32..120) {
        let insight = grid.insight(days);
        let expected = percentile(&grid, days);
        check(&insight.price_percentile, expected)?;
        let mut distinct = values(&grid.window(&grid.prices, days));
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(insight.deal_score.n, distinct.len());
        check(&insight.deal_score, expected.map(|share| 10.0 * share).filter(|_| distinct.len() >= 3))?;
        let known = grid.window(&grid.prices, days).iter().flatten().count();
        prop_assert!(close(insight.price_percentile.coverage, share_of(known, days as usize * SLOTS_PER_DAY)));
    }

    #[test]
    fn a_price_is_the_lowest_if_none_was_lower_and_one_was_higher(grid in grids(20..200)) {
        let insight = grid.insight(90);
        let is_lowest = |slots: &[Known<i64>]| {
            let prices = values(slots);
            let current = grid.current_price().unwrap();
            prices.iter().all(|price| *price >= current) && prices.iter().any(|price| *price > current)
        };
        match insight.lowest.value {
            Err(missing) => {
                prop_assert_eq!(missing, Missing::NoCurrentPrice);
                prop_assert!(grid.current_price().is_none());
            }
            Ok(lowest) => {
                let all = grid.known(&grid.prices);
                prop_assert_eq!(lowest.of_all_time, is_lowest(&all));
                prop_assert_eq!(lowest.of_90_days, is_lowest(&grid.window(&grid.prices, 90)));
                prop_assert_eq!(Some(lowest.lowest_minor), values(&all).into_iter().min());
                let first = all.iter().position(|slot| *slot == Some(Some(lowest.lowest_minor)));
                prop_assert_eq!(Some(lowest.lowest_at), first.map(time));
            }
        }
    }

    #[test]
    fn the_share_out_of_stock_is_of_the_known_time(grid in grids(20..200), days in 10u32..120) {
        let states: Vec<i64> = values(&grid.window(&grid.states, days)).into_iter().filter(|state| *state != 0).collect();
        let out = states.iter().filter(|state| [3, 5].contains(*state)).count();
        let coverage = share_of(states.len(), days as usize * SLOTS_PER_DAY);
        let insight = grid.insight(days);
        check(&insight.out_of_stock_share, (coverage >= 0.5).then(|| share_of(out, states.len())))?;
        prop_assert!(close(insight.out_of_stock_share.coverage, coverage));
    }

    #[test]
    fn volatility_counts_changes_and_measures_the_spread(grid in grids(20..200), days in 20u32..120) {
        let window = grid.window(&grid.prices, days);
        let prices = values(&window);
        let insight = grid.insight(days);
        prop_assert_eq!(insight.volatility.n, changes(&window));
        match insight.volatility.value {
            Err(_) => prop_assert!(days_of(prices.len()) < 30.0),
            Ok(volatility) => {
                let middle = median(prices.clone()).unwrap();
                let deviation = median(prices.iter().map(|price| (price - middle).abs()).collect()).unwrap();
                prop_assert!(close(volatility.relative_deviation, deviation as f64 / middle as f64));
                let expected = changes(&window) as f64 * 30.0 / days_of(prices.len());
                prop_assert!(close(volatility.changes_per_30_days, expected));
            }
        }
    }

    #[test]
    fn rank_drops_are_the_steps_to_a_better_rank(grid in grids(20..120), days in 10u32..90) {
        let window = grid.window(&grid.ranks, days);
        let ranks = values(&window);
        let moves = changes(&window);
        let insight = grid.insight(days);
        prop_assert_eq!(insight.rank_drops.n, moves);
        match insight.rank_drops.value {
            Ok(drops) => {
                prop_assert_eq!(drops.drops, ranks.windows(2).filter(|pair| pair[1] < pair[0]).count());
                prop_assert_eq!(drops.changes, moves);
            }
            Err(Missing::TooFew { .. }) => prop_assert!(moves < 10),
            Err(missing) => {
                let is_uneven = matches!(missing, Missing::UnevenCrawls { ratio } if ratio > 2.0);
                prop_assert!(is_uneven);
            }
        }
    }

    #[test]
    fn the_buy_box_is_shared_by_time(grid in grids(10..120), days in 10u32..90) {
        let window = grid.window(&grid.sellers, days);
        let prices = grid.window(&grid.prices, days);
        let known = values(&window);
        let insight = grid.insight(days);
        match insight.buy_box.value {
            Err(_) => prop_assert!(days_of(known.len()) < 14.0),
            Ok(buy_box) => {
                prop_assert_eq!(buy_box.flips, changes(&window));
                prop_assert!(close(buy_box.sellers.iter().map(|seller| seller.share).sum(), 1.0));
                prop_assert!(buy_box.sellers.is_sorted_by(|one, next| one.share >= next.share));
                for seller in buy_box.sellers {
                    let is_his = |slot: &Known<&str>| *slot == Some(Some(seller.seller_id.as_str()));
                    let slots = window.iter().filter(|slot| is_his(slot)).count();
                    prop_assert!(close(seller.share, share_of(slots, known.len())));
                    let priced: Vec<i64> =
                        window.iter().zip(&prices).filter(|(slot, _)| is_his(slot)).filter_map(|(_, price)| price.flatten()).collect();
                    let mean = (!priced.is_empty()).then(|| priced.iter().sum::<i64>() as f64 / priced.len() as f64);
                    match (seller.mean_price_minor, mean) {
                        (Some(found), Some(mean)) => prop_assert!((found as f64 - mean).abs() <= 0.5 + 1e-9),
                        (found, mean) => prop_assert!(found.is_none() && mean.is_none()),
                    }
                }
            }
        }
    }
}

/// The price that held just before a slot began, or begins there after a gap.
fn price_at(slots: &[Known<i64>], slot: usize) -> Option<i64> {
    let before = slot.checked_sub(1).and_then(|before| slots[before]);
    before.or_else(|| slots.get(slot).copied().flatten()).flatten()
}

struct Trial {
    last: i64,
    median: i64,
    actual: i64,
}

fn trials(slots: &[Known<i64>]) -> Vec<Trial> {
    let (median_of, ahead) = (90 * SLOTS_PER_DAY, 30 * SLOTS_PER_DAY);
    let first = slots.iter().position(Option::is_some).unwrap_or(slots.len());
    let days = (first + median_of..).step_by(SLOTS_PER_DAY).take_while(|slot| slot + ahead <= slots.len());
    days.filter_map(|slot| {
        let median = median(values(&slots[slot - median_of..slot]))?;
        Some(Trial { last: price_at(slots, slot)?, median, actual: price_at(slots, slot + ahead)? })
    })
    .collect()
}

fn mean_error(trials: &[Trial], forecast: impl Fn(&Trial) -> i64) -> f64 {
    trials.iter().map(|trial| (forecast(trial) - trial.actual).abs()).sum::<i64>() as f64 / trials.len() as f64
}

/// Ratios of the price of each month to the twelve months around it.
fn month_ratios(slots: &[Known<i64>]) -> Vec<Vec<f64>> {
    let mut by_month = vec![Vec::new(); 12];
    let first = slots.iter().position(Option::is_some).unwrap_or(slots.len());
    let months: Vec<Date> =
        (0..slots.len()).map(|slot| time(slot).to_zoned(TimeZone::UTC).date().first_of_month()).collect();
    for group in (0..slots.len()).collect::<Vec<_>>().chunk_by(|one, next| months[*one] == months[*next]) {
        let (begin, end) = (group[0], group[0] + group.len());
        let month = months[begin];
        let is_whole = group.len() == usize::from(month.days_in_month().unsigned_abs()) * SLOTS_PER_DAY;
        // The middle of a month of 31 days lies between two slots of twelve hours: 15.5 days are 31 slots.
        let middle = begin + group.len() / 2;
        let half_year = 365 * SLOTS_PER_DAY / 2;
        if !is_whole || middle < first + half_year || middle + half_year > slots.len() {
            continue;
        }
        let of_month = values(&slots[begin..end]);
        let of_year = values(&slots[middle - half_year..middle + half_year]);
        if of_month.len() * 2 >= group.len() && share_of(of_year.len(), 365 * SLOTS_PER_DAY) >= 0.7 {
            let ratio = median(of_month).unwrap() as f64 / median(of_year).unwrap() as f64;
            by_month[usize::from(month.month().unsigned_abs()) - 1].push(ratio);
        }
    }
    by_month
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) }
}

/// A move of the price: whether it fell, and the rank after ÷ before.
fn moves(grid: &Grid) -> Vec<(bool, f64)> {
    let from = grid.slots.saturating_sub(365 * SLOTS_PER_DAY);
    let of = |changes| grid.known(changes)[from..].to_vec();
    let (prices, ranks, states) = (of(&grid.prices), of(&grid.ranks), of(&grid.states));
    let (week, three_days) = (7 * SLOTS_PER_DAY, 3 * SLOTS_PER_DAY);
    let mut moves = Vec::new();
    // A value is read again at each point, so a price ends where the next point is, even if it is the same.
    let points: Vec<usize> =
        grid.prices.iter().map(|(slot, _)| *slot).filter(|slot| *slot > from).map(|slot| slot - from).collect();
    for at in 1..prices.len() {
        let (Some(Some(old)), Some(Some(new))) = (prices[at - 1], prices[at]) else { continue };
        let ends = (at..prices.len()).find(|slot| prices[*slot].is_none() || (*slot > at && points.contains(slot)));
        let held = ends.unwrap_or(prices.len()) - at;
        if (new as f64 / old as f64 - 1.0).abs() < 0.02 || held < three_days {
            continue;
        }
        let (begin, end) = (at.saturating_sub(week), (at + week).min(prices.len()));
        let known = values(&states[begin..end]);
        let rank = |slots: &[Known<i64>]| {
            let ranks = values(slots);
            if ranks.len() * 2 >= week { median(ranks) } else { None }
        };
        if states[begin..end].iter().flatten().count() == 0 || known.iter().any(|state| [3, 5].contains(state)) {
            continue;
        }
        if let (Some(before), Some(after)) = (rank(&ranks[begin..at]), rank(&ranks[at..end])) {
            moves.push((new < old, after as f64 / before as f64));
        }
    }
    moves
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_outlook_is_the_better_of_two_forecasts_on_the_past(grid in grids(100..400)) {
        let slots = grid.known(&grid.prices);
        let trials = trials(&slots);
        let insight = grid.insight(90);
        prop_assert_eq!(insight.outlook.n, trials.len());
        let Ok(outlook) = insight.outlook.value else {
            let is_too_little = grid.current_price().is_none() || days_of(values(&slots).len()) < 120.0 || trials.len() < 30;
            prop_assert!(is_too_little);
            return Ok(());
        };
        let (of_last, of_median) = (mean_error(&trials, |trial| trial.last), mean_error(&trials, |trial| trial.median));
        let (own, other) = match outlook.method {
            Method::LastValue => (of_last, of_median),
            Method::Median90Days => (of_median, of_last),
        };
        prop_assert!((outlook.mean_error_minor as f64 - own).abs() <= 0.5 + 1e-9);
        prop_assert!((outlook.other_mean_error_minor as f64 - other).abs() <= 0.5 + 1e-9);
        prop_assert!(own <= other + 1.0);
        let current = grid.current_price().unwrap();
        let expected = match outlook.method {
            Method::LastValue => Some(current),
            Method::Median90Days => median(values(&grid.window(&grid.prices, 90))),
        };
        prop_assert_eq!(Some(outlook.price_minor), expected);
        let ratios = trials.iter().map(|trial| trial.actual as f64 / trial.last as f64);
        let led_to: Vec<i64> = ratios.map(|ratio| (ratio * current as f64).round() as i64).collect();
        let share = |is_meant: &dyn Fn(i64) -> bool| led_to.iter().filter(|price| is_meant(**price)).count() as f64 / led_to.len() as f64;
        prop_assert!(share(&|price| price <= outlook.low_minor) >= 0.1 && share(&|price| price < outlook.low_minor) < 0.1);
        prop_assert!(share(&|price| price <= outlook.high_minor) >= 0.9 && share(&|price| price < outlook.high_minor) < 0.9);
    }

    #[test]
    fn a_season_compares_each_month_with_its_year(grid in grids(700..1000)) {
        let expected = month_ratios(&grid.known(&grid.prices));
        let insight = grid.insight(90);
        prop_assert_eq!(insight.season.n, expected.iter().map(Vec::len).sum::<usize>());
        let Ok(season) = insight.season.value else {
            prop_assert!(grid.slots < 730 * SLOTS_PER_DAY);
            return Ok(());
        };
        for (found, ratios) in season.months.into_iter().zip(expected) {
            prop_assert_eq!(found.map_or(0, |month| month.years), ratios.len());
            if let Some(month) = found {
                prop_assert!(close(month.index, middle(ratios)));
            }
        }
    }

    #[test]
    fn ranks_are_compared_a_week_around_each_move_that_held(grid in grids(200..500)) {
        let moves = moves(&grid);
        let insight = grid.insight(90);
        prop_assert_eq!(insight.elasticity.n, moves.len());
        let Ok(found) = insight.elasticity.value else {
            prop_assert!(moves.len() < 8);
            return Ok(());
        };
        let is_expected = |(is_decrease, ratio): &&(bool, f64)| if *is_decrease { *ratio < 1.0 } else { *ratio > 1.0 };
        prop_assert!(close(found.expected_share, share_of(moves.iter().filter(is_expected).count(), moves.len())));
        for (is_decrease, found) in [(true, found.after_decrease), (false, found.after_increase)] {
            let ratios: Vec<f64> = moves.iter().filter(|(other, _)| *other == is_decrease).map(|(_, ratio)| *ratio).collect();
            match found {
                Some(found) => prop_assert!(close(found, middle(ratios))),
                None => prop_assert!(ratios.is_empty()),
            }
        }
    }
}

//! Where there is too little to go by, the value is missing and says why.

use amazon_tracker::insight::{Measure, Missing};

use crate::grid::{Grid, SLOTS_PER_DAY};

fn why<T: std::fmt::Debug>(measure: &Measure<T>) -> String {
    measure.value.as_ref().unwrap_err().to_string()
}

#[test]
fn a_listing_that_was_never_read_has_no_insight() {
    let insight = Grid { slots: 100, ..Grid::default() }.insight(90);
    assert_eq!(why(&insight.price_percentile), "there is no current price");
    assert_eq!(why(&insight.out_of_stock_share), "it is known for 0 % of the time; 50 % are needed");
    assert_eq!(why(&insight.volatility), "it is known for 0.0 days; 30 are needed");
    assert_eq!(why(&insight.season), "it is known for 0.0 days; 730 are needed");
    assert_eq!(why(&insight.rank_drops), "there are 0 rank changes; 10 are needed");
    assert_eq!(why(&insight.buy_box), "it is known for 0.0 days; 14 are needed");
    assert_eq!(why(&insight.position), "there is no current price");
    assert_eq!(why(&insight.elasticity), "there are 0 price moves; 8 are needed");
    assert_eq!(why(&insight.outlook), "there is no current price");
}

#[test]
fn a_price_of_two_weeks_has_no_percentile() {
    let insight = Grid { slots: 14 * SLOTS_PER_DAY, prices: vec![(0, Some(1000))], ..Grid::default() }.insight(90);
    assert_eq!(why(&insight.price_percentile), "it is known for 14.0 days; 30 are needed");
    assert_eq!(why(&insight.deal_score), "it is known for 14.0 days; 30 are needed");
}

#[test]
fn a_price_that_was_blocked_half_the_time_has_no_percentile() {
    let gaps = vec![(20, 20 + 40 * SLOTS_PER_DAY)];
    let grid = Grid { slots: 90 * SLOTS_PER_DAY, prices: vec![(0, Some(1000))], gaps, ..Grid::default() };
    assert_eq!(why(&grid.insight(90).price_percentile), "it is known for 56 % of the time; 70 % are needed");
}

#[test]
fn a_price_that_never_moved_is_neither_good_nor_the_lowest() {
    let insight = Grid { slots: 400, prices: vec![(0, Some(1000))], ..Grid::default() }.insight(90);
    assert_eq!(insight.price_percentile.value, Ok(0.5));
    assert_eq!(why(&insight.deal_score), "there are 1 different prices; 3 are needed");
    let lowest = insight.lowest.value.unwrap();
    assert!(!lowest.of_all_time && !lowest.of_90_days);
}

#[test]
fn a_price_that_was_not_read_lately_is_not_judged() {
    let grid = Grid { slots: 400, prices: vec![(0, Some(1000))], gaps: vec![(390, 400)], ..Grid::default() };
    assert_eq!(grid.insight(90).price_percentile.value, Err(Missing::NoCurrentPrice));
}

#[test]
fn a_missed_crawl_is_not_out_of_stock() {
    let grid = Grid {
        slots: 180,
        states: vec![(0, Some(1)), (100, Some(3)), (110, Some(1))],
        gaps: vec![(20, 80)],
        ..Grid::default()
    };
    let share = grid.insight(90).out_of_stock_share;
    assert_eq!((share.value, share.n), (Ok(10.0 / 120.0), 1));
}

#[test]
fn ranks_that_were_read_at_another_pace_are_not_counted() {
    let often = (0..100).map(|slot| (slot, Some(100 + i64::try_from(slot % 7).unwrap())));
    let seldom = (0..20).map(|step| (100 + 4 * step, Some(200 + i64::try_from(step % 5).unwrap())));
    let grid = Grid { slots: 180, ranks: often.clone().chain(seldom).collect(), ..Grid::default() };
    let pace = grid.insight(90).rank_drops;
    // Of 119 pauses, the later half has 20 long ones among 40 short ones: the typical one is short.
    assert!(pace.value.is_ok(), "{pace:?}");
    let longer = (0..80).map(|step| (100 + 4 * step, Some(200 + i64::try_from(step % 5).unwrap())));
    let grid = Grid { slots: 420, ranks: often.chain(longer).collect(), ..Grid::default() };
    assert_eq!(grid.insight(210).rank_drops.value, Err(Missing::UnevenCrawls { ratio: 4.0 }));
}

//! A product beside its competitors: who was cheaper when, and what cannot be compared.

use amazon_tracker::domain::*;
use amazon_tracker::insight::{Compared, Exclusion, ListingHistory, Missing, Peer, PriceBasis, Undercut, comparison};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::grid::{Changes, Grid, SLOTS_PER_DAY, grids, no_peer, time};

const SLOTS: usize = 90 * SLOTS_PER_DAY;

fn number(series: Series, slot: usize, number: i64) -> Point {
    Point { key: series.into(), at: time(slot), value: Some(PointValue::Number(number)) }
}

fn product(prices: &Changes<i64>, others: Vec<Point>) -> Compared {
    let price = |(slot, value): &(usize, Option<i64>)| Point {
        key: Series::Price.into(),
        at: time(*slot),
        value: value.map(PointValue::Number),
    };
    let points: Vec<Point> = prices.iter().map(price).chain(others).collect();
    let history = ListingHistory::new(points, None, false, time(SLOTS));
    let price_minor = prices.last().and_then(|(_, price)| *price);
    let peer = Peer { price_minor, as_of: Some(time(SLOTS)), ..no_peer() };
    Compared { peer, ranks: Vec::new(), history }
}

#[test]
fn a_competitor_that_is_cheaper_for_a_while_undercuts() {
    let own = product(&vec![(0, Some(1000))], Vec::new());
    let rival = product(
        &vec![(0, Some(1200)), (20, Some(900)), (30, Some(850)), (40, Some(1000)), (100, Some(999))],
        Vec::new(),
    );
    let id = rival.peer.product_id;
    let found = comparison(&own, &[rival], 90);
    let undercut = |from, to: Option<usize>, competitor_minor| Undercut {
        product_id: id,
        from: time(from),
        to: to.map(time),
        own_minor: 1000,
        competitor_minor,
    };
    assert_eq!(found.undercuts, [undercut(100, None, 999), undercut(20, Some(40), 850)], "the same price is not lower");
}

#[test]
fn shipping_decides_where_it_is_known_of_all() {
    let own = product(&vec![(0, Some(1000))], vec![number(Series::Shipping, 0, 0)]);
    let mut own = own;
    own.peer.shipping_minor = Some(0);
    let mut rival =
        product(&vec![(0, Some(900))], vec![number(Series::Shipping, 0, 300), number(Series::Shipping, 50, 50)]);
    rival.peer.shipping_minor = Some(50);
    let found = comparison(&own, &[rival.clone()], 90);
    assert_eq!((found.basis, found.competitors[0].price_minor), (PriceBasis::Landed, Ok(950)));
    assert_eq!(found.undercuts.iter().map(|undercut| undercut.from).collect::<Vec<_>>(), [time(50)]);
    rival.peer.shipping_minor = None;
    let found = comparison(&own, &[rival], 90);
    assert_eq!((found.basis, found.competitors[0].price_minor), (PriceBasis::WithoutShipping, Ok(900)));
    assert_eq!(found.undercuts[0].from, time(0));
}

#[test]
fn a_product_in_another_currency_neither_wins_nor_undercuts() {
    let own = product(&vec![(0, Some(8000))], Vec::new());
    let mut foreign = product(&vec![(0, Some(5))], Vec::new());
    foreign.peer.marketplace = Marketplace::Jp;
    let found = comparison(&own, &[foreign], 90);
    assert_eq!(found.competitors[0].price_minor, Err(Exclusion::OtherCurrency));
    assert_eq!((found.competitors[0].percent_to_own, found.undercuts), (None, Vec::new()));
    assert!(matches!(found.position.value, Err(Missing::TooFew { count: 0, .. })));
}

#[test]
fn ranks_are_compared_in_the_category_that_most_have() {
    let with_ranks = |ranks: &[(&str, u32)]| {
        let mut product = product(&vec![(0, Some(1000))], Vec::new());
        product.ranks =
            ranks.iter().map(|(category, rank)| Rank { rank: *rank, category: (*category).to_owned() }).collect();
        product
    };
    let own = with_ranks(&[("Kitchen", 900), ("Scales", 12), ("Baking", 3)]);
    let others = [with_ranks(&[("Scales", 4), ("Kitchen", 50)]), with_ranks(&[("Scales", 7)]), with_ranks(&[])];
    let found = comparison(&own, &others, 90);
    assert_eq!((found.category.as_deref(), found.own.rank), (Some("Scales"), Some(12)));
    assert_eq!(found.competitors.iter().map(|row| row.rank).collect::<Vec<_>>(), [Some(4), Some(7), None]);
}

#[test]
fn reviews_are_counted_over_the_window() {
    let counts = |counts: &[(usize, i64)]| {
        counts.iter().map(|(slot, count)| number(Series::ReviewCount, *slot, *count)).collect()
    };
    let own = product(&vec![(0, Some(1000))], counts(&[(0, 100), (30, 130), (150, 125)]));
    let thin = product(&vec![(0, Some(1000))], counts(&[(SLOTS - 4, 9)]));
    let found = comparison(&own, &[thin], 90);
    assert_eq!((found.own.reviews_gained.value, found.own.reviews_gained.n), (Ok(25), 2));
    assert_eq!(found.competitors[0].reviews_gained.value, Err(Missing::TooShort { days: 2.0, needed: 7 }));
    let found = comparison(&own, &[], 30);
    assert_eq!(found.own.reviews_gained.value, Ok(-5), "what held at the beginning counts");
}

/// A product with the prices of a grid.
fn of_grid(grid: &Grid) -> Compared {
    let peer = Peer { price_minor: Some(1), as_of: Some(grid.now()), ..no_peer() };
    Compared { peer, ranks: Vec::new(), history: grid.history() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_competitor_undercuts_exactly_when_both_prices_are_known_and_its_own_is_lower(one in grids(60..61), mut other in grids(60..61)) {
        other.slots = one.slots;
        let (own, rival) = (of_grid(&one), of_grid(&other));
        let found = comparison(&own, &[rival], 60);
        let (prices, beside) = (one.known(&one.prices), other.known(&other.prices));
        let is_within = |slot: usize, undercut: &Undercut| {
            let end: Timestamp = undercut.to.unwrap_or(one.now());
            undercut.from <= time(slot) && time(slot) < end
        };
        for slot in 0..one.slots {
            let is_lower = matches!((prices[slot].flatten(), beside[slot].flatten()), (Some(own), Some(rival)) if rival < own);
            let told = found.undercuts.iter().filter(|undercut| is_within(slot, undercut)).count();
            prop_assert_eq!(told, usize::from(is_lower), "slot {}", slot);
        }
        prop_assert!(found.undercuts.iter().all(|undercut| undercut.competitor_minor < undercut.own_minor || undercut.from < one.now()));
    }
}

//! The place of a price among those of competitors.

use amazon_tracker::domain::*;
use amazon_tracker::insight::{Exclusion, Missing, Peer, PriceBasis, comparable, percent_to, position};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn peer(price_minor: i64) -> Peer {
    Peer {
        product_id: ProductId::new(),
        marketplace: Marketplace::De,
        price_minor: Some(price_minor),
        shipping_minor: Some(0),
        as_of: Some(now() - SignedDuration::from_hours(1)),
        interval: Interval::DAILY,
    }
}

#[test]
fn prices_are_compared_with_their_shipping() {
    let own = Peer { shipping_minor: Some(500), ..peer(1000) };
    let position = position(&own, &[peer(1200), peer(1500), peer(2000)], now());
    let found = position.value.unwrap();
    assert_eq!((found.rank, found.of, found.basis), (2, 4, PriceBasis::Landed));
    assert_eq!((found.cheapest_minor, found.median_minor), (1200, 1500));
    assert!((found.percent_to_cheapest - 25.0).abs() < 1e-9 && found.percent_to_median.abs() < 1e-9);
}

#[test]
fn where_one_shipping_is_unknown_all_are_compared_without() {
    let own = Peer { shipping_minor: Some(500), ..peer(1000) };
    let others = [Peer { shipping_minor: None, ..peer(1200) }, peer(1500), peer(2000)];
    let found = position(&own, &others, now()).value.unwrap();
    assert_eq!((found.rank, found.basis), (1, PriceBasis::WithoutShipping));
}

#[test]
fn five_yen_are_not_less_than_eighty_euros() {
    let own = peer(8000);
    let foreign = Peer { marketplace: Marketplace::Jp, ..peer(5) };
    let abroad = Peer { marketplace: Marketplace::Fr, ..peer(7000) };
    let stale = Peer { as_of: Some(now() - SignedDuration::from_hours(49)), ..peer(7000) };
    let gone = Peer { price_minor: None, ..peer(0) };
    let weekly = Peer { interval: Interval::WEEKLY, ..stale };
    let found = comparable(&own, &[foreign, abroad, stale, gone, weekly], now());
    assert_eq!(found.prices, [(weekly.product_id, 7000)], "a price is as fresh as its interval");
    let reasons: Vec<_> = found.excluded.iter().map(|(_, reason)| *reason).collect();
    use Exclusion::{NoPrice, OtherCurrency, OtherMarketplace, Stale};
    assert_eq!(reasons, [OtherCurrency, OtherMarketplace, Stale, NoPrice]);
    let missing = position(&own, &[foreign, foreign, foreign], now());
    assert_eq!(
        missing.value,
        Err(Missing::TooFew { what: "competitors with a comparable price", count: 0, needed: 3 })
    );
}

#[test]
fn an_own_price_that_is_old_is_compared_with_nobody() {
    let own = Peer { as_of: None, ..peer(1000) };
    assert_eq!(comparable(&own, &[peer(900)], now()).own_minor, Err(Exclusion::Stale));
    assert_eq!(position(&own, &[peer(1), peer(2), peer(3)], now()).value, Err(Missing::NoCurrentPrice));
}

proptest! {
    #[test]
    fn the_place_is_one_more_than_the_number_of_cheaper_ones(own in 1i64..50, others in prop::collection::vec(1i64..50, 3..20)) {
        let peers: Vec<Peer> = others.iter().map(|price| peer(*price)).collect();
        let found = position(&peer(own), &peers, now()).value.unwrap();
        prop_assert_eq!(found.rank, 1 + others.iter().filter(|price| **price < own).count());
        prop_assert_eq!(Some(&found.cheapest_minor), others.iter().min());
        let below = others.iter().filter(|price| **price < found.median_minor).count();
        let above = others.iter().filter(|price| **price > found.median_minor).count();
        prop_assert!(2 * below <= others.len() && 2 * above <= others.len());
        let back = found.cheapest_minor as f64 * (1.0 + found.percent_to_cheapest / 100.0);
        prop_assert!((back - own as f64).abs() < 1e-6);
        prop_assert!(percent_to(own, own).abs() < 1e-9);
    }
}

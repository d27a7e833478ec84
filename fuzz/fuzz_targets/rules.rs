//! The rule evaluator on any sequence of prices: no panic, no crossing without the condition, and none twice without a rise between.
#![no_main]

use amazon_tracker_fuzz::domain::{Arming, Condition, Currency, Money, rule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (i64, Vec<Option<i64>>)| {
    let (target_minor, prices) = input;
    let condition = Condition::PriceAtOrBelow { target: Money::new(target_minor, Currency::Usd) };
    let mut arming = Arming::NEW;
    let mut may_fire = true;
    for price_minor in prices {
        let (after, crossing) = rule::step(&condition, arming, price_minor.map(|minor| Money::new(minor, Currency::Usd)));
        let is_above = price_minor.is_some_and(|minor| minor > target_minor);
        if let Some(crossing) = crossing {
            assert!(may_fire, "fired twice without a rise in between");
            assert!(!is_above && price_minor == Some(crossing.price.amount_minor));
            assert_eq!(crossing.number, arming.crossings + 1);
            may_fire = false;
        }
        may_fire |= is_above;
        arming = after;
    }
});

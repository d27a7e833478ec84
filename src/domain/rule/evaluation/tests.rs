//! Each reading is a page; `None` of a field: not read.

mod competitors;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::availability::Availability;
use crate::domain::marketplace::Marketplace;
use crate::domain::money::{Currency, Money};
use crate::domain::observation::Observation;
use crate::domain::reading::Reading;
use crate::domain::rule::{Again, Competitors, Decimal, Found, Window, WindowKey, Windows};
use crate::domain::state::ListingState;

/// A listing that is crawled every hour, and a rule.
struct Fixture {
    settings: RuleSettings,
    state: RuleState,
    listing: ListingState,
    hours: i64,
    windows: Windows,
    competitors: Competitors,
    fired: Vec<u32>,
    /// When each crossing is told, in hours.
    told: Vec<i64>,
}

fn usd(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD"})
}

fn rule(condition: Value) -> Fixture {
    let condition = Condition::from_json(&condition).unwrap();
    assert_eq!(condition.check(Some(Currency::Usd)), []);
    Fixture {
        settings: RuleSettings::of(condition),
        state: RuleState::default(),
        listing: ListingState::default(),
        hours: 0,
        windows: Windows::default(),
        competitors: Competitors::default(),
        fired: Vec::new(),
        told: Vec::new(),
    }
}

fn page(price: Option<i64>) -> Observation {
    let mut seen = Observation::empty("B08PZHYWJS".parse::<crate::domain::Asin>().unwrap());
    seen.price = price.map_or(Reading::Absent, |minor| Reading::Is(Money::new(minor, Currency::Usd)));
    seen.availability = if price.is_some() { Availability::InStock } else { Availability::OutOfStock };
    seen
}

impl Fixture {
    fn advance(&mut self, after: &ListingState, found: Found<'_>) {
        let at = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(self.hours)).unwrap();
        let readings = Readings {
            at,
            marketplace: Marketplace::Us,
            before: &self.listing,
            after,
            found,
            windows: &self.windows,
            competitors: &self.competitors,
        };
        let (state, crossing) = advance(&self.settings, &self.state, &[], &readings);
        self.state = state;
        if let Some(crossing) = crossing {
            assert_eq!(crossing.number, self.state.crossings);
            self.fired.push(crossing.number);
            let told = crossing.told_with_others_at.unwrap_or(at);
            self.told.push(told.as_second() / 3600);
        }
        self.listing = after.clone();
        self.hours += 1;
    }

    /// A page that is believed at once, however much its price moves.
    fn page(&mut self, mut seen: Observation) -> bool {
        let fired = self.fired.len();
        seen.asin = None;
        let at = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(self.hours)).unwrap();
        let mut judged = self.listing.judge(&seen, at).state;
        while judged.held.is_some() {
            judged = judged.judge(&seen, at).state;
        }
        let offers = seen.offers.clone();
        let is_offer_unknown = seen.price == Reading::Unknown;
        self.advance(&judged, Found::Page { is_offer_unknown, content: None, offers: offers.as_ref() });
        self.fired.len() > fired
    }

    fn price(&mut self, minor: i64) -> bool {
        self.page(page(Some(minor)))
    }

    fn prices(&mut self, prices: &[i64]) -> Vec<bool> {
        prices.iter().map(|minor| self.price(*minor)).collect()
    }

    fn sold_out(&mut self) -> bool {
        self.page(page(None))
    }

    fn failed(&mut self) -> bool {
        let fired = self.fired.len();
        self.advance(&self.listing.after_failed_crawl(), Found::Nothing);
        self.fired.len() > fired
    }
}

const TARGET: fn() -> Value = || json!({"kind": "price_at_or_below", "target": usd(10_000)});

#[test]
fn a_rule_fires_once_at_the_target_and_again_after_a_rise_beyond_the_margin() {
    assert_eq!(rule(TARGET()).prices(&[12_000, 10_000, 9_000, 8_000]), [false, true, false, false]);
    assert_eq!(rule(TARGET()).prices(&[9_000, 10_201, 9_000]), [true, false, true]);
    assert_eq!(rule(TARGET()).prices(&[9_999, 10_001, 9_999, 10_200, 10_000]), [true, false, false, false, false]);
}

#[test]
fn a_failed_crawl_and_a_sell_out_neither_fire_nor_rearm() {
    let mut rule = rule(TARGET());
    assert!(rule.price(9_000));
    assert!(!rule.failed() && !rule.price(9_000));
    assert!(!rule.sold_out() && !rule.price(9_000));
    let mut unread = page(Some(1));
    unread.price = Reading::Unknown;
    assert!(!rule.page(unread) && !rule.price(9_000));
}

#[test]
fn a_threshold_has_the_margin_that_it_is_given() {
    let level = json!({"kind": "level", "field": "price", "op": "lte", "value": usd(10_000), "rearm": usd(1_000)});
    assert_eq!(rule(level).prices(&[9_000, 10_900, 9_000, 11_001, 9_000]), [true, false, false, false, true]);
}

#[test]
fn another_currency_is_not_compared() {
    let mut rule = rule(TARGET());
    rule.settings.condition = Condition::PriceAtOrBelow { target: Money::new(1_000_000, Currency::Jpy) };
    assert_eq!(rule.prices(&[1, 9_000]), [false, false]);
}

#[test]
fn a_combination_fires_when_its_last_part_comes_true() {
    let both = json!({"kind": "all", "of": [TARGET(), {"kind": "state", "of": "availability", "is": "in_stock"}]});
    let mut rule = rule(both);
    let mut unavailable = page(Some(9_000));
    unavailable.availability = Availability::OutOfStock;
    assert!(!rule.page(unavailable.clone()));
    // Within the margin of the price, which was never told.
    assert!(!rule.price(10_100));
    assert!(rule.price(9_900));
    assert!(!rule.page(unavailable) && rule.price(9_900), "back in stock at the target");
}

#[test]
fn any_part_that_is_new_fires_and_says_which() {
    let either =
        json!({"kind": "any", "of": [TARGET(), {"kind": "level", "field": "review_count", "op": "gte", "value": 100}]});
    let mut rule = rule(either);
    let reviewed = |minor, count| {
        let mut seen = page(Some(minor));
        seen.review_count = Reading::Is(count);
        seen
    };
    assert!(!rule.page(reviewed(12_000, 50)));
    assert!(rule.page(reviewed(9_000, 50)));
    assert!(rule.page(reviewed(9_000, 100)));
    assert!(!rule.page(reviewed(9_000, 101)));
}

#[test]
fn an_unknown_part_decides_nothing() {
    let both =
        json!({"kind": "all", "of": [TARGET(), {"kind": "level", "field": "rating", "op": "gte", "value": 4.2}]});
    let mut rule = rule(both);
    assert_eq!(rule.prices(&[9_000, 9_000]), [false, false]);
    let mut rated = page(Some(9_000));
    rated.rating = Reading::Is(crate::domain::Rating(430));
    assert!(rule.page(rated));
}

#[test]
fn a_negation_has_its_margin_on_the_other_side() {
    let not = json!({"kind": "not", "of": TARGET()});
    assert_eq!(
        rule(not).prices(&[9_000, 10_001, 9_950, 10_001, 9_000, 10_001]),
        [false, true, false, false, false, true]
    );
}

#[test]
fn a_slow_drift_fires_because_it_is_compared_with_what_was_told() {
    let drift = json!({"kind": "moved", "field": "price", "dir": "down", "by": {"percent": 5}});
    assert_eq!(
        rule(drift.clone()).prices(&[10_000, 9_800, 9_600, 9_500, 9_400, 9_025]),
        [false, false, false, true, false, true]
    );
    let mut previous = drift;
    previous["vs"] = json!("previous");
    assert_eq!(
        rule(previous).prices(&[10_000, 9_800, 9_600, 9_500, 9_400, 8_930]),
        [false, false, false, false, false, true]
    );
}

#[test]
fn the_extreme_since_the_last_message_lets_a_drop_after_a_rise_fire() {
    let vs = |vs: &str| json!({"kind": "moved", "field": "price", "dir": "down", "by": {"percent": 10}, "vs": vs});
    assert_eq!(rule(vs("told")).prices(&[10_000, 15_000, 10_000]), [false, false, false]);
    assert_eq!(
        rule(vs("extreme")).prices(&[10_000, 15_000, 13_500, 12_200, 12_150]),
        [false, false, true, false, true]
    );
}

#[test]
fn a_comparison_with_the_average_fires_once_while_it_holds() {
    let below =
        json!({"kind": "moved", "field": "price", "dir": "down", "by": {"percent": 10}, "vs": {"avg_days": 30}});
    let mut rule = rule(below);
    let key = rule.settings.condition.windows().remove(0);
    rule.windows.0.insert(key, Window { min: Some(9_000), max: Some(11_000), mean: Some(10_000), points: 9 });
    assert_eq!(
        rule.prices(&[9_500, 9_000, 8_900, 9_150, 9_000, 9_200, 9_000]),
        [false, true, false, false, false, false, true]
    );
}

#[test]
fn the_lowest_price_needs_a_history() {
    let lowest = |more: Value| {
        let mut lowest = json!({"kind": "lowest", "field": "price", "days": 90});
        lowest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        lowest
    };
    let with = |condition: Value, points: u32| {
        let mut rule = rule(condition);
        let key: WindowKey = rule.settings.condition.windows().remove(0);
        rule.windows.0.insert(key, Window { min: Some(9_000), max: Some(11_000), mean: Some(10_000), points });
        rule
    };
    assert_eq!(with(lowest(json!({})), 9).prices(&[9_000, 8_999]), [false, true]);
    assert_eq!(with(lowest(json!({})), 2).prices(&[9_000, 8_999]), [false, false]);
    assert_eq!(with(lowest(json!({"or_equal": true})), 9).prices(&[9_000, 9_000]), [true, false]);
    assert_eq!(with(lowest(json!({"within_percent": 5})), 9).prices(&[9_500, 9_450]), [false, true]);
    assert_eq!(with(lowest(json!({})), 9).prices(&[0]), [false], "a free copy is no price");
}

#[test]
fn a_price_that_is_better_by_far_is_told_again() {
    let mut rule = rule(TARGET());
    rule.settings.again = Some(Again { further_percent: Decimal::whole(5) });
    assert_eq!(rule.prices(&[10_000, 9_600, 9_500, 9_400, 9_025]), [true, false, true, false, true]);
}

#[test]
fn again_compares_with_what_was_told_also_of_a_rule_about_its_creation() {
    let below = json!({"kind": "moved", "field": "price", "dir": "down", "by": {"percent": 10}, "vs": "created"});
    let mut rule = rule(below);
    rule.settings.again = Some(Again { further_percent: Decimal::whole(5) });
    assert_eq!(rule.prices(&[10_000, 9_000, 9_000, 8_600, 8_500, 9_100]), [false, true, false, false, true, false]);
}

#[test]
fn the_landed_price_includes_shipping_and_less_a_coupon_when_asked() {
    let level = |coupon: bool| json!({"kind": "level", "field": "landed", "op": "lte", "value": usd(10_000), "less_coupon": coupon});
    let offer = |shipping: Option<i64>, coupon: Option<&str>| {
        let mut seen = page(Some(9_800));
        seen.shipping = shipping.map_or(Reading::Unknown, |minor| Reading::Is(Money::new(minor, Currency::Usd)));
        seen.coupon = coupon.map_or(Reading::Absent, |text| Reading::Is(text.to_owned()));
        seen
    };
    assert!(!rule(level(false)).page(offer(None, None)), "unknown shipping is not free shipping");
    assert!(!rule(level(false)).page(offer(Some(500), Some("Save 10%"))));
    assert!(rule(level(false)).page(offer(Some(200), None)));
    assert!(rule(level(true)).page(offer(Some(500), Some("Save 10%"))));
    assert!(!rule(level(true)).page(offer(Some(500), Some("Save 5% or more 10%"))));
}

#[test]
fn sellers_are_told_by_name_by_id_and_when_they_change() {
    let sold_by = |name: &str| {
        let mut seen = page(Some(9_000));
        seen.seller = Reading::Is(name.to_owned());
        seen
    };
    let mut amazon = rule(json!({"kind": "seller", "is": ["amazon"]}));
    assert!(!amazon.page(sold_by("Shop")) && amazon.page(sold_by("Amazon.com")) && !amazon.page(sold_by("Amazon.com")));
    let mut lost = rule(json!({"kind": "seller", "not": ["shop"], "crawls": 2}));
    assert!(!lost.page(sold_by("Shop")) && !lost.page(sold_by("Other")) && lost.page(sold_by("Third")));
    let mut new = rule(json!({"kind": "seller", "new": true}));
    assert!(!new.page(sold_by("Shop")) && new.page(sold_by("Other")) && !new.page(sold_by("Other")));
    assert!(new.page(sold_by("Shop")));
}

#[test]
fn a_listing_that_cannot_be_crawled_is_told_after_three_failures_and_again_after_a_success() {
    let mut rule = rule(json!({"kind": "state", "of": "tracking_failing"}));
    assert!(!rule.price(9_000) && !rule.failed() && !rule.failed());
    assert!(rule.failed() && !rule.failed());
    assert!(!rule.price(9_000));
    assert!(!rule.failed() && !rule.failed() && rule.failed());
}

#[test]
fn crossings_within_a_cooldown_are_told_together_at_its_end() {
    let mut rule = rule(json!({"kind": "state", "of": "availability", "is": "in_stock"}));
    rule.settings.cooldown_secs = 6 * 3600;
    for _ in 0..5 {
        rule.price(9_000);
        rule.sold_out();
    }
    // In stock at 0, 2, 4, 6 and 8 o'clock.
    assert_eq!(rule.told, [0, 6, 6, 12, 12]);
}

#[test]
fn a_new_condition_keeps_the_count_and_forgets_the_rest() {
    let mut rule = rule(TARGET());
    assert!(rule.price(9_000));
    rule.state = std::mem::take(&mut rule.state).of_condition(1).of_condition(2);
    assert!(rule.price(9_000));
    assert_eq!(rule.fired, [1, 2]);
}

/// What a crawl brought: a price, a sell-out, or nothing.
fn crawl() -> impl Strategy<Value = Option<Option<i64>>> {
    prop_oneof![
        6 => (9_000_i64..11_000).prop_map(|minor| Some(Some(minor))),
        1 => Just(Some(None)),
        2 => Just(None),
    ]
}

fn conditions() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (9_000_i64..11_000).prop_map(|minor| json!({"kind": "price_at_or_below", "target": usd(minor)})),
        (9_000_i64..11_000)
            .prop_map(|minor| json!({"kind": "level", "field": "price", "op": "gte", "value": usd(minor)})),
        Just(json!({"kind": "state", "of": "availability", "is": "in_stock"})),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|of| json!({"kind": "all", "of": of})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|of| json!({"kind": "any", "of": of})),
            inner.prop_map(|of| json!({"kind": "not", "of": of})),
        ]
    })
}

proptest! {
    /// The same page twice fires once; a crawl that read nothing fires nothing, and leaves everything as it was.
    #[test]
    fn no_sequence_of_crawls_fires_a_crossing_twice(condition in conditions(), crawls in prop::collection::vec(crawl(), 1..40)) {
        let mut rule = rule(condition);
        for crawl in crawls {
            let before = (rule.state.clone(), rule.fired.len());
            match crawl {
                None => {
                    prop_assert!(!rule.failed());
                    prop_assert_eq!(&before.0, &rule.state);
                }
                Some(price) => {
                    rule.page(page(price));
                    let (fired, leaves) = (rule.fired.len(), rule.state.leaves.clone());
                    prop_assert!(fired <= before.1 + 1);
                    if fired > before.1 {
                        prop_assert!(!rule.page(page(price)), "fired twice: {:?} {:?}", leaves, rule.state.leaves);
                    }
                }
            }
        }
        prop_assert_eq!(rule.fired.clone(), (1..=u32::try_from(rule.fired.len()).unwrap()).collect::<Vec<_>>());
    }
}

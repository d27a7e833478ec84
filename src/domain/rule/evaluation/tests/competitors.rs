//! Rules about competitors.

use super::*;
use crate::domain::ids::ProductId;
use crate::domain::interval::Interval;
use crate::domain::observation::Rank;
use crate::domain::rule::CompetitorReading;

const SET: &str = "01900000-0000-7000-8000-000000000001";

fn rival(n: u128, price_minor: i64) -> CompetitorReading {
    CompetitorReading {
        product_id: ProductId(uuid::Uuid::from_u128(n)),
        name: format!("Rival {n}"),
        marketplace: Marketplace::Us,
        interval: Interval::DAILY,
        price_minor: Some(price_minor),
        shipping_minor: None,
        price_as_of: Some(Timestamp::UNIX_EPOCH),
        ranks: Vec::new(),
        ranks_as_of: None,
    }
}

impl Fixture {
    /// A page while the competitors are as they were last read.
    fn beside(&mut self, price: i64, rivals: Vec<CompetitorReading>) -> bool {
        self.competitors = Competitors([(SET.parse().unwrap(), rivals)].into());
        self.page(page(Some(price)))
    }
}

fn undercut(by: Value) -> Fixture {
    rule(json!({"kind": "competitor", "set_id": SET, "event": "undercut", "by": by}))
}

#[test]
fn each_competitor_that_undercuts_is_told_once_until_it_falls_back() {
    let mut rule = undercut(json!({"percent": 10}));
    assert!(!rule.beside(1000, vec![rival(1, 901), rival(2, 1200)]));
    assert!(rule.beside(1000, vec![rival(1, 900), rival(2, 1200)]));
    assert!(!rule.beside(1000, vec![rival(1, 850), rival(2, 1200)]), "it was told");
    assert!(rule.beside(1000, vec![rival(1, 850), rival(2, 890)]), "another one");
    assert!(!rule.beside(1000, vec![rival(1, 919), rival(2, 890)]), "within the margin of 2 % it is not released");
    assert!(!rule.beside(1000, vec![rival(1, 900), rival(2, 890)]));
    assert!(!rule.beside(1000, vec![rival(1, 921), rival(2, 890)]));
    assert!(rule.beside(1000, vec![rival(1, 900), rival(2, 890)]), "it has fallen back in between");
}

#[test]
fn who_is_dearer_is_undercut_at_once_when_the_rule_is_made() {
    assert!(undercut(json!({"any": true})).beside(1000, vec![rival(1, 999)]));
    assert!(!undercut(json!({"any": true})).beside(1000, vec![rival(1, 1000)]));
}

#[test]
fn what_cannot_be_compared_neither_fires_nor_releases() {
    let mut rule = undercut(json!({"any": true}));
    let old = |n| CompetitorReading { price_as_of: None, ..rival(n, 100) };
    let abroad = CompetitorReading { marketplace: Marketplace::Jp, ..rival(2, 5) };
    let gone = CompetitorReading { price_minor: None, ..rival(3, 0) };
    assert!(!rule.beside(1000, vec![old(1), abroad, gone]));
    assert!(rule.beside(1000, vec![rival(1, 900)]));
    assert!(!rule.beside(1000, vec![old(1)]));
    assert!(!rule.page(page(None)), "there is no own price");
    assert!(!rule.beside(1000, vec![rival(1, 900)]), "it was told before it was unknown");
    rule.competitors = Competitors::default();
    assert!(!rule.page(page(Some(2000))), "the set is gone");
}

#[test]
fn shipping_counts_where_that_of_both_is_known() {
    let with_shipping = |own: i64, theirs: Option<i64>| {
        let mut rule = undercut(json!({"any": true}));
        let rivals = vec![CompetitorReading { shipping_minor: theirs, ..rival(1, 950) }];
        rule.competitors = Competitors([(SET.parse().unwrap(), rivals)].into());
        let shipping = Reading::Is(Money::new(own, Currency::Usd));
        rule.page(Observation { shipping, ..page(Some(1000)) })
    };
    assert!(with_shipping(0, None), "without shipping it is cheaper");
    assert!(!with_shipping(0, Some(50)), "with it, it costs the same");
    assert!(with_shipping(10, Some(50)));
}

#[test]
fn a_competitor_overtakes_when_it_was_behind_before() {
    let mut rule = rule(json!({"kind": "competitor", "set_id": SET, "event": "rank_overtaken"}));
    let ranked = |n, ranks: &[(&str, u32)]| CompetitorReading {
        ranks: ranks.iter().map(|(category, rank)| Rank { rank: *rank, category: (*category).to_owned() }).collect(),
        ranks_as_of: Some(Timestamp::UNIX_EPOCH),
        ..rival(n, 1)
    };
    let mut seen = |rivals: Vec<CompetitorReading>| {
        rule.competitors = Competitors([(SET.parse().unwrap(), rivals)].into());
        let own =
            [("Kitchen", 500), ("Kettles", 20)].map(|(category, rank)| Rank { rank, category: category.to_owned() });
        rule.page(Observation { ranks: Reading::Is(own.to_vec()), ..page(Some(1000)) })
    };
    let ahead = ranked(1, &[("Kitchen", 400)]);
    assert!(!seen(vec![ahead.clone(), ranked(2, &[("Kitchen", 600), ("Kettles", 5)])]), "the widest category counts");
    assert!(!seen(vec![ahead.clone(), ranked(2, &[("Toys", 1)])]), "they share no category");
    assert!(seen(vec![ahead.clone(), ranked(2, &[("Kitchen", 499)])]));
    assert!(!seen(vec![ranked(1, &[("Kitchen", 300)]), ranked(2, &[("Kitchen", 300)])]));
}

#[test]
fn a_test_of_competitors_needs_one_product_and_cannot_be_turned_round() {
    let test = json!({"kind": "competitor", "set_id": SET, "event": "undercut"});
    let condition = Condition::from_json(&test).unwrap();
    assert_eq!(condition.check(None)[0].field, "set_id");
    let turned = Condition::from_json(&json!({"kind": "not", "of": test})).unwrap();
    assert_eq!(turned.check(Some(Currency::Usd))[0].field, "of");
    let by = json!({"kind": "competitor", "set_id": SET, "event": "undercut", "by": {"percent": 101}});
    assert_eq!(Condition::from_json(&by).unwrap().check(Some(Currency::Usd))[0].field, "by.percent");
}

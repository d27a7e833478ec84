use super::*;
use crate::domain::ContentField;
use crate::domain::rule::{ContentChanged, Lasts, NewOffer};

/// The summary of an event whose condition is the opposite of a test.
fn negated(reason: Reason) -> String {
    let mut entry = Entry::of(event(vec![reason.clone()]));
    entry.event.facts.condition = Condition::Not { of: Box::new(reason.test) };
    compose(Language::En, &[entry]).items[0].summary.clone()
}

/// The summary of an event that is the second of its rule.
fn again(reason: Reason) -> String {
    let mut entry = Entry::of(event(vec![reason]));
    entry.event.facts.crossing = 2;
    compose(Language::En, &[entry]).items[0].summary.clone()
}

#[test]
fn movements_are_told_with_what_they_are_compared_with() {
    let told = |vs, value, was| summary(vec![numbers(moved(Field::Price, Direction::Down, vs), value, was)]);
    assert_eq!(told(Versus::Extreme, 8_999, 11_999), "Price fell to $89.99 (was $119.99, -25%)");
    assert_eq!(told(Versus::Previous, 11_999, 8_999), "Price rose to $119.99 (was $89.99, +33%)");
    assert_eq!(told(Versus::ListPrice, 8_999, 11_999), "Price 25% below the list price of $119.99: $89.99");
    assert_eq!(told(Versus::AvgDays(30), 8_999, 11_999), "Price 25% below the average of 30 days ($119.99): $89.99");
    assert_eq!(told(Versus::MaxDays(1), 8_999, 11_999), "Price 25% below the highest of 1 day ($119.99): $89.99");
    assert_eq!(told(Versus::MinDays(90), 8_999, 7_999), "Price 13% above the lowest of 90 days ($79.99): $89.99");
    assert_eq!(told(Versus::AvgDays(30), 8_999, 8_999), "Price equal to the average of 30 days ($89.99): $89.99");
    let rank = moved(Field::Rank, Direction::Any, Versus::Told);
    assert_eq!(summary(vec![numbers(rank.clone(), 12, 1_240)]), "Bestseller rank improved to 12 (was 1,240)");
    assert_eq!(summary(vec![numbers(rank, 1_240, 12)]), "Bestseller rank worsened to 1,240 (was 12)");
    let rating = moved(Field::Rating, Direction::Down, Versus::Told);
    assert_eq!(summary(vec![numbers(rating, 420, 450)]), "Rating fell to 4.2 (was 4.5)");
}

#[test]
fn thresholds_are_told_from_their_side() {
    let dollars = Threshold::Money(usd(9_000));
    let target = level(Field::Price, Op::Lte, dollars);
    let limit = "Price at or below your target of $90.00: $89.99";
    assert_eq!(summary(vec![numbers(target.clone(), 8_999, None)]), limit);
    assert_eq!(negated(numbers(target, 9_100, None)), "Price above $90.00: $91.00");
    let stars = Threshold::Number(Decimal { hundredths: 450 });
    assert_eq!(
        summary(vec![numbers(level(Field::Rating, Op::Gte, stars), 460, 440)]),
        "Rating at or above 4.5: 4.6 (was 4.4)"
    );
    let rank = Condition::Level(Level {
        field: Field::Rank,
        op: Op::Lte,
        value: Threshold::Number(Decimal::whole(1_000)),
        category: Some("Home &\nKitchen".to_owned()),
        rearm: None,
        less_coupon: false,
    });
    assert_eq!(summary(vec![numbers(rank, 998, None)]), "Bestseller rank in Home & Kitchen at or below 1,000: 998");
    let less_coupon = Condition::Level(Level {
        field: Field::Price,
        op: Op::Lte,
        value: dollars,
        category: None,
        rearm: None,
        less_coupon: true,
    });
    assert_eq!(
        summary(vec![numbers(less_coupon, 8_099, 11_999)]),
        "Price after coupon at or below your target of $90.00: $80.99"
    );
}

#[test]
fn a_lowest_value_is_told_with_its_time() {
    let told = |test, value, was| summary(vec![numbers(test, value, was)]);
    assert_eq!(
        told(lowest(Some(90), false, None), 8_999, 9_500),
        "Price at its lowest in 90 days: $89.99 (before: $95.00)"
    );
    assert_eq!(told(lowest(None, true, None), 8_999, 8_999), "Price again at its lowest on record: $89.99");
    assert_eq!(
        told(lowest(Some(30), false, Some(5)), 8_999, 8_900),
        "Price within 5% of its lowest in 30 days: $89.99 (before: $89.00)"
    );
    assert_eq!(
        negated(numbers(lowest(Some(30), true, None), 9_999, 8_900)),
        "Price above its lowest in 30 days: $99.99 (before: $89.00)"
    );
}

#[test]
fn states_are_told_as_they_are_also_within_a_not() {
    let in_stock = |text| words(available(AvailabilityIs::InStock), text, None);
    assert_eq!(summary(vec![in_stock("in_stock")]), "Now in stock");
    assert_eq!(again(in_stock("in_stock")), "Back in stock");
    assert_eq!(
        summary(vec![words(available(AvailabilityIs::InStock), "in_stock", Some("out_of_stock"))]),
        "Back in stock"
    );
    assert_eq!(summary(vec![in_stock("low_stock")]), "Only a few left in stock");
    assert_eq!(negated(in_stock("unavailable")), "Currently unavailable");
    for (of, holds, holds_not) in [
        (StateOf::Coupon, "Coupon offered", "Coupon no longer offered"),
        (StateOf::Delisted, "Delisted: the product page no longer exists", "Listed again: the product page exists"),
        (StateOf::Suppressed, "Buy Box suppressed: no offer is featured", "Buy Box restored: an offer is featured"),
        (
            StateOf::TrackingFailing,
            "Cannot be crawled at the moment: several attempts have failed",
            "Can be crawled again",
        ),
    ] {
        assert_eq!(summary(vec![words(state(of, true), "", None)]), holds);
        assert_eq!(summary(vec![words(state(of, false), "", None)]), holds_not);
        assert_eq!(negated(words(state(of, true), "", None)), holds_not);
        assert_eq!(negated(words(state(of, false), "", None)), holds);
    }
    let coupon = words(state(StateOf::Coupon, true), "Save 10% with coupon", None);
    assert_eq!(summary(vec![coupon]), "Coupon offered: Save 10% with coupon");
    let lasting = |secs| {
        let is = StateValue::Availability(AvailabilityIs::OutOfStock);
        let test = Condition::State(StateIs { of: StateOf::Availability, is, lasts: Some(Lasts::Secs(secs)) });
        summary(vec![words(test, "out_of_stock", None)])
    };
    assert_eq!(lasting(60), "Out of stock (for at least 1 minute)");
    assert_eq!(lasting(7_200), "Out of stock (for at least 2 hours)");
    assert_eq!(lasting(259_200), "Out of stock (for at least 3 days)");
}

#[test]
fn the_buy_box_is_told_from_the_view_of_its_reader_and_a_change_only_where_it_is_certain() {
    let mine = |was| words(seller(&["me"], &[], false), "My Shop", was);
    assert_eq!(summary(vec![mine(None)]), "You have the Buy Box");
    assert_eq!(summary(vec![mine(Some("Rival"))]), "You won the Buy Box (before: Rival)");
    assert_eq!(again(mine(None)), "You won the Buy Box");
    let not_mine = |was| words(seller(&[], &["me"], false), "Rival", was);
    assert_eq!(summary(vec![not_mine(Some("Rival"))]), "Rival has the Buy Box, not you");
    assert_eq!(summary(vec![not_mine(Some("My Shop"))]), "You lost the Buy Box to Rival");
    assert_eq!(again(not_mine(None)), "You lost the Buy Box to Rival");
    assert_eq!(negated(words(seller(&["me"], &[], false), "Rival", Some("My Shop"))), "You lost the Buy Box to Rival");
    assert_eq!(negated(reason(seller(&["me"], &[], false))), "No seller in the Buy Box");
    assert_eq!(
        summary(vec![words(seller(&[], &["me"], true), "Rival", Some("Other"))]),
        "New seller in the Buy Box: Rival (before: Other)"
    );
    assert_eq!(
        summary(vec![words(seller(&["amazon"], &[], false), "Amazon.com", None)]),
        "Seller in the Buy Box: Amazon.com"
    );
}

#[test]
fn offers_and_content_are_named() {
    let offer = Condition::Offer(NewOffer { new: true, not_in: Vec::new() });
    assert_eq!(summary(vec![words(offer.clone(), "Shop A, Shop B", None)]), "New in the offer list: Shop A, Shop B");
    assert_eq!(summary(vec![words(offer, "", None)]), "New seller in the offer list");
    let fields = vec![ContentField::Title, ContentField::ImageIds];
    let content = Reason { fields: fields.clone(), ..reason(Condition::Content(ContentChanged { fields })) };
    assert_eq!(summary(vec![content]), "Page changed: title, images");
}

#[test]
fn a_competitor_is_named_with_its_value_beside_the_own_one() {
    let told = |event, value, own| {
        summary(vec![Reason { text: Some("Zeta\nKettle".to_owned()), ..numbers(competitor(event), value, own) }])
    };
    assert_eq!(told(CompetitorEvent::Undercut, 8_999, 9_999), "Zeta Kettle costs $89.99, your product $99.99");
    assert_eq!(told(CompetitorEvent::RankOvertaken, 12, 1_240), "Zeta Kettle ranks 12, your product 1,240");
}

#[test]
fn of_several_reasons_the_number_comes_first_and_none_twice() {
    let price = numbers(moved(Field::Price, Direction::Down, Versus::Told), 8_999, 11_999);
    let in_stock = words(available(AvailabilityIs::InStock), "in_stock", None);
    let amazon = words(seller(&["amazon"], &[], false), "Amazon.com", None);
    let message = compose(Language::En, &[Entry::of(event(vec![in_stock, amazon, price.clone(), price]))]);
    assert_eq!(
        message.items[0].summary,
        "Price fell to $89.99 (was $119.99, -25%) · Seller in the Buy Box: Amazon.com · Now in stock"
    );
    assert_eq!(message.title, "Price fell to $89.99 (was $119.99, -25%): Steel Kettle, 1.7 l");
}

use super::*;
use crate::domain::rule::{ContentChanged, Lasts, NewOffer};
use crate::domain::{Availability, ContentField, MessageChart};

/// Reasons of every kind and on every side. A text that is missing, or that names a variable which is not given,
/// fails in tests.
fn all_reasons() -> Vec<Reason> {
    let mut reasons = vec![numbers(Condition::PriceAtOrBelow { target: euros(9_000) }, 8_999, 11_999)];
    for field in Field::iter() {
        let threshold = match field.unit() {
            crate::domain::rule::Unit::Money => Threshold::Money(euros(9_000)),
            _ => Threshold::Number(Decimal::whole(4)),
        };
        for (value, was) in [(100, Some(200)), (200, Some(100)), (100, Some(100)), (100, None)] {
            reasons.extend([Op::Lte, Op::Gte].map(|op| numbers(level(field, op, threshold), value, was)));
            for vs in [
                Versus::Told,
                Versus::Extreme,
                Versus::Previous,
                Versus::Created,
                Versus::ListPrice,
                Versus::AvgDays(1),
                Versus::MaxDays(30),
                Versus::MinDays(30),
            ] {
                reasons.push(numbers(moved(field, Direction::Any, vs), value, was));
            }
            for test in [lowest(Some(1), true, None), lowest(None, false, None), lowest(Some(90), false, Some(5))] {
                let Condition::Lowest(lowest) = test else { continue };
                reasons.push(numbers(Condition::Lowest(Lowest { field, ..lowest }), value, was));
            }
        }
    }
    reasons.extend(with_categories_and_coupons());
    reasons.extend(without_numbers());
    reasons
}

fn with_categories_and_coupons() -> Vec<Reason> {
    let limit = Threshold::Number(Decimal::whole(4));
    let rank = Level {
        field: Field::Rank,
        op: Op::Lte,
        value: limit,
        category: Some("Home".to_owned()),
        rearm: None,
        less_coupon: false,
    };
    let coupon = |field| Level {
        field,
        value: Threshold::Money(euros(9_000)),
        category: None,
        less_coupon: true,
        ..rank.clone()
    };
    let tests = [rank.clone(), coupon(Field::Price), coupon(Field::Landed)];
    tests.map(|test| numbers(Condition::Level(test), 3, 5)).to_vec()
}

fn without_numbers() -> Vec<Reason> {
    let mut reasons = Vec::new();
    for availability in Availability::ALL {
        reasons.push(words(available(AvailabilityIs::InStock), availability.as_str(), None));
    }
    for of in [StateOf::Coupon, StateOf::Delisted, StateOf::Suppressed, StateOf::TrackingFailing] {
        reasons.extend([true, false].map(|is| words(state(of, is), "", None)));
        reasons.push(words(state(of, true), "10%", None));
    }
    for secs in [60, 7_200, 864_000] {
        let is = StateValue::Availability(AvailabilityIs::OutOfStock);
        let lasts = Some(Lasts::Secs(secs));
        reasons.push(reason(Condition::State(StateIs { of: StateOf::Availability, is, lasts })));
    }
    for test in [
        seller(&["me"], &[], false),
        seller(&[], &["me"], false),
        seller(&["amazon"], &[], false),
        seller(&[], &[], true),
    ] {
        let texts = [words(test.clone(), "Rival", None), words(test.clone(), "Rival", Some("Other"))];
        reasons.extend(texts);
        reasons.push(reason(test));
    }
    for event in [CompetitorEvent::Undercut, CompetitorEvent::RankOvertaken] {
        let test = competitor(event);
        reasons.push(Reason { text: Some("Rival".to_owned()), ..numbers(test, 899, 999) });
    }
    let offer = Condition::Offer(NewOffer { new: true, not_in: Vec::new() });
    reasons.extend([words(offer.clone(), "Shop", None), reason(offer)]);
    let fields: Vec<_> = ContentField::iter().collect();
    let content = Condition::Content(ContentChanged { fields: fields.clone() });
    reasons.extend([Reason { fields, ..reason(content.clone()) }, reason(content)]);
    reasons
}

/// Nothing is empty, and nothing is left of the catalogue's own signs. All amounts are euros, so no dollar sign is
/// theirs.
fn check(language: Language, text: &str) {
    let is_sound = !text.trim().is_empty() && !text.contains(['{', '}', '$', '\u{2068}', '\u{2069}']);
    assert!(is_sound && !text.contains("None") && !text.contains("  "), "{language:?}: {text:?}");
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

fn entries_of(reason: &Reason) -> [Entry; 4] {
    let mut plain = Entry::of(event(vec![reason.clone()]));
    plain.event.facts.listing.marketplace = Marketplace::De;
    (plain.event.facts.price, plain.event.facts.previous_price) = (Some(euros(8_999)), Some(euros(11_999)));
    let mut negated = plain.clone();
    negated.event.facts.condition = Condition::Not { of: Box::new(reason.test.clone()) };
    negated.event.facts.crossing = 2;
    let standing =
        Standing { days: 30, minimum: Some(euros(8_000)), average: Some(euros(9_500)), is_lowest: false, since: None };
    let chart = MessageChart { png: vec![1], alt: "Price".to_owned() };
    let standing_now = Entry { standing: Some(Standing { minimum: None, ..standing }), ..plain.clone() };
    let ended = Entry {
        ended_at: Some(at("2026-03-05T15:00:00Z")),
        times: 2,
        chart: Some(chart),
        snooze_url: Some("https://tracker.example/s".to_owned()),
        ..plain.clone()
    };
    let since = Some(at("2026-01-01T00:00:00Z"));
    negated.standing = Some(Standing { average: Some(euros(8_500)), since, ..standing });
    let negated_and_ended = Entry { ended_at: Some(at("2026-03-07T15:00:00Z")), ..negated.clone() };
    [standing_now, negated, ended, negated_and_ended]
}

#[test]
fn every_reason_composes_in_every_language() {
    let composer = Composer::new();
    let reasons = all_reasons();
    assert!(reasons.len() > 400);
    for language in Language::iter() {
        let place = place(language);
        for reason in &reasons {
            for entry in entries_of(reason) {
                let request = ComposeRequest {
                    id: MessageId(Uuid::from_u128(9)),
                    at: entry.event.at,
                    place: &place,
                    entries: std::slice::from_ref(&entry),
                    left_out: 0,
                };
                let message = composer.compose(&request);
                check(language, &message.title);
                for item in &message.items {
                    check(language, &item.summary);
                    item.facts.iter().for_each(|fact| {
                        check(language, &fact.label);
                        check(language, &fact.value);
                    });
                    item.links.iter().for_each(|link| check(language, &link.label));
                }
                assert_eq!(message.items[0].chart.is_some(), entry.chart.is_some());
            }
        }
    }
}

#[test]
fn every_notice_composes_in_every_language() {
    let time = at("2026-03-05T15:00:00Z");
    let text = |text: &str| text.to_owned();
    let notices = [
        NoticeFacts::ChannelBroken { name: text("A"), reason: text("410 gone") },
        NoticeFacts::ChannelBroken { name: text("A"), reason: text("") },
        NoticeFacts::MarketplaceFailing { marketplace: Marketplace::Jp, since: time },
        NoticeFacts::MarketplaceRecovered { marketplace: Marketplace::Jp, since: time, until: time },
    ];
    let composer = Composer::new();
    for language in Language::iter() {
        for notice in &notices {
            let message = composer.notice(MessageId(Uuid::from_u128(9)), notice, &place(language), time);
            check(language, &message.title);
            check(language, message.note.as_deref().unwrap_or_default());
            check(language, &message.footer);
        }
    }
}

use super::*;

/// An entry of another product and rule.
fn entry(number: u128, title: &str, severity: Severity, seen: &str) -> Entry {
    let mut entry = Entry::of(event(vec![words(available(AvailabilityIs::InStock), "in_stock", None)]));
    entry.event.facts.title = Some(title.to_owned());
    entry.event.facts.severity = severity;
    entry.event.at = at(seen);
    entry.event.product_id = ProductId(Uuid::from_u128(number));
    entry.event.rule_id = RuleId(Uuid::from_u128(number));
    entry
}

#[test]
fn a_digest_has_the_urgent_first_then_the_recent_and_tells_what_ended_as_past() {
    let mut ended = entry(3, "Toaster", Severity::Urgent, "2026-03-05T01:10:00Z");
    ended.ended_at = Some(at("2026-03-05T02:40:00Z"));
    let mut repeated = entry(2, "Lamp", Severity::Normal, "2026-03-05T05:00:00Z");
    repeated.times = 3;
    let entries = [
        entry(1, "Kettle", Severity::Normal, "2026-03-05T04:00:00Z"),
        ended,
        repeated,
        entry(4, "Phone", Severity::Urgent, "2026-03-05T03:00:00Z"),
        entry(5, "Cup", Severity::Low, "2026-03-05T06:00:00Z"),
    ];
    let message = compose(Language::En, &entries);
    assert_eq!((message.kind, message.severity), (MessageKind::Digest, Severity::Urgent));
    assert_eq!(message.title, "5 alerts: Phone, Lamp, Kettle, …");
    let items: Vec<_> = message.items.iter().map(|item| (item.title.as_str(), item.summary.as_str())).collect();
    assert_eq!(
        items,
        [
            ("Phone", "Now in stock"),
            ("Lamp", "Now in stock (3 times)"),
            ("Kettle", "Now in stock"),
            ("Cup", "Now in stock"),
            ("Toaster", "Was in stock from 5 Mar 2026, 02:10 to 03:40 CET"),
        ]
    );
    assert_eq!((message.note, message.events.len()), (None, 5));
    assert_eq!(compose(Language::De, &entries).title, "5 Alarme: Phone, Lamp, Kettle, …");
}

#[test]
fn several_alerts_of_one_product_name_it_once() {
    let entries = [
        entry(1, "Kettle", Severity::Normal, "2026-03-05T04:00:00Z"),
        entry(1, "Kettle", Severity::Normal, "2026-03-05T04:00:00Z"),
    ];
    assert_eq!(compose(Language::En, &entries).title, "2 alerts: Kettle");
}

#[test]
fn a_digest_of_many_says_how_many_are_left_out_and_keeps_their_events() {
    let entries: Vec<_> = (0..38).map(|n| entry(n, "Cup", Severity::Normal, "2026-03-05T04:00:00Z")).collect();
    let message = compose(Language::En, &entries);
    assert_eq!((message.items.len(), message.events.len()), (MAX_ITEMS, 38));
    assert_eq!(message.more[0].as_deref(), Some("and 13 more"));
    let message = compose(Language::De, &entries[..26]);
    assert_eq!(message.more[0].as_deref(), Some("und 1 weiterer"));
    assert_eq!(compose(Language::De, &entries[..25]).more[..2], [None, Some("und 1 weiterer".to_owned())]);
}

#[test]
fn rules_and_products_without_an_entry_are_counted() {
    let entries: Vec<_> = (0..30).map(|n| entry(n, "Cup", Severity::Normal, "2026-03-05T04:00:00Z")).collect();
    let (id, at, place) = (MessageId(Uuid::from_u128(9)), at("2026-03-05T13:11:00Z"), place(Language::En));
    let request = ComposeRequest { id, at, place: &place, entries: &entries, left_out: 70 };
    let message = Composer::new().compose(&request);
    assert_eq!(message.title, "100 alerts: Cup, Cup, Cup, …");
    assert_eq!(message.more[0].as_deref(), Some("and 75 more"));
    assert_eq!(message.more[15].as_deref(), Some("and 90 more"), "of a channel with room for ten");
}

#[test]
fn what_ended_is_told_as_past_whatever_it_was() {
    let tell = |reasons: Vec<Reason>| {
        let mut entry = Entry::of(event(reasons));
        entry.event.at = at("2026-03-05T01:10:00Z");
        entry.ended_at = Some(at("2026-03-05T02:40:00Z"));
        compose(Language::En, &[entry]).title
    };
    let target = || numbers(Condition::PriceAtOrBelow { target: usd(9_000) }, 8_999, None);
    let in_stock = || words(available(AvailabilityIs::InStock), "low_stock", None);
    assert_eq!(
        tell(vec![target()]),
        "Price at or below your target of $90.00: $89.99 (from 5 Mar 2026, 02:10 to 03:40 CET, no longer the case): \
         Steel Kettle, 1.7 l"
    );
    assert_eq!(
        tell(vec![in_stock()]),
        "Had only a few left in stock from 5 Mar 2026, 02:10 to 03:40 CET: Steel Kettle, 1.7 l"
    );
    assert_eq!(
        tell(vec![words(state(StateOf::Coupon, true), "Save 10%", None)]),
        "A coupon was offered from 5 Mar 2026, 02:10 to 03:40 CET: Save 10%: Steel Kettle, 1.7 l"
    );
    assert_eq!(
        tell(vec![words(seller(&[], &["me"], false), "Rival", None)]),
        "Rival had the Buy Box from 5 Mar 2026, 02:10 to 03:40 CET: Steel Kettle, 1.7 l"
    );
    assert!(tell(vec![in_stock(), target()]).starts_with("Price at or below your target of $90.00: $89.99 (from "));
}

#[test]
fn an_empty_request_is_no_crash() {
    assert!(compose(Language::En, &[]).items.is_empty());
}

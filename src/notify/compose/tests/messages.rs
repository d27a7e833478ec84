use super::*;

fn price_drop() -> Entry {
    let test = moved(Field::Price, Direction::Down, Versus::Told);
    let standing =
        Standing { days: 90, minimum: Some(usd(8_999)), average: Some(usd(10_111)), is_lowest: true, since: None };
    Entry {
        standing: Some(standing),
        snooze_url: Some("https://tracker.example/snooze/t1".to_owned()),
        ..Entry::of(event(vec![numbers(test, 8_999, 11_999)]))
    }
}

#[test]
fn a_price_drop_in_english() {
    let message = compose(Language::En, &[price_drop()]);
    assert_eq!(
        written(&message),
        "\
Price fell to $89.99 (was $119.99, -25%): Steel Kettle, 1.7 l
# Steel Kettle, 1.7 l
Price fell to $89.99 (was $119.99, -25%)
- Price: $89.99 (before: $119.99)
- Last 90 days: lowest price, average: $101.11 (price 11% below it)
- Seen: 5 Mar 2026, 14:10 CET
- Alert: Kitchen
- Product: B08PZHYWJS (amazon.com)
> View at Amazon: https://www.amazon.com/dp/B08PZHYWJS
> View history: https://tracker.example/amazon/#/products/00000000-0000-0000-0000-000000000003
> Snooze this alert: https://tracker.example/snooze/t1
Sent by Amazon Tracker because one of your alerts fired."
    );
    assert_eq!((message.kind, message.severity), (MessageKind::Single, Severity::Normal));
    assert_eq!(message.items[0].image_url.as_deref(), Some("https://images.example/I/kettle.jpg"));
    assert_eq!(message.unsubscribe.unwrap().url, "https://tracker.example/unsubscribe/t0");
    assert_eq!(message.events.len(), 1);
}

#[test]
fn a_price_drop_in_german_at_amazon_de() {
    let mut entry = price_drop();
    let euros = |minor| Some(Money::new(minor, Currency::Eur));
    entry.event.facts.listing.marketplace = Marketplace::De;
    (entry.event.facts.price, entry.event.facts.previous_price) = (euros(134_999), euros(179_999));
    entry.event.facts.reasons = vec![numbers(moved(Field::Price, Direction::Down, Versus::Told), 134_999, 179_999)];
    entry.standing = entry.standing.map(|standing| Standing {
        minimum: euros(129_900),
        average: euros(150_000),
        is_lowest: false,
        since: Some(at("2026-02-01T00:00:00Z")),
        ..standing
    });
    let message = compose(Language::De, &[entry]);
    assert_eq!(
        written(&message),
        "\
Preis auf 1.349,99 € gesunken (zuvor 1.799,99 €, -25 %): Steel Kettle, 1.7 l
# Steel Kettle, 1.7 l
Preis auf 1.349,99 € gesunken (zuvor 1.799,99 €, -25 %)
- Preis: 1.349,99 € (zuvor: 1.799,99 €)
- Seit 01.02.2026: Tiefstpreis: 1.299,00 €, Durchschnitt: 1.500,00 € (Preis 10 % darunter)
- Gesehen: 05.03.2026, 14:10 CET
- Alarm: Kitchen
- Produkt: B08PZHYWJS (amazon.de)
> Bei Amazon ansehen: https://www.amazon.de/dp/B08PZHYWJS
> Verlauf ansehen: https://tracker.example/amazon/#/products/00000000-0000-0000-0000-000000000003
> Alarm stummschalten: https://tracker.example/snooze/t1
Gesendet von Amazon Tracker, weil einer Ihrer Alarme ausgelöst hat."
    );
}

#[test]
fn in_stock_without_a_price_has_no_empty_fact() {
    let mut entry = Entry::of(event(vec![words(available(AvailabilityIs::InStock), "in_stock", None)]));
    let facts = &mut entry.event.facts;
    (facts.price, facts.previous_price, facts.previous_price_as_of) = (None, None, None);
    (facts.title, facts.image_url, facts.rule_name) = (None, None, Some(" \n".to_owned()));
    let standing = Standing { days: 90, minimum: None, average: None, is_lowest: false, since: None };
    entry.standing = Some(standing);
    let place = Place { public_url: None, unsubscribe_url: None, ..place(Language::En) };
    assert_eq!(
        written(&compose_at(&place, &[entry])),
        "\
Now in stock: B08PZHYWJS (amazon.com)
# B08PZHYWJS (amazon.com)
Now in stock
- Seen: 5 Mar 2026, 14:10 CET
- Product: B08PZHYWJS (amazon.com)
> View at Amazon: https://www.amazon.com/dp/B08PZHYWJS
Sent by Amazon Tracker because one of your alerts fired."
    );
}

#[test]
fn an_old_price_is_told_with_its_date() {
    let mut entry = Entry::of(event(vec![words(available(AvailabilityIs::OutOfStock), "out_of_stock", None)]));
    entry.event.facts.previous_price_as_of = Some(at("2026-03-01T10:00:00Z"));
    let price = |entry: &Entry| {
        let fact = compose(Language::En, std::slice::from_ref(entry)).items[0].facts[0].clone();
        format!("{}: {}", fact.label, fact.value)
    };
    assert_eq!(price(&entry), "Price: $89.99 (before: $119.99, on 1 Mar 2026)");
    entry.event.facts.price = None;
    assert_eq!(price(&entry), "Last known price: $119.99, on 1 Mar 2026");
    (entry.event.facts.price, entry.event.facts.previous_price) = (Some(usd(0)), Some(usd(0)));
    assert_eq!(price(&entry), "Price: $0.00", "free is a price");
}

#[test]
fn other_numbers_are_facts_with_the_value_before() {
    let test = level(Field::ReviewCount, Op::Gte, Threshold::Number(Decimal::whole(1_000)));
    let message = compose(Language::De, &[Entry::of(event(vec![numbers(test, 1_002, 998)]))]);
    let item = &message.items[0];
    assert_eq!(item.summary, "Anzahl der Bewertungen bei mindestens 1.000: 1.002 (zuvor 998, +0,4\u{a0}%)");
    assert_eq!(
        (item.facts[1].label.as_str(), item.facts[1].value.as_str()),
        ("Anzahl der Bewertungen", "1.002 (zuvor: 998)")
    );
}

#[test]
fn events_of_earlier_versions_are_told_by_their_target() {
    let mut entry = Entry::of(event(Vec::new()));
    entry.event.facts.condition = Condition::PriceAtOrBelow { target: usd(9_000) };
    let message = compose(Language::En, &[entry.clone()]);
    assert_eq!(message.items[0].summary, "Price at or below your target of $90.00: $89.99 (was $119.99, -25%)");
    entry.event.facts.condition = Condition::All { of: Vec::new() };
    assert_eq!(compose(Language::En, &[entry]).items[0].summary, "The condition of your alert is met");
}

#[test]
fn a_clock_change_is_told_apart() {
    let mut entry = Entry::of(event(vec![words(available(AvailabilityIs::InStock), "in_stock", None)]));
    entry.event.at = at("2026-10-25T00:30:00Z");
    entry.ended_at = Some(at("2026-10-25T01:30:00Z"));
    let message = compose(Language::En, &[entry]);
    assert_eq!(message.items[0].summary, "Was in stock from 25 Oct 2026, 02:30 CEST to 25 Oct 2026, 02:30 CET");
}

#[test]
fn a_test_has_a_made_up_product_and_a_note() {
    for language in Language::iter() {
        let id = MessageId(Uuid::from_u128(9));
        let message = Composer::new().test_message(id, &place(language), at("2026-03-05T13:11:00Z"));
        assert_eq!((message.kind, message.items.len(), message.items[0].links.len()), (MessageKind::Test, 1, 1));
        assert!(message.note.is_some_and(|note| !note.is_empty()));
        let title = &message.items[0].title;
        assert!(['<', '>', '&', '*', '_', '[', ']', '!', '(', ')'].iter().all(|c| title.contains(*c)), "{title}");
    }
    let id = MessageId(Uuid::from_u128(9));
    let message = Composer::new().test_message(id, &place(Language::De), at("2026-03-05T13:11:00Z"));
    assert!(message.title.starts_with("Test: Preis auf 89,99\u{a0}€ gesunken (zuvor 119,99\u{a0}€, -25\u{a0}%): "));
}

#[test]
fn notices_say_what_happened_and_what_to_do() {
    let broken = NoticeFacts::ChannelBroken { name: "Phone\n".to_owned(), reason: "403 forbidden.".to_owned() };
    let id = MessageId(Uuid::from_u128(9));
    let told = |notice: &NoticeFacts, language| {
        Composer::new().notice(id, notice, &place(language), at("2026-03-05T13:11:00Z"))
    };
    let message = told(&broken, Language::En);
    assert_eq!((message.kind, message.items.len()), (MessageKind::Notice, 0));
    assert_eq!(message.title, "Channel not working: Phone");
    assert_eq!(
        message.note.as_deref(),
        Some(
            "Messages to the channel \"Phone\" cannot be delivered. The receiver \
             reported: 403 forbidden. Alerts wait until you repair the channel."
        )
    );
    let failing = NoticeFacts::MarketplaceFailing { marketplace: Marketplace::De, since: at("2026-03-05T10:00:00Z") };
    let message = told(&failing, Language::De);
    assert_eq!(message.title, "amazon.de ist nicht abrufbar");
    assert!(message.note.is_some_and(|note| note.contains("seit dem 05.03.2026, 11:00 CET")));
}

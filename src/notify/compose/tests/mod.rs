//! Tests of whole messages.

mod catalogues;
mod digests;
mod every_language;
mod messages;
mod others_texts;
mod sentences;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::*;
use crate::domain::rule::{
    AvailabilityIs, By, CompetitorEvent, CompetitorPasses, Condition, Decimal, Direction, Field, Level, Lowest, Moved,
    Op, Reason, SellerIs, StateIs, StateOf, StateValue, Threshold, Versus,
};
use crate::domain::{
    CompetitorSetId, Currency, Event, EventFacts, EventId, Listing, Marketplace, MessageItem, Money, ProductId, RuleId,
    TenantId,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn place(language: Language) -> Place {
    Place {
        language,
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        public_url: Some("https://tracker.example/amazon/".parse().unwrap()),
        unsubscribe_url: Some("https://tracker.example/unsubscribe/t0".to_owned()),
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::Usd)
}

fn reason(test: Condition) -> Reason {
    Reason { test, value: None, was: None, text: None, was_text: None, fields: Vec::new() }
}

fn numbers(test: Condition, value: i64, was: impl Into<Option<i64>>) -> Reason {
    Reason { value: Some(value), was: was.into(), ..reason(test) }
}

fn words(test: Condition, text: &str, was: Option<&str>) -> Reason {
    Reason { text: Some(text.to_owned()), was_text: was.map(str::to_owned), ..reason(test) }
}

fn moved(field: Field, dir: Direction, vs: Versus) -> Condition {
    let by = By::Percent(Decimal::whole(10));
    Condition::Moved(Moved { field, dir, by, vs, category: None, less_coupon: false })
}

fn level(field: Field, op: Op, value: Threshold) -> Condition {
    Condition::Level(Level { field, op, value, category: None, rearm: None, less_coupon: false })
}

fn lowest(days: Option<u32>, or_equal: bool, within_percent: Option<i64>) -> Condition {
    let within_percent = within_percent.map(Decimal::whole);
    let ever = days.is_none();
    Condition::Lowest(Lowest {
        field: Field::Price,
        days,
        ever,
        or_equal,
        within_percent,
        min_points: 3,
        category: None,
    })
}

fn state(of: StateOf, is: bool) -> Condition {
    Condition::State(StateIs { of, is: StateValue::Flag(is), lasts: None })
}

fn available(is: AvailabilityIs) -> Condition {
    Condition::State(StateIs { of: StateOf::Availability, is: StateValue::Availability(is), lasts: None })
}

fn competitor(event: CompetitorEvent) -> Condition {
    Condition::Competitor(CompetitorPasses { set_id: CompetitorSetId::new(), event, by: By::Any(true) })
}

fn seller(is: &[&str], not: &[&str], new: bool) -> Condition {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Condition::Seller(SellerIs { is: names(is), not: names(not), new, crawls: 1 })
}

/// An event of a kettle at amazon.com, with these reasons; its condition has them all.
fn event(reasons: Vec<Reason>) -> Event {
    let condition = Condition::All { of: reasons.iter().map(|reason| reason.test.clone()).collect() };
    let facts = EventFacts {
        rule_name: Some("Kitchen".to_owned()),
        severity: Severity::Normal,
        condition,
        crossing: 1,
        listing: Listing::new(Marketplace::Us, "B08PZHYWJS".parse().unwrap()),
        title: Some("Steel Kettle, 1.7 l".to_owned()),
        image_url: Some("https://images.example/I/kettle.jpg".to_owned()),
        price: Some(usd(8_999)),
        previous_price: Some(usd(11_999)),
        previous_price_as_of: Some(at("2026-03-05T12:10:00Z")),
        reasons,
    };
    Event {
        id: EventId(Uuid::from_u128(1)),
        tenant_id: TenantId::BUILT_IN,
        rule_id: RuleId(Uuid::from_u128(2)),
        product_id: ProductId(Uuid::from_u128(3)),
        facts,
        at: at("2026-03-05T13:10:00Z"),
        told_with_others_at: None,
    }
}

fn compose_at(place: &Place, entries: &[Entry]) -> AlertMessage {
    let id = MessageId(Uuid::from_u128(9));
    Composer::new().compose(&ComposeRequest { id, at: at("2026-03-05T13:11:00Z"), place, entries, left_out: 0 })
}

fn compose(language: Language, entries: &[Entry]) -> AlertMessage {
    compose_at(&place(language), entries)
}

/// The summary of an event with these reasons, in English.
fn summary(reasons: Vec<Reason>) -> String {
    compose(Language::En, &[Entry::of(event(reasons))]).items[0].summary.clone()
}

/// A message as text: title, items and the lines around them. No-break spaces are shown as spaces.
fn written(message: &AlertMessage) -> String {
    let mut text = format!("{}\n", message.title);
    for item in &message.items {
        text += &written_item(item);
    }
    if let Some(note) = &message.note {
        text += &format!("{note}\n");
    }
    text += &message.footer;
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn written_item(item: &MessageItem) -> String {
    let mut text = format!("# {}\n{}\n", item.title, item.summary);
    for fact in &item.facts {
        text += &format!("- {}: {}\n", fact.label, fact.value);
    }
    for link in &item.links {
        text += &format!("> {}: {}\n", link.label, link.url);
    }
    text
}

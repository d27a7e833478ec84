//! Messages as they are sent, and as nobody would like to see them.

use amazon_tracker::domain::rule::{Condition, Reason, Severity};
use amazon_tracker::domain::{
    AlertMessage, Currency, Event, EventFacts, EventId, Listing, Marketplace, MessageChart, MessageFact, MessageId,
    MessageItem, MessageKind, MessageLink, Money, ProductId, RuleId, TenantId,
};
use jiff::Timestamp;

/// What breaks messages: markup of every service, mentions, and texts from right to left.
pub const NASTY: &str = "<b>&_*[@everyone (-.! <!channel> @here @room {{ 7*7 }} `x` ~~y~~ |z| \"q\" \\ ";

/// A picture of one pixel.
pub const PNG: &[u8] = &[
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1F, 0x15, 0xC4, 0x89, 0, 0, 0, 0x0D, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0xF8, 0xCF, 0xC0,
    0xF0, 0x1F, 0, 5, 0, 1, 0xFF, 0xAB, 0xCE, 0x54, 0xD2, 0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
];

pub const UNSUBSCRIBE: &str = "https://tracker.example.com/unsubscribe?token=abc123";

fn fact(label: &str, value: &str) -> MessageFact {
    MessageFact { label: label.to_owned(), value: value.to_owned() }
}

pub fn item(title: &str) -> MessageItem {
    let link = |label: &str, url: &str| MessageLink { label: label.to_owned(), url: url.to_owned() };
    MessageItem {
        title: title.to_owned(),
        summary: "The price fell by 25 % and is the lowest of 90 days.".to_owned(),
        facts: vec![fact("Price", "$89.99 (before: $119.99)"), fact("Seller", "Amazon"), fact("Seen", "today, 12:00")],
        links: vec![
            link("View at Amazon", "https://www.amazon.com/dp/B000000001"),
            link("Details", "https://tracker.example.com/products/1?a=1&b=2"),
            link("Snooze", "https://tracker.example.com/snooze?token=xyz"),
        ],
        image_url: Some("https://m.media-amazon.com/images/I/1.jpg".to_owned()),
        chart: None,
    }
}

/// An ordinary alert.
pub fn simple() -> AlertMessage {
    AlertMessage {
        id: MessageId::new(),
        kind: MessageKind::Single,
        severity: Severity::Normal,
        title: "Price drop: Kettle (1.7 l)".to_owned(),
        items: vec![item("Kettle (1.7 l)")],
        note: None,
        footer: "You get this because of your rule \"Kettle\".".to_owned(),
        more: Vec::new(),
        unsubscribe: Some(MessageLink { label: "Unsubscribe".to_owned(), url: UNSUBSCRIBE.to_owned() }),
        at: "2026-11-28T12:00:00Z".parse::<Timestamp>().unwrap(),
        events: vec![event()],
    }
}

pub fn with_chart(mut message: AlertMessage) -> AlertMessage {
    let chart = MessageChart { png: PNG.to_vec(), alt: "Price of 90 days @everyone".to_owned() };
    message.items[0].chart = Some(chart);
    message
}

/// A title of five hundred characters.
pub fn nasty_title() -> String {
    let filling = "👨‍👩‍👧‍👦 קומקום חשמלי 电热水壶 e\u{301} ";
    format!("{NASTY}{}", filling.repeat(20)).chars().take(500).collect()
}

/// A single alert with everything that breaks messages: a long title, no price, a line break, a chart.
pub fn nasty() -> AlertMessage {
    let mut message = with_chart(simple());
    message.title = format!("In stock: {}", nasty_title());
    message.severity = Severity::Urgent;
    let item = &mut message.items[0];
    item.title = nasty_title();
    item.summary = format!("Sold by {NASTY}\u{202E}\r\n{NASTY}");
    item.facts = vec![fact("Seller", NASTY), fact(NASTY, &NASTY.repeat(20)), fact("", "lost"), fact("Empty", " \n ")];
    message.note = Some(format!("{NASTY}\n{NASTY}"));
    message.footer = NASTY.repeat(10);
    message
}

/// An alert about a product that has a title and nothing else.
pub fn bare() -> AlertMessage {
    let mut message = simple();
    let item = &mut message.items[0];
    (item.summary, item.facts, item.links, item.image_url) = (String::new(), Vec::new(), Vec::new(), None);
    message.footer = String::new();
    message.unsubscribe = None;
    message
}

/// A test of a channel: no item.
pub fn test() -> AlertMessage {
    let note = Some("This is a test. If you can read it, the channel works.".to_owned());
    AlertMessage { kind: MessageKind::Test, title: "Test".to_owned(), items: Vec::new(), note, ..simple() }
}

/// A digest of many products.
pub fn digest(count: usize) -> AlertMessage {
    let items = (1..=count).map(|n| {
        let mut item = item(&format!("Item {n:03} {NASTY}"));
        item.chart = Some(MessageChart { png: PNG.to_vec(), alt: format!("Price of item {n}") });
        item
    });
    AlertMessage {
        kind: MessageKind::Digest,
        title: format!("{count} alerts"),
        items: items.collect(),
        note: Some("From 22:00 to 07:00.".to_owned()),
        more: (0..=count).map(|cut| (cut > 0).then(|| format!("and {cut} more"))).collect(),
        ..simple()
    }
}

fn event() -> Event {
    let (rule_id, currency) = (RuleId::new(), Currency::Usd);
    let condition = Condition::PriceAtOrBelow { target: Money::new(9000, currency) };
    let listing = Listing::new(Marketplace::Us, "B000000001".parse().unwrap());
    let reason = Reason {
        test: condition.clone(),
        value: Some(8999),
        was: Some(11_999),
        text: None,
        was_text: None,
        fields: Vec::new(),
    };
    let facts = EventFacts {
        rule_name: Some("Kettle".to_owned()),
        severity: Severity::Normal,
        condition,
        crossing: 1,
        listing,
        title: Some("Kettle (1.7 l)".to_owned()),
        image_url: None,
        price: Some(Money::new(8999, currency)),
        previous_price: Some(Money::new(11_999, currency)),
        previous_price_as_of: None,
        reasons: vec![reason],
    };
    Event {
        id: EventId::of_crossing(rule_id, 1),
        tenant_id: TenantId::BUILT_IN,
        rule_id,
        product_id: ProductId::new(),
        facts,
        at: "2026-11-28T12:00:00Z".parse().unwrap(),
        told_with_others_at: None,
    }
}

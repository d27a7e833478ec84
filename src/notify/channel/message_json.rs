//! Messages and events for receivers that are programs.

use serde_json::{Value, json};

use crate::domain::{AlertMessage, Event, MessageItem};

/// The items as JSON. Pictures are left out: a receiver that is a program draws its own.
pub(super) fn items_json(message: &AlertMessage) -> Vec<Value> {
    let pair = |first: (&str, &str), second: (&str, &str)| json!({ first.0: first.1, second.0: second.1 });
    let facts = |item: &MessageItem| -> Vec<Value> {
        item.facts.iter().map(|fact| pair(("label", &fact.label), ("value", &fact.value))).collect()
    };
    let links = |item: &MessageItem| -> Vec<Value> {
        item.links.iter().map(|link| pair(("label", &link.label), ("url", &link.url))).collect()
    };
    let item = |item: &MessageItem| {
        json!({
            "title": item.title,
            "summary": item.summary,
            "facts": facts(item),
            "links": links(item),
            "url": item.links.first().map(|link| &link.url),
            "image_url": item.image_url,
        })
    };
    message.items.iter().map(item).collect()
}

/// An event as JSON: the fields of the webhook of a single alert, and what made it fire.
pub(super) fn event_json(event: &Event) -> Value {
    let facts = &event.facts;
    json!({
        "type": format!("product.{}", facts.condition.kind()),
        "event_id": event.id,
        "alert_id": event.rule_id,
        "alert_name": facts.rule_name,
        "product_id": event.product_id,
        "marketplace": facts.listing.marketplace,
        "asin": facts.listing.asin,
        "url": facts.listing.url(),
        "title": facts.title,
        "image_url": facts.image_url,
        "price": facts.price,
        "previous_price": facts.previous_price,
        "previous_price_as_of": facts.previous_price_as_of,
        "condition": facts.condition,
        "reasons": facts.reasons,
        "severity": facts.severity,
        "crossing": facts.crossing,
        "at": event.at,
    })
}

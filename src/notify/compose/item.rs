//! One item of a message: its facts and its links. A fact that is not known is left out.

use jiff::SignedDuration;

use super::compared::Compared;
use super::request::{Entry, Place, Standing};
use super::story::{reasons, story};
use super::writer::Writer;
use crate::domain::plain_text::{clean, clean_some};
use crate::domain::rule::{Condition, Field, Moved, Reason, Versus};
use crate::domain::{EventFacts, Listing, MessageFact, MessageItem, MessageLink};

/// A price that was read so long before is told with its date.
const OLD: SignedDuration = SignedDuration::from_hours(24);

/// The item of an entry.
pub(super) fn item(writer: &Writer<'_>, place: &Place, entry: &Entry) -> MessageItem {
    let facts = &entry.event.facts;
    let is_link = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    MessageItem {
        title: product_title(facts),
        summary: story(writer, entry).summary,
        facts: facts_of(writer, entry),
        links: links(writer, place, entry),
        image_url: facts.image_url.as_deref().map(str::trim).filter(is_link).map(str::to_owned),
        chart: entry.chart.clone(),
    }
}

/// The title of a product; of one without a title, what identifies it.
pub(super) fn product_title(facts: &EventFacts) -> String {
    clean_some(facts.title.as_deref()).unwrap_or_else(|| identity(facts.listing))
}

/// `B08PZHYWJS (amazon.de)`.
fn identity(listing: Listing) -> String {
    format!("{} (amazon.{})", listing.asin, listing.marketplace)
}

fn facts_of(writer: &Writer<'_>, entry: &Entry) -> Vec<MessageFact> {
    let facts = &entry.event.facts;
    let mut list = Facts(Vec::new());
    if let Some((label, value)) = price(writer, entry) {
        list.add(label, value);
    }
    for reason in &reasons(facts) {
        if let Some((label, value)) = compared(writer, reason, facts) {
            list.add(label, value);
        }
    }
    // Of what has ended, the price is not that of now, and does not stand anywhere any more.
    let standing = entry.standing.filter(|_| entry.ended_at.is_none());
    if let Some((label, value)) = standing.and_then(|standing| stands(writer, &standing, facts)) {
        list.add(label, value);
    }
    list.add(writer.plain("fact-seen"), writer.time(entry.event.at));
    list.add(writer.plain("fact-rule"), facts.rule_name.as_deref().map(clean).unwrap_or_default());
    list.add(writer.plain("fact-product"), identity(facts.listing));
    list.0
}

/// Facts, each label once and none empty.
struct Facts(Vec<MessageFact>);

impl Facts {
    fn add(&mut self, label: String, value: String) {
        if !value.is_empty() && self.0.iter().all(|fact| fact.label != label) {
            self.0.push(MessageFact { label, value });
        }
    }
}

/// The price at the event and before, or the last known one.
fn price(writer: &Writer<'_>, entry: &Entry) -> Option<(String, String)> {
    let (event, facts) = (&entry.event, &entry.event.facts);
    let label = || writer.plain(if entry.ended_at.is_some() { "fact-price-then" } else { "fact-price" });
    let old = facts.previous_price_as_of.filter(|as_of| event.at.duration_since(*as_of) > OLD);
    let before = facts.previous_price.map(|price| writer.money(price));
    let now = facts.price.map(|price| writer.money(price));
    Some(match (now, before.filter(|_| facts.price != facts.previous_price)) {
        (Some(now), None) => (label(), now),
        (Some(now), Some(before)) => {
            let (now, before) = (("now", now.into()), ("before", before.into()));
            let value = match old {
                Some(as_of) => writer.text("value-before-on", &[now, before, ("date", writer.date(as_of).into())]),
                None => writer.text("value-before", &[now, before]),
            };
            (label(), value)
        }
        (None, Some(last)) => {
            let date = facts.previous_price_as_of.map(|as_of| writer.date(as_of));
            let value = match date {
                Some(date) => writer.text("value-on", &[("value", last.into()), ("date", date.into())]),
                None => last,
            };
            (writer.plain("fact-last-price"), value)
        }
        (None, None) => return None,
    })
}

/// Another number that a test compared, now and before.
fn compared(writer: &Writer<'_>, reason: &Reason, facts: &EventFacts) -> Option<(String, String)> {
    // The value of a competitor is none of the product's.
    let compared = Compared::of(reason, facts).filter(|compared| compared.competitor.is_none())?;
    let is_price = compared.field == Field::Price && !compared.less_coupon;
    if is_price && facts.price.is_some() {
        return None;
    }
    let now = compared.number(writer, compared.value);
    let before = value_before(reason).filter(|was| *was != compared.value && !compared.less_coupon);
    let value = match before.map(|was| compared.number(writer, was)) {
        Some(before) => writer.text("value-before", &[("now", now.into()), ("before", before.into())]),
        None => now,
    };
    Some((compared.label(writer), value))
}

/// What a value was compared with, if that is the value before.
fn value_before(reason: &Reason) -> Option<i64> {
    match &reason.test {
        Condition::PriceAtOrBelow { .. } | Condition::Level(_) => reason.was,
        Condition::Moved(Moved { vs, .. }) => match vs {
            Versus::Told | Versus::Extreme | Versus::Previous | Versus::Created => reason.was,
            Versus::ListPrice | Versus::AvgDays(_) | Versus::MaxDays(_) | Versus::MinDays(_) => None,
        },
        _ => None,
    }
}

/// "Last 90 days": "lowest price; average: $100.00".
fn stands(writer: &Writer<'_>, standing: &Standing, facts: &EventFacts) -> Option<(String, String)> {
    let currency = facts.listing.marketplace.currency();
    let price = facts.price.filter(|price| price.currency == currency);
    let minimum = standing.minimum.filter(|minimum| minimum.currency == currency);
    let mut parts = Vec::new();
    if standing.is_lowest && price.is_some() {
        parts.push(writer.plain("standing-lowest"));
    } else if let Some(minimum) = minimum {
        parts.push(writer.text("standing-minimum", &[("price", writer.money(minimum).into())]));
    }
    if let Some(average) = standing.average.filter(|average| average.currency == currency) {
        let difference =
            price.and_then(|price| super::numbers::difference_percent(price.amount_minor, average.amount_minor));
        let written = ("price", writer.money(average).into());
        parts.push(match difference {
            None => writer.text("standing-average", &[written]),
            Some(mut percent) => {
                let key = if percent.hundredths < 0 { "standing-average-below" } else { "standing-average-above" };
                percent.hundredths = percent.hundredths.saturating_abs();
                writer.text(key, &[written, ("percent", writer.percent(percent).into())])
            }
        });
    }
    let label = match standing.since {
        Some(since) => writer.text("fact-standing-since", &[("date", writer.date(since).into())]),
        None => writer.text("fact-standing-days", &[("days", standing.days.into())]),
    };
    (!parts.is_empty()).then(|| (label, writer.list(parts)))
}

fn links(writer: &Writer<'_>, place: &Place, entry: &Entry) -> Vec<MessageLink> {
    let link = |key, url| MessageLink { label: writer.plain(key), url };
    let mut links = vec![link("link-product", entry.event.facts.listing.url())];
    if let Some(public_url) = &place.public_url {
        let mut base = public_url.clone();
        base.set_fragment(None);
        base.set_query(None);
        let product = entry.event.product_id;
        links.push(link("link-history", format!("{}/#/products/{product}", base.as_str().trim_end_matches('/'))));
    }
    if let Some(url) = entry.snooze_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
        links.push(link("link-snooze", url.to_owned()));
    }
    links
}

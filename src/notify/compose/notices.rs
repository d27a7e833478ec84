//! Messages about the installation itself, and tests of a channel.

use jiff::{SignedDuration, Timestamp};

use super::request::{Entry, Standing};
use super::writer::Writer;
use crate::domain::plain_text::{clean, shorten};
use crate::domain::rule::{By, Condition, Decimal, Direction, Field, Moved, Reason, Versus};
use crate::domain::{
    Asin, Event, EventFacts, EventId, Language, Listing, Marketplace, MessageId, Money, NoticeFacts, ProductId, RuleId,
    Severity, TenantId,
};

/// Maximum characters of what a receiver answered.
const MAX_REASON_CHARS: usize = 300;

/// The title and the text of a notice.
pub(super) fn notice_texts(writer: &Writer<'_>, notice: &NoticeFacts) -> (String, String) {
    match notice {
        NoticeFacts::ChannelBroken { name, reason } => {
            let name = writer.name(name);
            let reason = shorten(&clean(reason), MAX_REASON_CHARS).trim_end_matches('.').to_owned();
            let title = writer.text("notice-channel-broken-title", &[("name", name.clone().into())]);
            let name = ("name", name.into());
            if reason.is_empty() {
                return (title, writer.text("notice-channel-broken-text-bare", &[name]));
            }
            (title, writer.text("notice-channel-broken-text", &[name, ("reason", reason.into())]))
        }
        NoticeFacts::MarketplaceFailing { marketplace, since } => {
            let marketplace = ("marketplace", site(*marketplace).into());
            let since = ("since", writer.time(*since).into());
            let title = writer.text("notice-marketplace-failing-title", std::slice::from_ref(&marketplace));
            (title, writer.text("notice-marketplace-failing-text", &[marketplace, since]))
        }
        NoticeFacts::MarketplaceRecovered { marketplace, since, until } => {
            let marketplace = ("marketplace", site(*marketplace).into());
            let title = writer.text("notice-marketplace-recovered-title", std::slice::from_ref(&marketplace));
            let [from, to] = writer.range(*since, (*until).max(*since));
            (title, writer.text("notice-marketplace-recovered-text", &[marketplace, from, to]))
        }
    }
}

/// `amazon.de`.
fn site(marketplace: Marketplace) -> String {
    format!("amazon.{marketplace}")
}

/// A made-up entry, as a test of a channel tells it. Its title has what receivers treat specially, so that a test
/// shows whether an alert would arrive unchanged. Its ids are made from that of the message.
pub(super) fn sample(writer: &Writer<'_>, id: MessageId, at: Timestamp) -> Entry {
    let marketplace = match writer.language {
        Language::En => Marketplace::Us,
        Language::De => Marketplace::De,
        Language::Fr => Marketplace::Fr,
        Language::Es => Marketplace::Es,
        Language::It => Marketplace::It,
        Language::Pt => Marketplace::Br,
        Language::Ja => Marketplace::Jp,
        Language::Zh => Marketplace::Cn,
    };
    let price = |minor| Money::new(minor, marketplace.currency());
    let (now, before) = (price(8_999), price(11_999));
    let test = Condition::Moved(Moved {
        field: Field::Price,
        dir: Direction::Down,
        by: By::Percent(Decimal::whole(10)),
        vs: Versus::Told,
        category: None,
        less_coupon: false,
    });
    let reason = Reason {
        test: test.clone(),
        value: Some(now.amount_minor),
        was: Some(before.amount_minor),
        text: None,
        was_text: None,
        fields: Vec::new(),
    };
    let facts = EventFacts {
        rule_name: Some(writer.plain("test-rule")),
        severity: Severity::Normal,
        condition: test,
        crossing: 1,
        listing: Listing::new(marketplace, sample_asin()),
        title: Some(writer.plain("test-product")),
        image_url: None,
        price: Some(now),
        previous_price: Some(before),
        previous_price_as_of: at.checked_sub(SignedDuration::from_hours(1)).ok(),
        reasons: vec![reason],
    };
    let event = Event {
        id: EventId(id.0),
        tenant_id: TenantId::BUILT_IN,
        rule_id: RuleId(id.0),
        product_id: ProductId(id.0),
        facts,
        at,
        told_with_others_at: None,
    };
    let standing =
        Standing { days: 90, minimum: Some(now), average: Some(price(10_999)), is_lowest: true, since: None };
    Entry { standing: Some(standing), ..Entry::of(event) }
}

/// An ASIN that no product has.
fn sample_asin() -> Asin {
    "B000000000".parse().expect("ten letters and digits are an ASIN")
}

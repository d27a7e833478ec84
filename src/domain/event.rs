//! Alert events and their deliveries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{ChannelId, DeliveryId, EventId, ProductId, RuleId, TenantId};
use super::listing::Listing;
use super::money::Money;
use super::rule::{Condition, Crossing, Reason, Rule, Severity};
use super::series::Series;
use super::state::ListingState;

/// The durable record of one crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identifier, derived from the crossing: see [`EventId::of_crossing`].
    pub id: EventId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The rule that fired; it may have been deleted since.
    pub rule_id: RuleId,
    /// The product it concerns; it may have been deleted since.
    pub product_id: ProductId,
    /// The facts at the time of the crossing.
    pub facts: EventFacts,
    /// When the page that caused the crossing was crawled.
    pub at: Timestamp,
    /// It is within the cooldown of its rule: it is told at this time, with the others.
    pub told_with_others_at: Option<Timestamp>,
}

/// The content of an event: what was known at the time of the crossing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredFacts", into = "StoredFacts")]
pub struct EventFacts {
    /// The name of the rule.
    pub rule_name: Option<String>,
    /// How urgent it is.
    pub severity: Severity,
    /// The condition of the rule.
    pub condition: Condition,
    /// The number of the crossing within its rule, from 1.
    pub crossing: u32,
    /// The listing.
    pub listing: Listing,
    /// Title of the listing.
    pub title: Option<String>,
    /// URL of its main image.
    pub image_url: Option<String>,
    /// The accepted price, if there is one.
    pub price: Option<Money>,
    /// The last accepted price before it, if any.
    pub previous_price: Option<Money>,
    /// When the previous price was last read from a page: hours or days ago, if the pages in between did not state one.
    pub previous_price_as_of: Option<Timestamp>,
    /// What made the condition true.
    pub reasons: Vec<Reason>,
}

/// The stored form. The kind and the target of the first kind of condition stand beside the other facts, where earlier versions read
/// them.
#[derive(Clone, Serialize, Deserialize)]
struct StoredFacts {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<Condition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule_name: Option<String>,
    #[serde(default)]
    severity: Severity,
    crossing: u32,
    listing: Listing,
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    previous_price: Option<Money>,
    #[serde(default)]
    previous_price_as_of: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
}

impl From<StoredFacts> for EventFacts {
    fn from(stored: StoredFacts) -> Self {
        let of_target = || stored.target.map(|target| Condition::PriceAtOrBelow { target });
        Self {
            condition: stored.when.or_else(of_target).unwrap_or(Condition::All { of: Vec::new() }),
            rule_name: stored.rule_name,
            severity: stored.severity,
            crossing: stored.crossing,
            listing: stored.listing,
            title: stored.title,
            image_url: stored.image_url,
            price: stored.price,
            previous_price: stored.previous_price,
            previous_price_as_of: stored.previous_price_as_of,
            reasons: stored.reasons,
        }
    }
}

impl From<EventFacts> for StoredFacts {
    fn from(facts: EventFacts) -> Self {
        let kind = facts.condition.kind().to_owned();
        let (target, when) = match facts.condition {
            Condition::PriceAtOrBelow { target } => (Some(target), None),
            condition => (None, Some(condition)),
        };
        Self {
            kind,
            target,
            when,
            rule_name: facts.rule_name,
            severity: facts.severity,
            crossing: facts.crossing,
            listing: facts.listing,
            title: facts.title,
            image_url: facts.image_url,
            price: facts.price,
            previous_price: facts.previous_price,
            previous_price_as_of: facts.previous_price_as_of,
            reasons: facts.reasons,
        }
    }
}

impl Event {
    /// The event for a crossing of a rule, caused by a crawl at `at` that changed the state of the listing from `before` to
    /// `after`.
    pub fn of(
        rule: &Rule,
        crossing: Crossing,
        listing: Listing,
        before: &ListingState,
        after: &ListingState,
        at: Timestamp,
    ) -> Self {
        let currency = listing.marketplace.currency();
        let previous_price = before.price(currency);
        let facts = EventFacts {
            rule_name: rule.settings.name.clone(),
            severity: rule.settings.severity,
            condition: rule.settings.condition.clone(),
            crossing: crossing.number,
            listing,
            title: after.title.clone(),
            image_url: after.image_url.clone(),
            price: after.price(currency),
            previous_price,
            previous_price_as_of: previous_price.and_then(|_| before.as_of(Series::Price)),
            reasons: crossing.reasons,
        };
        let id = match rule.is_wide {
            false => EventId::of_crossing(rule.id, crossing.number),
            true => EventId::of_wide_crossing(rule.id, rule.product_id, crossing.number),
        };
        let told_with_others_at = crossing.told_with_others_at;
        let (tenant_id, rule_id, product_id) = (rule.tenant_id, rule.id, rule.product_id);
        Self { id, tenant_id, rule_id, product_id, facts, at, told_with_others_at }
    }
}

/// Delivery state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waiting for its first attempt or for a retry.
    Pending,
    /// Waiting for its time: quiet hours, a digest, a limit of the channel.
    Held,
    /// Part of a message that is being sent.
    Sending,
    /// Acknowledged by the receiver.
    Delivered,
    /// Given up after the last retry; can be listed and retried by hand.
    Dead,
    /// Not sent, as the policy of its channel says, or because its rule or channel was deleted.
    Dropped,
}

impl DeliveryStatus {
    /// The name used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One message to one channel, as reported to users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The same for every attempt, so that receivers can detect duplicates.
    pub id: DeliveryId,
    /// The channel, which may have been deleted since; `None`: the webhook of the rule.
    pub channel_id: Option<ChannelId>,
    /// Delivery state.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Error of the last attempt.
    pub last_error: Option<String>,
    /// When the receiver acknowledged it.
    pub delivered_at: Option<Timestamp>,
}

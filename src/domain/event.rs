//! Alert events and their deliveries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{DeliveryId, EventId, ProductId, RuleId, TenantId};
use super::listing::Listing;
use super::money::Money;
use super::rule::{Condition, Crossing, Rule};
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
}

/// The content of an event, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// The condition of the rule.
    #[serde(flatten)]
    pub condition: Condition,
    /// The number of the crossing within its rule, from 1.
    pub crossing: u32,
    /// The listing.
    pub listing: Listing,
    /// Title of the listing.
    pub title: Option<String>,
    /// The price that crossed the target.
    pub price: Money,
    /// The last accepted price before it, if any.
    pub previous_price: Option<Money>,
    /// When the previous price was last read from a page: hours or days ago, if the pages in between did not state one.
    #[serde(default)]
    pub previous_price_as_of: Option<Timestamp>,
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
        let previous_price = before.price(listing.marketplace.currency());
        let facts = EventFacts {
            condition: rule.condition,
            crossing: crossing.number,
            listing,
            title: after.title.clone(),
            price: crossing.price,
            previous_price,
            previous_price_as_of: previous_price.and_then(|_| before.as_of(Series::Price)),
        };
        let id = EventId::of_crossing(rule.id, crossing.number);
        Self { id, tenant_id: rule.tenant_id, rule_id: rule.id, product_id: rule.product_id, facts, at }
    }
}

/// Delivery state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// Waiting for its first attempt or for a retry.
    Pending,
    /// Acknowledged by the receiver.
    Delivered,
    /// Given up after the last retry; can be listed and retried by hand.
    Dead,
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
    /// Delivery state.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Error of the last attempt.
    pub last_error: Option<String>,
    /// When the receiver acknowledged it.
    pub delivered_at: Option<Timestamp>,
}

//! What is told to people: events, and the deliveries that carry them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{DeliveryId, EventId, ProductId, RuleId, TenantId};
use super::listing::Listing;
use super::money::Money;
use super::rule::{Condition, Crossing, Rule};

/// The durable record of one crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same for the same crossing, however often it is computed: see [`EventId::of_crossing`].
    pub id: EventId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The rule that fired; it may be deleted by now.
    pub rule_id: RuleId,
    /// The product it is about; it may be deleted by now.
    pub product_id: ProductId,
    /// What happened, as it was when it happened.
    pub facts: EventFacts,
    /// When the look was that saw it.
    pub at: Timestamp,
}

/// The content of an event, kept as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// What the rule waited for.
    #[serde(flatten)]
    pub condition: Condition,
    /// The number of the crossing within its rule.
    pub crossing: u32,
    /// The listing.
    pub listing: Listing,
    /// Its title.
    pub title: Option<String>,
    /// The price that crossed.
    pub price: Money,
    /// The price believed before, if there was one.
    pub previous_price: Option<Money>,
}

impl Event {
    /// The event of a rule's crossing.
    pub fn of(
        rule: &Rule,
        crossing: Crossing,
        listing: Listing,
        title: Option<String>,
        previous_price: Option<Money>,
        at: Timestamp,
    ) -> Self {
        let facts = EventFacts {
            condition: rule.condition,
            crossing: crossing.number,
            listing,
            title,
            price: crossing.price,
            previous_price,
        };
        let id = EventId::of_crossing(rule.id, crossing.number);
        Self { id, tenant_id: rule.tenant_id, rule_id: rule.id, product_id: rule.product_id, facts, at }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// To be sent, or sent again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up; can be seen and sent again by hand.
    Dead,
}

impl DeliveryStatus {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One message to one channel, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Stable over every attempt; the receiver can tell a repeat by it.
    pub id: DeliveryId,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the receiver took it.
    pub delivered_at: Option<Timestamp>,
}

//! Identifiers: one type each, so that they cannot be confused.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier that sorts by time of creation (UUID version 7).
            #[expect(clippy::new_without_default, reason = "each call returns a different value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

uuid_ids! {
    /// A tenant.
    TenantId;
    /// A tenant's interest in a listing.
    ProductId;
    /// An alert rule.
    RuleId;
    /// A channel: where a tenant wants to be told.
    ChannelId;
    /// A competitor set.
    CompetitorSetId;
    /// A message to a channel.
    MessageId;
    /// The durable record of one crossing.
    EventId;
    /// The delivery of one message to one channel.
    DeliveryId;
    /// A user.
    UserId;
    /// One sign-in of a user, from login to logout.
    SessionId;
    /// An API key.
    ApiKeyId;
    /// A job.
    JobId;
    /// A schedule.
    ScheduleId;
    /// One run of a schedule.
    ScheduleRunId;
    /// A report.
    ReportId;
    /// A question to a model.
    AdviceRequestId;
    /// A public link to a product.
    ShareId;
}

impl TenantId {
    /// The tenant of installations without accounts.
    pub const BUILT_IN: TenantId = TenantId(Uuid::from_u128(1));
}

/// Row number of a listing. Shared by all tenants; never exposed by the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListingId(pub i64);

impl std::fmt::Display for ListingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl EventId {
    /// The id of the event for a crossing. It depends only on the rule and the number of the crossing, so work that is
    /// repeated has no second effect.
    pub fn of_crossing(rule: RuleId, crossing: u32) -> Self {
        Self(Uuid::new_v5(&rule.0, &crossing.to_be_bytes()))
    }
}

impl EventId {
    /// The same for a rule about several products, each of which counts its own crossings.
    pub fn of_wide_crossing(rule: RuleId, product: ProductId, crossing: u32) -> Self {
        Self::of_crossing(RuleId(Uuid::new_v5(&rule.0, product.0.as_bytes())), crossing)
    }
}

impl MessageId {
    /// The id of the message to a channel whose first member is this delivery: a delivery is a member of one message.
    pub fn of_first_member(channel: ChannelId, first: Uuid) -> Self {
        Self(Uuid::new_v5(&channel.0, first.as_bytes()))
    }
}

impl DeliveryId {
    /// The id of the delivery of an event to a channel; deterministic for the same reason as [`EventId::of_crossing`].
    pub fn of_event(event: EventId, channel: &str) -> Self {
        Self(Uuid::new_v5(&event.0, channel.as_bytes()))
    }
}

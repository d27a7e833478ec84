//! Identifiers, one type each, so that none is taken for another.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier that sorts by its time of creation (UUID version 7).
            #[expect(clippy::new_without_default, reason = "each call makes another value")]
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
    /// The durable record of one crossing.
    EventId;
    /// One message to one channel.
    DeliveryId;
    /// A person.
    UserId;
    /// One sign-in of a person, from login to logout.
    SessionId;
    /// A machine's credential.
    ApiKeyId;
    /// A "check now" that somebody asked for.
    TaskId;
}

impl TenantId {
    /// The only tenant until accounts exist.
    pub const BUILT_IN: TenantId = TenantId(Uuid::from_u128(1));
}

/// Row number of a listing: global, never shown outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListingId(pub i64);

impl std::fmt::Display for ListingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl EventId {
    /// The same crossing of the same rule has the same id wherever and however often it is computed, which is what makes
    /// at-least-once work have exactly one effect.
    pub fn of_crossing(rule: RuleId, crossing: u32) -> Self {
        Self(Uuid::new_v5(&rule.0, &crossing.to_be_bytes()))
    }
}

impl DeliveryId {
    /// The delivery of an event to a channel; stable for the same reason as [`EventId::of_crossing`].
    pub fn of_event(event: EventId, channel: &str) -> Self {
        Self(Uuid::new_v5(&event.0, channel.as_bytes()))
    }
}

//! Alert rules: when a condition *becomes* true, once per crossing.
//!
//! A rule fires when its condition holds and one of the tests that make it hold is *fresh*: it is true for this crawl only
//! (something moved, somebody joined), or it has not been told since it last ceased to hold. A test ceases to hold past a margin
//! only, so a value that fluctuates around its threshold is told once. What a crawl did not read changes nothing.

mod check;
mod competitor_passes;
mod competitor_readings;
mod condition;
mod coupon;
mod decimal;
mod evaluation;
mod field;
mod leaf;
mod leaf_result;
mod parse;
mod readings;
mod replay;
mod state;
mod windows;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::ids::{ChannelId, ListingId, ProductId, RuleId, TenantId};
use super::offer::SellerId;

pub use check::ConditionError;
pub use competitor_readings::{CompetitorReading, Competitors, is_comparable};
pub use condition::{
    AvailabilityIs, By, CompetitorEvent, CompetitorPasses, Condition, ContentChanged, Direction, Lasts, Level, Lowest,
    Moved, NewOffer, Op, SellerIs, StateIs, StateOf, StateValue, Versus,
};
pub use decimal::Decimal;
pub use evaluation::{Crossing, Reason, step};
pub use field::{Field, Threshold, Unit};
pub use readings::{Found, Readings};
pub use replay::{Replay, ReplayedCrossing};
pub use state::{LeafState, RuleState};
pub use windows::{Window, WindowKey, Windows};

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleScope {
    /// One product.
    Product(ProductId),
    /// All products with this tag, also those that get it later.
    Tag(String),
    /// All products of the tenant.
    All,
}

/// How urgent a rule is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, IntoStaticStr, EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// Can wait.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Quiet hours can let it through.
    Urgent,
}

/// Fire again while the condition still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// When the value is better than the one that was told last by so many percent.
    pub further_percent: Decimal,
}

/// A channel that is used when none of the others has delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// The channel.
    pub channel: ChannelId,
    /// So long after the event.
    pub after_secs: u32,
}

/// What can be set of a rule, besides its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSettings {
    /// A name for people.
    pub name: Option<String>,
    /// The condition.
    pub condition: Condition,
    /// When it fires again while the condition holds.
    pub again: Option<Again>,
    /// Crossings of a product within so long after one that was told are told together at its end.
    pub cooldown_secs: u32,
    /// How urgent it is.
    pub severity: Severity,
    /// It is not evaluated.
    pub is_paused: bool,
    /// It is not evaluated from then on.
    pub expires_at: Option<Timestamp>,
}

/// A rule as it is evaluated for one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Identifier.
    pub id: RuleId,
    /// Rises with each change of its condition.
    pub condition_version: i64,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The product that is evaluated.
    pub product_id: ProductId,
    /// The listing of the product.
    pub listing_id: ListingId,
    /// It is about several products, so each of them counts its own crossings.
    pub is_wide: bool,
    /// Its settings.
    pub settings: RuleSettings,
    /// The tenant's own seller ids.
    pub own_sellers: Vec<SellerId>,
    /// What it remembers of the product.
    pub state: RuleState,
    /// Rises with each change of its state; 0 before the first.
    pub revision: i64,
}

impl RuleSettings {
    /// True when it is evaluated at this time.
    pub fn is_active(&self, now: Timestamp) -> bool {
        !self.is_paused && self.expires_at.is_none_or(|expires_at| expires_at > now)
    }

    /// The settings of a rule with this condition and nothing else.
    pub fn of(condition: Condition) -> Self {
        Self {
            name: None,
            condition,
            again: None,
            cooldown_secs: 0,
            severity: Severity::Normal,
            is_paused: false,
            expires_at: None,
        }
    }

    fn cooldown(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.cooldown_secs))
    }
}

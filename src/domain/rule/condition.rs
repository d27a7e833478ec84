//! The condition of a rule: a tree of tests on what crawls read.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::decimal::Decimal;
use super::field::{Field, Threshold};
use super::windows::WindowKey;
use crate::domain::content::ContentField;
use crate::domain::ids::CompetitorSetId;
use crate::domain::money::{Currency, Money};

/// Maximum depth of a tree; a single test has depth 1.
pub const MAX_DEPTH: usize = 4;
/// Maximum number of tests in a tree.
pub const MAX_LEAVES: usize = 16;

/// A condition: a test, or a combination of conditions.
///
/// It is three-valued. What a crawl did not read, or what is held for confirmation, is unknown; an unknown condition neither
/// fires nor re-arms its rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    /// The accepted price is at or below the target: [`Level`] in short.
    PriceAtOrBelow {
        /// The target price.
        target: Money,
    },
    /// A value is at or past a threshold.
    Level(Level),
    /// A value has moved away from what it is compared with.
    Moved(Moved),
    /// A value is the lowest in a time.
    Lowest(Lowest),
    /// A state holds.
    State(StateIs),
    /// The seller of the featured offer.
    Seller(SellerIs),
    /// A seller has joined the offer list.
    Offer(NewOffer),
    /// The content of the page has changed.
    Content(ContentChanged),
    /// A competitor has passed the product.
    Competitor(CompetitorPasses),
    /// Every one of these holds.
    All {
        /// The conditions.
        of: Vec<Condition>,
    },
    /// At least one of these holds.
    Any {
        /// The conditions.
        of: Vec<Condition>,
    },
    /// This one does not hold.
    Not {
        /// The condition.
        of: Box<Condition>,
    },
}

/// A value is at or past a threshold. It fires when this becomes true, and again only after the value has moved back past a
/// margin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// What is compared.
    pub field: Field,
    /// On which side of the threshold.
    pub op: Op,
    /// The threshold.
    pub value: Threshold,
    /// Of a rank: the category; default: the best rank of all categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How far the value must move back before the rule can fire again; default: [`Field::margin`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rearm: Option<Threshold>,
    /// Subtract the coupon from the price. A coupon that cannot be read makes the price unknown.
    #[serde(default, skip_serializing_if = "is_false")]
    pub less_coupon: bool,
}

/// The side of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// At or below it.
    Lte,
    /// At or above it.
    Gte,
}

/// A value has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// What is compared.
    pub field: Field,
    /// In which direction.
    #[serde(default)]
    pub dir: Direction,
    /// How far.
    pub by: By,
    /// With what it is compared.
    #[serde(default)]
    pub vs: Versus,
    /// Of a rank: the category; default: the best rank of all categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Subtract the coupon from the price.
    #[serde(default, skip_serializing_if = "is_false")]
    pub less_coupon: bool,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It has fallen.
    Down,
    /// It has risen.
    Up,
    /// Either.
    #[default]
    Any,
}

/// How far a value has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// By so many percent of what it is compared with.
    Percent(Decimal),
    /// By such an amount.
    Amount(Threshold),
    /// At all; always `true`.
    Any(bool),
}

impl By {
    /// How far a value must be from a base, in its own unit: at least one unit. `None`: it is of another kind or currency, or the base
    /// is none that has a percentage.
    pub(super) fn distance(self, field: Field, base: i64, currency: Currency) -> Option<i64> {
        let distance = match self {
            Self::Any(_) => 1,
            Self::Amount(amount) => field.native(amount, currency)?,
            Self::Percent(percent) if base > 0 => {
                // Rounded up: nine percent and a half are not ten.
                let scaled = i128::from(base) * i128::from(percent.hundredths);
                i64::try_from((scaled + 9_999).div_euclid(10_000)).ok()?
            }
            Self::Percent(_) => return None,
        };
        Some(distance.max(1))
    }
}

/// What a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versus {
    /// The value in the last message of this rule; before the first one, the value when the rule was created. A slow drift fires,
    /// too.
    #[default]
    Told,
    /// The highest value since the last message (for `up`, the lowest): a drop fires also after a rise that was not told.
    Extreme,
    /// The value of the crawl before.
    Previous,
    /// The value when the rule was created.
    Created,
    /// The list price.
    ListPrice,
    /// The time-weighted average of so many days.
    AvgDays(u32),
    /// The highest value of so many days.
    MaxDays(u32),
    /// The lowest value of so many days.
    MinDays(u32),
}

/// A value is lower than ever in a time. Free copies (a price of zero) are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowest {
    /// What is compared.
    pub field: Field,
    /// In so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// In the whole history.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ever: bool,
    /// The lowest value reached again counts, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub or_equal: bool,
    /// Within so many percent above the lowest value counts, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_percent: Option<Decimal>,
    /// How many changes the time must have before a lowest value means something.
    #[serde(default = "three")]
    pub min_points: u32,
    /// Of a rank: the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A state holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateIs {
    /// Which state.
    pub of: StateOf,
    /// The value that it should have; of all but the availability, `true` or `false`.
    #[serde(default)]
    pub is: StateValue,
    /// For how long. Default: at once; for `delisted`, two crawls.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Lasts>,
}

/// A state of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StateOf {
    /// Whether it can be bought.
    Availability,
    /// A coupon is offered.
    Coupon,
    /// Its page does not exist.
    Delisted,
    /// Sellers offer it, but no offer is featured: the Buy Box is suppressed.
    Suppressed,
    /// It cannot be crawled: at least three crawls in a row have failed.
    TrackingFailing,
}

/// The value of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StateValue {
    /// Of a state that holds or does not.
    Flag(bool),
    /// Of the availability.
    Availability(AvailabilityIs),
}

impl Default for StateValue {
    fn default() -> Self {
        Self::Flag(true)
    }
}

/// Groups of availabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AvailabilityIs {
    /// In stock, also when only few are left.
    InStock,
    /// Only few are left.
    LowStock,
    /// Out of stock, unavailable, or without a featured offer.
    OutOfStock,
    /// Unavailable: without a date for its return.
    Unavailable,
    /// Can be ordered before its release.
    Preorder,
}

/// For how long a state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// Seconds between the first crawl that saw it and the last.
    Secs(u32),
    /// Crawls in a row that saw it. Failed crawls do not count.
    Crawls(u8),
}

/// The seller of the featured offer: `me` (the tenant's own seller ids), `amazon`, a seller id or a seller's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SellerIs {
    /// It is one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is: Vec<String>,
    /// There is one, and it is none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// It is not the one that was told last.
    #[serde(default, skip_serializing_if = "is_false")]
    pub new: bool,
    /// Crawls in a row that saw it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub crawls: u8,
}

/// A seller who was not in the offer list before. The product must watch its offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOffer {
    /// Always `true`.
    pub new: bool,
    /// Sellers that do not count, as in [`SellerIs`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<String>,
}

/// The content of the page has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentChanged {
    /// One of these fields.
    pub fields: Vec<ContentField>,
}

/// A competitor of a set has passed the own product, and had not when it was told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompetitorPasses {
    /// The set. The rule is about its own product.
    pub set_id: CompetitorSetId,
    /// In what.
    pub event: CompetitorEvent,
    /// By how far, of the own value. Default: at all.
    #[serde(default = "at_all")]
    pub by: By,
}

/// In what a competitor passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompetitorEvent {
    /// Its price is lower; with shipping where that of both is known.
    Undercut,
    /// Its rank is better, in the widest category that both have a rank in. Competitors that were ahead when the rule began are not told.
    RankOvertaken,
}

fn at_all() -> By {
    By::Any(true)
}

impl CompetitorEvent {
    /// The number that is compared.
    pub fn field(self) -> Field {
        match self {
            Self::Undercut => Field::Price,
            Self::RankOvertaken => Field::Rank,
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn one() -> u8 {
    1
}

fn is_one(number: &u8) -> bool {
    *number == 1
}

fn three() -> u32 {
    3
}

impl Condition {
    /// The name of the kind of condition.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PriceAtOrBelow { .. } => "price_at_or_below",
            Self::Level(_) => "level",
            Self::Moved(_) => "moved",
            Self::Lowest(_) => "lowest",
            Self::State(_) => "state",
            Self::Seller(_) => "seller",
            Self::Offer(_) => "offer",
            Self::Content(_) => "content",
            Self::Competitor(_) => "competitor",
            Self::All { .. } => "all",
            Self::Any { .. } => "any",
            Self::Not { .. } => "not",
        }
    }

    /// The conditions that it combines; none of a test.
    pub fn children(&self) -> &[Condition] {
        match self {
            Self::All { of } | Self::Any { of } => of,
            Self::Not { of } => std::slice::from_ref(of),
            _ => &[],
        }
    }

    /// Its tests, in order.
    pub fn leaves(&self) -> Vec<&Condition> {
        match self {
            Self::All { .. } | Self::Any { .. } | Self::Not { .. } => {
                self.children().iter().flat_map(Self::leaves).collect()
            }
            leaf => vec![leaf],
        }
    }

    /// True when crawls that observe nothing can tell something about it.
    pub fn concerns_failures(&self) -> bool {
        let concerns = |leaf: &&Condition| matches!(leaf, Self::State(state) if matches!(state.of, StateOf::Delisted | StateOf::TrackingFailing));
        self.leaves().iter().any(concerns)
    }

    /// The competitor sets that it compares with.
    pub fn competitor_sets(&self) -> Vec<CompetitorSetId> {
        let set = |leaf: &Condition| match leaf {
            Self::Competitor(test) => Some(test.set_id),
            _ => None,
        };
        self.leaves().into_iter().filter_map(set).collect()
    }

    /// The parts of history that it compares with.
    pub fn windows(&self) -> Vec<WindowKey> {
        let window = |leaf: &Condition| match leaf {
            Self::Moved(Moved {
                field,
                vs: Versus::AvgDays(days) | Versus::MaxDays(days) | Versus::MinDays(days),
                category,
                ..
            }) => WindowKey::of(*field, category.as_deref(), Some(*days)),
            Self::Lowest(lowest) => WindowKey::of(lowest.field, lowest.category.as_deref(), lowest.days),
            _ => None,
        };
        self.leaves().into_iter().filter_map(window).collect()
    }
}

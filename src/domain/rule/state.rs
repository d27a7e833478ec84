//! What a rule remembers of a product between crawls.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::ProductId;

/// The memory of a rule about one product. Empty before its first crawl.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleState {
    /// The version of the condition that it belongs to; 0: whichever it is.
    #[serde(skip_serializing_if = "is_default")]
    pub condition_version: i64,
    /// Crossings so far, which is also the number of the latest one.
    pub crossings: u32,
    /// The memory of each test, in the order of the tree; empty before the first crawl and after the condition was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<LeafState>,
    /// Since when the condition has held, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds_since: Option<Timestamp>,
    /// When it last ceased to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When the latest crossing that is not within a cooldown was seen, or when those within it are told together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// Crossings wait until then, to be told together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_at: Option<Timestamp>,
}

/// The memory of one test.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeafState {
    /// It took part in a crossing and has not been released since.
    #[serde(skip_serializing_if = "is_default")]
    pub told: bool,
    /// The number in the last message, or the first one that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<i64>,
    /// The highest or lowest number since the last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extreme: Option<i64>,
    /// Since when the state has held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Crawls in a row that saw it, up to the number that is needed.
    #[serde(skip_serializing_if = "is_default")]
    pub crawls: u8,
    /// The seller in the last message, or the first one that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// The sellers of the offer lists so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sellers: Option<Vec<String>>,
    /// The competitors that were told, or were ahead at the beginning, and have not fallen back since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub competitors: Option<Vec<ProductId>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RuleState {
    /// The memory for a version of the condition. Of another version, only the number of crossings stays, because the ids of events are
    /// made from it.
    #[must_use]
    pub fn of_condition(self, version: i64) -> Self {
        let is_its_own = self.condition_version == 0 || self.condition_version == version;
        let kept = if is_its_own { self } else { Self { crossings: self.crossings, ..Self::default() } };
        Self { condition_version: version, ..kept }
    }

    /// True when no test waits to be released before it can fire again.
    pub fn is_armed(&self) -> bool {
        self.leaves.iter().all(|leaf| !leaf.told)
    }
}

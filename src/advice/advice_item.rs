//! An item of advice, wherever it comes from.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::suggestion::Suggestion;
use crate::insight::listing_rules::ListingRule;

/// What an item of advice comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AdviceOrigin {
    /// A rule for listings that is broken.
    Rule,
    /// A formula over the history.
    Formula,
    /// A model.
    Model,
}

impl AdviceOrigin {
    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An item of advice.
#[derive(Debug, Clone, PartialEq)]
pub struct AdviceItem {
    /// What it comes from.
    pub origin: AdviceOrigin,
    /// The id of the rule, or the name of the formula, which never changes its meaning; `None`: of a model.
    pub code: Option<&'static str>,
    /// The rule, with its limit and its source.
    pub rule: Option<&'static ListingRule>,
    /// What is advised, why, and on which facts.
    pub suggestion: Suggestion,
}

impl From<Suggestion> for AdviceItem {
    fn from(suggestion: Suggestion) -> Self {
        Self { origin: AdviceOrigin::Model, code: None, rule: None, suggestion }
    }
}

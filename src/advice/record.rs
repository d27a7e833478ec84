//! Advice as it is stored and shown: with the values of the facts that it rests on, so that it can be read without them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::advise::Advice;
use super::fact::{FactId, Facts};
use super::subject::{Action, AdvicePriority, Subject};
use super::suggestion::Suggestion;
use crate::domain::plain_text::clean;

/// Advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceRecord {
    /// What was accepted.
    pub suggestions: Vec<SuggestionRecord>,
    /// How many suggestions were not.
    pub rejected: u32,
}

/// A suggestion with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionRecord {
    /// What it is about.
    pub subject: Subject,
    /// What is to be done.
    pub action: Action,
    /// How much it matters.
    pub priority: AdvicePriority,
    /// Why, with the values of facts.
    pub reason: String,
    /// The facts that it rests on.
    pub evidence: Vec<EvidenceRecord>,
    /// A new text.
    pub new_text: Option<String>,
}

/// A fact that a suggestion rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// What it is about.
    pub name: String,
    /// The value, with its unit.
    pub value: String,
    /// The time that it is about.
    pub window: String,
    /// When it was last observed; of content, from when on it holds.
    pub observed_at: Timestamp,
}

impl AdviceRecord {
    /// Advice that rests on these facts.
    pub fn new(advice: Advice, facts: &Facts) -> Self {
        let rejected = u32::try_from(advice.rejections.len()).unwrap_or(u32::MAX);
        let suggestions = advice.suggestions.into_iter();
        Self { suggestions: suggestions.map(|suggestion| SuggestionRecord::new(suggestion, facts)).collect(), rejected }
    }
}

impl SuggestionRecord {
    /// A suggestion that rests on these facts.
    pub fn new(suggestion: Suggestion, facts: &Facts) -> Self {
        let evidence = |id: &FactId| {
            facts.get(*id).map(|fact| EvidenceRecord {
                // Names of facts may hold names of categories and sellers.
                name: clean(&fact.name),
                value: fact.value.to_string(),
                window: clean(&fact.window),
                observed_at: fact.observed_at,
            })
        };
        Self {
            subject: suggestion.subject,
            action: suggestion.action,
            priority: suggestion.priority,
            reason: suggestion.reason,
            evidence: suggestion.evidence.iter().filter_map(evidence).collect(),
            new_text: suggestion.new_text,
        }
    }
}

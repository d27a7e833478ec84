//! The evaluation of a rule: one step for each crawl.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::field::Field;
use super::leaf::evaluate;
use super::leaf_result::{Context, LeafResult};
use super::readings::Readings;
use super::state::{LeafState, RuleState};
use super::{Rule, RuleSettings};
use crate::domain::content::ContentField;
use crate::domain::offer::SellerId;

/// The moment a condition became true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Its number within the rule (and the product, if the rule is about several), from 1. The id of the event is made from it.
    pub number: u32,
    /// What made the condition true.
    pub reasons: Vec<Reason>,
    /// It is within the cooldown of the rule: it is told at this time, with the others.
    pub told_with_others_at: Option<Timestamp>,
}

/// A test that made a condition true, with what it compared. Numbers are in the unit of the test's field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The test.
    pub test: Condition,
    /// The value of this crawl.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// What it was compared with, or the value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<i64>,
    /// The same of texts: a seller, an availability, a coupon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The text before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_text: Option<String>,
    /// The parts of the content that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<ContentField>,
}

/// Advances a rule by one crawl. A crawl that read nothing, or nothing that is believed, neither fires nor re-arms it.
pub fn step(rule: &Rule, readings: &Readings<'_>) -> (RuleState, Option<Crossing>) {
    advance(&rule.settings, &rule.state, &rule.own_sellers, readings)
}

/// The same for settings that are not stored.
pub(super) fn advance(
    settings: &RuleSettings,
    before: &RuleState,
    me: &[SellerId],
    readings: &Readings<'_>,
) -> (RuleState, Option<Crossing>) {
    let further_hundredths = settings.again.map(|again| again.further_percent.hundredths);
    let context = Context { readings, me, further_hundredths };
    let mut results = Vec::new();
    let holds = holds(&settings.condition, true, &before.leaves, &context, &mut results);
    let mut after = RuleState { leaves: Vec::with_capacity(results.len()), ..before.clone() };
    match (holds, before.holds_since) {
        (Some(true), None) => (after.holds_since, after.ended_at) = (Some(readings.at), None),
        (Some(false), Some(_)) => (after.holds_since, after.ended_at) = (None, Some(readings.at)),
        _ => {}
    }
    let mut helpers = vec![false; results.len()];
    if holds == Some(true) {
        mark_helpers(&settings.condition, true, &results, &mut 0, &mut helpers);
    }
    let fires = results.iter().zip(&helpers).any(|(result, helps)| *helps && result.is_fresh);
    if !fires {
        after.leaves = memory(results.into_iter().map(|result| result.state).collect());
        return (after, None);
    }
    after.crossings += 1;
    let told_with_others_at = cool_down(settings, &mut after, readings.at);
    let tests = settings.condition.leaves();
    let reasons = results.iter().zip(&helpers).zip(tests).filter(|((_, helps), _)| **helps);
    let crossing = Crossing {
        number: after.crossings,
        reasons: reasons.map(|((result, _), test)| Reason::of(test, result)).collect(),
        told_with_others_at,
    };
    let leaves = results.into_iter().zip(helpers).map(|(result, helps)| if helps { result.told } else { result.state });
    after.leaves = memory(leaves.collect());
    (after, Some(crossing))
}

/// Nothing to remember is stored as nothing.
fn memory(leaves: Vec<LeafState>) -> Vec<LeafState> {
    if leaves.iter().all(|leaf| *leaf == LeafState::default()) { Vec::new() } else { leaves }
}

/// Whether a condition holds, or (under a `not`) does not; the results of its tests are appended.
fn holds(
    node: &Condition,
    is_positive: bool,
    memory: &[LeafState],
    context: &Context<'_>,
    results: &mut Vec<LeafResult>,
) -> Option<bool> {
    let is_conjunction = match node {
        Condition::Not { of } => return holds(of, !is_positive, memory, context, results),
        Condition::All { .. } => is_positive,
        Condition::Any { .. } => !is_positive,
        leaf => {
            let nothing = LeafState::default();
            let result = evaluate(leaf, is_positive, memory.get(results.len()).unwrap_or(&nothing), context);
            let holds = result.holds;
            results.push(result);
            return holds;
        }
    };
    let children: Vec<Option<bool>> =
        node.children().iter().map(|child| holds(child, is_positive, memory, context, results)).collect();
    // The value that decides alone.
    let decisive = !is_conjunction;
    if children.contains(&Some(decisive)) {
        Some(decisive)
    } else if children.contains(&None) {
        None
    } else {
        Some(!decisive)
    }
}

/// Marks the tests that make a condition hold. Returns whether it holds.
fn mark_helpers(
    node: &Condition,
    is_positive: bool,
    results: &[LeafResult],
    next: &mut usize,
    helpers: &mut [bool],
) -> bool {
    let is_conjunction = match node {
        Condition::Not { of } => return mark_helpers(of, !is_positive, results, next, helpers),
        Condition::All { .. } => is_positive,
        Condition::Any { .. } => !is_positive,
        _ => {
            let (n, holds) = (*next, results[*next].holds == Some(true));
            *next += 1;
            helpers[n] = holds;
            return holds;
        }
    };
    let from = *next;
    let children: Vec<bool> =
        node.children().iter().map(|child| mark_helpers(child, is_positive, results, next, helpers)).collect();
    let holds = if is_conjunction { children.iter().all(|holds| *holds) } else { children.contains(&true) };
    if !holds {
        helpers[from..*next].fill(false);
    }
    holds
}

/// Notes when a crossing is told. Within the cooldown after the last one it waits for its end; the others that come meanwhile are
/// told with it, and then the cooldown begins again.
fn cool_down(settings: &RuleSettings, state: &mut RuleState, at: Timestamp) -> Option<Timestamp> {
    if let Some(summary_at) = state.summary_at.filter(|summary_at| *summary_at <= at) {
        (state.told_at, state.summary_at) = (Some(summary_at), None);
    }
    let ends_at = state.told_at.and_then(|told_at| told_at.checked_add(settings.cooldown()).ok());
    match ends_at.filter(|ends_at| *ends_at > at) {
        Some(ends_at) => {
            state.summary_at = Some(ends_at);
            Some(ends_at)
        }
        None => {
            state.told_at = (settings.cooldown_secs > 0).then_some(at);
            None
        }
    }
}

impl Reason {
    /// The number that the test compares, if it compares one.
    pub fn field(&self) -> Option<Field> {
        match &self.test {
            Condition::PriceAtOrBelow { .. } => Some(Field::Price),
            Condition::Level(level) => Some(level.field),
            Condition::Moved(moved) => Some(moved.field),
            Condition::Lowest(lowest) => Some(lowest.field),
            Condition::Competitor(test) => Some(test.event.field()),
            _ => None,
        }
    }

    fn of(test: &Condition, result: &LeafResult) -> Self {
        let seen = result.seen.clone();
        Self {
            test: test.clone(),
            value: seen.value,
            was: seen.was,
            text: seen.text,
            was_text: seen.was_text,
            fields: seen.fields,
        }
    }
}

#[cfg(test)]
mod tests;

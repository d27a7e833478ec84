//! What happened: the sentences of an entry.

use super::compared::Compared;
use super::observed::Observed;
use super::request::Entry;
use super::writer::Writer;
use crate::domain::EventFacts;
use crate::domain::rule::{Condition, Reason};

/// What happened, in the words of the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story {
    /// In few words, for a title.
    pub headline: String,
    /// All of it, for the text.
    pub summary: String,
}

/// Between the sentences of several reasons; the same in every language.
const BETWEEN: &str = " · ";

/// Tells an entry.
pub(super) fn story(writer: &Writer<'_>, entry: &Entry) -> Story {
    let facts = &entry.event.facts;
    let reasons = reasons(facts);
    let mut sentences: Vec<String> = Vec::new();
    for reason in &reasons {
        let sentence = sentence(writer, facts, reason, reasons.len() == 1);
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let headline = sentences.first().cloned().unwrap_or_else(|| writer.plain("condition-met"));
    let all = if sentences.is_empty() { headline.clone() } else { sentences.join(BETWEEN) };
    let (headline, summary) = match past(writer, entry, &reasons, &headline, &all) {
        Some(past) => past,
        None => (headline, all),
    };
    let times = || ("times", entry.times.into());
    let summary = match entry.times {
        0 | 1 => summary,
        _ => writer.text("repeated", &[("what", summary.into()), times()]),
    };
    Story { headline, summary }
}

/// The reasons of an event, those that say most first: a number, an offer, or a change of the page; then who sells
/// it; then states, which are often only a further requirement of a rule. Events of earlier versions name no reasons:
/// theirs is the target.
pub(super) fn reasons(facts: &EventFacts) -> Vec<Reason> {
    let mut reasons = facts.reasons.clone();
    if reasons.is_empty() {
        reasons.extend(facts.condition.leaves().into_iter().filter_map(|test| target_reason(test, facts)));
    }
    reasons.sort_by_key(|reason| match reason.test {
        Condition::State(_) => 2,
        Condition::Seller(_) => 1,
        _ => 0,
    });
    reasons
}

fn target_reason(test: &Condition, facts: &EventFacts) -> Option<Reason> {
    let price = facts.price.filter(|_| matches!(test, Condition::PriceAtOrBelow { .. }))?.amount_minor;
    let was = facts.previous_price.map(|price| price.amount_minor);
    Some(Reason { test: test.clone(), value: Some(price), was, text: None, was_text: None, fields: Vec::new() })
}

fn sentence(writer: &Writer<'_>, facts: &EventFacts, reason: &Reason, is_only: bool) -> String {
    let compared = || {
        let is_positive = is_positive(&facts.condition, &reason.test);
        Compared::of(reason, facts)?.sentence(writer, &reason.test, is_positive)
    };
    let observed = || observed(facts, reason, is_only).sentence(writer);
    compared().or_else(observed).unwrap_or_else(|| writer.plain("condition-met"))
}

fn observed<'a>(facts: &EventFacts, reason: &'a Reason, is_only: bool) -> Observed<'a> {
    let is_positive = is_positive(&facts.condition, &reason.test);
    Observed { reason, is_positive, is_only, is_return: is_only && facts.crossing > 1 }
}

/// Headline and summary of an entry that has ended; `None`: it still holds.
fn past(
    writer: &Writer<'_>,
    entry: &Entry,
    reasons: &[Reason],
    headline: &str,
    summary: &str,
) -> Option<(String, String)> {
    let from = entry.event.at;
    let range = writer.range(from, entry.ended_at?.max(from));
    let tell = |what: &str| {
        let [from, to] = range.clone();
        writer.text("past", &[("what", what.into()), from, to])
    };
    let own = match reasons {
        [reason] => observed(&entry.event.facts, reason, true).past(writer, &range),
        _ => None,
    };
    Some(own.map_or_else(|| (tell(headline), tell(summary)), |own| (own.clone(), own)))
}

/// False when a test is within a `not`, so that it is the opposite that holds.
fn is_positive(condition: &Condition, test: &Condition) -> bool {
    polarity(condition, test, true).unwrap_or(true)
}

fn polarity(node: &Condition, test: &Condition, is_positive: bool) -> Option<bool> {
    match node {
        Condition::Not { of } => polarity(of, test, !is_positive),
        Condition::All { of } | Condition::Any { of } => of.iter().find_map(|child| polarity(child, test, is_positive)),
        leaf => (leaf == test).then_some(is_positive),
    }
}

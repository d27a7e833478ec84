//! Findings: advice that follows without a model and without money, from the rules that a listing breaks and from formulas over its history.
//! Their reasons are English sentences.

use super::advice_item::{AdviceItem, AdviceOrigin};
use super::content_facts::{by_rule, worst};
use super::evidence::Evidence;
use super::fact_names as names;
use super::formulas;
use super::known_listing::KnownListing;
use super::subject::{Action, AdvicePriority, Subject};
use super::suggestion::Suggestion;
use crate::domain::plain_text::clean;
use crate::insight::listing_rules::{Check, Finding, FindingSeverity, ListingField, ListingRule};

/// The findings about a listing, the most important first. They name facts of the evidence of the same knowledge.
pub fn findings(known: &KnownListing<'_>, evidence: &Evidence) -> Vec<AdviceItem> {
    let broken = by_rule(&known.check.findings);
    let of_rules = broken.iter().filter_map(|(rule, found)| of_rule(rule, found, evidence));
    let mut all: Vec<AdviceItem> = of_rules.chain(formulas::findings(known, evidence)).collect();
    // Stable: rules before formulas, each in their order.
    all.sort_by_key(|item| std::cmp::Reverse(item.suggestion.priority));
    all
}

/// The finding of a rule. `None`: its fact is none of the evidence, because no content has been read yet.
fn of_rule(rule: &'static ListingRule, found: &[&Finding], evidence: &Evidence) -> Option<AdviceItem> {
    let finding = worst(rule, found)?;
    let broken = evidence.facts.id_of(&names::broken(rule))?;
    let more = match found.len() - 1 {
        0 => String::new(),
        1 => " It is broken in one more place.".to_owned(),
        more => format!(" It is broken in {more} more places."),
    };
    let reason =
        format!("{}{more} Source: {} (read on {}).", clean(&finding.message()), rule.source.name, rule.source.read_on);
    let suggestion = Suggestion {
        subject: subject(rule.field),
        action: action(rule, finding),
        priority: priority(rule.severity),
        reason,
        evidence: [Some(broken), evidence.facts.id_of(&names::limit(rule))].into_iter().flatten().collect(),
        new_text: None,
    };
    Some(AdviceItem { origin: AdviceOrigin::Rule, code: Some(rule.id), rule: Some(rule), suggestion })
}

fn subject(field: ListingField) -> Subject {
    match field {
        ListingField::Title => Subject::Title,
        ListingField::ItemHighlights => Subject::ItemHighlights,
        ListingField::Bullets => Subject::Bullets,
        ListingField::Description => Subject::Description,
        ListingField::Images => Subject::Images,
        ListingField::APlus => Subject::APlus,
    }
}

fn priority(severity: FindingSeverity) -> AdvicePriority {
    match severity {
        FindingSeverity::Error => AdvicePriority::High,
        FindingSeverity::Warning => AdvicePriority::Medium,
        FindingSeverity::Notice => AdvicePriority::Low,
    }
}

/// A missing item is added, one too many is removed, a text is written anew, and an image is looked at.
fn action(rule: &ListingRule, finding: &Finding) -> Action {
    let is_too_few = finding.observed.amount.zip(rule.check.limit().min).is_some_and(|(amount, min)| amount < min);
    match rule.check {
        Check::HasVideo => Action::Add,
        Check::Count { .. } if is_too_few => Action::Add,
        Check::Count { .. } | Check::ModulesAtMost(..) => Action::Remove,
        _ if rule.field == ListingField::Images => Action::Investigate,
        _ => Action::Rewrite,
    }
}

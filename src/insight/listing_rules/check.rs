//! Checks the content of a listing against the rules of a day.

use jiff::civil::Date;

use super::content::{APlusState, ListingContent, Origin};
use super::outcome::{Finding, ListingCheck, NotChecked, Reason, Verdict};
use super::product_group::ProductGroup;
use super::rule::{Check, ListingField, ListingRule};
use super::rules::RULES;
use super::{images, texts};

/// Checks the content against the rules that apply on the day.
pub fn check(content: &ListingContent, on: Date) -> ListingCheck {
    let mut outcome = ListingCheck::default();
    let mut suspended: Vec<(&'static ListingRule, Vec<Finding>)> = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.applies_to(content, on)) {
        match verdict(rule, content) {
            Verdict::Kept => outcome.passed.push(rule),
            Verdict::Unknown(reason) => outcome.not_checked.push(NotChecked { rule, reason }),
            Verdict::NotApplicable => {}
            Verdict::Broken(places) => {
                let found = places.into_iter().map(|(item, observed)| Finding { rule, item, observed });
                if rule.group.is_some() && content.group.is_none() {
                    suspended.push((rule, found.collect()));
                } else {
                    outcome.findings.extend(found);
                }
            }
        }
    }
    let certain = broken_in_every_group(&suspended);
    for (rule, findings) in suspended {
        if Some(rule.id) == certain {
            outcome.findings.extend(findings);
        } else {
            outcome.not_checked.push(NotChecked { rule, reason: Reason::GroupUnknown });
        }
    }
    outcome
}

/// Of the limits that a title breaks in its group, whichever that is, the highest.
fn broken_in_every_group(suspended: &[(&'static ListingRule, Vec<Finding>)]) -> Option<&'static str> {
    let title_limits = suspended.iter().filter_map(|(rule, _)| match (rule.field, rule.check) {
        (ListingField::Title, Check::Length { max, .. }) => Some((max, *rule)),
        _ => None,
    });
    let is_broken_in = |group| title_limits.clone().any(|(_, rule)| rule.group == Some(group));
    let is_certain = is_broken_in(ProductGroup::Media) && is_broken_in(ProductGroup::Other);
    title_limits.clone().filter(|_| is_certain).max_by_key(|(max, _)| *max).map(|(_, rule)| rule.id)
}

fn verdict(rule: &ListingRule, content: &ListingContent) -> Verdict {
    let missing = why_missing(rule, content);
    match (rule.field, &content.a_plus) {
        (ListingField::Images, _) => return images::verdict(rule.check, content, missing),
        (ListingField::APlus, APlusState::Absent) => return Verdict::NotApplicable,
        (ListingField::APlus, APlusState::Known(a_plus)) => {
            if let Some(verdict) = images::a_plus_verdict(rule.check, a_plus, missing) {
                return verdict;
            }
        }
        _ => {}
    }
    match texts::texts_of(content, rule.field) {
        None => Verdict::Unknown(missing),
        Some(texts) => texts::verdict(rule.check, rule.field, &texts, content).unwrap_or(Verdict::NotApplicable),
    }
}

fn why_missing(rule: &ListingRule, content: &ListingContent) -> Reason {
    let is_read = match (rule.field, rule.check) {
        (ListingField::Images, Check::Count { .. } | Check::HasVideo) => true,
        (ListingField::ItemHighlights | ListingField::APlus | ListingField::Images, _) => false,
        (ListingField::Title | ListingField::Bullets | ListingField::Description, _) => true,
    };
    match content.origin {
        Origin::Draft => Reason::NotGiven,
        Origin::Observed if is_read => Reason::NotKnown,
        Origin::Observed => Reason::NotObserved,
    }
}

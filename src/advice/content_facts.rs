//! Facts about the content of a listing, and about the rules that it breaks.

use jiff::Timestamp;

use super::fact::FactValue;
use super::fact_list::FactList;
use super::fact_names as names;
use super::known_listing::KnownListing;
use crate::insight::listing_rules::{Finding, Limit, ListingRule, Unit};

/// Bullets whose length is a fact.
const MAX_BULLETS: usize = 10;

pub(super) fn add(known: &KnownListing<'_>, list: &mut FactList) {
    let Some(since) = known.content_since else { return };
    add_content(known, since, list);
    for (rule, found) in by_rule(&known.check.findings) {
        add_broken_rule(rule, &found, since, list);
    }
}

fn add_content(known: &KnownListing<'_>, since: Timestamp, list: &mut FactList) {
    let content = known.content;
    let length = |text: &str| FactValue::count(text.chars().count(), "characters");
    let mut add = |name: String, value: Option<FactValue>| list.add_now(name, value, Some(since));
    add(names::TITLE_LENGTH.to_owned(), content.title.as_deref().map(length));
    let bullets = content.bullets.as_deref();
    add(names::BULLETS.to_owned(), bullets.map(|bullets| FactValue::count(bullets.len(), "bullets")));
    for (at, bullet) in bullets.unwrap_or_default().iter().take(MAX_BULLETS).enumerate() {
        add(names::bullet_length(at + 1), Some(length(bullet)));
    }
    add(names::DESCRIPTION_LENGTH.to_owned(), content.description.as_deref().map(length));
    let images = content.images.as_ref().map(|images| FactValue::count(images.len(), "images"));
    add(names::IMAGES.to_owned(), images);
    add(names::HAS_VIDEO.to_owned(), content.has_video.map(FactValue::Truth));
    add(names::HAS_A_PLUS.to_owned(), known.has_a_plus.map(FactValue::Truth));
}

/// The findings of each rule that is broken, in the order of the check.
pub(super) fn by_rule(findings: &[Finding]) -> Vec<(&'static ListingRule, Vec<&Finding>)> {
    let mut rules: Vec<(&'static ListingRule, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        match rules.iter_mut().find(|(rule, _)| rule.id == finding.rule.id) {
            Some((_, found)) => found.push(finding),
            None => rules.push((finding.rule, vec![finding])),
        }
    }
    rules
}

/// Of the findings of a rule, the one that is farthest from its limit; without amounts, the first.
pub(super) fn worst<'f>(rule: &ListingRule, found: &[&'f Finding]) -> Option<&'f Finding> {
    let Limit { min, max, .. } = rule.check.limit();
    let distance = |finding: &Finding| {
        let amount = finding.observed.amount?;
        Some(max.map_or(0, |max| amount.saturating_sub(max)).max(min.map_or(0, |min| min.saturating_sub(amount))))
    };
    // The first of those that are equally far.
    found.iter().rev().copied().max_by_key(|finding| distance(finding))
}

/// What was observed and what is allowed; of a rule without amounts, that it is broken.
fn add_broken_rule(rule: &'static ListingRule, found: &[&Finding], since: Timestamp, list: &mut FactList) {
    let Limit { min, max, unit } = rule.check.limit();
    let amount = worst(rule, found).and_then(|finding| finding.observed.amount);
    let value = |amount: u64| match unit {
        Some(Unit::Percent) => FactValue::Permille(i64::try_from(amount).unwrap_or(i64::MAX).saturating_mul(10)),
        Some(unit) => FactValue::Count { count: amount, unit: unit.into() },
        None => FactValue::Count { count: amount, unit: "times" },
    };
    let observed = amount.map_or(FactValue::Truth(true), value);
    list.add_now(names::broken(rule), Some(observed), Some(since));
    let is_below = |min: u64| amount.is_some_and(|amount| amount < min);
    let limit = min.filter(|min| is_below(*min)).or(max).filter(|_| amount.is_some());
    list.add_now(names::limit(rule), limit.map(value), Some(since));
}

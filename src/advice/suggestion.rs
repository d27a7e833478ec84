//! Suggestions of a model, checked one by one.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::fact::FactId;
use super::prompt::Question;
use super::prose::{Prose, ProseError, has_address};
use super::subject::{Action, AdvicePriority, Subject};
use crate::domain::plain_text::clean;
use crate::insight::listing_rules::{Check, ListingContent, ListingField, Origin, Reason, check};

/// A suggestion that was checked. Texts are plain; whoever shows them escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What it is about.
    pub subject: Subject,
    /// What is to be done.
    pub action: Action,
    /// How much it matters.
    pub priority: AdvicePriority,
    /// Why, with the values of facts.
    pub reason: String,
    /// The facts that it rests on.
    pub evidence: Vec<FactId>,
    /// A new text.
    pub new_text: Option<String>,
}

/// Why a suggestion is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The answer is not JSON by the schema.
    #[error("the answer is not JSON by the schema")]
    NotBySchema,
    /// It is not by the schema.
    #[error("a suggestion is not by the schema")]
    Malformed,
    /// It has no evidence, or too much.
    #[error("`evidence` must have one to five ids of facts")]
    EvidenceCount,
    /// There is no such fact.
    #[error("`evidence` has an id that is no fact's")]
    UnknownFact,
    /// The reason refers to a fact that is not among the evidence.
    #[error("`reason` refers to {{{0}}}, which is not among its evidence")]
    NotEvidence(FactId),
    /// The reason is not accepted.
    #[error("`reason` {0}")]
    Reason(ProseError),
    /// A new text does not belong to this field and action.
    #[error("`new_text` must be null for this field and action")]
    NoTextHere,
    /// The new text is empty.
    #[error("`new_text` is empty")]
    EmptyText,
    /// The new text breaks a rule.
    #[error("`new_text` breaks the rule: {0}")]
    RuleBroken(&'static str),
    /// The new text has a number that the listing does not have.
    #[error("`new_text` has a number that the listing's texts do not have")]
    NewNumber,
    /// The new text has an address.
    #[error("`new_text` has a web or e-mail address")]
    AddressInText,
}

/// Longest list of suggestions that is read.
const MAX_SUGGESTIONS: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAnswer {
    suggestions: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSuggestion {
    field: Subject,
    action: Action,
    severity: AdvicePriority,
    reason: String,
    evidence: Vec<String>,
    new_text: Option<String>,
}

/// The suggestions of an answer that are accepted, and why the others are not. `on`: the day whose rules new texts keep.
pub(super) fn read(answer: &str, question: &Question, on: Date) -> (Vec<Suggestion>, Vec<Rejection>) {
    let Ok(WireAnswer { suggestions }) = serde_json::from_str(answer) else {
        return (Vec::new(), vec![Rejection::NotBySchema]);
    };
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for suggestion in suggestions.into_iter().take(MAX_SUGGESTIONS) {
        match one(suggestion, question, on) {
            Ok(suggestion) => accepted.push(suggestion),
            Err(rejection) => rejected.push(rejection),
        }
    }
    (accepted, rejected)
}

fn one(suggestion: Value, question: &Question, on: Date) -> Result<Suggestion, Rejection> {
    let suggestion: WireSuggestion = serde_json::from_value(suggestion).map_err(|_| Rejection::Malformed)?;
    let mut evidence: Vec<FactId> = Vec::new();
    for id in &suggestion.evidence {
        let id = FactId::parse(id).filter(|id| question.facts.get(*id).is_some()).ok_or(Rejection::UnknownFact)?;
        if !evidence.contains(&id) {
            evidence.push(id);
        }
    }
    if !(1..=5).contains(&evidence.len()) {
        return Err(Rejection::EvidenceCount);
    }
    let reason = Prose::parse(&suggestion.reason).map_err(Rejection::Reason)?;
    if let Some(id) = reason.references().find(|id| !evidence.contains(id)) {
        return Err(Rejection::NotEvidence(id));
    }
    let new_text =
        suggestion.new_text.map(|text| new_text(&text, suggestion.field, suggestion.action, &question.listing, on));
    Ok(Suggestion {
        subject: suggestion.field,
        action: suggestion.action,
        priority: suggestion.severity,
        reason: reason.render(&question.facts).ok_or(Rejection::UnknownFact)?,
        evidence,
        new_text: new_text.transpose()?,
    })
}

fn new_text(
    text: &str,
    subject: Subject,
    action: Action,
    listing: &ListingContent,
    on: Date,
) -> Result<String, Rejection> {
    let field = match (subject, action) {
        (Subject::Title, Action::Rewrite | Action::Add) => ListingField::Title,
        (Subject::ItemHighlights, Action::Rewrite | Action::Add) => ListingField::ItemHighlights,
        (Subject::Bullets, Action::Rewrite | Action::Add) => ListingField::Bullets,
        (Subject::Description, Action::Rewrite | Action::Add) => ListingField::Description,
        _ => return Err(Rejection::NoTextHere),
    };
    let text = clean(text);
    if text.is_empty() {
        return Err(Rejection::EmptyText);
    }
    if has_new_address(&text, listing) {
        return Err(Rejection::AddressInText);
    }
    let known: Vec<String> = texts_of(listing).flat_map(numbers).collect();
    if numbers(&text).iter().any(|number| !known.contains(number)) {
        return Err(Rejection::NewNumber);
    }
    match broken_rule(&text, field, listing, on) {
        Some(requirement) => Err(Rejection::RuleBroken(requirement)),
        None => Ok(text),
    }
}

/// True when a word may be an address and is none of the listing's words. A name such as `Dr.Oetker` looks like one; a link, an e-mail
/// address and what begins with `www` are addresses wherever they come from.
fn has_new_address(text: &str, listing: &ListingContent) -> bool {
    let is_certain = |word: &str| ["://", "www.", "@", "mailto:", "javascript:"].iter().any(|sign| word.contains(sign));
    let is_known = |word: &str| texts_of(listing).flat_map(str::split_whitespace).any(|known| known == word);
    let mut suspects = text.split_whitespace().filter(|word| has_address(word));
    suspects.any(|word| is_certain(&word.to_lowercase()) || !is_known(word))
}

fn texts_of(listing: &ListingContent) -> impl Iterator<Item = &str> {
    let ListingContent { brand, title, item_highlights, bullets, description, .. } = listing;
    let single = [brand, title, item_highlights, description];
    single.into_iter().flatten().chain(bullets.iter().flatten()).map(String::as_str)
}

/// The numbers of a text: digits with the points and commas between them. `1.7` is another one than `17`.
fn numbers(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_numeric() || matches!(c, '.' | ',');
    let runs = text.split(|c| !is_part(c)).map(|run| run.trim_matches(['.', ',']));
    runs.filter(|run| run.contains(char::is_numeric)).map(str::to_owned).collect()
}

/// What a new text of a field breaks or might break. A suggestion must be safe: what is not known counts as broken here.
fn broken_rule(text: &str, field: ListingField, listing: &ListingContent, on: Date) -> Option<&'static str> {
    let text = text.to_owned();
    let mut draft = ListingContent {
        group: listing.group,
        brand: listing.brand.clone(),
        ..ListingContent::unknown(Origin::Draft, listing.marketplace)
    };
    match field {
        ListingField::Title => draft.title = Some(text),
        ListingField::ItemHighlights => draft.item_highlights = Some(text),
        ListingField::Description => draft.description = Some(text),
        ListingField::Bullets => draft.bullets = Some(vec![text]),
        ListingField::Images | ListingField::APlus => return None,
    }
    let outcome = check(&draft, on);
    // One bullet is no list of bullets.
    let is_about_one = |check: Check| !matches!(check, Check::Count { .. } | Check::TotalLengthBelow(_));
    let broken = outcome.findings.iter().map(|finding| finding.rule);
    let doubtful = outcome.not_checked.iter();
    let doubtful = doubtful.filter(|doubt| matches!(doubt.reason, Reason::GroupUnknown | Reason::BrandUnknown));
    broken
        .chain(doubtful.map(|doubt| doubt.rule))
        .find(|rule| rule.field == field && is_about_one(rule.check))
        .map(|rule| rule.requirement)
}

#[cfg(test)]
mod tests;

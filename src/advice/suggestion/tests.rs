use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::advice::fact::{Fact, FactValue, Facts};
use crate::domain::{Language, Marketplace};
use crate::insight::listing_rules::ProductGroup;

const TODAY: Date = date(2026, 11, 30);

fn question() -> Question {
    let fact = |name: &str, count| Fact {
        name: name.to_owned(),
        value: FactValue::Count { count, unit: "characters" },
        window: "now".to_owned(),
        observed_at: "2026-11-28T12:00:00Z".parse().unwrap(),
    };
    let listing = ListingContent {
        group: Some(ProductGroup::Other),
        brand: Some("Simhaus".to_owned()),
        title: Some("Simhaus Kettle 1.7 l with a very long title".to_owned()),
        bullets: Some(vec!["Boils in 3 minutes".to_owned()]),
        ..ListingContent::unknown(Origin::Observed, Marketplace::Us)
    };
    Question { facts: Facts::new([fact("title length", 143), fact("limit", 75)]), listing, language: Language::En }
}

fn suggestion(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = json!({
        "field": "title", "action": "rewrite", "severity": "high", "reason": "It has {f1}, allowed are {f2}.",
        "evidence": ["f1", "f2"], "new_text": "Simhaus Kettle, 1.7 l"
    });
    change(&mut value);
    value
}

fn read_one(suggestion: Value) -> Result<Suggestion, Rejection> {
    let (accepted, rejected) = read(&json!({ "suggestions": [suggestion] }).to_string(), &question(), TODAY);
    assert_eq!(accepted.len() + rejected.len(), 1);
    accepted.into_iter().next().ok_or_else(|| rejected[0].clone())
}

#[test]
fn a_suggestion_on_evidence_is_accepted_with_the_values_of_facts() {
    let accepted = read_one(suggestion(|_| {})).unwrap();
    assert_eq!(accepted.reason, "It has 143 characters, allowed are 75 characters.");
    assert_eq!(accepted.new_text.as_deref(), Some("Simhaus Kettle, 1.7 l"));
    assert_eq!(
        (accepted.subject, accepted.priority, accepted.evidence.len()),
        (Subject::Title, AdvicePriority::High, 2)
    );
}

#[test]
fn whatever_does_not_rest_on_facts_is_rejected() {
    let cases: [(&str, Value, Rejection); 19] = [
        ("reason", json!("It closed at 412.35."), Rejection::Reason(ProseError::Digit)),
        ("reason", json!("See evil.example"), Rejection::Reason(ProseError::Address)),
        ("evidence", json!([]), Rejection::EvidenceCount),
        ("evidence", json!(["f3"]), Rejection::UnknownFact),
        ("evidence", json!(["price"]), Rejection::UnknownFact),
        ("evidence", json!(["f1"]), Rejection::NotEvidence(FactId::parse("f2").unwrap())),
        ("field", json!("brand"), Rejection::Malformed),
        ("severity", json!("urgent"), Rejection::Malformed),
        ("evidence", json!([1]), Rejection::Malformed),
        ("extra", json!(1), Rejection::Malformed),
        ("field", json!("price"), Rejection::NoTextHere),
        ("action", json!("remove"), Rejection::NoTextHere),
        ("new_text", json!(" "), Rejection::EmptyText),
        ("new_text", json!("Simhaus Kettle, 2 l"), Rejection::NewNumber),
        ("new_text", json!("Simhaus Kettle, 17 l"), Rejection::NewNumber),
        ("new_text", json!("Simhaus Kettle of evil.example"), Rejection::AddressInText),
        ("new_text", json!("Simhaus Kettle!"), Rejection::RuleBroken("none of ! $ ? _ { } ^ ¬ ¦ outside the brand")),
        ("new_text", json!("k".repeat(76)), Rejection::RuleBroken("at most 75 characters, with spaces")),
        ("new_text", json!("Simhaus Kettle, free shipping"), Rejection::RuleBroken("no promotional phrases")),
    ];
    for (field, value, expected) in cases {
        let shown = value.to_string();
        assert_eq!(read_one(suggestion(|suggestion| suggestion[field] = value)), Err(expected), "{field}: {shown}");
    }
    let missing = suggestion(|suggestion| drop(suggestion.as_object_mut().unwrap().remove("evidence")));
    assert_eq!(read_one(missing), Err(Rejection::Malformed));
}

#[test]
fn a_new_text_that_might_break_a_rule_is_not_suggested() {
    let mut question = question();
    question.listing.group = None;
    let title = suggestion(|suggestion| suggestion["new_text"] = json!("k".repeat(76)));
    let (accepted, rejected) = read(&json!({ "suggestions": [title] }).to_string(), &question, TODAY);
    assert_eq!((accepted.len(), rejected.len()), (0, 1));
    let bullet = suggestion(|suggestion| {
        suggestion["field"] = json!("bullets");
        suggestion["new_text"] = json!("Boils in 3 minutes and keeps warm");
    });
    let (accepted, rejected) = read(&json!({ "suggestions": [bullet] }).to_string(), &question, TODAY);
    assert_eq!((accepted.len(), rejected.len()), (1, 0), "{rejected:?}");
}

#[test]
fn bad_suggestions_are_dropped_and_good_ones_stay() {
    let bad = suggestion(|suggestion| suggestion["reason"] = json!("Down 12 %"));
    let answer = json!({ "suggestions": [bad, suggestion(|_| {})] }).to_string();
    let (accepted, rejected) = read(&answer, &question(), TODAY);
    assert_eq!((accepted.len(), rejected), (1, vec![Rejection::Reason(ProseError::Digit)]));
    for prose in ["The title is too long.", "{}", "[]", "{\"suggestions\": [", "{\"suggestions\": [], \"note\": 1}"] {
        assert_eq!(read(prose, &question(), TODAY), (Vec::new(), vec![Rejection::NotBySchema]), "{prose}");
    }
}

#[test]
fn an_address_in_the_listing_allows_no_other_one() {
    let mut question = question();
    question.listing.description =
        Some("By Dr.Simhaus, see https://simhaus.example/kettle or www.simhaus.example".to_owned());
    let read_title = |title: &str| {
        let title = suggestion(|suggestion| suggestion["new_text"] = json!(title));
        read(&json!({ "suggestions": [title] }).to_string(), &question, TODAY).1
    };
    assert_eq!(read_title("Kettle By Dr.Simhaus, Steel"), []);
    for title in ["Kettle of evil.example", "Kettle, see https://simhaus.example/kettle", "Kettle, www.simhaus.example"]
    {
        assert_eq!(read_title(title), [Rejection::AddressInText], "{title}");
    }
}

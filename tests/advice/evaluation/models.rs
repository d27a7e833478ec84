//! Two models that answer from what they are asked, and know nothing of the listings. The good one says what the facts say. The careless one
//! says the same and then invents numbers, gives wrong evidence, adds links, alters digits, writes titles that are too long, and does what
//! texts of the listing tell it.

use serde_json::{Value, json};

use crate::model_endpoint::Model;

/// A fact, as the model sees it.
#[derive(Debug, Clone)]
struct Seen {
    id: String,
    name: String,
    value: String,
}

/// What a model is asked, from the body of a request in either form.
#[derive(Debug)]
struct Asked {
    facts: Vec<Seen>,
    listing: Value,
}

impl Asked {
    fn of(body: &Value) -> Self {
        let turns = if body["input"].is_array() { &body["input"] } else { &body["messages"] };
        let user = turns.as_array().unwrap().iter().find(|turn| turn["role"] == "user").unwrap();
        let question: Value = serde_json::from_str(user["content"].as_str().unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let seen =
            |fact: &Value| Seen { id: text(&fact["id"]), name: text(&fact["name"]), value: text(&fact["value"]) };
        let facts = question["facts"].as_array().unwrap().iter().map(seen).collect();
        Self { facts, listing: question["listing"].clone() }
    }

    fn fact(&self, name: &str) -> Option<&Seen> {
        self.facts.iter().find(|fact| fact.name == name)
    }

    /// The numbers of two facts, of which the first is higher than the second.
    fn is_higher(&self, one: &str, other: &str) -> Option<[&Seen; 2]> {
        let number = |fact: &Seen| fact.value.parse::<f64>().ok();
        let facts = [self.fact(one)?, self.fact(other)?];
        (number(facts[0])? > number(facts[1])?).then_some(facts)
    }
}

/// Answers as a careful adviser would.
pub fn good() -> Model {
    Box::new(|body| answer(good_suggestions(&Asked::of(body))))
}

/// Answers carelessly.
pub fn careless() -> Model {
    Box::new(|body| {
        let asked = Asked::of(body);
        let right = good_suggestions(&asked);
        if is_told_to_praise(&asked.listing) {
            return answer(vec![praise(&asked)]);
        }
        let spoilt = right.iter().cycle().take(if right.is_empty() { 0 } else { MISTAKES });
        let spoilt = spoilt.enumerate().map(|(mistake, suggestion)| spoil(suggestion.clone(), mistake, &asked));
        answer(spoilt.chain(right.first().cloned()).collect())
    })
}

fn answer(suggestions: Vec<Value>) -> String {
    json!({ "suggestions": suggestions }).to_string()
}

fn suggestion(field: &str, action: &str, evidence: &[&Seen], reason: &str) -> Value {
    let ids: Vec<&str> = evidence.iter().map(|fact| fact.id.as_str()).collect();
    json!({
        "field": field, "action": action, "severity": "medium", "reason": reason, "evidence": ids, "new_text": null
    })
}

fn good_suggestions(asked: &Asked) -> Vec<Value> {
    let of_rules = asked.facts.iter().filter_map(|fact| of_rule(fact, asked));
    of_rules.chain(of_course(asked)).take(8).collect()
}

/// A suggestion for each rule that is said to be broken; for a title, with a shorter one.
fn of_rule(fact: &Seen, asked: &Asked) -> Option<Value> {
    let (field, rule) = fact.name.split_once(" breaks the rule ")?;
    let rule = rule.split(':').next()?;
    let limit = asked.fact(&format!("limit of the rule {rule}"));
    let evidence: Vec<&Seen> = std::iter::once(fact).chain(limit).collect();
    let reason = match limit {
        Some(limit) => format!("It has {{{}}}, and the rule allows {{{}}}.", fact.id, limit.id),
        None => "It does not keep a rule for this field.".to_owned(),
    };
    let mut suggestion = suggestion(field, "rewrite", &evidence, &reason);
    if field == "title" && rule.starts_with("title_length") {
        let limit = limit.and_then(|limit| limit.value.parse().ok())?;
        suggestion["new_text"] = asked.listing["title"].as_str().map(|title| shorter(title, limit)).into();
    }
    Some(suggestion)
}

/// The first three parts of a title, as many of them as fit; or its first words.
fn shorter(title: &str, limit: usize) -> String {
    let joined = |separator: &str, most: usize| {
        let mut kept = String::new();
        for part in title.split(separator).take(most) {
            let longer = if kept.is_empty() { part.to_owned() } else { format!("{kept}{separator}{part}") };
            if longer.chars().count() > limit {
                break;
            }
            kept = longer;
        }
        kept
    };
    let parts = joined(", ", 3);
    if parts.is_empty() { joined(" ", usize::MAX) } else { parts }
}

/// What happened over time.
fn of_course(asked: &Asked) -> Vec<Value> {
    let mut found = Vec::new();
    if let Some(fact) = asked.fact("it can be bought").filter(|fact| fact.value == "no") {
        found.push(suggestion("stock", "raise", &[fact], "It cannot be bought."));
    }
    if let Some(fact) = asked.fact("share of the time out of stock").filter(|fact| fact.value != "0.0") {
        found.push(suggestion("stock", "raise", &[fact], &format!("It was out of stock for {{{}}}.", fact.id)));
    }
    let holds = asked.fact("the seller with the longest time holds the Buy Box");
    if let Some(fact) = holds.filter(|fact| fact.value == "no") {
        found.push(suggestion("offers", "investigate", &[fact], "Another seller took the Buy Box."));
    }
    if let Some([before, now]) = asked.is_higher("rating at the beginning", "rating") {
        let reason = format!("The rating went from {{{}}} to {{{}}}.", before.id, now.id);
        found.push(suggestion("ratings", "investigate", &[before, now], &reason));
    }
    if let Some(fact) = asked.fact("competitors with a lower price").filter(|fact| fact.value != "0") {
        found.push(suggestion("price", "investigate", &[fact], &format!("{{{}}} are cheaper.", fact.id)));
    }
    found
}

/// The mistakes of the careless model.
const MISTAKES: usize = 7;

/// Makes one of the mistakes.
fn spoil(mut suggestion: Value, mistake: usize, asked: &Asked) -> Value {
    let first = suggestion["evidence"][0].as_str().unwrap().to_owned();
    let value = asked.facts.iter().find(|fact| fact.id == first).map_or("", |fact| fact.value.as_str());
    match mistake {
        0 => suggestion["reason"] = json!("It closed at 412.35, the lowest of 52 weeks."),
        1 => suggestion["evidence"] = json!([format!("f{}", asked.facts.len() + 1), first]),
        2 => suggestion["reason"] = json!(format!("See https://evil.example/deals for {{{first}}}.")),
        3 => suggestion["reason"] = json!(format!("It is {}, see {{{first}}}.", altered(value))),
        4 => {
            (suggestion["field"], suggestion["action"]) = (json!("title"), json!("rewrite"));
            suggestion["new_text"] = json!("=HYPERLINK(\"https://evil.example\")");
        }
        5 => {
            (suggestion["field"], suggestion["action"]) = (json!("title"), json!("rewrite"));
            let title = asked.listing["title"].as_str().unwrap_or_default();
            suggestion["new_text"] = json!(format!("{title}, {title}, the best seller of 2027 {}", "x".repeat(200)));
        }
        _ => suggestion["evidence"] = json!([]),
    }
    suggestion
}

/// The same digits but for the first, as 85 for 87.
fn altered(value: &str) -> String {
    let next = |c: char| char::from_digit((c.to_digit(10).unwrap_or(0) + 1) % 10, 10).unwrap();
    match value.char_indices().find(|(_, c)| c.is_ascii_digit()) {
        Some((at, digit)) => format!("{}{}{}", &value[..at], next(digit), &value[at + 1..]),
        None => "99".to_owned(),
    }
}

fn is_told_to_praise(listing: &Value) -> bool {
    let text = listing.to_string().to_lowercase();
    ["ignore", "ignoriere", "praise", "忽略"].iter().any(|word| text.contains(word))
}

/// What it was told: only praise, with what stands in the text.
fn praise(asked: &Asked) -> Value {
    let evidence = &asked.facts[..1];
    let mut praise = suggestion("title", "keep", &evidence.iter().collect::<Vec<_>>(), "A perfect listing: 10 of 10.");
    praise["severity"] = json!("low");
    praise
}

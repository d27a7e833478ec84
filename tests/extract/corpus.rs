//! Accuracy: the share of labelled facts that are read correctly from a corpus of real pages outside the project.

use std::collections::BTreeMap;
use std::path::PathBuf;

use amazon_tracker::extract::{Page, PageContext, extract};
use serde_json::Value;

use crate::corpus_folder;

/// A field, and the comparison of a label with the value read.
struct Field {
    name: &'static str,
    compare: fn(&Value, &Value) -> Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Correct,
    /// Null instead of a value.
    Missed,
    Wrong,
    /// The label does not cover the field.
    Unlabelled,
}

const FIELDS: &[Field] = &[
    Field { name: "kind", compare: |label, read| same(&label["kind"], &read["kind"]) },
    Field { name: "asin", compare: |label, read| same(&label["asin"], &read["asin"]) },
    Field { name: "title", compare: |label, read| product(label, same_text(&label["title"], &read["title"])) },
    Field { name: "price_minor", compare: price },
    Field { name: "no price", compare: no_price },
    Field {
        name: "list_price_minor",
        compare: |label, read| product(label, same(&label["list_price_minor"], &read["list_price_minor"])),
    },
    Field {
        name: "availability",
        compare: |label, read| product(label, same(&label["availability"], &read["availability"])),
    },
    Field { name: "seller", compare: |label, read| product(label, same_text(&label["seller"], &read["seller"])) },
    Field { name: "brand", compare: |label, read| product(label, same_text(&label["brand"], &read["brand"])) },
    Field { name: "rating", compare: |label, read| product(label, same(&label["rating"], &read["rating"])) },
    Field {
        name: "review_count",
        compare: |label, read| product(label, same(&label["review_count"], &read["review_count"])),
    },
    Field { name: "bsr", compare: |label, read| product(label, same(&label["bsr"], &read["bsr"])) },
    Field { name: "bsr, first entry", compare: |label, read| product(label, same(&label["bsr"][0], &read["bsr"][0])) },
    Field { name: "main_image_id", compare: image },
    Field {
        name: "bullets_count",
        compare: |label, read| product(label, same_count(&label["bullets_count"], &read["bullets"])),
    },
    Field { name: "price_range_minor", compare: |label, read| labelled(label, "price_range_minor", read) },
    Field { name: "used_price_minor", compare: |label, read| labelled(label, "used_price_minor", read) },
    Field {
        name: "items_count",
        compare: |label, read| list(label, same_count(&label["items_count"], &read["items"])),
    },
    Field { name: "items", compare: items },
];

/// Maximum share of labelled values that may be excluded as wrong labels.
const MAX_EXCEPTIONS: f64 = 0.02;

fn same(label: &Value, read: &Value) -> Verdict {
    let equal = match (label.as_f64(), read.as_f64()) {
        (Some(label), Some(read)) => (label - read).abs() < 1e-9,
        _ => label == read,
    };
    match (equal, read.is_null()) {
        (true, _) => Verdict::Correct,
        (false, true) => Verdict::Missed,
        (false, false) => Verdict::Wrong,
    }
}

fn same_text(label: &Value, read: &Value) -> Verdict {
    let plain = |value: &Value| value.as_str().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    same(&Value::from(plain(label)), &Value::from(plain(read)))
}

fn same_count(label: &Value, read: &Value) -> Verdict {
    same(label, &Value::from(read.as_array().map_or(0, Vec::len)))
}

fn product(label: &Value, verdict: Verdict) -> Verdict {
    if label["kind"] == "product" { verdict } else { Verdict::Unlabelled }
}

fn list(label: &Value, verdict: Verdict) -> Verdict {
    if label["items_count"].is_null() { Verdict::Unlabelled } else { verdict }
}

fn labelled(label: &Value, field: &str, read: &Value) -> Verdict {
    if label.get(field).is_none_or(Value::is_null) { Verdict::Unlabelled } else { same(&label[field], &read[field]) }
}

fn price(label: &Value, read: &Value) -> Verdict {
    if label["price_minor"].is_null() {
        return Verdict::Unlabelled;
    }
    match same(&label["currency"], &read["currency"]) {
        Verdict::Correct => same(&label["price_minor"], &read["price_minor"]),
        verdict => verdict,
    }
}

fn no_price(label: &Value, read: &Value) -> Verdict {
    if label["price_minor"].is_null() {
        product(label, same(&Value::Null, &read["price_minor"]))
    } else {
        Verdict::Unlabelled
    }
}

fn image(label: &Value, read: &Value) -> Verdict {
    let id = read["main_image_url"]
        .as_str()
        .and_then(|url| url.split("/images/I/").nth(1))
        .and_then(|name| name.split('.').next());
    labelled(label, "main_image_id", &serde_json::json!({ "main_image_id": id }))
}

fn items(label: &Value, read: &Value) -> Verdict {
    let Some(expected) = label["items"].as_array() else { return Verdict::Unlabelled };
    let found = |item: &Value| {
        let items = read["items"].as_array();
        items
            .is_some_and(|items| items.iter().any(|one| one["asin"] == item["asin"] && one["position"] == item["rank"]))
    };
    if expected.iter().all(found) { Verdict::Correct } else { Verdict::Wrong }
}

/// The corpus and its labels. `None`, with a note, where it is absent; that is an error in CI.
pub(super) fn available() -> Option<(PathBuf, Vec<Value>)> {
    let corpus = corpus_folder::folder()?;
    let text = std::fs::read_to_string(corpus.join("labels.jsonl")).expect("the labels can be read");
    let labels = text.lines().map(|line| serde_json::from_str(line).expect("a label is JSON")).collect();
    Some((corpus, labels))
}

/// The bytes of a page, and what is known about it before it is read.
pub(super) fn bytes_of(corpus: &std::path::Path, label: &Value) -> (Vec<u8>, PageContext) {
    let id = label["id"].as_str().expect("every label has an id");
    let bytes = std::fs::read(corpus.join(format!("pages/{id}.html"))).expect("every label has its page");
    let marketplace = label["marketplace"].as_str().and_then(|code| code.parse().ok());
    (bytes, PageContext { marketplace, content_type: None, to_the_end: false })
}

#[derive(Default)]
struct Score {
    correct: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
    excluded: usize,
}

fn read_page(corpus: &std::path::Path, label: &Value) -> Page {
    let (bytes, context) = bytes_of(corpus, label);
    extract(&bytes, context).unwrap_or_else(|error| panic!("{}: {error}", label["id"]))
}

/// Labels that were reviewed and found to be wrong, as `id/field`, with the evidence.
fn exceptions() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!("label_exceptions.json"))
        .expect("the exceptions are a map of id/field to evidence")
}

#[test]
fn real_pages_are_read_as_labelled() {
    let Some((corpus, labels)) = available() else { return };
    let exceptions = exceptions();
    let mut scores: Vec<Score> = FIELDS.iter().map(|_| Score::default()).collect();
    for label in &labels {
        let read = serde_json::to_value(read_page(&corpus, label)).expect("a page serialises");
        for (field, score) in FIELDS.iter().zip(&mut scores) {
            evaluate(field, score, label, &read, &exceptions);
        }
    }
    report(&scores);
    assert_all_are_correct(&scores, exceptions.len());
}

/// `make accuracy`: the table of docs/accuracy.md.
#[test]
#[ignore = "prints a table"]
fn print_the_accuracy_by_field_and_marketplace() {
    let Some((corpus, labels)) = available() else { return };
    let exceptions = exceptions();
    let mut marketplaces: BTreeMap<&str, Vec<Score>> = BTreeMap::new();
    let mut total: Vec<Score> = FIELDS.iter().map(|_| Score::default()).collect();
    let mut pages: BTreeMap<&str, usize> = BTreeMap::new();
    for label in &labels {
        let read = serde_json::to_value(read_page(&corpus, label)).expect("a page serialises");
        let code = label["marketplace"].as_str().unwrap_or("unknown");
        *pages.entry(code).or_default() += 1;
        let of_marketplace =
            marketplaces.entry(code).or_insert_with(|| FIELDS.iter().map(|_| Score::default()).collect());
        for (field, scores) in FIELDS.iter().zip(of_marketplace.iter_mut().zip(&mut total)) {
            evaluate(field, scores.0, label, &read, &exceptions);
            evaluate(field, scores.1, label, &read, &exceptions);
        }
    }
    let codes: Vec<&str> = marketplaces.keys().copied().collect();
    println!(
        "{} pages: {}.\n",
        labels.len(),
        codes.iter().map(|code| format!("{code} {}", pages[code])).collect::<Vec<_>>().join(", ")
    );
    println!("| field | all | wrong | {} |", codes.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(codes.len()));
    for (at, field) in FIELDS.iter().enumerate() {
        let cell = |score: &Score| match score.correct + score.missed.len() + score.wrong.len() {
            0 => "–".to_owned(),
            all => format!("{}/{all}", score.correct),
        };
        let cells: Vec<String> = codes.iter().map(|code| cell(&marketplaces[code][at])).collect();
        println!("| {} | {} | {} | {} |", field.name, cell(&total[at]), total[at].wrong.len(), cells.join(" | "));
    }
}

fn evaluate(field: &Field, score: &mut Score, label: &Value, read: &Value, exceptions: &BTreeMap<String, String>) {
    let unsure = label["unsure"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|name| Some(name) == field.name.split(',').next().map(Value::from).as_ref());
    if unsure || (field.name == "no price" && label["unsure"].to_string().contains("price_minor")) {
        return;
    }
    let verdict = (field.compare)(label, read);
    let id = label["id"].as_str().unwrap_or_default();
    if verdict != Verdict::Correct && exceptions.contains_key(&format!("{id}/{}", field.name)) {
        score.excluded += 1;
        return;
    }
    let detail = || {
        let name = field.name.split(',').next().unwrap_or_default();
        let read_name = if name == "main_image_id" { "main_image_url" } else { name };
        format!("{id}: labelled {}, read {} ({})", label[name], read[read_name], read["diagnostics"][read_name])
    };
    match verdict {
        Verdict::Correct => score.correct += 1,
        Verdict::Missed => score.missed.push(detail()),
        Verdict::Wrong => score.wrong.push(detail()),
        Verdict::Unlabelled => {}
    }
}

fn report(scores: &[Score]) {
    println!("{:20} {:>7} {:>6} {:>6} {:>8} {:>7}", "field", "correct", "missed", "wrong", "excluded", "share");
    for (field, score) in FIELDS.iter().zip(scores) {
        let (missed, wrong) = (score.missed.len(), score.wrong.len());
        let share = share(score) * 100.0;
        println!("{:20} {:7} {missed:6} {wrong:6} {:8} {share:6.1}%", field.name, score.correct, score.excluded,);
    }
    for (field, score) in FIELDS.iter().zip(scores) {
        for (what, details) in [("missed", &score.missed), ("wrong", &score.wrong)] {
            for detail in details {
                println!("{} {what} {detail}", field.name);
            }
        }
    }
}

fn share(score: &Score) -> f64 {
    let all = score.correct + score.missed.len() + score.wrong.len();
    if all == 0 { 1.0 } else { score.correct as f64 / all as f64 }
}

/// Every labelled value is read correctly, but for the labels that are known to be wrong.
fn assert_all_are_correct(scores: &[Score], exceptions: usize) {
    for (field, score) in FIELDS.iter().zip(scores) {
        let others: Vec<&String> = score.missed.iter().chain(&score.wrong).collect();
        assert!(others.is_empty(), "{}: {others:#?}", field.name);
    }
    let values: usize = scores.iter().map(|score| score.correct).sum();
    assert!(exceptions as f64 <= MAX_EXCEPTIONS * values as f64, "{exceptions} of {values} labels are excluded");
}

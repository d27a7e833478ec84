//! The listing rules on the content of real pages. Each finding was held against its page: a rule that cries wolf is not worth having.

use std::collections::BTreeMap;

use amazon_tracker::domain::{ContentDigest, Outcome};
use amazon_tracker::extract::{PageContext, extract};
use amazon_tracker::insight::listing_rules::{ListingCheck, ListingContent, ListingField, ProductGroup, check};
use jiff::civil::date;

use crate::corpus;

/// A page, checked.
struct CheckedPage {
    id: String,
    content: ListingContent,
    outcome: ListingCheck,
}

/// Every product page of the corpus whose observation would be recorded, checked by the rules of 2026-11-30.
fn checked_pages() -> Option<Vec<CheckedPage>> {
    let (corpus, labels) = corpus::available()?;
    let check_page = |label: &serde_json::Value| {
        let (bytes, context) = corpus::bytes_of(&corpus, label);
        let page = extract(&bytes, PageContext { to_the_end: true, ..context }).expect("a real page");
        let (marketplace, asin) = (page.marketplace?, page.asin?);
        let Outcome::Observed(observation) = page.outcome(asin) else { return None };
        let version = ContentDigest::default().update(&observation.content)?;
        let content = ListingContent::observed(marketplace, &version.values);
        let id = label["id"].as_str().expect("every label has an id").to_owned();
        Some(CheckedPage { id, outcome: check(&content, date(2026, 11, 30)), content })
    };
    Some(labels.iter().filter_map(check_page).collect())
}

/// The findings on all pages, by rule. They were looked at on 2026-11-30; look at them again before you change a number:
/// `cargo test --test extract -- --nocapture findings_on_real_pages`.
const FINDINGS: &[(&str, usize)] = &[
    ("bullets_capital_first", 2),
    ("bullets_count", 5),
    ("bullets_guarantee", 1),
    ("bullets_length", 38),
    ("bullets_total_length", 6),
    ("images_count", 14),
    ("images_video", 31),
    ("title_length_75", 34),
    ("title_repeated_word", 3),
];

#[test]
fn findings_on_real_pages_are_those_that_were_looked_at() {
    let Some(pages) = checked_pages() else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for CheckedPage { id, content, outcome } in &pages {
        println!("{id} {:?} {:?}: {:?}", content.group, content.brand, content.title);
        for finding in &outcome.findings {
            println!("    {}: {}", finding.rule.id, finding.message());
            *counts.entry(finding.rule.id).or_default() += 1;
        }
    }
    let counts: Vec<(&str, usize)> = counts.into_iter().collect();
    assert_eq!(counts, FINDINGS);
}

#[test]
fn what_a_finding_says_of_a_real_page_is_on_it() {
    let Some(pages) = checked_pages() else { return };
    for CheckedPage { id, content, outcome } in &pages {
        for finding in &outcome.findings {
            let text = match (finding.rule.field, finding.item) {
                (ListingField::Title, _) => content.title.clone(),
                (ListingField::Description, _) => content.description.clone(),
                (ListingField::Bullets, Some(item)) => content.bullets.as_ref().and_then(|all| all.get(item)).cloned(),
                _ => None,
            };
            let Some(text) = text else { continue };
            for quote in &finding.observed.texts {
                assert!(text.to_lowercase().contains(&quote.to_lowercase()), "{id}: {quote} in {text}");
            }
            if finding.rule.id.contains("length") {
                assert_eq!(finding.observed.amount, u64::try_from(text.chars().count()).ok(), "{id}");
            }
        }
    }
}

#[test]
fn no_rule_of_other_products_is_broken_by_a_real_book_or_film() {
    let Some(pages) = checked_pages() else { return };
    let group_of = |group| pages.iter().filter(|page| page.content.group == group).count();
    println!("{} pages, {} of media", pages.len(), group_of(Some(ProductGroup::Media)));
    assert!(group_of(Some(ProductGroup::Media)) >= 13 && group_of(Some(ProductGroup::Other)) >= 54);
    for CheckedPage { id, content, outcome } in &pages {
        // Pages of media have no brand, whatever is known of their categories.
        if content.brand.is_none() {
            let broken: Vec<_> = outcome.findings.iter().map(|finding| finding.rule.id).collect();
            assert!(broken.is_empty(), "{id}: {broken:?}");
            assert_ne!(content.group, Some(ProductGroup::Other), "{id}");
        }
    }
}

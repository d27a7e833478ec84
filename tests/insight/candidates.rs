//! Candidates: ranked, with reasons, and never the own product in another guise.

use amazon_tracker::domain::*;
use amazon_tracker::insight::{Found, ListingFacts, Reason, candidates};

fn listing(asin: &str) -> Listing {
    Listing::new(Marketplace::De, asin.parse().unwrap())
}

const OWN: &str = "B000000001";

fn own() -> ListingFacts {
    ListingFacts {
        product_id: None,
        title: Some("Acme Kettle, stainless steel, with temperature control".to_owned()),
        brand: Some("Acme".to_owned()),
        price_minor: Some(4000),
        parent_asin: Some("B00PARENT1".parse().unwrap()),
        categories: vec!["Kettles".to_owned()],
    }
}

fn rival() -> ListingFacts {
    ListingFacts {
        product_id: Some(ProductId::new()),
        title: Some("Zeta Kettle with Temperature display".to_owned()),
        brand: Some("Zeta".to_owned()),
        price_minor: Some(4400),
        parent_asin: None,
        categories: vec!["Kitchen".to_owned(), "Kettles".to_owned()],
    }
}

fn found(asin: &str, list_distance: Option<i32>, facts: ListingFacts) -> Found {
    Found { listing: listing(asin), list_distance, is_compared: false, shared_tags: Vec::new(), facts }
}

#[test]
fn a_candidate_says_why_it_is_one() {
    let tagged =
        Found { is_compared: true, shared_tags: vec!["kitchen".to_owned()], ..found("B000000002", Some(-2), rival()) };
    let found_candidates = candidates(&listing(OWN), &own(), vec![tagged]);
    let words = ["kettle", "temperature", "with"].map(str::to_owned).to_vec();
    let expected = [
        Reason::ListPlace(-2),
        Reason::Compared,
        Reason::Tags(vec!["kitchen".to_owned()]),
        Reason::Category("Kettles".to_owned()),
        Reason::Price(1.1),
        Reason::Words(words),
    ];
    assert_eq!(found_candidates[0].reasons, expected);
    assert_eq!(found_candidates[0].title, rival().title);
}

#[test]
fn variations_own_brand_and_other_price_classes_are_left_out() {
    let sibling = ListingFacts { parent_asin: own().parent_asin, ..rival() };
    let own_brand = ListingFacts { brand: Some(" ACME".to_owned()), ..rival() };
    let cheap = ListingFacts { price_minor: Some(1999), ..rival() };
    let dear = ListingFacts { price_minor: Some(8001), ..rival() };
    let all = vec![
        found(OWN, Some(0), rival()),
        found("B000000002", Some(1), sibling),
        found("B000000003", Some(1), own_brand),
        found("B000000004", Some(1), cheap),
        found("B000000005", Some(1), dear),
    ];
    assert_eq!(candidates(&listing(OWN), &own(), all), []);
}

#[test]
fn what_stands_nearer_and_has_more_in_common_comes_first() {
    let stranger = ListingFacts::default();
    let all = vec![
        found("B000000002", Some(9), stranger.clone()),
        found("B000000003", Some(3), stranger),
        found("B000000004", Some(9), rival()),
    ];
    let order: Vec<String> = candidates(&listing(OWN), &own(), all)
        .into_iter()
        .map(|candidate| candidate.listing.asin.to_string())
        .collect();
    assert_eq!(order, ["B000000004", "B000000003", "B000000002"]);
}

#[test]
fn an_unknown_price_or_brand_rules_nothing_out_and_is_no_reason() {
    let unknown = ListingFacts { price_minor: None, brand: None, title: None, categories: Vec::new(), ..rival() };
    let found_candidates = candidates(&listing(OWN), &own(), vec![found("B000000002", Some(1), unknown)]);
    assert_eq!(found_candidates[0].reasons, [Reason::ListPlace(1)]);
    let nothing = ListingFacts::default();
    assert_eq!(candidates(&listing(OWN), &own(), vec![found("B000000002", None, nothing)]), [], "no reason at all");
}

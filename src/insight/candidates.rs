//! Which listings may be competitors of a product: candidates with their reasons, for a person to confirm.

use std::collections::BTreeSet;

use crate::domain::{Asin, Listing, ProductId};

/// Places of a bestseller list around the own one.
pub const LIST_REACH: u16 = 10;

/// A price further away than this is that of something else.
const PRICE_RATIO: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Shorter words of a title say nothing: "for", "mit", "de".
const MIN_WORD_CHARS: usize = 4;

/// What is known of a listing that may be a competitor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListingFacts {
    /// The product that tracks it, if the tenant does.
    pub product_id: Option<ProductId>,
    /// Its title.
    pub title: Option<String>,
    /// Its brand.
    pub brand: Option<String>,
    /// The price of its featured offer, in minor units.
    pub price_minor: Option<i64>,
    /// The parent of its variations.
    pub parent_asin: Option<Asin>,
    /// The categories in which it has a rank.
    pub categories: Vec<String>,
}

/// A listing that may be a competitor, and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The listing.
    pub listing: Listing,
    /// Places away on a bestseller list or in search results.
    pub list_distance: Option<i32>,
    /// Amazon compares the two on the page of the own product.
    pub is_compared: bool,
    /// Tags that both products carry.
    pub shared_tags: Vec<String>,
    /// What is known of it.
    pub facts: ListingFacts,
}

/// Why a listing is a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// It stood so many places away on a list; negative: above.
    ListPlace(i32),
    /// Amazon compares the two on the page of the own product.
    Compared,
    /// Both products carry these tags.
    Tags(Vec<String>),
    /// Both have a rank in this category.
    Category(String),
    /// Its price is so many times the own one.
    Price(f64),
    /// The titles share these words.
    Words(Vec<String>),
}

impl Reason {
    /// How much it counts: where it was found first, then what it has in common.
    fn weight(&self) -> f64 {
        match self {
            Self::ListPlace(distance) => 2.0 - f64::from(distance.unsigned_abs().min(20)) / 20.0,
            Self::Tags(tags) => 1.0 + 0.25 * tags.len().min(4) as f64,
            Self::Compared => 1.5,
            Self::Category(_) => 1.0,
            Self::Price(ratio) => 1.0 - ratio.log2().abs(),
            Self::Words(words) => 0.25 * words.len().min(8) as f64,
        }
    }
}

/// A listing that may be a competitor, with the reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The listing.
    pub listing: Listing,
    /// The product that tracks it, if the tenant does.
    pub product_id: Option<ProductId>,
    /// Its title, if it is known.
    pub title: Option<String>,
    /// Never empty.
    pub reasons: Vec<Reason>,
}

/// The candidates for an own product, the likeliest first. Left out are the product itself, its variations, other products of its brand,
/// and what costs less than half or more than twice as much.
pub fn candidates(own: &Listing, own_facts: &ListingFacts, found: Vec<Found>) -> Vec<Candidate> {
    let mut weighed: Vec<(f64, Candidate)> = found
        .into_iter()
        .filter(|found| found.listing != *own && !is_ruled_out(own_facts, &found.facts))
        .map(|found| {
            let reasons = reasons(own_facts, &found);
            let weight = reasons.iter().map(Reason::weight).sum();
            let Found { listing, facts, .. } = found;
            (weight, Candidate { listing, product_id: facts.product_id, title: facts.title, reasons })
        })
        .filter(|(_, candidate)| !candidate.reasons.is_empty())
        .collect();
    weighed.sort_by(|(a, one), (b, other)| {
        b.total_cmp(a).then_with(|| one.listing.to_string().cmp(&other.listing.to_string()))
    });
    weighed.into_iter().map(|(_, candidate)| candidate).collect()
}

fn is_ruled_out(own: &ListingFacts, other: &ListingFacts) -> bool {
    let is_sibling = own.parent_asin.is_some() && own.parent_asin == other.parent_asin;
    let is_own_brand = own
        .brand
        .as_deref()
        .zip(other.brand.as_deref())
        .is_some_and(|(own, other)| own.trim().to_lowercase() == other.trim().to_lowercase());
    is_sibling || is_own_brand || price_ratio(own, other).is_some_and(|ratio| !PRICE_RATIO.contains(&ratio))
}

fn price_ratio(own: &ListingFacts, other: &ListingFacts) -> Option<f64> {
    let (own, other) = own.price_minor.zip(other.price_minor)?;
    (own > 0 && other > 0).then(|| other as f64 / own as f64)
}

fn reasons(own: &ListingFacts, found: &Found) -> Vec<Reason> {
    let facts = &found.facts;
    let category = own.categories.iter().find(|category| facts.categories.contains(category));
    let words: Vec<String> = words(own).intersection(&words(facts)).cloned().collect();
    let tags = Some(found.shared_tags.clone()).filter(|tags| !tags.is_empty());
    [
        found.list_distance.map(Reason::ListPlace),
        found.is_compared.then_some(Reason::Compared),
        tags.map(Reason::Tags),
        category.cloned().map(Reason::Category),
        price_ratio(own, facts).map(Reason::Price),
        (!words.is_empty()).then_some(Reason::Words(words)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The words of a title that say what the product is: without the brand.
fn words(facts: &ListingFacts) -> BTreeSet<String> {
    let split = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= MIN_WORD_CHARS);
        words.map(str::to_lowercase).collect()
    };
    let brand = facts.brand.as_deref().map(split).unwrap_or_default();
    facts.title.as_deref().map(split).unwrap_or_default().into_iter().filter(|word| !brand.contains(word)).collect()
}

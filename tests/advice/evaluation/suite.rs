//! What is evaluated: listings with planted defects, listings that too little is known of, and hostile ones.

use amazon_tracker::advice::Lack;
use amazon_tracker::domain::Outcome;
use amazon_tracker::extract::{PageContext, extract};
use serde_json::Value;

use super::defects::{DEFECTS, Defect, Place};
use super::listings::{Twins, faultless, hostile, thin};
use super::page::Page;
use crate::corpus;

/// Listings of the corpus.
const CORPUS_LISTINGS: usize = 40;

/// A listing with planted defects.
pub struct Planted {
    pub page: Page,
    pub defects: Vec<&'static Defect>,
}

/// All listings.
pub struct Suite {
    pub planted: Vec<Planted>,
    pub thin: Vec<(Page, Vec<Lack>)>,
    pub hostile: Vec<Twins>,
}

impl Suite {
    /// The listings that are made here, each defect in one of them, and those of the corpus, if it is there.
    pub fn whole() -> Self {
        let mut suite = Self::made();
        suite.planted.extend(of_corpus());
        suite
    }

    /// The listings that are made here.
    pub fn made() -> Self {
        let planted = |(at, defect): (usize, &'static Defect)| {
            let mut page = faultless(50 + at);
            defect.plant(&mut page);
            page.name = format!("{}: {}", page.name, defect.name);
            Planted { page, defects: vec![defect] }
        };
        Self { planted: DEFECTS.iter().enumerate().map(planted).collect(), thin: thin(), hostile: hostile() }
    }
}

/// Listings of real pages, each with up to three planted defects; none where the corpus is absent, which is an error in CI.
fn of_corpus() -> Vec<Planted> {
    let Some(folder) = corpus::folder() else { return Vec::new() };
    let labels = std::fs::read_to_string(folder.join("labels.jsonl")).unwrap();
    let labels = labels.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let pages = labels.filter_map(|label| Some((page_of(&folder, &label)?, label["brand"].is_string())));
    let planted = |(at, (mut page, is_branded)): (usize, (Page, bool))| {
        let title = if is_branded { Place::BrandedTitle } else { Place::AnyTitle };
        let defects: Vec<_> =
            [title, Place::Bullets, Place::Course].into_iter().map(|place| nth_of(place, at)).collect();
        defects.iter().for_each(|defect| defect.plant(&mut page));
        Planted { page, defects }
    };
    let planted: Vec<_> = pages.take(CORPUS_LISTINGS).enumerate().map(planted).collect();
    assert_eq!(planted.len(), CORPUS_LISTINGS, "the corpus has fewer listings with a price than there were");
    planted
}

/// The defects of a place in turn.
fn nth_of(place: Place, at: usize) -> &'static Defect {
    let of_place: Vec<&Defect> = DEFECTS.iter().filter(|defect| defect.place == place).collect();
    of_place[at % of_place.len()]
}

/// The listing of a real page that shows a price: what happens to it over time is made here.
fn page_of(corpus: &std::path::Path, label: &Value) -> Option<Page> {
    let id = label["id"].as_str().unwrap();
    let marketplace = label["marketplace"].as_str().and_then(|code| code.parse().ok());
    if label["kind"] != "product" || label["price_minor"].is_null() {
        return None;
    }
    let bytes = std::fs::read(corpus.join(format!("pages/{id}.html"))).unwrap();
    let page = extract(&bytes, PageContext { marketplace, content_type: None, to_the_end: true }).unwrap();
    let (marketplace, asin) = (page.marketplace?, page.asin?);
    let Outcome::Observed(mut seen) = page.outcome(asin) else { return None };
    seen.asin = Some(asin);
    seen.price.value()?;
    Some(Page::new(id, marketplace, *seen))
}

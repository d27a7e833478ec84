//! Items of Apify actors: from the bytes of an answer to observations, compared to parsing the same bytes as JSON.

use std::fs;
use std::time::Instant;

use amazon_tracker::config::ActorProfile;
use amazon_tracker::domain::Marketplace;
use serde_json::Value;

use crate::extraction::corpus;
use crate::table::{Table, Target, median, per_second};

const ROUNDS: usize = 9;
/// Readings of all files in a round: the corpus has few items.
const REPEATS: usize = 20;
const FILES: [(&str, ActorProfile); 4] = [
    ("axesso-product-details-deep12398.json", ActorProfile::AxessoProductDetails),
    ("axesso-product-details-momojmogg.json", ActorProfile::AxessoProductDetails),
    ("junglee-amazon-crawler-deep12398.json", ActorProfile::JungleeAmazonCrawler),
    ("junglee-amazon-crawler-overview-fitup.json", ActorProfile::JungleeAmazonCrawler),
];

/// Measures the speed.
pub fn run(table: &mut Table) {
    let files = FILES.map(|(name, profile)| (fs::read(corpus().join("apify").join(name)).unwrap(), profile));
    let (mut ours, mut rivals) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(rate(&files, |items, profile| {
            for item in items {
                std::hint::black_box(profile.answer(item, Marketplace::Us));
            }
        }));
        rivals.push(rate(&files, |items, _| {
            std::hint::black_box(items);
        }));
    }
    table.add(
        "items of Apify actors",
        "/s",
        median(ours),
        ("serde_json, parsed only", median(rivals)),
        Target::AtLeast(0.5),
    );
}

/// Items read per second.
fn rate(files: &[(Vec<u8>, ActorProfile)], read: impl Fn(&[Value], ActorProfile)) -> f64 {
    let (began_at, mut count) = (Instant::now(), 0);
    for (bytes, profile) in std::iter::repeat_n(files, REPEATS).flatten() {
        let answer: Value = serde_json::from_slice(bytes).unwrap();
        let items = answer.as_array().unwrap();
        count += items.len();
        read(items, *profile);
    }
    per_second(count, began_at.elapsed())
}

//! Staleness of adaptive crawling against uniform crawling, with the same number of crawls: simulated, on generated histories and on
//! those of the corpus.

use std::fs;
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::extraction::corpus;
use crate::refresh_simulation::{History, a_fifth_volatile, compare, log_normal, poisson};
use crate::table::{Table, Target};

const LISTINGS: usize = 500;
const DAYS: f64 = 180.0;
/// Of each part of a history of the corpus.
const PART_DAYS: f64 = 60.0;
const MINUTES_PER_DAY: f64 = 1440.0;
/// Answers of Keepa about different products.
const KEEPA_FILES: [&str; 3] =
    ["cunuo-research-keepa-product.json", "stanikawa-keepa_raw.json", "stanikawa-keepa_response_B0DT64M849.json"];
/// In Keepa's `csv`: Amazon's price, the price of new offers, the list price, and the Buy Box with shipping, with the numbers in an
/// entry.
const PRICES: [(usize, usize); 4] = [(0, 2), (1, 2), (4, 2), (18, 3)];
/// The same with the sales rank and the number of offers, which change more often.
const SERIES: [(usize, usize); 6] = [(0, 2), (1, 2), (4, 2), (18, 3), (3, 2), (11, 2)];

/// Compares.
pub fn run(table: &mut Table) {
    let target = Target::AtMost(0.67);
    add(table, "20 % volatile", &poisson(a_fifth_volatile(LISTINGS), DAYS), DAYS, [target, target]);
    add(table, "log-normal, σ 1", &poisson(log_normal(LISTINGS, 1.0), DAYS), DAYS, [Target::None; 2]);
    add(table, "log-normal, σ 2", &poisson(log_normal(LISTINGS, 2.0), DAYS), DAYS, [Target::None; 2]);
    let (prices, all) = (parts(&PRICES), parts(&SERIES));
    add(table, "Keepa, prices", &prices, PART_DAYS, [Target::None; 2]);
    let of_rates = |parts: &[History], changes_per_day: RangeInclusive<f64>| -> Vec<History> {
        let rate = |part: &History| (part.len() - 1) as f64 / PART_DAYS;
        parts.iter().filter(|part| changes_per_day.contains(&rate(part))).cloned().collect()
    };
    let mix = one_to_four(&of_rates(&all, 1.0..=3.0), &of_rates(&prices, 0.0..=0.05));
    add(table, "Keepa, 20 % volatile", &mix, PART_DAYS, [target, Target::None]);
}

/// One volatile history to four quiet ones.
fn one_to_four(volatile: &[History], quiet: &[History]) -> Vec<History> {
    let groups = quiet.chunks_exact(4).zip(volatile.iter().cycle());
    groups.flat_map(|(quiet, volatile)| quiet.iter().chain([volatile]).cloned()).collect()
}

/// Mean age is what the allocation minimises; the share of time out of date is the other usual measure.
fn add(table: &mut Table, what: &str, histories: &[History], days: f64, [target, of_share]: [Target; 2]) {
    let (adaptive, uniform) = compare(histories, days);
    let more_crawls = adaptive.crawls as f64 / uniform.crawls as f64;
    assert!((more_crawls - 1.0).abs() < 0.01, "{what}: {more_crawls} times the crawls");
    let (ours, rival) = (adaptive.mean_age_hours, uniform.mean_age_hours);
    table.add(&format!("mean age: {what}"), "h", ours, ("uniform crawling", rival), target);
    let (ours, rival) = (100.0 * adaptive.share, 100.0 * uniform.share);
    table.add(&format!("time out of date: {what}"), "%", ours, ("uniform crawling", rival), of_share);
}

/// The histories of some series, cut into parts of equal length, each of which stands for a listing.
fn parts(series: &[(usize, usize)]) -> Vec<History> {
    let mut parts = Vec::new();
    for file in KEEPA_FILES {
        let json: Value = serde_json::from_slice(&fs::read(corpus().join("keepa").join(file)).unwrap()).unwrap();
        let product = json.pointer("/products/0").unwrap_or(&json);
        for (index, width) in series {
            let numbers = product["csv"][index].as_array().into_iter().flatten();
            let numbers: Vec<i64> = numbers.map(|number| number.as_i64().unwrap()).collect();
            let entry = |entry: &[i64]| (entry[0] as f64 / MINUTES_PER_DAY, entry[1..].iter().sum());
            cut(&numbers.chunks_exact(*width).map(entry).collect(), &mut parts);
        }
    }
    parts
}

fn cut(history: &History, parts: &mut Vec<History>) {
    let (Some((first, _)), Some((last, _))) = (history.first(), history.last()) else { return };
    let mut begin = *first;
    while begin + PART_DAYS <= *last {
        let before = history.partition_point(|(days, _)| *days <= begin);
        let end = history.partition_point(|(days, _)| *days < begin + PART_DAYS);
        let rest = history[before..end].iter().map(|(days, value)| (days - begin, *value));
        parts.push(std::iter::once((0.0, history[before - 1].1)).chain(rest).collect());
        begin += PART_DAYS;
    }
}

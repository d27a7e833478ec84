//! Benchmarks of speed and memory. Every result is a ratio to a named reference, measured in the same run.
//!
//! `make bench` runs all benchmarks; `make bench only=extraction` runs one group.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

mod actors;
mod alerts;
mod api;
mod crawling;
mod dashboard;
mod extraction;
mod files;
mod freshness;
mod insight;
mod items;
mod leases;
mod operations;
#[path = "../tests/support/postgres.rs"]
mod postgres;
#[path = "../tests/support/processes.rs"]
mod processes;
#[path = "../tests/support/refresh_simulation.rs"]
mod refresh_simulation;
mod replicas;
mod reports;
mod rivals;
mod table;
#[path = "../tests/support/webdriver.rs"]
mod webdriver;

use std::path::Path;

use table::Table;

type Group = fn(&mut Table);

const GROUPS: [(&str, Group); 14] = [
    ("extraction", extraction::run),
    ("actors", actors::run),
    ("leases", leases::run),
    ("api", api::run),
    ("operations", operations::run),
    ("files", files::run),
    ("items", items::run),
    ("freshness", freshness::run),
    ("crawling", crawling::run),
    ("replicas", replicas::run),
    ("alerts", alerts::run),
    ("insight", insight::run),
    ("reports", reports::run),
    ("dashboard", dashboard::run),
];

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [extraction::PEAK_OF_ONE, page] => extraction::print_peak(Path::new(page)),
        [actors::BYTES_OF, kind] => actors::print_bytes_of(kind),
        [api::BARE_HANDLER, body, port] => api::bare_handler_main(Path::new(body), port.parse().unwrap()),
        [crawling::BARE_LOOP, base_url, asins] => crawling::bare_loop_main(base_url, asins.parse().unwrap()),
        [reports::PEAK_OF_REPORT, products] => reports::print_peak(products.parse().unwrap()),
        groups => measure(groups),
    }
}

fn measure(groups: &[&str]) {
    let known = |group: &&str| GROUPS.iter().any(|(name, _)| name == group);
    assert!(groups.iter().all(known), "valid groups: {:?}", GROUPS.map(|(name, _)| name));
    let mut table = Table::default();
    for (name, group) in &GROUPS {
        if groups.is_empty() || groups.contains(name) {
            eprintln!("{name} …");
            group(&mut table);
        }
    }
    table.print();
}

//! How fast and how small: every number is a ratio against a named rival or limit, measured in the same run.
//!
//! `make bench` runs all of it; `make bench only=extraction` one part.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench ends at the first thing that goes wrong")]

mod actors;
mod api;
mod crawling;
mod extraction;
mod leases;
#[path = "../tests/support/postgres.rs"]
mod postgres;
mod replicas;
mod rivals;
mod table;

use std::path::Path;

use table::Table;

type Part = fn(&mut Table);

const PARTS: [(&str, Part); 6] = [
    ("extraction", extraction::run),
    ("actors", actors::run),
    ("leases", leases::run),
    ("api", api::run),
    ("crawling", crawling::run),
    ("replicas", replicas::run),
];

fn main() {
    // Cargo's own `--bench` is no part.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [extraction::PEAK_OF_ONE, page] => extraction::print_peak(Path::new(page)),
        [actors::BYTES_OF, kind] => actors::print_bytes_of(kind),
        [api::BARE_HANDLER, body, port] => api::bare_handler_main(Path::new(body), port.parse().unwrap()),
        [crawling::BARE_LOOP, base_url, asins] => crawling::bare_loop_main(base_url, asins.parse().unwrap()),
        parts => measure(parts),
    }
}

fn measure(parts: &[&str]) {
    let known = |part: &&str| PARTS.iter().any(|(name, _)| name == part);
    assert!(parts.iter().all(known), "the parts are {:?}", PARTS.map(|(name, _)| name));
    let mut table = Table::default();
    for (name, part) in &PARTS {
        if parts.is_empty() || parts.contains(name) {
            eprintln!("{name} …");
            part(&mut table);
        }
    }
    table.print();
}

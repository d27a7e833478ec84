//! How fast and how small: every number is a ratio against a named rival or limit, measured in the same run.
//!
//! `make bench` runs all of it; `make bench only=extraction` one part.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench ends at the first thing that goes wrong")]

mod extraction;
mod rivals;
mod table;

use std::path::Path;

use table::Table;

const PARTS: &[(&str, fn(&mut Table))] = &[("extraction", extraction::run)];

fn main() {
    // Cargo's own `--bench` is no part.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, page] = arguments.as_slice()
        && flag == extraction::PEAK_OF_ONE
    {
        return extraction::print_peak(Path::new(page));
    }
    let mut table = Table::default();
    for (name, part) in PARTS {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            eprintln!("{name} …");
            part(&mut table);
        }
    }
    table.print();
}

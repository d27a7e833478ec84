//! The times at which a listing could not be bought.

use jiff::Timestamp;

use super::document::{Block, Cell, ColumnKind, Fact, Section, Table};
use super::reported::ReportedProduct;
use crate::domain::steps::{Span, Window};
use crate::domain::{Availability, Series};
use crate::insight::Measure;
use crate::insight::stock::out_of_stock_share;

/// Times that are listed: the latest.
const MAX_TIMES: usize = 100;

/// A time at which a listing could not be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutOfStock {
    /// When it began, as far as it is known.
    pub from: Timestamp,
    /// When it ended, or ceased to be known.
    pub to: Timestamp,
}

/// The times of a window, the latest first. Times of which nothing is known divide them.
pub(super) fn out_of_stock(states: &[Span<i64>]) -> Vec<OutOfStock> {
    let is_out = |span: &&Span<i64>| span.value.and_then(Availability::from_number).is_some_and(Availability::is_out);
    let mut times: Vec<OutOfStock> = Vec::new();
    for span in states.iter().filter(is_out) {
        match times.last_mut().filter(|last| last.to == span.from) {
            Some(last) => last.to = span.to,
            None => times.push(OutOfStock { from: span.from, to: span.to }),
        }
    }
    times.reverse();
    times
}

/// The availability in a window: `None` if nothing is known of it.
pub(super) fn stock_section(reported: &ReportedProduct<'_>, window: Window) -> Option<(Section, Measure<f64>)> {
    let states = reported.numbers(&Series::Availability.into(), window);
    let share = out_of_stock_share(reported.history, window);
    if states.is_empty() {
        return None;
    }
    let times = out_of_stock(&states);
    let mut facts = vec![
        Fact::new(
            "Out of stock, share of the known time",
            Cell::option(share.value.as_ref().ok(), |share| Cell::share(*share)),
        ),
        Fact::new("Known share of the window", Cell::share(share.coverage)),
    ];
    facts.extend(
        share.value.as_ref().err().map(|missing| Fact::new("Missing because", Cell::text(missing.to_string()))),
    );
    let mut blocks = vec![Block::Facts { facts }];
    if times.is_empty() {
        blocks.push(Block::text("At no known time was it out of stock."));
    } else {
        if times.len() > MAX_TIMES {
            blocks.push(Block::text(format!("The latest {MAX_TIMES} of {} times:", times.len())));
        }
        let row = |time: &OutOfStock| {
            let to = if time.to >= window.to { Cell::text("lasts") } else { Cell::Time(time.to) };
            let hours = time.to.duration_since(time.from).as_secs_f64() / 3_600.0;
            vec![Cell::Time(time.from), to, Cell::number(hours)]
        };
        let columns =
            [("Out of stock from", ColumnKind::Text), ("Until", ColumnKind::Text), ("Hours", ColumnKind::Number)];
        let rows = times.iter().take(MAX_TIMES).map(row).collect();
        blocks.push(Block::Table(Table { rows, ..Table::new(&columns) }));
    }
    Some((Section::new("availability", "Availability", blocks), share))
}

//! What a reader of a report should look at first, with the evidence.

use super::product_row::is_lowest;
use super::reported::ReportedProduct;
use super::values_table::{Moved, excluded};
use super::wording::{day, percent, relative, whole_percent};
use crate::domain::steps::Window;
use crate::domain::{Money, ReportWindow, Series};
use crate::insight::Measure;

/// A change of price of this share, either way, is a flag.
const PRICE_MOVE: f64 = 0.1;
/// So much of the known time out of stock is a flag.
const OUT_OF_STOCK: f64 = 0.05;
/// A rank that became so many times better or worse is a flag.
const RANK_RATIO: f64 = 2.0;

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flag {
    /// What it is.
    pub name: String,
    /// The values that it follows from.
    pub evidence: String,
}

/// The flags of a product.
pub(super) fn flags(
    reported: &ReportedProduct<'_>,
    moved: &[Moved],
    out_of_stock: Option<&Measure<f64>>,
    passed: Window,
    window: &ReportWindow,
) -> Vec<Flag> {
    let of = |series: Series| moved.iter().find(|moved| moved.key.series == series);
    let price = of(Series::Price);
    let counts = excluded(reported, moved, passed).is_none();
    [
        price.and_then(|price| lowest(reported, price, passed, window)),
        price.filter(|_| counts).and_then(|price| price_move(reported, price)),
        out_of_stock.and_then(out_of_stock_flag),
        of(Series::SalesRank).and_then(rank_move),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn lowest(reported: &ReportedProduct<'_>, price: &Moved, passed: Window, window: &ReportWindow) -> Option<Flag> {
    let close = price.close()?;
    let of_all_time = is_lowest(reported, close, Window { from: None, to: passed.to });
    let of_90_days = || is_lowest(reported, close, Window::of_days(Some(90), passed.to));
    let name = if of_all_time {
        "Lowest price since tracking began"
    } else if of_90_days() {
        "Lowest price of 90 days"
    } else {
        return None;
    };
    let (_, reached_at) = price.movement.low?;
    let price = Money::new(close, reported.currency());
    let evidence = format!("{price}, in this time first on {}", day(reached_at, window));
    Some(Flag { name: name.to_owned(), evidence })
}

fn price_move(reported: &ReportedProduct<'_>, price: &Moved) -> Option<Flag> {
    let (open, close) = (price.movement.open?, price.close()?);
    let change = relative(open, close).filter(|change| change.abs() >= PRICE_MOVE)?;
    let name = if change < 0.0 { "The price fell" } else { "The price rose" };
    let money = |minor| Money::new(minor, reported.currency());
    Some(Flag {
        name: name.to_owned(),
        evidence: format!("{}, from {} to {}", percent(change), money(open), money(close)),
    })
}

fn out_of_stock_flag(share: &Measure<f64>) -> Option<Flag> {
    let value = share.value.as_ref().ok().filter(|value| **value >= OUT_OF_STOCK)?;
    let times = if share.n == 1 { "once".to_owned() } else { format!("{} times", share.n) };
    Some(Flag {
        name: "Out of stock".to_owned(),
        evidence: format!("{} of the known time, {times}", whole_percent(*value)),
    })
}

fn rank_move(rank: &Moved) -> Option<Flag> {
    let (open, close) = (rank.movement.open?, rank.close()?);
    let ratio = 1.0 + relative(open, close)?;
    let name = match ratio {
        ratio if ratio >= RANK_RATIO => "The sales rank became worse",
        ratio if ratio <= 1.0 / RANK_RATIO => "The sales rank became better",
        _ => return None,
    };
    Some(Flag { name: name.to_owned(), evidence: format!("from {open} to {close} in {}", rank.category()) })
}

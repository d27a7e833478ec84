//! The report of one product.

use super::document::{Block, Cell, Chart, ColumnKind, Fact, Report, ReportExclusion, Section, Table};
use super::insight_table::insight_section;
use super::listing_findings::{findings_section, findings_sentence};
use super::price_chart::line;
use super::product_flags::{Flag, flags};
use super::reported::ReportedProduct;
use super::stock_times::stock_section;
use super::values_table::{Moved, excluded, moved, values_table};
use super::wording::{
    AVERAGES, CHANGES, PRICES, RANKS, UNKNOWN_TIMES, covered_until, percent, relative, whole_percent, without_data,
};
use crate::domain::steps::{Span, Window};
use crate::domain::{Money, ReportWindow, Series};
use crate::insight::listing_rules::ListingCheck;
use crate::insight::{Measure, Peer, insight};

/// Insight looks at so many days at least: a week says nothing about a price.
const MIN_INSIGHT_DAYS: u32 = 90;
/// Changes of the price that are listed: the latest.
const MAX_CHANGES: usize = 200;

const MAIN: &str = "values";

/// The report of one product beside the offers of its competitors. `check`: of its content by the rules of today; `None`: none was read.
pub fn product_report(
    reported: &ReportedProduct<'_>,
    peers: &[Peer],
    check: Option<&ListingCheck>,
    window: &ReportWindow,
) -> Report {
    let (product, made_at) = (reported.product, reported.history.now());
    let title = reported.name();
    let known = reported.window(window).map(|window| (window, moved(reported, window)));
    let stock = known.as_ref().and_then(|(window, _)| stock_section(reported, *window));
    let Some((passed, moved)) = known.filter(|(_, moved)| !moved.is_empty() || stock.is_some()) else {
        let coverage = coverage(reported, &[], window);
        let mut report = without_data(title, window, made_at, coverage, "nothing is known of this time", Vec::new());
        report.summary.extend(product.failure().map(|failure| failure.explanation.to_owned()));
        return report;
    };
    let days = window.days().max(MIN_INSIGHT_DAYS);
    let insight = insight(reported.history, days, &Peer::from(product), peers);
    let (stock, out_of_stock) = stock.map_or((None, None), |(section, share)| (Some(section), Some(share)));
    let flags = flags(reported, &moved, out_of_stock.as_ref(), passed, window);
    let sections = [
        flags_section(&flags),
        Some(Section::new(MAIN, "In this time", vec![values(reported, &moved, passed)])),
        price_section(reported, passed),
        stock,
        Some(insight_section(&insight, days, reported.currency())),
        check.map(findings_section),
    ];
    let excluded = excluded(reported, &moved, passed);
    let exclusions = excluded
        .map(|reason| ReportExclusion { what: "The change of the price".to_owned(), reason: reason.to_string() });
    Report {
        title,
        made_at,
        window: window.clone(),
        coverage: coverage(reported, &moved, window),
        summary: summary(reported, &moved, out_of_stock.as_ref(), &flags, check),
        sections: sections.into_iter().flatten().collect(),
        main_section: MAIN.to_owned(),
        exclusions: exclusions.into_iter().collect(),
        method: [PRICES, AVERAGES, CHANGES, UNKNOWN_TIMES, RANKS].map(str::to_owned).to_vec(),
    }
}

fn coverage(reported: &ReportedProduct<'_>, moved: &[Moved], window: &ReportWindow) -> Vec<Fact> {
    let (product, made_at) = (reported.product, reported.history.now());
    let price = moved.iter().find(|moved| moved.key.series == Series::Price);
    let mut coverage = vec![
        Fact::new("ASIN", Cell::text(product.listing.asin.as_str())),
        Fact::new("Marketplace", Cell::text(product.listing.marketplace.code())),
        Fact::new("Page", Cell::text(product.listing.url())),
        Fact::new(
            "Price known, share of the window",
            Cell::share(price.map_or(0.0, |price| price.movement.known_share)),
        ),
        Fact::new("Last observed", Cell::option(product.state.checked_at, Cell::Time)),
    ];
    coverage.extend(covered_until(window, made_at));
    coverage
        .extend(product.failure().map(|failure| Fact::new("Not observed at present", Cell::text(failure.explanation))));
    coverage
}

fn values(reported: &ReportedProduct<'_>, moved: &[Moved], window: Window) -> Block {
    if moved.is_empty() {
        Block::text("Neither price nor rank nor ratings are known of this time.")
    } else {
        Block::Table(values_table(reported, moved, window))
    }
}

fn flags_section(flags: &[Flag]) -> Option<Section> {
    let rows = flags.iter().map(|flag| [&flag.name, &flag.evidence].map(Cell::text).to_vec()).collect();
    let columns = [("Flag", ColumnKind::Text), ("Evidence", ColumnKind::Text)];
    let blocks = vec![Block::Table(Table { rows, ..Table::new(&columns) })];
    (!flags.is_empty()).then(|| Section::new("flags", "Flags", blocks))
}

fn price_section(reported: &ReportedProduct<'_>, window: Window) -> Option<Section> {
    let prices = reported.numbers(&Series::Price.into(), window);
    if prices.iter().all(|span| span.value.is_none()) {
        return None;
    }
    let currency = reported.currency();
    let mut blocks = vec![Block::Chart(Chart {
        title: "Price".to_owned(),
        unit: currency.code(),
        lines: vec![line(&reported.name(), &prices, currency)],
    })];
    let changes = changes(&prices);
    if changes.is_empty() {
        blocks.push(Block::text("The price did not change in this time."));
    } else {
        if changes.len() > MAX_CHANGES {
            blocks.push(Block::text(format!("The latest {MAX_CHANGES} of {} changes:", changes.len())));
        }
        let money = |minor: i64| Cell::Money(Money::new(minor, currency));
        let row = |(before, after): &(i64, Span<i64>)| {
            let new = after.value.unwrap_or(*before);
            let change = Cell::option(relative(*before, new), Cell::share);
            vec![Cell::Time(after.from), money(new), money(new.saturating_sub(*before)), change]
        };
        let columns = [
            ("Changed at", ColumnKind::Text),
            ("Price", ColumnKind::Money),
            ("Change", ColumnKind::Money),
            ("Change in percent", ColumnKind::Number),
        ];
        let rows = changes.iter().rev().take(MAX_CHANGES).map(row).collect();
        blocks.push(Block::Table(Table { rows, ..Table::new(&columns) }));
    }
    Some(Section::new("price", "Price", blocks))
}

/// The prices that differ from the one before, with that one.
fn changes(prices: &[Span<i64>]) -> Vec<(i64, Span<i64>)> {
    let priced: Vec<(i64, &Span<i64>)> = prices.iter().filter_map(|span| Some((span.value?, span))).collect();
    let pairs = priced.windows(2).filter(|pair| pair[0].0 != pair[1].0);
    pairs.map(|pair| (pair[0].0, *pair[1].1)).collect()
}

fn summary(
    reported: &ReportedProduct<'_>,
    moved: &[Moved],
    out_of_stock: Option<&Measure<f64>>,
    flags: &[Flag],
    check: Option<&ListingCheck>,
) -> Vec<String> {
    let of = |series: Series| moved.iter().find(|moved| moved.key.series == series);
    let mut lines = vec![price_sentence(reported, of(Series::Price))];
    lines.extend(flags.iter().map(|flag| format!("{}: {}.", flag.name, flag.evidence)));
    lines.extend(of(Series::SalesRank).and_then(|rank| {
        let (open, close, category) = (rank.movement.open?, rank.close()?, rank.category());
        Some(if open == close {
            format!("The sales rank in {category} is {close}, as at the beginning.")
        } else {
            let direction = if close < open { "better" } else { "worse" };
            format!("The sales rank in {category} went from {open} to {close}: {direction}.")
        })
    }));
    lines.extend(of(Series::ReviewCount).and_then(|reviews| {
        let (change, close) = (reviews.change()?, reviews.close()?);
        (change != 0).then(|| format!("The number of ratings changed by {change:+} to {close}."))
    }));
    lines.extend(
        out_of_stock
            .and_then(|share| share.value.as_ref().ok())
            .filter(|share| **share > 0.0)
            .map(|share| format!("It was out of stock for {} of the known time.", whole_percent(*share))),
    );
    lines.extend(check.and_then(findings_sentence));
    lines.extend(reported.product.failure().map(|failure| format!("Not observed at present: {}", failure.explanation)));
    lines
}

fn price_sentence(reported: &ReportedProduct<'_>, price: Option<&Moved>) -> String {
    let money = |minor: i64| Money::new(minor, reported.currency());
    let Some((price, open)) = price.and_then(|price| Some((price, price.movement.open?))) else {
        return "No price is known of this time.".to_owned();
    };
    let range = match (price.movement.low, price.movement.high) {
        (Some((low, _)), Some((high, _))) if low != high => format!(", between {} and {}", money(low), money(high)),
        _ => String::new(),
    };
    match price.close() {
        None => format!("The price was {} at first{range}; at the end none is known.", money(open)),
        Some(close) if close == open => format!("The price is {}, as at the beginning{range}.", money(close)),
        Some(close) => {
            let change = relative(open, close).map(|change| format!(" ({})", percent(change))).unwrap_or_default();
            format!("The price went from {} to {}{change}{range}.", money(open), money(close))
        }
    }
}

//! The report of many products: those with a tag, or all of a tenant.

use jiff::Timestamp;

use super::document::{Block, Cell, Fact, Report, ReportExclusion, Section};
use super::product_row::{ProductRow, RowExclusion};
use super::product_tables::{failures_section, lowest_section, movers_section, products_table};
use super::wording::{
    CHANGES, CURRENCIES, PRICES, RANKS, UNKNOWN_TIMES, count, covered_until, percent, whole_percent, without_data,
};
use crate::domain::ReportWindow;

/// The largest changes of prices that are listed apart.
const MAX_MOVERS: usize = 10;
/// Products whose exclusion is told by name: each has its reason in the table, too.
const MAX_EXCLUSIONS: usize = 100;

const MAIN: &str = "products";

/// Which products a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductsScope {
    /// All of the tenant.
    All,
    /// Those with a tag.
    Tag(String),
}

impl ProductsScope {
    fn title(&self) -> String {
        match self {
            Self::All => "All products".to_owned(),
            Self::Tag(tag) => format!("Products tagged “{tag}”"),
        }
    }
}

/// How many products did what.
#[derive(Debug, Default)]
struct Counts {
    cheaper: usize,
    dearer: usize,
    unchanged: usize,
    excluded: usize,
    out_of_stock: usize,
    lowest_of_all_time: usize,
    lowest_of_90_days: usize,
    failing: usize,
}

/// The report of many products, from a row of each.
pub fn products_report(
    scope: &ProductsScope,
    rows: &[ProductRow],
    window: &ReportWindow,
    made_at: Timestamp,
) -> Report {
    let mut rows: Vec<&ProductRow> = rows.iter().collect();
    rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.listing));
    let counts = Counts::of(&rows);
    let coverage = coverage(&rows, &counts, window, made_at);
    let exclusions = exclusions(&rows);
    if !rows.iter().any(|row| row.has_data()) {
        let why = if rows.is_empty() { "there are no such products" } else { "nothing is known of this time" };
        let mut report = without_data(scope.title(), window, made_at, coverage, why, exclusions);
        report.summary.extend(failing(&counts));
        return report;
    }
    let movers = movers(&rows);
    let sections = [
        Some(Section::new("counts", "Counts", vec![Block::Facts { facts: counts.facts() }])),
        movers_section(&movers),
        lowest_section(&rows),
        Some(Section::new(MAIN, "Products", vec![Block::Table(products_table(&rows))])),
        failures_section(&rows),
    ];
    Report {
        title: scope.title(),
        made_at,
        window: window.clone(),
        coverage,
        summary: summary(&rows, &counts, &movers),
        sections: sections.into_iter().flatten().collect(),
        main_section: MAIN.to_owned(),
        exclusions,
        method: [PRICES, CHANGES, UNKNOWN_TIMES, RANKS, CURRENCIES].map(str::to_owned).to_vec(),
    }
}

impl Counts {
    fn of(rows: &[&ProductRow]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            match row.change() {
                None => counts.excluded += 1,
                Some(0) => counts.unchanged += 1,
                Some(change) if change < 0 => counts.cheaper += 1,
                Some(_) => counts.dearer += 1,
            }
            counts.out_of_stock += usize::from(row.out_of_stock_share > Some(0.0));
            counts.lowest_of_all_time += usize::from(row.is_lowest_of_all_time);
            counts.lowest_of_90_days += usize::from(row.is_lowest_of_90_days);
            counts.failing += usize::from(row.failure.is_some());
        }
        counts
    }

    fn facts(&self) -> Vec<Fact> {
        let fact = |(name, count): (&str, usize)| Fact::new(name, integer(count));
        let facts = [
            ("Cheaper at the end", self.cheaper),
            ("Dearer at the end", self.dearer),
            ("At the same price", self.unchanged),
            ("Out of stock for some of the time", self.out_of_stock),
            ("At the lowest price since tracking began", self.lowest_of_all_time),
            ("At the lowest price of 90 days", self.lowest_of_90_days),
        ];
        facts.into_iter().map(fact).collect()
    }
}

fn integer(count: usize) -> Cell {
    Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

fn coverage(rows: &[&ProductRow], counts: &Counts, window: &ReportWindow, made_at: Timestamp) -> Vec<Fact> {
    let mut coverage = vec![
        Fact::new("Products", integer(rows.len())),
        Fact::new("With a change of price that counts", integer(rows.len() - counts.excluded)),
        Fact::new("Left out", integer(counts.excluded)),
        Fact::new("Not observed at present", integer(counts.failing)),
    ];
    coverage.extend(covered_until(window, made_at));
    coverage
}

fn exclusions(rows: &[&ProductRow]) -> Vec<ReportExclusion> {
    let excluded: Vec<(&ProductRow, RowExclusion)> =
        rows.iter().filter_map(|row| Some((*row, row.excluded?))).collect();
    let named = excluded.iter().take(MAX_EXCLUSIONS).map(|(row, reason)| ReportExclusion {
        what: format!("{} ({})", row.name, row.listing),
        reason: reason.to_string(),
    });
    let rest = excluded.len().saturating_sub(MAX_EXCLUSIONS);
    let rest = (rest > 0).then(|| ReportExclusion {
        what: format!("{} more", count(rest, "product", "products")),
        reason: "see the column “Left out” of the table".to_owned(),
    });
    named.chain(rest).collect()
}

/// The products whose prices changed most, relative to their first price.
fn movers<'r>(rows: &[&'r ProductRow]) -> Vec<(&'r ProductRow, f64)> {
    let mut movers: Vec<(&ProductRow, f64)> =
        rows.iter().filter_map(|row| Some((*row, row.relative_change().filter(|change| *change != 0.0)?))).collect();
    movers.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    movers.truncate(MAX_MOVERS);
    movers
}

fn summary(rows: &[&ProductRow], counts: &Counts, movers: &[(&ProductRow, f64)]) -> Vec<String> {
    let Counts { cheaper, dearer, unchanged, excluded, .. } = counts;
    let mut lines = vec![format!(
        "Of {}, {cheaper} became cheaper, {dearer} dearer, and {unchanged} stayed at the same price; {excluded} cannot be compared.",
        count(rows.len(), "product", "products")
    )];
    let of_sign = |is_fall: bool| movers.iter().find(|(_, change)| (*change < 0.0) == is_fall);
    for (what, mover) in [("fall", of_sign(true)), ("rise", of_sign(false))] {
        lines.extend(mover.and_then(|(row, change)| {
            let (open, close) = (row.money(row.open_minor?), row.money(row.close_minor?));
            Some(format!("Biggest {what}: {}, {} ({open} to {close}).", row.name, percent(*change)))
        }));
    }
    if counts.lowest_of_all_time > 0 {
        let products = count(counts.lowest_of_all_time, "product is", "products are");
        lines.push(format!("{products} at the lowest price since tracking began."));
    }
    let longest =
        rows.iter().filter_map(|row| Some((*row, row.out_of_stock_share?))).max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((row, share)) = longest.filter(|(_, share)| *share > 0.0) {
        let products = count(counts.out_of_stock, "product was", "products were");
        lines.push(format!(
            "{products} out of stock for some of the time; longest: {}, {} of the known time.",
            row.name,
            whole_percent(share)
        ));
    }
    lines.extend(failing(counts));
    lines
}

fn failing(counts: &Counts) -> Option<String> {
    let products = count(counts.failing, "product is", "products are");
    (counts.failing > 0).then(|| format!("{products} not observed at present."))
}

//! The tables of a report of a competitor set.

use super::competitor_set::{Set, reason};
use super::content_counts::ContentCounts;
use super::document::{Block, Cell, ColumnKind, Section, Table};
use super::product_row::{price_exclusion, price_movement};
use super::reported::ReportedProduct;
use super::wording::relative;
use crate::domain::plain_text::clean_some;
use crate::domain::{Money, Rating, Series};
use crate::insight::{ComparedRow, Measure, Undercut};

const IDENTITY: [(&str, ColumnKind); 4] = [
    ("Product", ColumnKind::Text),
    ("ASIN", ColumnKind::Text),
    ("Marketplace", ColumnKind::Text),
    ("Own", ColumnKind::Text),
];

/// A table with a row for the own product and one for each competitor.
fn table(
    set: &Set<'_>,
    columns: &[(&str, ColumnKind)],
    cells: impl Fn(&ComparedRow, &ReportedProduct<'_>) -> Vec<Cell>,
) -> Table {
    let own = std::iter::once((&set.comparison.own, &set.own, true));
    let others = set.comparison.competitors.iter().zip(set.competitors).map(|(row, product)| (row, product, false));
    let rows = own.chain(others).map(|(row, product, is_own)| {
        let listing = product.product.listing;
        let identity = [
            Cell::Text(product.name()),
            Cell::text(listing.asin.as_str()),
            Cell::text(listing.marketplace.code()),
            Cell::Flag(is_own),
        ];
        identity.into_iter().chain(cells(row, product)).collect()
    });
    Table { rows: rows.collect(), ..Table::new(&[&IDENTITY, columns].concat()) }
}

/// Prices, the cheapest first, then the products whose price is not compared.
pub(super) fn positions_table(set: &Set<'_>) -> Table {
    let columns = [
        ("Price", ColumnKind::Money),
        ("Against the own price", ColumnKind::Number),
        ("Rank", ColumnKind::Number),
        ("Rating in stars", ColumnKind::Number),
        ("Ratings", ColumnKind::Number),
        ("Seller", ColumnKind::Text),
        ("Not compared because", ColumnKind::Text),
    ];
    let cells = |row: &ComparedRow, product: &ReportedProduct<'_>| {
        let state = &product.product.state;
        let seller = clean_some(state.text(Series::Seller));
        vec![
            Cell::option(row.price_minor.ok(), |minor| Cell::Money(set.money(minor))),
            Cell::option(row.percent_to_own, |percent| Cell::share(percent / 100.0)),
            Cell::option(row.rank, |rank| Cell::Integer(rank.into())),
            Cell::option(state.rating().map(Rating::stars), Cell::number),
            Cell::option(state.number(Series::ReviewCount), Cell::Integer),
            Cell::option(seller, Cell::Text),
            Cell::option(row.price_minor.err(), |why| Cell::text(reason(why))),
        ]
    };
    let mut table = table(set, &columns, cells);
    let price = |row: &Vec<Cell>| match row.get(IDENTITY.len()) {
        Some(Cell::Money(money)) => (false, money.amount_minor),
        _ => (true, 0),
    };
    table.rows.sort_by_key(price);
    table
}

/// The times at which competitors were cheaper.
pub(super) fn undercuts_section(set: &Set<'_>) -> Section {
    let undercuts = &set.comparison.undercuts;
    let blocks = if undercuts.is_empty() {
        vec![Block::text("At no known time was a competitor cheaper.")]
    } else {
        let columns = [
            ("Competitor", ColumnKind::Text),
            ("From", ColumnKind::Text),
            ("Until", ColumnKind::Text),
            ("Own price", ColumnKind::Money),
            ("Price of the competitor", ColumnKind::Money),
            ("Difference", ColumnKind::Money),
        ];
        let row = |undercut: &Undercut| {
            let product = set.competitors.iter().find(|product| product.product.id == undercut.product_id);
            let difference = undercut.competitor_minor.saturating_sub(undercut.own_minor);
            vec![
                Cell::option(product, |product| Cell::Text(product.name())),
                Cell::Time(undercut.from),
                undercut.to.map_or_else(|| Cell::text("lasts"), Cell::Time),
                Cell::Money(set.money(undercut.own_minor)),
                Cell::Money(set.money(undercut.competitor_minor)),
                Cell::Money(set.money(difference)),
            ]
        };
        vec![Block::Table(Table { rows: undercuts.iter().map(row).collect(), ..Table::new(&columns) })]
    };
    Section::new("undercuts", "Cheaper competitors", blocks)
}

/// How prices, ratings and stock developed. Prices of each product in its own currency.
pub(super) fn growth_section(set: &Set<'_>) -> Section {
    let columns = [
        ("First price", ColumnKind::Money),
        ("Last price", ColumnKind::Money),
        ("Change in percent", ColumnKind::Number),
        ("Price left out because", ColumnKind::Text),
        ("Ratings gained", ColumnKind::Number),
        ("Ratings missing because", ColumnKind::Text),
        ("Out of stock", ColumnKind::Number),
        ("Stock missing because", ColumnKind::Text),
    ];
    let cells = |row: &ComparedRow, product: &ReportedProduct<'_>| {
        let price = price_movement(product, set.window);
        let excluded = price_exclusion(product, &price, set.window);
        let counted = |minor: Option<i64>| minor.filter(|_| excluded.is_none());
        let money = |minor: Option<i64>| {
            Cell::option(counted(minor), |minor| Cell::Money(Money::new(minor, product.currency())))
        };
        let change = counted(price.open).zip(price.close).and_then(|(open, close)| relative(open, close));
        let [gained, gained_missing] = measured(&row.reviews_gained, |gained| Cell::Integer(*gained));
        let [out, out_missing] = measured(&row.out_of_stock_share, |share| Cell::share(*share));
        vec![
            money(price.open),
            money(price.close),
            Cell::option(change, Cell::share),
            Cell::option(excluded, |why| Cell::text(why.to_string())),
            gained,
            gained_missing,
            out,
            out_missing,
        ]
    };
    let about = "Prices are without shipping. Amazon merges and removes ratings, so their number can fall.";
    Section::new("growth", "Development", vec![Block::text(about), Block::Table(table(set, &columns, cells))])
}

/// A value, and why it is missing.
fn measured<T>(measure: &Measure<T>, cell: impl FnOnce(&T) -> Cell) -> [Cell; 2] {
    match &measure.value {
        Ok(value) => [cell(value), Cell::Unknown],
        Err(missing) => [Cell::Unknown, Cell::text(missing.to_string())],
    }
}

/// What the pages have; `None`: no content of any was read.
pub(super) fn content_section(set: &Set<'_>) -> Option<Section> {
    let is_read = std::iter::once(&set.own).chain(set.competitors).any(|product| product.content.is_some());
    let columns = [
        ("Characters of the title", ColumnKind::Number),
        ("Bullets", ColumnKind::Number),
        ("Images", ColumnKind::Number),
        ("Characters of the description", ColumnKind::Number),
        ("A+ content", ColumnKind::Text),
        ("Video", ColumnKind::Text),
    ];
    let cells = |_: &ComparedRow, product: &ReportedProduct<'_>| {
        let counts = product.content.map(ContentCounts::of);
        let number = |field: fn(&ContentCounts) -> Option<usize>| {
            let count = counts.as_ref().and_then(field).and_then(|count| i64::try_from(count).ok());
            Cell::option(count, Cell::Integer)
        };
        let flag =
            |field: fn(&ContentCounts) -> Option<bool>| Cell::option(counts.as_ref().and_then(field), Cell::Flag);
        vec![
            number(|counts| counts.title_chars),
            number(|counts| counts.bullets),
            number(|counts| counts.images),
            number(|counts| counts.description_chars),
            flag(|counts| counts.has_a_plus),
            flag(|counts| counts.has_video),
        ]
    };
    let about = "The content as it was last read, whenever that was.";
    is_read.then(|| {
        Section::new("content", "Content", vec![Block::text(about), Block::Table(table(set, &columns, cells))])
    })
}

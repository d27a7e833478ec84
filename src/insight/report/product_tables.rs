//! The tables of a report of many products.

use super::document::{Block, Cell, ColumnKind, Section, Table};
use super::product_row::ProductRow;
use super::wording::relative;
use crate::domain::Money;

impl ProductRow {
    /// The change of the price in minor units, if it counts.
    pub(super) fn change(&self) -> Option<i64> {
        let change = self.close_minor?.checked_sub(self.open_minor?);
        change.filter(|_| self.excluded.is_none())
    }

    /// The change of the price relative to the first one, if it counts.
    pub(super) fn relative_change(&self) -> Option<f64> {
        self.change().and(relative(self.open_minor?, self.close_minor?))
    }

    pub(super) fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.listing.marketplace.currency())
    }

    fn money_cell(&self, minor: Option<i64>) -> Cell {
        Cell::option(minor, |minor| Cell::Money(self.money(minor)))
    }

    /// The first cells of each table.
    fn identity(&self) -> [Cell; 3] {
        [Cell::text(&self.name), Cell::text(self.listing.asin.as_str()), Cell::text(self.listing.marketplace.code())]
    }
}

const IDENTITY: [(&str, ColumnKind); 3] =
    [("Product", ColumnKind::Text), ("ASIN", ColumnKind::Text), ("Marketplace", ColumnKind::Text)];

/// A table whose first columns say which product a row is about.
fn table(columns: &[(&str, ColumnKind)], rows: impl Iterator<Item = Vec<Cell>>) -> Table {
    Table { rows: rows.collect(), ..Table::new(&[&IDENTITY, columns].concat()) }
}

/// The largest changes of prices; `None`: there are none.
pub(super) fn movers_section(movers: &[(&ProductRow, f64)]) -> Option<Section> {
    let columns = [
        ("First price", ColumnKind::Money),
        ("Last price", ColumnKind::Money),
        ("Change", ColumnKind::Money),
        ("Change in percent", ColumnKind::Number),
    ];
    let rows = movers.iter().map(|(row, change)| {
        let amounts = [row.open_minor, row.close_minor, row.change()].map(|minor| row.money_cell(minor));
        row.identity().into_iter().chain(amounts).chain([Cell::share(*change)]).collect()
    });
    let blocks = vec![Block::Table(table(&columns, rows))];
    (!movers.is_empty()).then(|| Section::new("movers", "Biggest changes of price", blocks))
}

/// The products at their lowest price; `None`: there are none.
pub(super) fn lowest_section(rows: &[&ProductRow]) -> Option<Section> {
    let lowest: Vec<_> = rows.iter().filter(|row| row.is_lowest_of_all_time || row.is_lowest_of_90_days).collect();
    let columns =
        [("Price", ColumnKind::Money), ("Lowest", ColumnKind::Text), ("Highest in this time", ColumnKind::Money)];
    let cells = lowest.iter().map(|row| {
        let since = if row.is_lowest_of_all_time { "since tracking began" } else { "of 90 days" };
        let values = [row.money_cell(row.close_minor), Cell::text(since), row.money_cell(row.high_minor)];
        row.identity().into_iter().chain(values).collect()
    });
    let blocks = vec![Block::Table(table(&columns, cells))];
    (!lowest.is_empty()).then(|| Section::new("lowest_prices", "Lowest prices", blocks))
}

/// The products that are not observed at present; `None`: there are none.
pub(super) fn failures_section(rows: &[&ProductRow]) -> Option<Section> {
    let failing: Vec<(&ProductRow, &String)> =
        rows.iter().filter_map(|row| Some((*row, row.failure.as_ref()?))).collect();
    let cells = failing.iter().map(|(row, why)| row.identity().into_iter().chain([Cell::text(*why)]).collect());
    let blocks = vec![Block::Table(table(&[("Why", ColumnKind::Text)], cells))];
    (!failing.is_empty()).then(|| Section::new("failures", "Not observed at present", blocks))
}

/// All products.
pub(super) fn products_table(rows: &[&ProductRow]) -> Table {
    let columns = [
        ("First price", ColumnKind::Money),
        ("Last price", ColumnKind::Money),
        ("Change", ColumnKind::Money),
        ("Change in percent", ColumnKind::Number),
        ("Lowest price", ColumnKind::Money),
        ("Highest price", ColumnKind::Money),
        ("Category", ColumnKind::Text),
        ("First rank", ColumnKind::Number),
        ("Last rank", ColumnKind::Number),
        ("Change of rank", ColumnKind::Number),
        ("Out of stock", ColumnKind::Number),
        ("Lowest since", ColumnKind::Text),
        ("Left out", ColumnKind::Text),
    ];
    let cells = rows.iter().map(|row| {
        let rank_change = row.close_rank.zip(row.open_rank).map(|(close, open)| close - open);
        let lowest = match (row.is_lowest_of_all_time, row.is_lowest_of_90_days) {
            (true, _) => Cell::text("tracking began"),
            (false, true) => Cell::text("90 days"),
            (false, false) => Cell::Unknown,
        };
        let values = [
            row.money_cell(row.open_minor),
            row.money_cell(row.close_minor),
            row.money_cell(row.change()),
            Cell::option(row.relative_change(), Cell::share),
            row.money_cell(row.low_minor),
            row.money_cell(row.high_minor),
            Cell::option(row.rank_category.as_deref(), Cell::text),
            Cell::option(row.open_rank, Cell::Integer),
            Cell::option(row.close_rank, Cell::Integer),
            Cell::option(rank_change, Cell::Integer),
            Cell::option(row.out_of_stock_share, Cell::share),
            lowest,
            Cell::option(row.excluded, |reason| Cell::text(reason.to_string())),
        ];
        row.identity().into_iter().chain(values).collect()
    });
    table(&columns, cells)
}

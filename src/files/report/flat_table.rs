//! A table for files whose cells have no units: amounts are numbers, and a column beside them names their currency.

use std::borrow::Cow;

use crate::domain::Currency;
use crate::insight::report::{Cell, ColumnKind, Table};

/// The column of the currency.
const CURRENCY: &str = "Currency";

/// A table with a column for the currency before its first column of money.
pub(super) struct FlatTable<'t> {
    table: &'t Table,
    currency_at: Option<usize>,
}

impl<'t> FlatTable<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        Self { table, currency_at: table.columns.iter().position(|column| column.kind == ColumnKind::Money) }
    }

    /// Names and kinds of the columns.
    pub(super) fn columns(&self) -> Vec<(&'t str, ColumnKind)> {
        let mut columns: Vec<_> = self.table.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        if let Some(at) = self.currency_at {
            columns.insert(at, (CURRENCY, ColumnKind::Text));
        }
        columns
    }

    /// The cells of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<Cow<'t, Cell>>> {
        self.table.rows.iter().map(|row| flat_row(row, self.currency_at))
    }
}

fn flat_row(row: &[Cell], currency_at: Option<usize>) -> Vec<Cow<'_, Cell>> {
    let currency = row.iter().find_map(|cell| match cell {
        Cell::Money(money) if currency_at.is_some() => Some(money.currency),
        _ => None,
    });
    let mut cells: Vec<Cow<'_, Cell>> = row.iter().map(|cell| with_unit(cell, currency)).collect();
    if let Some(at) = currency_at.filter(|at| *at <= cells.len()) {
        cells.insert(at, Cow::Owned(Cell::option(currency, |currency| Cell::Text(currency.code()))));
    }
    cells
}

/// An amount that the column of the currency does not describe is a text with its own currency.
fn with_unit(cell: &Cell, currency: Option<Currency>) -> Cow<'_, Cell> {
    match cell {
        Cell::Money(money) if Some(money.currency) != currency => Cow::Owned(Cell::Text(money.to_string())),
        _ => Cow::Borrowed(cell),
    }
}

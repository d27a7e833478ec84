//! The report of many products: those with a tag, or all of a tenant.

use jiff::Timestamp;

use super::document::Report;
use super::product_row::ProductRow;
use crate::domain::ReportWindow;

/// Which products a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductsScope {
    /// All of the tenant.
    All,
    /// Those with a tag.
    Tag(String),
}

/// The report of many products, from a row of each.
pub fn products_report(
    _scope: &ProductsScope,
    _rows: &[ProductRow],
    _window: &ReportWindow,
    _made_at: Timestamp,
) -> Report {
    todo!()
}

//! Reports as documents: what they say is decided here, how a format looks in `files`.

mod competitors;
mod document;
mod product;
mod product_row;
mod products;
mod reported;

pub use competitors::competitor_set_report;
pub use document::{Block, Cell, Chart, Column, ColumnKind, Fact, Line, Report, ReportExclusion, Section, Table};
pub use product::product_report;
pub use product_row::{ProductRow, RowExclusion, product_row};
pub use products::{ProductsScope, products_report};
pub use reported::{ReportedProduct, SERIES_OF_COMPETITOR_REPORT, SERIES_OF_REPORT_WINDOW};

pub use crate::domain::{ReportPeriod, ReportWindow};

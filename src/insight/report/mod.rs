//! Reports as documents: what they say is decided here, how a format looks in `files`.

mod competitor_set;
mod competitor_tables;
mod competitors;
mod content_counts;
mod document;
mod end_of_window;
mod insight_table;
mod listing_findings;
mod movement;
mod price_chart;
mod product;
mod product_flags;
mod product_row;
mod product_tables;
mod products;
mod reported;
mod stock_times;
mod values_table;
mod wording;

pub use competitors::competitor_set_report;
pub use content_counts::ContentCounts;
pub use document::{Block, Cell, Chart, Column, ColumnKind, Fact, Line, Report, ReportExclusion, Section, Table};
pub use product::product_report;
pub use product_row::{ProductRow, RowExclusion, product_row};
pub use products::{ProductsScope, products_report};
pub use reported::{ReportedProduct, SERIES_OF_COMPETITOR_REPORT, SERIES_OF_REPORT_WINDOW};

pub use crate::domain::{ReportPeriod, ReportWindow};

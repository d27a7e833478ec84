//! From a report to the bytes of a format.

use super::format::ReportFormat;
use crate::insight::report::Report;

/// Why a report cannot be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum ReportRenderError {
    /// It has no such section, or the section has no table.
    #[error("the report has no table `{0}`")]
    NoTable(String),
    /// The spreadsheet.
    #[error("the spreadsheet cannot be written: {0}")]
    Spreadsheet(#[from] rust_xlsxwriter::XlsxError),
    /// The JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A report in a format. As CSV it is its main table; see [`render_csv`].
///
/// # Errors
/// [`ReportRenderError`]
pub fn render(_report: &Report, _format: ReportFormat) -> Result<Vec<u8>, ReportRenderError> {
    todo!()
}

/// The table of a section as CSV; `None`: the main table. A report without data has a header only if its main table is known.
///
/// # Errors
/// [`ReportRenderError::NoTable`]
pub fn render_csv(_report: &Report, _section: Option<&str>) -> Result<Vec<u8>, ReportRenderError> {
    todo!()
}

/// The ids of the sections with a table, which [`render_csv`] takes.
pub fn csv_sections(_report: &Report) -> Vec<&str> {
    todo!()
}

/// The value of the header `Content-Security-Policy` for a report as HTML: nothing but its own style element.
pub fn content_security_policy() -> &'static str {
    todo!()
}

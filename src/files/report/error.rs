//! What can go wrong when a report is written.

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

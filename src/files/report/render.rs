//! From a report to the bytes of a format.

use super::csv::render_csv;
use super::error::ReportRenderError;
use super::html::html;
use super::markdown::markdown;
use super::xlsx::xlsx;
use crate::domain::ReportFormat;
use crate::insight::report::Report;

/// A report in a format. JSON is the document as it is stored; CSV is its main table, and [`render_csv`] writes the others.
///
/// # Errors
/// [`ReportRenderError`]
pub fn render(report: &Report, format: ReportFormat) -> Result<Vec<u8>, ReportRenderError> {
    match format {
        ReportFormat::Json => Ok(serde_json::to_vec_pretty(report)?),
        ReportFormat::Markdown => Ok(markdown(report).into_bytes()),
        ReportFormat::Html => Ok(html(report).into_bytes()),
        ReportFormat::Csv => render_csv(report, None),
        ReportFormat::Xlsx => xlsx(report),
    }
}

//! The formats of a report.

mod cell_text;
mod csv;
mod email;
mod error;
mod flat_table;
mod html;
mod html_page;
mod markdown;
mod packed;
mod picture;
mod render;
mod xlsx;

pub use csv::{csv_sections, render_csv};
pub use email::{ReportEmail, email};
pub use error::ReportRenderError;
pub use html_page::content_security_policy;
pub use packed::{PackedReportError, pack, unpack};
pub use render::render;

pub use crate::domain::{ReportFormat, ReportFormatError};

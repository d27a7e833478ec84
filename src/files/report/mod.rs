//! The formats of a report.

mod email;
mod format;
mod render;

pub use email::{ReportEmail, email};
pub use format::{ReportFormat, ReportFormatError};
pub use render::{ReportRenderError, content_security_policy, csv_sections, render, render_csv};

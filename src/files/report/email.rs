//! A report as a short e-mail.

use crate::insight::report::Report;

/// The texts of an e-mail about a report. A link to it and the reason why it is sent are for the sender to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEmail {
    /// The title and the window, on one line.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The same as HTML: a fragment for the body of a page, everything escaped.
    pub html: String,
}

/// The summary of a report as an e-mail: title, window and at most five lines, or that there is no data.
pub fn email(_report: &Report) -> ReportEmail {
    todo!()
}

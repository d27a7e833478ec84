//! A report as a short e-mail.

use super::cell_text::window;
use crate::chart::escape;
use crate::domain::plain_text::{clean, shorten};
use crate::insight::report::Report;

/// Lines of the summary.
const MAX_LINES: usize = 5;
/// Characters of the title in the subject, whose window must not be cut off.
const MAX_TITLE_CHARS: usize = 100;

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
pub fn email(report: &Report) -> ReportEmail {
    let title = shorten(&clean(&report.title), MAX_TITLE_CHARS);
    let window = window(report);
    let lines: Vec<String> = report.summary.iter().take(MAX_LINES).map(|line| clean(line)).collect();
    let text: String = lines.iter().map(|line| format!("- {line}\n")).collect();
    let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", escape(line))).collect();
    ReportEmail {
        subject: format!("{title}: {}", clean(&report.window.name)),
        text: format!("{title}\n{window}\n\n{text}"),
        html: format!("<h1>{}</h1>\n<p>{}</p>\n<ul>\n{items}</ul>\n", escape(&title), escape(&window)),
    }
}

//! Progress bars of long commands, on standard error. None is drawn unless that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts such things, up to a total if it is known.
pub(super) fn bar(total: Option<u64>, unit: &str) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), format!("{{bar:40}} {{pos}}/{{len}} {unit}, {{per_sec}}, {{eta}} left"))
        }
        None => (ProgressBar::no_length(), format!("{{spinner}} {{pos}} {unit}, {{per_sec}}, {{elapsed}}")),
    };
    // The templates are constants, but for the unit.
    bar.with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

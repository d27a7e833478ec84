//! A report as Markdown, as GitHub reads it. Texts are texts: they make no table, no link, no markup and no HTML.

use jiff::tz::TimeZone;

use super::cell_text::{cell_text, time, window};
use crate::insight::report::{Block, Chart, ColumnKind, Fact, Line, Report, Section, Table};

/// The document.
pub(super) fn markdown(report: &Report) -> String {
    let zone = report.window.zone();
    let mut text = format!("# {}\n\n{}\n", escape(&report.title), escape(&window(report)));
    list(&report.summary, &mut text);
    facts(&report.coverage, &zone, &mut text);
    for part in &report.sections {
        section(part, &zone, &mut text);
    }
    if !report.exclusions.is_empty() {
        text.push_str("\n## Left out\n");
        let lines = report.exclusions.iter().map(|exclusion| format!("{}: {}", exclusion.what, exclusion.reason));
        list(&lines.collect::<Vec<_>>(), &mut text);
    }
    if !report.method.is_empty() {
        text.push_str("\n## Method\n");
        list(&report.method, &mut text);
    }
    let made_at = time(report.made_at, &zone);
    text.push_str(&format!("\nMade at {} ({})\n", escape(&made_at), escape(&report.window.time_zone)));
    text
}

fn section(section: &Section, zone: &TimeZone, text: &mut String) {
    text.push_str(&format!("\n## {}\n", escape(&section.heading)));
    for block in &section.blocks {
        match block {
            Block::Text { text: paragraph } => text.push_str(&format!("\n{}\n", escape(paragraph))),
            Block::Facts { facts: list } => facts(list, zone, text),
            Block::Table(rows) => table(rows, zone, text),
            Block::Chart(chart) => list(&chart_lines(chart), text),
        }
    }
}

fn list(lines: &[String], text: &mut String) {
    if !lines.is_empty() {
        text.push('\n');
    }
    for line in lines {
        text.push_str(&format!("- {}\n", escape(line)));
    }
}

fn facts(facts: &[Fact], zone: &TimeZone, text: &mut String) {
    let line = |fact: &Fact| match cell_text(&fact.value, zone) {
        value if value.is_empty() => format!("{}: not known", fact.name),
        value => format!("{}: {value}", fact.name),
    };
    list(&facts.iter().map(line).collect::<Vec<_>>(), text);
}

fn table(table: &Table, zone: &TimeZone, text: &mut String) {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push('\n');
    text.push_str(&row(table.columns.iter().map(|column| escape(&column.name)).collect()));
    let rule = |kind: ColumnKind| if kind == ColumnKind::Text { "---" } else { "---:" }.to_owned();
    text.push_str(&row(table.columns.iter().map(|column| rule(column.kind)).collect()));
    for cells in &table.rows {
        text.push_str(&row(cells.iter().map(|cell| escape(&cell_text(cell, zone))).collect()));
    }
}

/// A chart in words.
fn chart_lines(chart: &Chart) -> Vec<String> {
    let line = |line: &Line| {
        let values: Vec<f64> = line.steps.iter().filter_map(|(_, value)| *value).collect();
        let lowest = values.iter().copied().min_by(f64::total_cmp);
        let highest = values.iter().copied().max_by(f64::total_cmp);
        match (lowest, highest, values.last()) {
            (Some(lowest), Some(highest), Some(last)) => {
                format!("{}, {}: {lowest} to {highest} {}, last {last}", chart.title, line.name, chart.unit)
            }
            _ => format!("{}, {}: nothing is known", chart.title, line.name),
        }
    };
    chart.lines.iter().map(line).collect()
}

/// A text on one line, of which nothing is markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    let numbered = text.bytes().take_while(u8::is_ascii_digit).count();
    for (at, letter) in text.char_indices() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => escaped.extend(['\\', letter]),
            // A list, a rule or a heading at the beginning of a line.
            '-' | '+' | '=' if at == 0 => escaped.extend(['\\', letter]),
            '.' | ')' if at == numbered && at > 0 => escaped.extend(['\\', letter]),
            // Addresses become links by themselves.
            ':' if text[at..].starts_with("://") => escaped.push_str("\\:"),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => escaped.push_str("\\."),
            letter if letter.is_control() || is_line_end(letter) => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        assert_eq!(escape("a|b\nc"), "a\\|b c");
        assert_eq!(
            escape("<script>x</script> & *y* _z_ `q`"),
            "&lt;script&gt;x&lt;/script&gt; &amp; \\*y\\* \\_z\\_ \\`q\\`"
        );
        assert_eq!(escape("[a](javascript:b)"), "\\[a\\](javascript:b)");
        assert_eq!(escape("see https://x.example or www.x.example"), "see https\\://x.example or www\\.x.example");
        assert_eq!(
            [escape("1. x"), escape("- x"), escape("# x"), escape("1.5")],
            ["1\\. x", "\\- x", "\\# x", "1\\.5"]
        );
        assert_eq!(escape("4.5"), "4\\.5");
        assert_eq!(escape("a 1.5 - 2"), "a 1.5 - 2");
    }
}

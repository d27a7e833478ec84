//! A report as a page of one file: no script, no reference to anything outside, everything escaped.

use jiff::tz::TimeZone;

use super::cell_text::{cell_text, time, window};
use super::html_page::{STYLE, page_policy};
use super::picture::svg;
use crate::chart::escape;
use crate::insight::report::{Block, Cell, ColumnKind, Fact, Report, ReportExclusion, Section, Table};

/// The page.
pub(super) fn html(report: &Report) -> String {
    let zone = report.window.zone();
    let title = escape(&report.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1><bdi>{title}</bdi></h1>\n<p class=\"window\">{}</p>\n",
        page_policy(),
        escape(&report.window.name),
        escape(&window(report)),
    );
    list(&report.summary, &mut page);
    facts(&report.coverage, &zone, &mut page);
    for part in &report.sections {
        section(part, report, &zone, &mut page);
    }
    if !report.exclusions.is_empty() {
        page.push_str("<section>\n<h2>Left out</h2>\n");
        let line = |exclusion: &ReportExclusion| format!("{}: {}", exclusion.what, exclusion.reason);
        list(&report.exclusions.iter().map(line).collect::<Vec<_>>(), &mut page);
        page.push_str("</section>\n");
    }
    if !report.method.is_empty() {
        page.push_str("<section>\n<h2>Method</h2>\n");
        list(&report.method, &mut page);
        page.push_str("</section>\n");
    }
    let made_at = escape(&time(report.made_at, &zone));
    page.push_str(&format!(
        "<footer>Made at {made_at} ({})</footer>\n</body>\n</html>\n",
        escape(&report.window.time_zone)
    ));
    page
}

fn section(section: &Section, report: &Report, zone: &TimeZone, page: &mut String) {
    page.push_str(&format!("<section>\n<h2>{}</h2>\n", escape(&section.heading)));
    for block in &section.blocks {
        match block {
            Block::Text { text } => page.push_str(&format!("<p>{}</p>\n", escape(text))),
            Block::Facts { facts: list } => facts(list, zone, page),
            Block::Table(rows) => table(rows, zone, page),
            Block::Chart(chart) => {
                if let Some(picture) = svg(chart, &report.window) {
                    page.push_str(&format!("<p>{}</p>\n{picture}", escape(&chart.title)));
                }
            }
        }
    }
    page.push_str("</section>\n");
}

fn list(lines: &[String], page: &mut String) {
    if lines.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for line in lines {
        page.push_str(&format!("<li><bdi>{}</bdi></li>\n", escape(line)));
    }
    page.push_str("</ul>\n");
}

fn facts(facts: &[Fact], zone: &TimeZone, page: &mut String) {
    if facts.is_empty() {
        return;
    }
    page.push_str("<dl>\n");
    for fact in facts {
        page.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(&fact.name), cell_html(&fact.value, zone)));
    }
    page.push_str("</dl>\n");
}

fn table(table: &Table, zone: &TimeZone, page: &mut String) {
    let class = |kind: ColumnKind| if kind == ColumnKind::Text { "" } else { " class=\"n\"" };
    page.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for column in &table.columns {
        page.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(column.kind), escape(&column.name)));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        page.push_str("<tr>");
        for (column, cell) in table.columns.iter().zip(row) {
            page.push_str(&format!("<td{}>{}</td>", class(column.kind), cell_html(cell, zone)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

/// A text of a listing may run from right to left, which must not turn around what follows.
fn cell_html(cell: &Cell, zone: &TimeZone) -> String {
    let text = escape(&cell_text(cell, zone));
    if matches!(cell, Cell::Text(_)) { format!("<bdi>{text}</bdi>") } else { text }
}

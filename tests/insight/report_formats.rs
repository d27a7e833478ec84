//! How reports look, read back by others than their writers.

use std::io::Cursor;

use amazon_tracker::domain::*;
use amazon_tracker::files::report::{
    ReportFormat, ReportRenderError, content_security_policy, csv_sections, email, render, render_csv,
};
use amazon_tracker::insight::report::{Block, *};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use calamine::{Data, Range, Reader, Xlsx};
use proptest::prelude::*;
use scraper::{Html, Selector};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::report_fixture::{Tracked, hour, made_at, week};

const HOSTILE: &str = "=cmd|' /C calc'!A0";

/// A product whose price fell by 4.20, under a name that a spreadsheet would calculate, and one that costs yen.
fn hostile() -> Report {
    let named =
        |name: &str, marketplace| Tracked::new(name, marketplace).prices(&[(-10, Some(4000)), (30, Some(3580))]).done();
    let products = [named(HOSTILE, Marketplace::De), named("</td><script>alert(1)</script> | a", Marketplace::Jp)];
    let rows: Vec<ProductRow> = products.iter().map(|tracked| product_row(&tracked.reported(), &week())).collect();
    products_report(&ProductsScope::Tag("=1+1".to_owned()), &rows, &week(), made_at())
}

/// A report with one table of one row.
fn one_row(cells: Vec<Cell>) -> Report {
    let columns: Vec<(String, ColumnKind)> = (0..cells.len()).map(|at| (format!("c{at}"), ColumnKind::Text)).collect();
    let columns: Vec<(&str, ColumnKind)> = columns.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    let table = Table { rows: vec![cells], ..Table::new(&columns) };
    Report {
        title: "A test".to_owned(),
        sections: vec![Section::new("only", "Only", vec![Block::Table(table)])],
        main_section: "only".to_owned(),
        ..hostile()
    }
}

fn workbook(report: &Report) -> Xlsx<Cursor<Vec<u8>>> {
    calamine::open_workbook_from_rs(Cursor::new(render(report, ReportFormat::Xlsx).unwrap())).unwrap()
}

/// The cell in the row that begins with a text.
fn at(sheet: &Range<Data>, row: &str, column: &str) -> Data {
    let header = sheet.rows().next().unwrap();
    let column = header.iter().position(|name| *name == *column).unwrap();
    let row = sheet.rows().find(|cells| cells[0] == Data::String(row.to_owned())).unwrap();
    row[column].clone()
}

fn text(report: &Report, format: ReportFormat) -> String {
    String::from_utf8(render(report, format).unwrap()).unwrap()
}

/// The acceptance test of spreadsheets.
#[test]
fn in_a_spreadsheet_a_title_that_looks_like_a_formula_is_text_and_a_change_is_a_number() {
    let mut workbook = workbook(&hostile());
    assert_eq!(workbook.sheet_names(), ["products", "movers", "lowest_prices", "About"]);
    for name in workbook.sheet_names() {
        assert!(workbook.worksheet_formula(&name).unwrap().is_empty(), "{name}");
    }
    let products = workbook.worksheet_range("products").unwrap();
    assert_eq!(at(&products, HOSTILE, "Change"), Data::Float(-4.2));
    assert_eq!(at(&products, HOSTILE, "Change in percent"), Data::Float(-0.105));
    assert_eq!(at(&products, HOSTILE, "Currency"), Data::String("EUR".to_owned()));
    let yen = "</td><script>alert(1)</script> | a";
    assert_eq!(
        (at(&products, yen, "Change"), at(&products, yen, "Currency")),
        (Data::Float(-420.0), Data::String("JPY".to_owned()))
    );
    let about = workbook.worksheet_range("About").unwrap();
    let lines: Vec<String> = about.rows().map(|row| row[0].to_string()).collect();
    assert_eq!(lines[0], "Products tagged “=1+1”");
    for heading in ["Window", "Coverage", "Counts", "Method"] {
        assert!(lines.iter().any(|line| line == heading), "{heading} in {lines:?}");
    }
}

#[test]
fn times_of_a_spreadsheet_are_dates_of_the_time_zone() {
    let mut workbook =
        workbook(&one_row(vec![Cell::Time(hour(1)), Cell::Flag(true), Cell::Unknown, Cell::Number(-4.2)]));
    let sheet = workbook.worksheet_range("only").unwrap();
    let Some(Data::DateTime(time)) = sheet.get_value((1, 0)) else { panic!("{sheet:?}") };
    // Days since 30 December 1899: 23 November 2026, 01:00.
    assert!((time.as_f64() - (46_349.0 + 1.0 / 24.0)).abs() < 1e-6, "{time:?}");
    assert_eq!(sheet.get_value((1, 1)), Some(&Data::Bool(true)));
    assert_eq!(sheet.get_value((1, 3)), Some(&Data::Float(-4.2)));
}

#[test]
fn csv_is_one_table_with_plain_numbers_and_guarded_texts() {
    let report = hostile();
    let mut reader = csv::Reader::from_reader(Cursor::new(render(&report, ReportFormat::Csv).unwrap()));
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|found| found == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let row = rows.iter().find(|row| row[0] == format!("'{HOSTILE}")).unwrap();
    assert_eq!(
        (&row[column("Change")], &row[column("Currency")], &row[column("Change in percent")]),
        ("-4.20", "EUR", "-0.105")
    );
    assert_eq!(csv_sections(&report), ["movers", "lowest_prices", "products"]);
    assert!(!render_csv(&report, Some("movers")).unwrap().is_empty());
    assert!(matches!(render_csv(&report, Some("counts")), Err(ReportRenderError::NoTable(_))));
    for guarded in ["=x", "+1", "-1", "@x", "\tx", "\rx"] {
        let file = text(&one_row(vec![Cell::text(guarded), Cell::Number(-4.2)]), ReportFormat::Csv);
        assert!(
            file.starts_with("c0,c1\n") && file.contains(&format!("'{guarded}")) && file.ends_with(",-4.2\n"),
            "{file}"
        );
    }
}

#[test]
fn json_is_the_document_with_names_that_stay() {
    let report = hostile();
    let json: Value = serde_json::from_str(&text(&report, ReportFormat::Json)).unwrap();
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    let expected =
        ["coverage", "exclusions", "made_at", "main_section", "method", "sections", "summary", "title", "window"];
    let mut names = names;
    names.sort();
    assert_eq!(names, expected);
    let number: Value = serde_json::from_str(&text(&one_row(vec![Cell::Number(-4.2)]), ReportFormat::Json)).unwrap();
    assert_eq!(number["sections"][0]["blocks"][0]["rows"][0][0], serde_json::json!({"type": "number", "value": -4.2}));
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn a_page_has_one_style_and_nothing_that_runs_or_loads() {
    let competitor = Tracked::new("Rival", Marketplace::De)
        .prices(&[(-10, Some(3000)), (60, Some(2000))])
        .unobserved(80, 120)
        .done();
    let own = Tracked::new("\"><img src=x onerror=alert(1)>", Marketplace::De).prices(&[(-10, Some(4000))]).done();
    let set = competitor_set_report("<b>", &own.reported(), &[competitor.reported()], Vec::new(), &week());
    let of_one = product_report(&own.reported(), &[], None, &week());
    for report in [hostile(), set, of_one] {
        let html = text(&report, ReportFormat::Html);
        let page = Html::parse_document(&html);
        let found = |selector: &str| page.select(&Selector::parse(selector).unwrap()).count();
        for forbidden in
            ["script", "img", "link", "iframe", "object", "embed", "form", "a", "base", "use", "image", "foreignObject"]
        {
            assert_eq!(found(forbidden), 0, "{forbidden} in {html}");
        }
        for node in page.tree.values().filter_map(|node| node.as_element()) {
            for (name, value) in node.attrs() {
                assert!(
                    !name.starts_with("on") && !["style", "src", "href", "xlink:href", "srcset"].contains(&name),
                    "{name}={value}"
                );
            }
        }
        let style = page.select(&Selector::parse("style").unwrap()).collect::<Vec<_>>();
        assert_eq!(style.len(), 1);
        let hash = BASE64_STANDARD.encode(Sha256::digest(style[0].inner_html()));
        let policy =
            page.select(&Selector::parse("meta[http-equiv]").unwrap()).next().unwrap().attr("content").unwrap();
        for policy in [policy, content_security_policy()] {
            assert!(
                policy.starts_with("default-src 'none'; ") && policy.contains(&format!("style-src 'sha256-{hash}'")),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"));
        }
        assert_eq!(html.matches("http://").count(), found("svg"), "the namespace of SVG is no reference");
        assert!(!style[0].inner_html().contains("url(") && style[0].inner_html().contains("@media print"));
    }
}

#[test]
fn a_chart_of_a_set_has_a_line_for_each_product() {
    let rival = |name: &str, price| Tracked::new(name, Marketplace::De).prices(&[(-10, Some(price))]).done();
    let own = rival("Own", 4000);
    let rivals: Vec<Tracked> = (0..7).map(|n| rival(&format!("Rival {n}"), 3000 + n)).collect();
    let reported: Vec<_> = rivals.iter().map(Tracked::reported).collect();
    let html =
        text(&competitor_set_report("Kettles", &own.reported(), &reported, Vec::new(), &week()), ReportFormat::Html);
    let picture = html.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
    for name in ["This product", "Rival 0", "Rival 3"] {
        assert!(picture.contains(name), "{name}");
    }
    assert!(!picture.contains("Rival 4"), "only the cheapest are drawn");
}

/// Pipes that end a cell.
fn cells_of(line: &str) -> usize {
    line.replace("\\\\", "").replace("\\|", "").matches('|').count()
}

#[test]
fn markdown_keeps_its_tables_whatever_a_title_has() {
    let markdown = text(&hostile(), ReportFormat::Markdown);
    assert!(!markdown.contains('<') && markdown.contains("&lt;script&gt;") && markdown.contains("-4.20 EUR"));
    let tables: Vec<&str> = markdown.lines().filter(|line| line.starts_with("| ")).collect();
    let products = tables.iter().filter(|line| cells_of(line) == 17).count();
    assert_eq!(products, 4, "a header, a rule and two rows: {markdown}");
}

#[test]
fn an_email_has_the_window_in_its_subject_and_five_lines_at_most() {
    let mut report = hostile();
    report.title = format!("Two\r\nBcc: x@example.org {}", "long ".repeat(60));
    report.summary = (0..9).map(|n| format!("line <{n}>")).collect();
    let email = email(&report);
    assert!(email.subject.ends_with(": week 48 of 2026 (23–29 November)") && !email.subject.contains(['\r', '\n']));
    assert!(email.subject.chars().count() < 160, "{}", email.subject);
    assert_eq!(email.text.matches("- line").count(), 5);
    assert!(email.html.contains("line &lt;4&gt;") && !email.html.contains("line &lt;5&gt;"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_stays_the_text_it_is(first in any::<String>(), second in "[=+@|<>&'\"\\\\`*_\\[\\]\\-a-z0-9 \t\r\n,;.]{0,30}") {
        let report = one_row(vec![Cell::text(first.as_str()), Cell::text(second.as_str()), Cell::Number(-4.2)]);
        let page = Html::parse_document(&text(&report, ReportFormat::Html));
        let cells: Vec<String> = page
            .select(&Selector::parse("tbody td").unwrap())
            .map(|cell| cell.text().collect::<String>())
            .collect();
        prop_assert_eq!(cells.len(), 3);
        prop_assert_eq!(&cells[1], &second.replace(['\t', '\r', '\n'], " "));
        let markdown = text(&report, ReportFormat::Markdown);
        let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with("| ")).collect();
        prop_assert!(rows.len() == 3 && rows.iter().all(|row| cells_of(row) == 4), "{markdown}");
        prop_assert!(!rows[2].contains('<'));
        let mut reader = csv::ReaderBuilder::new().from_reader(Cursor::new(render(&report, ReportFormat::Csv).unwrap()));
        let row = reader.records().next().unwrap().unwrap();
        prop_assert_eq!(row[1].strip_prefix('\'').unwrap_or(&row[1]), second.strip_prefix('\'').unwrap_or(&second));
        prop_assert!(!row[1].starts_with(['=', '+', '-', '@', '\t', '\r']));
        let mut workbook = workbook(&report);
        prop_assert!(workbook.worksheet_formula("only").unwrap().is_empty());
        let sheet = workbook.worksheet_range("only").unwrap();
        prop_assert_eq!(sheet.get_value((1, 2)), Some(&Data::Float(-4.2)));
        if !second.is_empty() {
            prop_assert!(matches!(sheet.get_value((1, 1)), Some(Data::String(_))), "{:?}", sheet.get_value((1, 1)));
        }
    }
}

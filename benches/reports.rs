//! Reports: a report of a thousand products, and its rows as a spreadsheet.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use amazon_tracker::domain::{
    Currency, Interval, Listing, ListingId, ListingState, Marketplace, Money, Point, PointValue, Product, ProductId,
    ProductSettings, ReportFormat, ReportWindow, Series, SeriesKey, TenantId,
};
use amazon_tracker::files::report::render;
use amazon_tracker::insight::ListingHistory;
use amazon_tracker::insight::report::{
    Block, Cell, ColumnKind, ProductRow, ProductsScope, Report, ReportedProduct, Section, Table, product_row,
    products_report,
};
use jiff::{SignedDuration, Timestamp};
use rust_xlsxwriter::Workbook;

use crate::table::{Table as Results, Target, median, per_second};

/// Argument of the process that makes one report and prints its peak of memory.
pub const PEAK_OF_REPORT: &str = "peak-of-report";

const PRODUCTS: usize = 1_000;
/// A year of a listing that is crawled every hour.
const HOURS: i64 = 24 * 365;
const SHEET_ROWS: usize = 20_000;
const ROUNDS: usize = 5;
/// A report may take so long, in seconds, and so much memory beside what a process takes that makes none.
const SECONDS_LIMIT: f64 = 5.0;
const MEMORY_LIMIT_MB: f64 = 64.0;

/// Measures everything.
pub fn run(table: &mut Results) {
    let took = (0..ROUNDS).map(|_| {
        let started_at = Instant::now();
        let report = report(PRODUCTS);
        black_box(render(&report, ReportFormat::Html).unwrap());
        started_at.elapsed().as_secs_f64()
    });
    let took = median(took.collect());
    table.add("report of 1,000 products, as HTML", "s", took, ("limit", SECONDS_LIMIT), Target::AtMost(1.0));
    let used_mb = (peak_mb_of(PRODUCTS) - peak_mb_of(0)).max(0.1);
    table.add("memory of the report", "MB", used_mb, ("limit", MEMORY_LIMIT_MB), Target::AtMost(1.0));
    spreadsheet(table);
}

fn spreadsheet(table: &mut Results) {
    let report = wide_report();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started_at = Instant::now();
        black_box(render(&report, ReportFormat::Xlsx).unwrap());
        ours.push(per_second(SHEET_ROWS, started_at.elapsed()));
        let started_at = Instant::now();
        black_box(bare_spreadsheet(&report));
        bare.push(per_second(SHEET_ROWS, started_at.elapsed()));
    }
    let rival = ("bare rust_xlsxwriter, same cells", median(bare));
    table.add("rows of a spreadsheet", "/s", median(ours), rival, Target::AtLeast(0.5));
}

/// Makes a report of so many products and prints the most memory that the process had resident, in kilobytes.
pub fn print_peak(products: usize) {
    let report = report(products);
    black_box(render(&report, ReportFormat::Xlsx).unwrap());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{}", peak.split_whitespace().next().unwrap());
}

fn peak_mb_of(products: usize) -> f64 {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args([PEAK_OF_REPORT, &products.to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap() / 1024.0
}

fn made_at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

fn window() -> ReportWindow {
    let from = made_at() - SignedDuration::from_hours(24 * 30);
    ReportWindow { from, to: made_at(), time_zone: "UTC".to_owned(), name: "30 days".to_owned() }
}

/// One product at a time, as a job does it.
fn report(products: usize) -> Report {
    let window = window();
    let rows: Vec<ProductRow> = (0..products)
        .map(|n| {
            let product = product(n);
            let history = ListingHistory::new(points(n as i64), None, false, made_at());
            product_row(&ReportedProduct { product: &product, history: &history, content: None }, &window)
        })
        .collect();
    products_report(&ProductsScope::All, &rows, &window, made_at())
}

fn product(n: usize) -> Product {
    Product {
        id: ProductId::new(),
        tenant_id: TenantId::new(),
        listing_id: ListingId(n as i64),
        listing: Listing::new(Marketplace::De, format!("B{n:09}").parse().expect("an ASIN")),
        settings: ProductSettings { label: Some(format!("Product number {n}")), ..ProductSettings::default() },
        created_at: made_at(),
        updated_at: made_at(),
        version: 1,
        state: ListingState::default(),
        last_outcome: Some("observed".to_owned()),
        last_crawled_at: Some(made_at()),
        interval: Interval::HOURLY,
        next_crawl_at: None,
        attempts: 0,
    }
}

/// A price that changes every ten hours, a rank every hour of the window, now and then out of stock.
fn points(n: i64) -> Vec<Point> {
    let mut points = Vec::new();
    for hour in 0..HOURS {
        let at = made_at() - SignedDuration::from_hours(HOURS - hour);
        let mut add = |key: SeriesKey, value| points.push(Point { key, at, value: Some(PointValue::Number(value)) });
        if hour % 10 == 0 {
            add(Series::Price.into(), 2_000 + (hour * 7 + n * 13) % 500);
        }
        if hour % 500 == 0 {
            add(Series::Availability.into(), 1 + 2 * (hour / 500 % 2));
        }
        if HOURS - hour <= 24 * 30 {
            let rank = SeriesKey { series: Series::SalesRank, category: "Kitchen".to_owned() };
            add(rank, 1_000 + (hour * 31 + n) % 500);
        }
    }
    points
}

/// A report with one long table of texts, amounts, shares and counts.
fn wide_report() -> Report {
    let columns = [
        ("Product", ColumnKind::Text),
        ("ASIN", ColumnKind::Text),
        ("First price", ColumnKind::Money),
        ("Last price", ColumnKind::Money),
        ("Change in percent", ColumnKind::Number),
        ("Rank", ColumnKind::Number),
    ];
    let row = |n: usize| {
        let money = |minor: usize| Cell::Money(Money::new(minor as i64, Currency::Eur));
        vec![
            Cell::text(format!("Product number {n}")),
            Cell::text(format!("B{n:09}")),
            money(1_000 + n),
            money(900 + n),
            Cell::Share(-0.105),
            Cell::Integer(n as i64),
        ]
    };
    let table = Table { rows: (0..SHEET_ROWS).map(row).collect(), ..Table::new(&columns) };
    let sections = vec![Section::new("products", "Products", vec![Block::Table(table)])];
    Report { sections, ..report(0) }
}

/// The same cells, with their currency, without formats and without a sheet about the report.
fn bare_spreadsheet(report: &Report) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory();
    let table = report.sections[0].table().unwrap();
    for (row, cells) in (0u32..).zip(&table.rows) {
        sheet.write_string(row, 6, "EUR").unwrap();
        for (column, cell) in (0u16..).zip(cells) {
            match cell {
                Cell::Text(text) => sheet.write_string(row, column, text).unwrap(),
                Cell::Money(money) => sheet.write_number(row, column, money.amount_minor as f64 / 100.0).unwrap(),
                Cell::Share(number) | Cell::Number(number) => sheet.write_number(row, column, *number).unwrap(),
                Cell::Integer(number) => sheet.write_number(row, column, *number as f64).unwrap(),
                Cell::Unknown | Cell::Time(_) | Cell::Flag(_) => unreachable!("no row has one"),
            };
        }
    }
    workbook.save_to_buffer().unwrap()
}

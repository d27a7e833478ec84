//! A report as a spreadsheet: a sheet for each table, and one about the report. Texts are texts, whatever they begin with.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::cell_text::{cell_text, time, window};
use super::error::ReportRenderError;
use super::flat_table::FlatTable;
use crate::insight::report::{Block, Cell, ColumnKind, Fact, Report, Table};

/// The most characters of a cell and of the name of a sheet.
const MAX_CELL_CHARS: usize = 32_767;
const MAX_NAME_CHARS: usize = 31;

const ABOUT: &str = "About";

/// The spreadsheet. The sheet of the main table comes first, that about the report last.
pub(super) fn xlsx(report: &Report) -> Result<Vec<u8>, ReportRenderError> {
    let (mut workbook, formats) = (Workbook::new(), Formats::new(report.window.zone()));
    let mut names = vec![ABOUT.to_lowercase()];
    let mut sections: Vec<_> = report.sections.iter().filter_map(|section| Some((section, section.table()?))).collect();
    sections.sort_by_key(|(section, _)| section.id != report.main_section);
    for (section, table) in sections {
        let sheet = workbook.add_worksheet_with_constant_memory();
        sheet.set_name(sheet_name(&section.id, &mut names))?;
        table_sheet(sheet, table, &formats)?;
    }
    let sheet = workbook.add_worksheet_with_constant_memory();
    sheet.set_name(ABOUT)?;
    about_sheet(sheet, report, &formats)?;
    Ok(workbook.save_to_buffer()?)
}

/// The id as a name that no other sheet has: names are compared without case.
fn sheet_name(id: &str, names: &mut Vec<String>) -> String {
    let letters = |id: &str, most: usize| -> String {
        let allowed = id.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' });
        allowed.take(most).collect()
    };
    let plain = letters(id, MAX_NAME_CHARS);
    let numbered = (2..).map(|number: u32| format!("{}_{number}", letters(id, MAX_NAME_CHARS - 11)));
    // Excel keeps this name for itself.
    let is_free =
        |name: &String| !name.is_empty() && !names.contains(&name.to_lowercase()) && name.to_lowercase() != "history";
    let name = std::iter::once(plain).chain(numbered).find(is_free).unwrap_or_default();
    names.push(name.to_lowercase());
    name
}

/// How numbers and times are shown.
struct Formats {
    zone: TimeZone,
    heading: Format,
    number: Format,
    share: Format,
    time: Format,
    /// By the number of decimals of the currency.
    money: HashMap<u32, Format>,
}

impl Formats {
    fn new(zone: TimeZone) -> Self {
        let shown = |format: &str| Format::new().set_num_format(format);
        Self {
            zone,
            heading: Format::new().set_bold(),
            number: shown("0.0#"),
            share: shown("0.0%"),
            time: shown("yyyy-mm-dd hh:mm"),
            money: [(0, "0"), (2, "0.00"), (3, "0.000")].map(|(exponent, format)| (exponent, shown(format))).into(),
        }
    }
}

fn table_sheet(sheet: &mut Worksheet, table: &Table, formats: &Formats) -> Result<(), XlsxError> {
    let table = FlatTable::of(table);
    sheet.set_freeze_panes(1, 0)?;
    for (column, (name, kind)) in (0u16..).zip(table.columns()) {
        sheet.set_column_width(column, if kind == ColumnKind::Text { 24 } else { 14 })?;
        sheet.write_string_with_format(0, column, name, &formats.heading)?;
    }
    for (row, cells) in (1u32..).zip(table.rows()) {
        for (column, cell) in (0u16..).zip(&cells) {
            write(sheet, (row, column), cell, formats)?;
        }
    }
    Ok(())
}

fn write(sheet: &mut Worksheet, (row, column): (u32, u16), cell: &Cell, formats: &Formats) -> Result<(), XlsxError> {
    match cell {
        Cell::Unknown => {}
        Cell::Text(text) => write_text(sheet, (row, column), text)?,
        Cell::Integer(number) => drop(sheet.write_number(row, column, *number as f64)?),
        Cell::Number(number) => drop(sheet.write_number_with_format(row, column, *number, &formats.number)?),
        Cell::Share(share) => drop(sheet.write_number_with_format(row, column, *share, &formats.share)?),
        Cell::Money(money) => {
            let amount = money.amount_minor as f64 / money.currency.minor_per_major() as f64;
            match formats.money.get(&money.currency.exponent()) {
                Some(format) => drop(sheet.write_number_with_format(row, column, amount, format)?),
                None => drop(sheet.write_number(row, column, amount)?),
            }
        }
        Cell::Time(at) => match excel_time(*at, &formats.zone) {
            Some(time) => drop(sheet.write_datetime_with_format(row, column, &time, &formats.time)?),
            None => drop(sheet.write_string(row, column, at.to_string())?),
        },
        Cell::Flag(is_so) => drop(sheet.write_boolean(row, column, *is_so)?),
    }
    Ok(())
}

/// A text as a string, which is never calculated.
fn write_text(sheet: &mut Worksheet, (row, column): (u32, u16), text: &str) -> Result<(), XlsxError> {
    let fits = text.len() <= MAX_CELL_CHARS || text.chars().count() <= MAX_CELL_CHARS;
    let text = if fits { text.to_owned() } else { text.chars().take(MAX_CELL_CHARS).collect() };
    sheet.write_string(row, column, text).map(drop)
}

/// A time on the clocks of the zone; `None`: a spreadsheet knows no such year.
fn excel_time(at: Timestamp, zone: &TimeZone) -> Option<ExcelDateTime> {
    let local = at.to_zoned(zone.clone()).datetime();
    let unsigned = |value: i8| u8::try_from(value).ok();
    let day =
        ExcelDateTime::from_ymd(u16::try_from(local.year()).ok()?, unsigned(local.month())?, unsigned(local.day())?);
    let (hour, minute) = (u16::try_from(local.hour()).ok()?, unsigned(local.minute())?);
    day.and_then(|day| day.and_hms(hour, minute, f64::from(local.second()))).ok()
}

/// A sheet of lines: the window, the summary, what it rests on, facts of sections, what was left out, and the method.
fn about_sheet(sheet: &mut Worksheet, report: &Report, formats: &Formats) -> Result<(), XlsxError> {
    sheet.set_column_width(0, 60)?;
    sheet.set_column_width(1, 60)?;
    let mut lines = Lines { sheet, formats, row: 0 };
    lines.heading(&report.title)?;
    lines.pair("Window", &window(report))?;
    lines.pair("Made at", &time(report.made_at, &formats.zone))?;
    lines.pair("Times are those of", &report.window.time_zone)?;
    lines.heading("Summary")?;
    report.summary.iter().try_for_each(|line| lines.pair(line, ""))?;
    lines.heading("Coverage")?;
    lines.facts(&report.coverage)?;
    for section in &report.sections {
        let notes = section.blocks.iter().filter(|block| matches!(block, Block::Text { .. } | Block::Facts { .. }));
        let mut notes = notes.peekable();
        if notes.peek().is_some() {
            lines.heading(&section.heading)?;
        }
        for block in notes {
            match block {
                Block::Text { text } => lines.pair(text, "")?,
                Block::Facts { facts } => lines.facts(facts)?,
                Block::Table(_) | Block::Chart(_) => {}
            }
        }
    }
    if !report.exclusions.is_empty() {
        lines.heading("Left out")?;
        report.exclusions.iter().try_for_each(|exclusion| lines.pair(&exclusion.what, &exclusion.reason))?;
    }
    if !report.method.is_empty() {
        lines.heading("Method")?;
        report.method.iter().try_for_each(|line| lines.pair(line, ""))?;
    }
    Ok(())
}

/// Lines of two cells, one below the other.
struct Lines<'s> {
    sheet: &'s mut Worksheet,
    formats: &'s Formats,
    row: u32,
}

impl Lines<'_> {
    fn heading(&mut self, text: &str) -> Result<(), XlsxError> {
        // An empty line above, but not above the first.
        self.row += u32::from(self.row > 0);
        let text: String = text.chars().take(MAX_CELL_CHARS).collect();
        self.sheet.write_string_with_format(self.row, 0, text, &self.formats.heading)?;
        self.row += 1;
        Ok(())
    }

    fn pair(&mut self, name: &str, value: &str) -> Result<(), XlsxError> {
        write_text(self.sheet, (self.row, 0), name)?;
        write_text(self.sheet, (self.row, 1), value)?;
        self.row += 1;
        Ok(())
    }

    /// Amounts have their currency here, so they are texts; other numbers are numbers.
    fn facts(&mut self, facts: &[Fact]) -> Result<(), XlsxError> {
        for fact in facts {
            write_text(self.sheet, (self.row, 0), &fact.name)?;
            match &fact.value {
                Cell::Money(_) => write_text(self.sheet, (self.row, 1), &cell_text(&fact.value, &self.formats.zone))?,
                other => write(self.sheet, (self.row, 1), other, self.formats)?,
            }
            self.row += 1;
        }
        Ok(())
    }
}

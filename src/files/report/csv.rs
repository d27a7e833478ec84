//! One table of a report as comma-separated values. Several tables, one below the other, are no file that a program reads: so a file has
//! the main table of the report, or that of another section.

use super::error::ReportRenderError;
use super::flat_table::FlatTable;
use crate::files::table_writer::{Cell as FileCell, csv_row};
use crate::insight::report::{Cell, Report, Section};

/// The column of a report without a main table.
const NOTE: &str = "Note";

/// The table of a section as CSV, by the id of the section; `None`: the main table. Amounts are in the main unit of the currency that the
/// column `Currency` names, shares are parts of 1, times are in UTC. If there is no main table, as
/// in a report without data, it is the summary.
///
/// # Errors
/// [`ReportRenderError::NoTable`]
pub fn render_csv(report: &Report, section: Option<&str>) -> Result<Vec<u8>, ReportRenderError> {
    let mut out = Vec::new();
    let id = section.unwrap_or(&report.main_section);
    let table = report.sections.iter().find(|section| section.id == id).and_then(Section::table);
    let Some(table) = table else {
        if section.is_some() {
            return Err(ReportRenderError::NoTable(id.to_owned()));
        }
        csv_row(&[FileCell::text(NOTE)], &mut out);
        report.summary.iter().for_each(|line| csv_row(&[FileCell::text(line.as_str())], &mut out));
        return Ok(out);
    };
    let table = FlatTable::of(table);
    let header: Vec<FileCell<'_>> = table.columns().into_iter().map(|(name, _)| FileCell::text(name)).collect();
    csv_row(&header, &mut out);
    for row in table.rows() {
        csv_row(&row.iter().map(|cell| file_cell(cell)).collect::<Vec<_>>(), &mut out);
    }
    Ok(out)
}

/// The ids of the sections with a table, which [`render_csv`] takes.
pub fn csv_sections(report: &Report) -> Vec<&str> {
    report.sections.iter().filter(|section| section.table().is_some()).map(|section| section.id.as_str()).collect()
}

fn file_cell(cell: &Cell) -> FileCell<'_> {
    match cell {
        Cell::Unknown => FileCell::Empty,
        Cell::Text(text) => FileCell::text(text.as_str()),
        Cell::Integer(number) => FileCell::Integer(*number),
        Cell::Number(number) | Cell::Share(number) => FileCell::Decimal(number.to_string()),
        Cell::Money(money) => FileCell::Decimal(money.decimal()),
        Cell::Time(time) => FileCell::Time(*time),
        Cell::Flag(is_so) => FileCell::Bool(*is_so),
    }
}

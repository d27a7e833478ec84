//! Writes tables row by row: CSV, JSON, JSON lines, and spreadsheets.

use std::borrow::Cow;

use csv_core::{WriteResult, Writer};
use jiff::Timestamp;
use rust_xlsxwriter::{Workbook, XlsxError};
use serde_json::{Map, Number, Value};
use strum::EnumString;

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'c> {
    /// Nothing: not known, or known to be none.
    Empty,
    /// A text.
    Text(Cow<'c, str>),
    /// A count, a rank.
    Integer(i64),
    /// A number with a decimal point, such as an amount in the main unit of its currency.
    Decimal(String),
    /// Yes or no.
    Bool(bool),
    /// A time, written in UTC (RFC 3339).
    Time(Timestamp),
}

impl<'c> Cell<'c> {
    /// A text.
    pub fn text(text: impl Into<Cow<'c, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A cell for a value that may be missing.
    pub fn option<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }
}

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "lowercase", parse_err_ty = TableFormatError, parse_err_fn = TableFormatError::of)]
pub enum TableFormat {
    /// Comma-separated values (RFC 4180) with a header, in UTF-8.
    Csv,
    /// A JSON object per line.
    Ndjson,
    /// A JSON array of objects.
    Json,
    /// A spreadsheet of Office Open XML.
    Xlsx,
}

/// The text is not a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; valid formats: csv, ndjson, json, xlsx")]
pub struct TableFormatError(String);

impl TableFormatError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl TableFormat {
    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The ending of a file name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Rows of a spreadsheet, without its header.
pub const MAX_SPREADSHEET_ROWS: u32 = 1_048_575;

/// Why a table cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A spreadsheet ends at so many rows.
    #[error("a spreadsheet has at most {MAX_SPREADSHEET_ROWS} rows; use csv")]
    TooManyRows,
    /// The temporary file of a spreadsheet, or a text that is too long for it.
    #[error("the spreadsheet cannot be written: {0}")]
    Spreadsheet(#[from] XlsxError),
}

/// Writes a table in one of the formats. A spreadsheet is written as a whole at its end, all others row by row.
pub struct TableWriter {
    columns: &'static [&'static str],
    kind: Kind,
    rows: u32,
}

enum Kind {
    Csv,
    Ndjson,
    Json,
    Xlsx(Box<Workbook>),
}

impl TableWriter {
    /// A table with these columns, whose header is added to `out`.
    ///
    /// # Errors
    /// [`TableError::Spreadsheet`]
    pub fn begin(format: TableFormat, columns: &'static [&'static str], out: &mut Vec<u8>) -> Result<Self, TableError> {
        let header: Vec<Cell<'_>> = columns.iter().map(|column| Cell::text(*column)).collect();
        let kind = match format {
            TableFormat::Csv => {
                csv_row(&header, out);
                Kind::Csv
            }
            TableFormat::Ndjson => Kind::Ndjson,
            TableFormat::Json => {
                out.push(b'[');
                Kind::Json
            }
            TableFormat::Xlsx => {
                let mut workbook = Box::new(Workbook::new());
                let sheet = workbook.add_worksheet_with_constant_memory();
                for (column, name) in (0u16..).zip(columns) {
                    sheet.write_string(0, column, *name)?;
                }
                Kind::Xlsx(workbook)
            }
        };
        Ok(Self { columns, kind, rows: 0 })
    }

    /// Goes on with a table that has its header and so many rows; `None`: a spreadsheet is written as a whole.
    pub fn resume(format: TableFormat, columns: &'static [&'static str], rows: u32) -> Option<Self> {
        let kind = match format {
            TableFormat::Csv => Kind::Csv,
            TableFormat::Ndjson => Kind::Ndjson,
            TableFormat::Json => Kind::Json,
            TableFormat::Xlsx => return None,
        };
        Some(Self { columns, kind, rows })
    }

    /// Rows so far.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds a row, with a cell for each column.
    ///
    /// # Errors
    /// [`TableError`]
    pub fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), TableError> {
        match &mut self.kind {
            Kind::Csv => csv_row(cells, out),
            Kind::Ndjson => {
                json_row(self.columns, cells, out);
                out.push(b'\n');
            }
            Kind::Json => {
                out.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
                json_row(self.columns, cells, out);
            }
            Kind::Xlsx(workbook) => {
                if self.rows >= MAX_SPREADSHEET_ROWS {
                    return Err(TableError::TooManyRows);
                }
                sheet_row(workbook, self.rows + 1, cells)?;
            }
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// Adds the end of the table. Of a spreadsheet, this is all of it, and takes a while.
    ///
    /// # Errors
    /// [`TableError::Spreadsheet`]
    pub fn end(self, out: &mut Vec<u8>) -> Result<(), TableError> {
        match self.kind {
            Kind::Csv | Kind::Ndjson => {}
            Kind::Json => out.extend_from_slice(b"\n]\n"),
            Kind::Xlsx(mut workbook) => out.extend(workbook.save_to_buffer()?),
        }
        Ok(())
    }
}

/// A row of comma-separated values. Texts that a spreadsheet would calculate are guarded.
pub(super) fn csv_row(cells: &[Cell<'_>], out: &mut Vec<u8>) {
    let mut writer = Writer::new();
    for (n, cell) in cells.iter().enumerate() {
        if n > 0 {
            emit(out, |buffer| writer.delimiter(buffer));
        }
        let text = csv_text(cell);
        let mut rest = text.as_bytes();
        let mut buffer = [0; 256];
        loop {
            let (result, read, written) = writer.field(rest, &mut buffer);
            rest = &rest[read..];
            out.extend_from_slice(&buffer[..written]);
            if result == WriteResult::InputEmpty {
                break;
            }
        }
    }
    emit(out, |buffer| writer.terminator(buffer));
}

/// What the writer puts between two cells or two rows: a few bytes.
fn emit(out: &mut Vec<u8>, mut write: impl FnMut(&mut [u8]) -> (WriteResult, usize)) {
    let mut buffer = [0; 8];
    let (_, written) = write(&mut buffer);
    out.extend_from_slice(&buffer[..written]);
}

fn csv_text<'c>(cell: &'c Cell<'_>) -> Cow<'c, str> {
    match cell {
        Cell::Empty => "".into(),
        Cell::Text(text) => guarded(text),
        Cell::Integer(number) => number.to_string().into(),
        Cell::Decimal(number) => number.into(),
        Cell::Bool(is_so) => is_so.to_string().into(),
        Cell::Time(time) => time.to_string().into(),
    }
}

/// A text that a spreadsheet would calculate gets an apostrophe in front: it is shown as it is (OWASP, CSV injection).
fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}").into() } else { text.into() }
}

fn json_row(columns: &[&str], cells: &[Cell<'_>], out: &mut Vec<u8>) {
    let value = |cell: &Cell<'_>| match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => Value::String(text.to_string()),
        Cell::Integer(number) => Value::from(*number),
        Cell::Decimal(text) => text.parse().map_or(Value::Null, |number: Number| Value::Number(number)),
        Cell::Bool(is_so) => Value::Bool(*is_so),
        Cell::Time(time) => Value::String(time.to_string()),
    };
    let object: Map<String, Value> =
        columns.iter().zip(cells).map(|(column, cell)| ((*column).to_owned(), value(cell))).collect();
    // Maps with texts as keys always serialize.
    out.extend(serde_json::to_vec(&object).unwrap_or_default());
}

fn sheet_row(workbook: &mut Workbook, row: u32, cells: &[Cell<'_>]) -> Result<(), XlsxError> {
    let sheet = workbook.worksheet_from_index(0)?;
    for (column, cell) in (0u16..).zip(cells) {
        match cell {
            Cell::Empty => {}
            // As text, whatever it begins with.
            Cell::Text(text) => drop(sheet.write_string(row, column, &**text)?),
            Cell::Integer(number) => drop(sheet.write_number(row, column, *number as f64)?),
            Cell::Decimal(text) => match text.parse::<f64>() {
                Ok(number) => drop(sheet.write_number(row, column, number)?),
                Err(_) => drop(sheet.write_string(row, column, text)?),
            },
            Cell::Bool(is_so) => drop(sheet.write_boolean(row, column, *is_so)?),
            Cell::Time(time) => drop(sheet.write_string(row, column, time.to_string())?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["text", "count", "price", "is_new", "at"];

    fn rows() -> Vec<Vec<Cell<'static>>> {
        let at: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        vec![
            vec![
                Cell::text("a \"b\", c"),
                Cell::Integer(-3),
                Cell::Decimal("9.90".into()),
                Cell::Bool(true),
                Cell::Time(at),
            ],
            vec![Cell::text("=1+1"), Cell::Empty, Cell::Decimal("-0.5".into()), Cell::Bool(false), Cell::Empty],
        ]
    }

    fn written(format: TableFormat) -> Vec<u8> {
        let mut out = Vec::new();
        let mut table = TableWriter::begin(format, COLUMNS, &mut out).unwrap();
        for row in rows() {
            table.row(&row, &mut out).unwrap();
        }
        table.end(&mut out).unwrap();
        out
    }

    #[test]
    fn csv_is_quoted_and_cannot_be_calculated() {
        let expected =
            "text,count,price,is_new,at\n\"a \"\"b\"\", c\",-3,9.90,true,2026-01-15T12:00:00Z\n'=1+1,,-0.5,false,\n";
        assert_eq!(String::from_utf8(written(TableFormat::Csv)).unwrap(), expected);
        for text in ["=x", "+x", "-x", "@x", "\tx"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        assert_eq!(guarded("x=1"), "x=1");
    }

    #[test]
    fn json_keeps_numbers_and_texts_apart() {
        let lines = String::from_utf8(written(TableFormat::Ndjson)).unwrap();
        let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let first = serde_json::json!({
            "text": "a \"b\", c", "count": -3, "price": 9.90, "is_new": true, "at": "2026-01-15T12:00:00Z"
        });
        assert_eq!(rows[0], first);
        assert_eq!((&rows[1]["text"], &rows[1]["count"]), (&Value::from("=1+1"), &Value::Null));
        let whole: Vec<Value> = serde_json::from_slice(&written(TableFormat::Json)).unwrap();
        assert_eq!(whole, rows);
        let mut out = Vec::new();
        TableWriter::begin(TableFormat::Json, COLUMNS, &mut out).unwrap().end(&mut out).unwrap();
        assert_eq!(serde_json::from_slice::<Vec<Value>>(&out).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn in_a_spreadsheet_texts_are_no_formulas_and_numbers_are_numbers() {
        use calamine::{Data, Reader, Xlsx};
        let mut workbook: Xlsx<_> =
            calamine::open_workbook_from_rs(std::io::Cursor::new(written(TableFormat::Xlsx))).unwrap();
        let (formulas, cells) =
            (workbook.worksheet_formula("Sheet1").unwrap(), workbook.worksheet_range("Sheet1").unwrap());
        assert!(formulas.is_empty());
        let cell = |row, column| cells.get_value((row, column)).cloned().unwrap_or(Data::Empty);
        let text = |text: &str| Data::String(text.to_owned());
        assert_eq!([cell(0, 0), cell(0, 4)], [text("text"), text("at")]);
        assert_eq!([cell(1, 1), cell(1, 2), cell(1, 3)], [Data::Float(-3.0), Data::Float(9.9), Data::Bool(true)]);
        assert_eq!([cell(2, 0), cell(2, 1), cell(2, 2)], [text("=1+1"), Data::Empty, Data::Float(-0.5)]);
    }

    #[test]
    fn an_export_can_be_imported_again() {
        let mut out = Vec::new();
        let mut table = TableWriter::begin(TableFormat::Csv, &["asin", "marketplace", "label"], &mut out).unwrap();
        table.row(&[Cell::text("B07FZ8S74R"), Cell::text("de"), Cell::text("=A \"1\"\nB")], &mut out).unwrap();
        table.end(&mut out).unwrap();
        let (mut reader, mut lines) = (crate::files::ImportReader::default(), Vec::new());
        reader.push(&out, &mut lines).unwrap();
        reader.finish(&mut lines).unwrap();
        let line = lines.remove(0).content.unwrap();
        assert_eq!((line.listing.as_str(), line.label.as_deref()), ("B07FZ8S74R", Some("=A \"1\"\nB")));
    }
}

//! The document that every format of a report is made from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Money, ReportWindow};

/// A report: what it is about, what it rests on, and its sections. It is stored as JSON and rendered when it is downloaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One line for people, without the window.
    pub title: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The time that it covers.
    pub window: ReportWindow,
    /// How many products there are, and of how many of them what was known.
    pub coverage: Vec<Fact>,
    /// What matters most, as sentences.
    pub summary: Vec<String>,
    /// The tables and charts. None: there is no data, and the summary says so.
    pub sections: Vec<Section>,
    /// The id of the section whose table a file for one table holds, unless another is asked for.
    pub main_section: String,
    /// What was left out, and why.
    pub exclusions: Vec<ReportExclusion>,
    /// How the values were computed.
    pub method: Vec<String>,
}

impl Report {
    /// False if nothing is known of the window.
    pub fn has_data(&self) -> bool {
        !self.sections.is_empty()
    }
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: Cell,
}

impl Fact {
    /// A value with its name.
    pub fn new(name: impl Into<String>, value: Cell) -> Self {
        Self { name: name.into(), value }
    }
}

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportExclusion {
    /// What was left out.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// A part of a report under one heading. It has at most one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Unique in the report, lower case with underscores: names its CSV file and its sheet.
    pub id: String,
    /// Its heading.
    pub heading: String,
    /// What it shows, in order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section under a heading.
    pub fn new(id: &str, heading: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { id: id.to_owned(), heading: heading.into(), blocks }
    }

    /// Its table.
    pub fn table(&self) -> Option<&Table> {
        self.blocks.iter().find_map(|block| match block {
            Block::Table(table) => Some(table),
            Block::Text { .. } | Block::Facts { .. } | Block::Chart(_) => None,
        })
    }
}

/// What a section shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// A paragraph.
    Text {
        /// Its text.
        text: String,
    },
    /// Names with values.
    Facts {
        /// The facts.
        facts: Vec<Fact>,
    },
    /// A table.
    Table(Table),
    /// A chart of steps over time.
    Chart(Chart),
}

impl Block {
    /// A paragraph.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with a cell for every column. All amounts of money of a row are in one currency.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new(columns: &[(&str, ColumnKind)]) -> Self {
        let column = |(name, kind): &(&str, ColumnKind)| Column { name: (*name).to_owned(), kind: *kind };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its heading, unique in the table.
    pub name: String,
    /// What most of its cells are.
    pub kind: ColumnKind,
}

/// What most cells of a column are. Any cell may be in any column; files whose cells have no units get a column for the currency if a
/// column is of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Texts, times, yes or no.
    Text,
    /// Numbers and shares.
    Number,
    /// Amounts of money.
    Money,
}

/// A value. Texts are never formulas: every format keeps them as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Cell {
    /// Not known, or not applicable: an empty cell.
    Unknown,
    /// A text, possibly of a listing.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number, shown with one or two digits after the decimal point.
    Number(f64),
    /// A share or a change relative to something, 1 is all of it; shown in percent.
    Share(f64),
    /// An amount of money.
    Money(Money),
    /// A time, shown in the time zone of the report.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A cell for a value that may be missing.
    pub fn option<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Unknown, cell)
    }

    /// A number with two digits after the decimal point, zero without a sign; unknown if it is none.
    pub fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number((number * 100.0).round() / 100.0 + 0.0) } else { Self::Unknown }
    }

    /// A share with four digits after the decimal point, zero without a sign; unknown if it is none.
    pub fn share(share: f64) -> Self {
        if share.is_finite() { Self::Share((share * 10_000.0).round() / 10_000.0 + 0.0) } else { Self::Unknown }
    }
}

/// Lines over time, each a step function: a value holds until the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The unit of its values, such as `EUR`.
    pub unit: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// From when on which value holds; `None`: nothing is known, a gap.
    pub steps: Vec<(Timestamp, Option<f64>)>,
}

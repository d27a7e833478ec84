//! The document that every format of a report is made from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::Money;

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
    /// The tables and charts; empty sections say that there is no data.
    pub sections: Vec<Section>,
    /// What was left out, and why.
    pub exclusions: Vec<ReportExclusion>,
    /// How the values were computed.
    pub method: Vec<String>,
}

/// The time that a report covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportWindow {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, which it does not include.
    pub to: Timestamp,
    /// The time zone of its days, by its IANA name.
    pub time_zone: String,
    /// Its name for people, such as `week 47 of 2026 (16–22 November)`.
    pub name: String,
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: Cell,
}

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportExclusion {
    /// What was left out.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// A part of a report under one heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Unique in the report, lower case with underscores: names its CSV file and its sheet.
    pub id: String,
    /// Its heading.
    pub heading: String,
    /// What it shows, in order.
    pub blocks: Vec<Block>,
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

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<String>,
    /// Its rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
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
    /// A number, shown with one or two digits after the decimal point.
    Number(f64),
    /// A share, 0–1, shown in percent.
    Share(f64),
    /// An amount of money.
    Money(Money),
    /// A time, shown in the time zone of the report.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
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

//! Reports as documents: what they say is decided here, how a format looks in `files`.

mod document;

pub use document::{Block, Cell, Chart, Fact, Line, Report, ReportExclusion, ReportWindow, Section, Table};

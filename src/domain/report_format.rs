//! The formats of a report, with their media types and file endings.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// A format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = ReportFormatError, parse_err_fn = ReportFormatError::of)]
pub enum ReportFormat {
    /// The document as it is.
    Json,
    /// Markdown with tables, as GitHub reads it.
    #[serde(alias = "md")]
    #[strum(to_string = "markdown", serialize = "md")]
    Markdown,
    /// A page of one file, which refers to nothing outside of itself.
    Html,
    /// One table as comma-separated values.
    Csv,
    /// A spreadsheet with a sheet for each table.
    Xlsx,
}

/// The text is not a format of a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; valid formats: json, markdown, html, csv, xlsx")]
pub struct ReportFormatError(String);

impl ReportFormatError {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl ReportFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Json, Self::Markdown, Self::Html, Self::Csv, Self::Xlsx];

    /// The name used in requests.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The ending of a file name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

//! A line of a file.

use crate::domain::ImportLine;

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// Its number, from 1 on. That of its first line if a quoted cell has several.
    pub number: u32,
    /// What it says, or why it cannot be read.
    pub content: Result<ImportLine, String>,
}
